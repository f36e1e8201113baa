-- Who is who: parties that may be the same, whoever typed them.
--
-- Candidates are found by indexes: names that share trigrams, the date of birth, the telephone number.
-- What is found is then compared part by part. Likeness is reported with what it rests on and decides
-- nothing: parties are never merged, for their loans, ledgers and histories would be mixed for good.

create function @book@._plain(text text) returns text
    language sql immutable parallel safe
    return lower(replace(replace(translate(
        regexp_replace(normalize(text, nfkd), U&'[\0300-\036F]', '', 'g'),
        'øØłŁđĐıİ', 'oOlLdDiI'), 'ß', 'ss'), 'æ', 'ae'));
comment on function @book@._plain(text) is 'A text in small letters without accents.';

create function @book@._name_key(name text, given_name text) returns text
    language sql immutable parallel safe
    return @book@._plain(coalesce(given_name || ' ', '') || name);
comment on function @book@._name_key(text, text) is 'A name as names are compared.';

create function @book@._phone_key(number text) returns text
    language sql immutable parallel safe
    return nullif(right(regexp_replace(number, '\D', '', 'g'), 8), '');
comment on function @book@._phone_key(text) is
'The last eight digits of a telephone number: what remains the same with and without the country.';

create function @book@._birth_key(born_on date) returns text
    language sql immutable parallel safe
    return extract(year from born_on)
        || '-' || least(extract(month from born_on), extract(day from born_on))
        || '-' || greatest(extract(month from born_on), extract(day from born_on));
comment on function @book@._birth_key(date) is 'A date of birth, the same when day and month are exchanged.';

-- Kept with the party: making it takes longer than comparing it.
alter table @book@.party add name_key text not null generated always as (@book@._name_key(name, given_name)) stored;
comment on column @book@.party.name_key is 'The name as names are compared: in small letters, without accents.';
create index party_name_trigrams on @book@.party using gin (name_key gin_trgm_ops);
create index party_birth_key on @book@.party (@book@._birth_key(born_on)) where born_on is not null;
create index party_contact_phone_key on @book@.party_contact (@book@._phone_key(value)) where kind = 'phone';

create table @book@.match_weight (
    only_row boolean primary key default true check (only_row),
    name numeric not null default 0.5 check (name > 0),
    born_on numeric not null default 0.25 check (born_on >= 0),
    phone numeric not null default 0.15 check (phone >= 0),
    address numeric not null default 0.1 check (address >= 0)
);
comment on table @book@.match_weight is 'How much each part counts when parties are compared: one row.';
comment on column @book@.match_weight.only_row is 'True: there is one row.';
comment on column @book@.match_weight.name is 'The name.';
comment on column @book@.match_weight.born_on is 'The date of birth.';
comment on column @book@.match_weight.phone is 'Telephone numbers.';
comment on column @book@.match_weight.address is 'Addresses.';
insert into @book@.match_weight default values;

create function @book@._birth_similarity(a date, b date) returns numeric
    language sql immutable parallel safe
    return case
        when a = b then 1
        when @book@._birth_key(a) = @book@._birth_key(b) then 0.9
        when abs(a - b) = 1 then 0.8
        when (extract(year from a) = extract(year from b))::integer
            + (extract(month from a) = extract(month from b))::integer
            + (extract(day from a) = extract(day from b))::integer = 2 then 0.7
        when a is not null and b is not null then 0
    end;
comment on function @book@._birth_similarity(date, date) is
'How alike two dates of birth are: 1 the same, 0.9 day and month exchanged, 0.8 a day apart, 0.7 one of year, month and day different, else 0; NULL when one is not known.';

create function @book@._text_similarity(a text[], b text[]) returns numeric
    language plpgsql immutable parallel safe as $$
begin
    return (
        select round(max(loan_engine.name_similarity(one, other))::numeric, 3)
        from unnest(a) as one cross join unnest(b) as other);
end $$;
comment on function @book@._text_similarity(text[], text[]) is
'How alike the two most alike of some texts are; NULL when there are none on one side.';

create function @book@._match_reasons(
    a_name text, b_name text, a_born date, b_born date,
    a_phones text[], b_phones text[], a_addresses text[], b_addresses text[]
) returns jsonb language sql immutable parallel safe
    return jsonb_strip_nulls(jsonb_build_object(
        'name', @book@._text_similarity(array[a_name], array[b_name]),
        'born_on', @book@._birth_similarity(a_born, b_born),
        'phone', case when a_phones is not null and b_phones is not null then (a_phones && b_phones)::integer end,
        'address', @book@._text_similarity(a_addresses, b_addresses)));
comment on function @book@._match_reasons(text, text, date, date, text[], text[], text[], text[]) is
'How alike each part of two parties is, from 0 to 1, of those both have.';

-- What only one of the two has speaks neither for nor against: it counts half.
create function @book@._match_score(
    reasons jsonb, has_birth boolean, has_phone boolean, has_address boolean, weights @book@.match_weight
) returns numeric language sql immutable parallel safe
    return round((
            weights.name * (reasons ->> 'name')::numeric
            + case when has_birth then weights.born_on * coalesce((reasons ->> 'born_on')::numeric, 0.5) else 0 end
            + case when has_phone then weights.phone * coalesce((reasons ->> 'phone')::numeric, 0.5) else 0 end
            + case when has_address then weights.address * coalesce((reasons ->> 'address')::numeric, 0.5) else 0 end
        ) / (
            weights.name
            + case when has_birth then weights.born_on else 0 end
            + case when has_phone then weights.phone else 0 end
            + case when has_address then weights.address else 0 end), 3);
comment on function @book@._match_score(jsonb, boolean, boolean, boolean, @book@.match_weight) is
'How alike two parties are: the average of the parts by their weights.';

create function @book@._match_profiles(parties uuid[])
    returns table (party_id uuid, party_no text, name_key text, born_on date, phones text[], addresses text[])
    language sql stable rows 10000 as $$
    select p.id, p.party_no, p.name_key, p.born_on,
        array_agg(@book@._phone_key(c.value)) filter (where c.kind = 'phone'),
        array_agg(@book@._plain(c.value)) filter (where c.kind = 'address')
    from @book@.party as p
    left join @book@.party_contact as c on c.party_id = p.id
    where p.id = any (parties)
    group by p.id
$$;
comment on function @book@._match_profiles(uuid[]) is 'What of parties is compared.';

-- A body that is bound when it is made finds the operators of pg_trgm wherever they are installed.
create function @book@._match_candidates(name_key text, born_on date, phone_key text, legal_entity_id uuid)
    returns table (party_id uuid)
    language sql stable
    begin atomic
    (
        select p.id
        from @book@.party as p
        where p.name_key % _match_candidates.name_key
            and (_match_candidates.legal_entity_id is null or p.legal_entity_id = _match_candidates.legal_entity_id)
        order by similarity(p.name_key, _match_candidates.name_key) desc, p.id
        limit 200
    )
    union
    (
        select p.id
        from @book@.party as p
        where p.born_on is not null and @book@._birth_key(p.born_on) = @book@._birth_key(_match_candidates.born_on)
            and (_match_candidates.legal_entity_id is null or p.legal_entity_id = _match_candidates.legal_entity_id)
        limit 1000
    )
    union
    (
        select c.party_id
        from @book@.party_contact as c
        join @book@.party as p on p.id = c.party_id
        where c.kind = 'phone' and @book@._phone_key(c.value) = _match_candidates.phone_key
            and (_match_candidates.legal_entity_id is null or p.legal_entity_id = _match_candidates.legal_entity_id)
        limit 200
    );
    end;
comment on function @book@._match_candidates(text, date, text, uuid) is
'Parties worth comparing: the 200 whose names share the most trigrams, and those of the same date of birth or telephone number.';

create function @book@.match_parties(
    name text, given_name text default null, born_on date default null, phone text default null,
    address text default null, threshold numeric default 0.75, legal_entity_id uuid default null,
    most integer default 20
) returns table (party_id uuid, party_no text, score numeric, reasons jsonb)
language plpgsql stable as $$
#variable_conflict use_column
declare
    asked_name text := @book@._name_key(match_parties.name, match_parties.given_name);
    asked_phones text[] := array_remove(array[@book@._phone_key(match_parties.phone)], null);
    asked_addresses text[] := array_remove(array[@book@._plain(match_parties.address)], null);
begin
    if match_parties.name is null or trim(match_parties.name) = '' then
        raise exception using errcode = '22004', message = 'a name to match is not given',
            hint = 'Give the family name or the name of the company, and what else is known.';
    elsif threshold is null or threshold not between 0 and 1 then
        raise exception using errcode = '22023', message = format('threshold %s is not between 0 and 1', threshold),
            hint = 'Give 0.75 for parties that may be the same, 0.9 for those that most likely are.';
    end if;
    return query
    select m.party_id, m.party_no, s.score, r.reasons
    from @book@.match_weight as w
    cross join @book@._match_profiles(array(
        select c.party_id
        from @book@._match_candidates(
            asked_name, match_parties.born_on, asked_phones[1], match_parties.legal_entity_id) as c)) as m
    cross join lateral (
        select @book@._match_reasons(asked_name, m.name_key, match_parties.born_on, m.born_on,
            nullif(asked_phones, '{}'), m.phones, asked_addresses, m.addresses) as reasons
    ) as r
    cross join lateral (
        select @book@._match_score(r.reasons, match_parties.born_on is not null, asked_phones <> '{}',
            asked_addresses <> '{}', w) as score
    ) as s
    where s.score >= threshold
    order by s.score desc, m.party_no, m.party_id
    limit most;
end $$;
comment on function @book@.match_parties(text, text, date, text, text, numeric, uuid, integer) is
'Parties like one that is described, best first, with a score from 0 to 1 and how alike each part is: names whatever the order of words and with letters transposed, dates of birth also with day and month exchanged, telephone numbers by their last eight digits, addresses by their words. What is known of the one and not of the candidate counts half.';

create table @book@.party_duplicate (
    party_id uuid not null references @book@.party,
    other_id uuid not null references @book@.party,
    score numeric not null check (score between 0 and 1),
    reasons jsonb not null,
    found_on date not null default @book@.business_date(),
    verdict text check (verdict in ('same', 'different')),
    judged_by text,
    judged_on date,
    primary key (party_id, other_id),
    check (party_id < other_id),
    check (num_nonnulls(verdict, judged_by, judged_on) in (0, 3))
);
create index on @book@.party_duplicate (other_id);
comment on table @book@.party_duplicate is
'Parties that may be the same, as find_duplicates reported them, and what someone found who looked.';
comment on column @book@.party_duplicate.party_id is 'The one.';
comment on column @book@.party_duplicate.other_id is 'The other.';
comment on column @book@.party_duplicate.score is 'How alike they are, from 0 to 1.';
comment on column @book@.party_duplicate.reasons is 'How alike each part is.';
comment on column @book@.party_duplicate.found_on is 'The business date on which they were reported first.';
comment on column @book@.party_duplicate.verdict is 'Same or different, as someone found; NULL while nobody looked.';
comment on column @book@.party_duplicate.judged_by is 'Who looked.';
comment on column @book@.party_duplicate.judged_on is 'The business date on which they did.';

-- Pairs are looked for among those who share a key: nobody is compared with everybody. A key that very
-- many share tells nothing and is passed over; others of theirs still find them.
create function @book@._duplicate_pairs(legal_entity_id uuid)
    returns table (party_id uuid, other_id uuid)
    language sql stable rows 500000 as $$
    with keyed as (
        select p.id, 'b' || @book@._birth_key(p.born_on) as key
        from @book@.party as p
        where p.born_on is not null
            and (_duplicate_pairs.legal_entity_id is null or p.legal_entity_id = _duplicate_pairs.legal_entity_id)
        union all
        select p.id, 'n' || (
            select string_agg(letter, '' order by letter)
            from regexp_split_to_table(translate(p.name_key, 'aeiouy -.,''', ''), '') as letter)
        from @book@.party as p
        where _duplicate_pairs.legal_entity_id is null or p.legal_entity_id = _duplicate_pairs.legal_entity_id
        union all
        select p.id, 'p' || @book@._phone_key(c.value)
        from @book@.party_contact as c
        join @book@.party as p on p.id = c.party_id
        where c.kind = 'phone'
            and (_duplicate_pairs.legal_entity_id is null or p.legal_entity_id = _duplicate_pairs.legal_entity_id)
    ), counted as materialized (
        select k.id, k.key, count(*) over (partition by k.key) as sharers from keyed as k where k.key is not null
    )
    select distinct a.id, b.id
    from counted as a
    join counted as b on b.key = a.key and b.id > a.id
    where a.sharers between 2 and 250 and b.sharers between 2 and 250
$$;
comment on function @book@._duplicate_pairs(uuid) is
'Pairs of parties that share a date of birth, the consonants of their name or a telephone number, with no more than 250 sharing it.';

create function @book@.find_duplicates(threshold numeric default 0.85, legal_entity_id uuid default null)
    returns table (party_id uuid, other_id uuid, score numeric, reasons jsonb)
    language plpgsql as $$
#variable_conflict use_column
begin
    if threshold is null or threshold not between 0 and 1 then
        raise exception using errcode = '22023', message = format('threshold %s is not between 0 and 1', threshold),
            hint = 'Give 0.85 for parties to look at, 0.95 for those that most likely are the same.';
    end if;
    return query
    with named as materialized (
        -- Names first: most pairs of one birthday end here.
        select d.party_id, d.other_id
        from @book@._duplicate_pairs(find_duplicates.legal_entity_id) as d
        join @book@.party as p on p.id = d.party_id
        join @book@.party as o on o.id = d.other_id and o.legal_entity_id = p.legal_entity_id
        where loan_engine.name_similarity(p.name_key, o.name_key) >= 0.6
    ), profile as materialized (
        select f.* from @book@._match_profiles(array(select party_id from named union select other_id from named)) as f
    ), compared as (
        select n.party_id, n.other_id, r.reasons, @book@._match_score(r.reasons,
            a.born_on is not null or b.born_on is not null, a.phones is not null or b.phones is not null,
            a.addresses is not null or b.addresses is not null, w) as score
        from named as n
        join profile as a on a.party_id = n.party_id
        join profile as b on b.party_id = n.other_id
        cross join @book@.match_weight as w
        cross join lateral (
            select @book@._match_reasons(a.name_key, b.name_key, a.born_on, b.born_on, a.phones, b.phones,
                a.addresses, b.addresses) as reasons
        ) as r
    ), reported as (
        insert into @book@.party_duplicate as d (party_id, other_id, score, reasons)
        select c.party_id, c.other_id, c.score, c.reasons from compared as c where c.score >= threshold
        on conflict on constraint party_duplicate_pkey do update set score = excluded.score, reasons = excluded.reasons
        returning d.party_id, d.other_id, d.score, d.reasons, d.verdict
    )
    select r.party_id, r.other_id, r.score, r.reasons
    from reported as r
    where r.verdict is null
    order by r.score desc, r.party_id, r.other_id;
end $$;
comment on function @book@.find_duplicates(numeric, uuid) is
'Looks for parties of one legal entity that may be the same, keeps them in party_duplicate and returns those nobody has judged, most alike first. Nothing is merged.';

create function @book@.judge_duplicate(party_id uuid, other_id uuid, verdict text) returns void
    language plpgsql as $$
begin
    perform @book@._authorise('judge_duplicate');
    update @book@.party_duplicate as d
    set verdict = judge_duplicate.verdict, judged_by = @book@.actor(), judged_on = @book@.business_date()
    where d.party_id = least(judge_duplicate.party_id, judge_duplicate.other_id)
        and d.other_id = greatest(judge_duplicate.party_id, judge_duplicate.other_id);
    if not found then
        raise exception using errcode = 'LN208', message = 'these parties were not reported as alike',
            detail = format('Parties %s and %s.', party_id, other_id),
            hint = 'The table party_duplicate lists those that were.';
    end if;
end $$;
comment on function @book@.judge_duplicate(uuid, uuid, text) is
'Notes that two parties are the same or different, so that they are not reported again; nothing else changes.';
