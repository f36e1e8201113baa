-- Concentration: how much is lent by product, borrower, branch or whatever else, and limits to it.
--
-- Payments and prices write nothing here. What loans add up to was summed by the events up to a cursor;
-- whoever asks adds what the loans with later events changed since, so the answer is exact at any time
-- and costs what happened since it was last kept. Limits are looked at when a transaction that lends
-- commits: one transaction at a time, and by what it and all before it came to.

create table @book@.exposure_dimension (
    name text primary key check (name ~ '^[a-z][a-z_]*$'),
    description text not null,
    query text not null
);
comment on table @book@.exposure_dimension is 'What loans are summed by. After a change call run_exposure(anew => true).';
comment on column @book@.exposure_dimension.name is 'Its name.';
comment on column @book@.exposure_dimension.description is 'What it tells.';
comment on column @book@.exposure_dimension.query is
'A query over the loans in $1 for loan_id, key and the share of the loan that is of this key, which sum to 1; none for loans that are not summed.';
insert into @book@.exposure_dimension values
    ('product', 'What is lent.',
    'select l.id, p.code, 1
        from @book@.loan as l join @book@.product as p on p.id = l.product_id where l.id = any ($1)'),
    ('borrower', 'Who borrows, by number of party.',
    'select l.id, p.party_no, 1
        from @book@.loan as l join @book@.party as p on p.id = l.borrower_id where l.id = any ($1)'),
    ('branch', 'The branch, by code.',
    'select l.id, b.code, 1 from @book@.loan as l join @book@.branch as b on b.id = l.branch_id where l.id = any ($1)'),
    ('channel', 'How the loan came.',
    'select l.id, l.channel, 1 from @book@.loan as l where l.channel is not null and l.id = any ($1)'),
    ('employer', 'Who pays the borrower: the employer, by code, in equal shares where there are several.',
    'select l.id, e.code, 1::numeric / count(*) over (partition by l.id)
        from @book@.loan as l
        join @book@.employment as w on w.party_id = l.borrower_id and w.validity @> @book@.business_date()
        join @book@.employer as e on e.id = w.employer_id where l.id = any ($1)'),
    ('collateral', 'What is pledged: the kind of asset, in equal shares where there are several, as of the last event of the loan; unsecured where nothing is.',
    'select l.id, coalesce(k.kind, ''unsecured''), 1::numeric / count(*) over (partition by l.id)
        from @book@.loan as l
        left join lateral (
            select distinct a.kind
            from @book@.pool_loan as p
            join @book@.security_interest as i on i.pool_id = p.pool_id and i.released_on is null
            join @book@.collateral as c on c.id = i.collateral_id
            join @book@.asset as a on a.id = c.asset_id
            where p.loan_id = l.id
        ) as k on true
        where l.id = any ($1)'),
    ('currency', 'In which currency is lent.',
    'select l.id, l.currency, 1 from @book@.loan as l where l.id = any ($1)');

create table @book@.exposure (
    legal_entity_id uuid not null references @book@.legal_entity,
    dimension text not null references @book@.exposure_dimension on delete cascade,
    key text not null,
    currency text not null,
    principal numeric not null,
    loans bigint not null,
    primary key (legal_entity_id, dimension, key, currency)
);
comment on table @book@.exposure is
'What is lent and not repaid, as it was last kept; exposure_now adds what happened since.';
comment on column @book@.exposure.legal_entity_id is 'Who lends.';
comment on column @book@.exposure.dimension is 'By what it is summed.';
comment on column @book@.exposure.key is 'Which of these.';
comment on column @book@.exposure.currency is 'ISO 4217 code of the loans.';
comment on column @book@.exposure.principal is 'Principal as the ledger has it: lent, not repaid, not charged off, in currency units.';
comment on column @book@.exposure.loans is 'How many loans it is of.';

create table @book@.exposure_part (
    loan_id uuid primary key references @book@.loan,
    principal numeric not null,
    keys jsonb not null
);
comment on table @book@.exposure_part is 'What each loan adds to the table exposure.';
comment on column @book@.exposure_part.loan_id is 'The loan.';
comment on column @book@.exposure_part.principal is 'Its principal as the ledger had it then, in currency units.';
comment on column @book@.exposure_part.keys is 'A list of [dimension, key, share].';

-- One row: who changes the sums holds it, and transactions that lend pass here one after the other.
create table @book@.exposure_gate (
    only_row boolean primary key default true check (only_row),
    total_by text not null default 'currency' references @book@.exposure_dimension,
    xid xid8 not null default '0',
    position bigint not null default 0
);
insert into @book@.exposure_gate default values;
comment on table @book@.exposure_gate is 'Held by who keeps exposures or passes a limit, until the end of the transaction.';
comment on column @book@.exposure_gate.only_row is 'There is one row.';
comment on column @book@.exposure_gate.total_by is 'The dimension that every loan is in, whose sum is all that is lent.';
comment on column @book@.exposure_gate.xid is 'The transaction that lent and passed last.';
comment on column @book@.exposure_gate.position is 'The last event it had recorded by then.';
insert into @book@.event_consumer (name) values ('exposure');

create function @book@._exposure_parts(loans uuid[])
    returns table (loan_id uuid, principal numeric, keys jsonb) language plpgsql stable as $$
declare
    keys constant text := (
        select string_agg(format('select %L as dimension, q.* from (%s) as q (loan_id, key, share)', d.name, d.query),
            ' union all ' order by d.name)
        from @book@.exposure_dimension as d);
begin
    return query execute format($query$
        select b.loan_id, case when b.charged_off_on is null and b.status <> 'approved' then b.principal else 0 end,
            coalesce(k.keys, '[]')
        from @book@.loan_balance as b
        left join (
            select k.loan_id,
                jsonb_agg(jsonb_build_array(k.dimension, k.key, k.share) order by k.dimension, k.key) as keys
            from (%s) as k
            group by k.loan_id
        ) as k using (loan_id)
        where b.loan_id = any ($1)
        $query$, keys) using loans;
end $$;
comment on function @book@._exposure_parts(uuid[]) is 'What loans add to exposures as they are now.';

-- Loans that owe nothing are not counted.
create function @book@._exposure_sums(loans uuid[], principals numeric[], keys jsonb[])
    returns table (legal_entity_id uuid, dimension text, key text, currency text, principal numeric, loans bigint)
    language sql stable as $$
    select l.legal_entity_id, k.entry ->> 0, k.entry ->> 1, l.currency, sum(p.principal * (k.entry ->> 2)::numeric),
        sum(sign(p.principal))::bigint
    from unnest(loans, principals, keys) as p (loan_id, principal, keys)
    join @book@.loan_balance as l using (loan_id)
    cross join lateral jsonb_array_elements(p.keys) as k (entry)
    where p.principal <> 0
    group by l.legal_entity_id, k.entry ->> 0, k.entry ->> 1, l.currency
$$;
comment on function @book@._exposure_sums(uuid[], numeric[], jsonb[]) is
'What parts of loans sum to; those with a principal below zero are taken away.';

create function @book@._exposure_moves(loans uuid[])
    returns table (legal_entity_id uuid, dimension text, key text, currency text, principal numeric, loans bigint)
    language sql stable as $$
    select s.*
    from (
        select array_agg(p.loan_id) as ids, array_agg(p.principal) as principals, array_agg(p.keys) as keys
        from (
            select n.* from @book@._exposure_parts(_exposure_moves.loans) as n
            union all
            select o.loan_id, -o.principal, o.keys
            from @book@.exposure_part as o where o.loan_id = any (_exposure_moves.loans)
        ) as p
    ) as p
    cross join lateral @book@._exposure_sums(p.ids, p.principals, p.keys) as s
    where s.principal <> 0 or s.loans <> 0
$$;
comment on function @book@._exposure_moves(uuid[]) is 'What loans changed of exposures since these were kept.';

create function @book@.exposure_now()
    returns table (legal_entity_id uuid, dimension text, key text, currency text, principal numeric, loans bigint)
    language sql stable as $$
    select t.legal_entity_id, t.dimension, t.key, t.currency, sum(t.principal), sum(t.loans)::bigint
    from (
        select e.* from @book@.exposure as e
        union all
        select m.* from @book@._exposure_moves(array(
            select distinct e.loan_id
            from @book@.event_consumer as c
            join @book@.loan_event as e on (e.xid, e.position) > (c.xid, c.position)
            where c.name = 'exposure'
            union
            select e.loan_id
            from @book@.event_backlog as g join @book@.loan_event as e using (xid, position)
            where g.consumer = 'exposure')) as m
    ) as t
    group by t.legal_entity_id, t.dimension, t.key, t.currency
    having sum(t.principal) <> 0
$$;
comment on function @book@.exposure_now() is
'What is lent and not repaid by every dimension and key, exact at this moment, in currency units and with the number of loans.';

create function @book@.run_exposure(anew boolean default false) returns integer language plpgsql as $$
declare
    moved integer := 0;
    ids uuid[];
begin
    perform from @book@.exposure_gate for update;
    loop
        ids := array(select distinct e.loan_id from @book@.take_events('exposure', 10000) as e);
        exit when cardinality(ids) = 0;
        moved := moved + cardinality(ids);
        if not anew then
            perform @book@._keep_exposure(ids);
        end if;
    end loop;
    if anew then
        delete from @book@.exposure;
        delete from @book@.exposure_part;
        ids := array(select b.loan_id from @book@.loan_balance as b);
        moved := cardinality(ids);
        perform @book@._keep_exposure(ids);
    end if;
    return moved;
end $$;
comment on function @book@.run_exposure(boolean) is
'Brings the table exposure to what happened since, or sums all loans anew; returns how many loans were looked at. Done at the end of each day.';

-- One statement: what is paid meanwhile is in the sums and in the parts, or in neither.
create function @book@._keep_exposure(ids uuid[]) returns void language sql as $$
    with fresh as materialized (
        select p.* from @book@._exposure_parts(ids) as p
    ), saved as (
        insert into @book@.exposure_part select f.* from fresh as f
        on conflict (loan_id) do update set principal = excluded.principal, keys = excluded.keys
    ), moved as (
        select array_agg(p.loan_id) as ids, array_agg(p.principal) as principals, array_agg(p.keys) as keys
        from (
            select f.* from fresh as f
            union all
            select o.loan_id, -o.principal, o.keys from @book@.exposure_part as o where o.loan_id = any (_keep_exposure.ids)
        ) as p
    )
    insert into @book@.exposure as e (legal_entity_id, dimension, key, currency, principal, loans)
    select s.* from moved as m cross join lateral @book@._exposure_sums(m.ids, m.principals, m.keys) as s
    where s.principal <> 0 or s.loans <> 0
    on conflict (legal_entity_id, dimension, key, currency) do update
    set principal = e.principal + excluded.principal, loans = e.loans + excluded.loans
$$;
comment on function @book@._keep_exposure(uuid[]) is 'Adds to exposures what loans changed; who calls it holds the gate.';

create table @book@.exposure_limit (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    dimension text not null references @book@.exposure_dimension,
    key text,
    most_amount numeric check (most_amount >= 0),
    currency text check (currency ~ '^[A-Z]{3}$'),
    most_share numeric check (most_share between 0 and 1),
    action text not null check (action in ('warn', 'block')),
    check (num_nonnulls(most_amount, most_share) = 1 and (most_amount is null) = (currency is null)),
    unique nulls not distinct (legal_entity_id, dimension, key, action)
);
comment on table @book@.exposure_limit is 'How much may be lent of one kind.';
comment on column @book@.exposure_limit.id is 'Key.';
comment on column @book@.exposure_limit.legal_entity_id is 'Who lends.';
comment on column @book@.exposure_limit.dimension is 'By what it is summed.';
comment on column @book@.exposure_limit.key is 'Of which of these; NULL for each that has no limit of its own with the same action.';
comment on column @book@.exposure_limit.most_amount is 'The most that may be lent, in currency units.';
comment on column @book@.exposure_limit.currency is 'ISO 4217 code of the amount; loans in others count at the rate of the business date.';
comment on column @book@.exposure_limit.most_share is 'The largest share of all that the legal entity lends, as a fraction.';
comment on column @book@.exposure_limit.action is 'Warn, or block: the transaction that would lend more is refused.';

create function @book@.exposure_standing()
    returns table (
        limit_id uuid, legal_entity_id uuid, dimension text, key text, action text, currency text, used numeric,
        most numeric, room numeric, is_over boolean)
    language sql stable as $$
    with now as materialized (
        select n.*, l.currency as home
        from @book@.exposure_now() as n join @book@.legal_entity as l on l.id = n.legal_entity_id
    ), total as (
        select n.legal_entity_id,
            sum(@book@._converted(n.principal, n.currency, n.home, @book@.business_date())) as amount
        from now as n join @book@.exposure_gate as g on g.total_by = n.dimension
        group by n.legal_entity_id
    ), limited as (
        select m.id, m.legal_entity_id, m.dimension, k.key, m.action, coalesce(m.currency, l.currency) as currency,
            m.most_amount, m.most_share
        from @book@.exposure_limit as m
        join @book@.legal_entity as l on l.id = m.legal_entity_id
        cross join lateral (
            select m.key where m.key is not null
            union all
            select distinct n.key from now as n
            where m.key is null and n.legal_entity_id = m.legal_entity_id and n.dimension = m.dimension
                and not exists (
                    select from @book@.exposure_limit as o
                    where o.legal_entity_id = m.legal_entity_id and o.dimension = m.dimension and o.action = m.action
                        and o.key = n.key)) as k
    ), measured as (
        select m.*, coalesce(u.used, 0) as used, coalesce(
            m.most_amount, loan_engine.round_money(m.most_share * coalesce(t.amount, 0), m.currency)) as most
        from limited as m
        left join total as t using (legal_entity_id)
        left join lateral (
            select sum(@book@._converted(n.principal, n.currency, m.currency, @book@.business_date())) as used
            from now as n
            where n.legal_entity_id = m.legal_entity_id and n.dimension = m.dimension and n.key = m.key) as u on true
    )
    select m.id, m.legal_entity_id, m.dimension, m.key, m.action, m.currency, m.used, m.most,
        m.most - m.used, m.used > m.most
    from measured as m
$$;
comment on function @book@.exposure_standing() is
'Every limit and what is lent of each key it is for, at this moment, in currency units: used, most, the room between, and whether it is passed. LN207 where a rate of the business date is missing.';

-- Once for all that a transaction lends, when it commits; again only if it has lent more since.
create function @book@._pass_limits() returns trigger language plpgsql as $$
declare
    latest bigint;
    lent uuid[];
    fault record;
begin
    if not exists (select from @book@.exposure_limit) then
        return null;
    end if;
    select e.position into latest from @book@.loan_event as e
    where e.xid = pg_current_xact_id() order by e.position desc limit 1;
    update @book@.exposure_gate as g set xid = pg_current_xact_id(), position = latest
    where g.xid <> pg_current_xact_id() or g.position < latest;
    if not found then
        return null;
    end if;
    lent := array(
        select distinct e.loan_id from @book@.loan_event as e
        where e.xid = pg_current_xact_id() and e.type = 'disburse');
    for fault in
        select s.*
        from @book@.exposure_standing() as s
        where s.is_over and exists (
            select from @book@._exposure_parts(lent) as p
            join @book@.loan as l on l.id = p.loan_id and l.legal_entity_id = s.legal_entity_id
            cross join lateral jsonb_array_elements(p.keys) as k (entry)
            where k.entry ->> 0 = s.dimension and k.entry ->> 1 = s.key)
        order by s.action, s.dimension, s.key
    loop
        if fault.action = 'block' then
            raise exception using errcode = 'LN203',
                message = format('more would be lent to %s "%s" than its limit', fault.dimension, fault.key),
                detail = format('It would be %s %s; the limit is %s.', fault.used, fault.currency, fault.most),
                hint = 'exposure_standing shows the room of every limit, suggest_rebalancing what would make some.';
        end if;
        raise warning using message = format('more is lent to %s "%s" than its limit', fault.dimension, fault.key),
            detail = format('It is %s %s; the limit is %s.', fault.used, fault.currency, fault.most);
    end loop;
    return null;
end $$;
comment on function @book@._pass_limits() is
'Refuses with LN203 what would lend more than a limit that blocks, and warns of others.';
create constraint trigger limited after insert or update on @book@.action_request deferrable initially deferred
    for each row when (new.action = 'disburse' and new.status = 'done') execute function @book@._pass_limits();

-- Excess and room are laid out end to end, each in its order; where they lie over each other is a move.
create function @book@.suggest_rebalancing(legal_entity text)
    returns table (
        dimension text, action text, from_key text, to_key text, amount numeric, currency text, hhi_before numeric,
        hhi_after numeric)
    language sql stable as $$
    with standing as materialized (
        select s.* from @book@.exposure_standing() as s
        where s.legal_entity_id = @book@._legal_entity(suggest_rebalancing.legal_entity)
    ), laid as (
        select s.dimension, s.action, s.currency, s.key, s.is_over, s.used, abs(s.room) as size,
            sum(abs(s.room)) over (
                partition by s.dimension, s.action, s.currency, s.is_over order by abs(s.room) desc, s.key) as through
        from standing as s
        where s.room <> 0
    ), moves as (
        select f.dimension, f.action, f.currency, f.key as from_key, t.key as to_key,
            least(f.through, t.through) - greatest(f.through - f.size, t.through - t.size) as amount
        from laid as f
        join laid as t on (t.dimension, t.action, t.currency) = (f.dimension, f.action, f.currency) and not t.is_over
            and t.through > f.through - f.size and t.through - t.size < f.through
        where f.is_over
        union all
        -- What finds no room is to be repaid, sold or shared with another lender.
        select f.dimension, f.action, f.currency, f.key, null, least(f.size, f.through - coalesce(r.room, 0))
        from laid as f
        left join lateral (
            select max(t.through) as room
            from laid as t
            where (t.dimension, t.action, t.currency) = (f.dimension, f.action, f.currency) and not t.is_over
        ) as r on true
        where f.is_over and f.through > coalesce(r.room, 0)
    ), shares as (
        select d.dimension, d.action, d.currency, k.used, k.used + coalesce((
                select sum(case when m.to_key = k.key then m.amount else -m.amount end) from moves as m
                where (m.dimension, m.action, m.currency) = (d.dimension, d.action, d.currency)
                    and k.key in (m.from_key, m.to_key)), 0)
            as after
        from (select distinct m.dimension, m.action, m.currency from moves as m) as d
        cross join lateral (
            select n.key, sum(@book@._converted(n.principal, n.currency, d.currency, @book@.business_date())) as used
            from @book@.exposure_now() as n
            where n.dimension = d.dimension
                and n.legal_entity_id = @book@._legal_entity(suggest_rebalancing.legal_entity)
            group by n.key
        ) as k
    ), effect as (
        select s.dimension, s.action, s.currency, round(sum(s.used ^ 2) / nullif(sum(s.used), 0) ^ 2, 4) as hhi_before,
            round(sum(s.after ^ 2) / nullif(sum(s.after), 0) ^ 2, 4) as hhi_after
        from shares as s
        group by s.dimension, s.action, s.currency
    )
    select m.dimension, m.action, m.from_key, m.to_key, round(m.amount, 2), m.currency, e.hhi_before, e.hhi_after
    from moves as m
    join effect as e using (dimension, action, currency)
    order by m.dimension, m.action, m.from_key, m.to_key
$$;
comment on function @book@.suggest_rebalancing(text) is
'What to lend, sell or have repaid so that limits hold: from keys with too much to those with room, the largest first, and with no to_key what finds none; amounts in currency units at the present total, with the Herfindahl index of the dimension before and after all its moves. Refuses with LN208 an unknown legal entity.';

insert into @book@.check_definition values
    ('exposures add up', 'Exposures are the sum of what each loan adds, and that is its principal unless it has later events.',
    'select format(''%s "%s" in %s: kept %s, parts %s'', coalesce(e.dimension, s.dimension), coalesce(e.key, s.key),
            coalesce(e.currency, s.currency), coalesce(e.principal, 0), coalesce(s.principal, 0))
        from @book@.exposure as e
        full join (
            select s.*
            from (select array_agg(p.loan_id) as ids, array_agg(p.principal) as principals, array_agg(p.keys) as keys
                from @book@.exposure_part as p) as p
            cross join lateral @book@._exposure_sums(p.ids, p.principals, p.keys) as s
        ) as s using (legal_entity_id, dimension, key, currency)
        where coalesce(e.principal, 0) <> coalesce(s.principal, 0) or coalesce(e.loans, 0) <> coalesce(s.loans, 0)
        union all
        select format(''by %s: exposures now %s, loans %s'', g.total_by, coalesce(n.principal, 0), coalesce(b.principal, 0))
        from @book@.exposure_gate as g
        cross join lateral (
            select sum(x.principal) as principal from @book@.exposure_now() as x where x.dimension = g.total_by) as n
        cross join (
            select sum(k.principal) as principal from @book@.loan_balance as k
            where k.charged_off_on is null and k.status <> ''approved'') as b
        where coalesce(n.principal, 0) <> coalesce(b.principal, 0)');
