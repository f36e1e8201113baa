-- Prices as they come: whatever a list says is kept, what is sound goes on, the rest waits with its reason.
--
-- price_inbox takes text, so that a row that cannot be read does not end a COPY. Nothing is taken
-- silently, and nothing is lost: what is quarantined is accepted or rejected by someone who says why.

create table @book@.price_inbox (
    id uuid primary key default loan_engine.uuid_v7(),
    source text,
    symbol text,
    price text,
    bid text,
    ask text,
    currency text,
    unit text,
    observed_at text,
    raw jsonb,
    received_at timestamptz not null default clock_timestamp(),
    actor text not null default @book@.actor()
);
comment on table @book@.price_inbox is 'Prices as sources sent them: COPY or insert here. What is not in price_quarantine went on to asset_price.';
comment on column @book@.price_inbox.id is 'Key.';
comment on column @book@.price_inbox.source is 'Who says so.';
comment on column @book@.price_inbox.symbol is 'The code of the asset.';
comment on column @book@.price_inbox.price is 'The price; the middle of bid and ask when left out.';
comment on column @book@.price_inbox.bid is 'What is offered for it.';
comment on column @book@.price_inbox.ask is 'What is asked for it.';
comment on column @book@.price_inbox.currency is 'ISO 4217 code; that of the asset when left out.';
comment on column @book@.price_inbox.unit is 'Of a metal: gram, kilogram, tola or troy_ounce; that of the asset when left out.';
comment on column @book@.price_inbox.observed_at is 'When it was the price: a day, or a time, in the time zone of the book unless it says which.';
comment on column @book@.price_inbox.raw is 'All that the source sent.';
comment on column @book@.price_inbox.received_at is 'When it came.';
comment on column @book@.price_inbox.actor is 'Who brought it.';
select @book@._make_append_only('@book@.price_inbox');

create table @book@.price_quarantine (
    inbox_id uuid primary key references @book@.price_inbox,
    reasons text[] not null check (cardinality(reasons) > 0),
    asset_id uuid references @book@.asset,
    observed_at timestamptz,
    price numeric,
    bid numeric,
    ask numeric,
    decision text check (decision in ('accepted', 'rejected')),
    decided_reason text,
    decided_by text,
    decided_at timestamptz,
    check ((decision is null) = (decided_reason is null) and (decision is null) = (decided_by is null)
        and (decision is null) = (decided_at is null))
);
create index on @book@.price_quarantine (inbox_id) where decision is null;
comment on table @book@.price_quarantine is 'Prices that were not taken as they came, and what became of them.';
comment on column @book@.price_quarantine.inbox_id is 'The row of price_inbox.';
comment on column @book@.price_quarantine.reasons is
'Why: unreadable price, unreadable time, no source, not positive, out of range, bid above ask, unknown asset, unknown unit, other currency, day to come, duplicate, out of order, stale, spike, spread.';
comment on column @book@.price_quarantine.asset_id is 'The asset, where it is known.';
comment on column @book@.price_quarantine.observed_at is 'When it was the price, where that can be read.';
comment on column @book@.price_quarantine.price is 'The price in the unit of the asset, where it can be read.';
comment on column @book@.price_quarantine.bid is 'The bid in the unit of the asset.';
comment on column @book@.price_quarantine.ask is 'The ask in the unit of the asset.';
comment on column @book@.price_quarantine.decision is 'What was decided: accepted or rejected.';
comment on column @book@.price_quarantine.decided_reason is 'Why.';
comment on column @book@.price_quarantine.decided_by is 'By whom.';
comment on column @book@.price_quarantine.decided_at is 'When.';

create function @book@._keep_quarantine() returns trigger language plpgsql as $$
begin
    if old.decision is not null or to_jsonb(old) - '{decision,decided_reason,decided_by,decided_at}'::text[]
        <> to_jsonb(new) - '{decision,decided_reason,decided_by,decided_at}'::text[]
    then
        raise exception using errcode = 'LN205', message = 'update of price_quarantine is refused',
            detail = 'What a source sent is not changed; it is decided on once.',
            hint = 'Use correct_price for a price that was accepted and is wrong.';
    end if;
    return new;
end $$;
comment on function @book@._keep_quarantine() is 'Lets a price in quarantine be decided on once, and nothing else of it change.';
create trigger kept before update on @book@.price_quarantine for each row execute function @book@._keep_quarantine();
create trigger append_only before delete or truncate on @book@.price_quarantine
    for each statement execute function @book@._refuse_change();

-- What cannot be read is NULL here; who asks knows that something was given.
create function @book@._read_number(given text) returns numeric
    language sql immutable parallel safe
    return case when given ~ '^\s*[+-]?(\d{1,18}(\.\d{0,12})?|\.\d{1,12})\s*$' then given::numeric end;
comment on function @book@._read_number(text) is 'A number of at most 18 digits before the point and 12 behind it; NULL for anything else.';

create function @book@._read_time(given text, time_zone text) returns timestamptz
    language plpgsql stable parallel safe as $$
begin
    if given !~ '^\s*\d{4}-\d{2}-\d{2}' then
        return null;
    elsif given ~ ':\d{2}(\.\d+)?\s*(Z|UTC|[+-]\d{2}(:?\d{2})?)\s*$' then
        return given::timestamptz;
    end if;
    return given::timestamp at time zone time_zone;
exception when data_exception then
    return null;
end $$;
comment on function @book@._read_time(text, text) is 'A day or a time as ISO 8601 writes it, in a time zone unless it names its own; NULL for anything else.';

-- A row as it is understood: its asset, its time, and its prices in the unit of the asset.
create view @book@._read_price as
select i.id, i.source, i.symbol, a.id as asset_id, a.code, t.observed_at, (t.observed_at at time zone 'UTC')::date as priced_on,
    trim_scale(round(n.price / u.factor, 12)) as price, trim_scale(round(n.bid / u.factor, 12)) as bid,
    trim_scale(round(n.ask / u.factor, 12)) as ask, a.currency, i.raw, array_remove(array[
        case when coalesce(i.source, '') = '' then 'no source' end,
        case when n.price is null or i.bid is not null and n.bid is null or i.ask is not null and n.ask is null
            then 'unreadable price' end,
        case when t.observed_at is null then 'unreadable time' end,
        case when least(n.price, n.bid, n.ask) <= 0 then 'not positive' end,
        case when n.bid > n.ask then 'bid above ask' end,
        case when greatest(n.price, n.bid, n.ask) / u.factor >= 1e15
            or least(n.price, n.bid, n.ask) > 0 and round(least(n.price, n.bid, n.ask) / u.factor, 12) = 0 then 'out of range' end,
        case when a.id is null then 'unknown asset' end,
        case when u.factor is null then 'unknown unit' end,
        case when i.currency <> a.currency then 'other currency' end,
        case when t.observed_at >= (greatest(b.business_date, current_date) + 1)::timestamp at time zone 'UTC' then 'day to come' end
    ], null) as faults
from @book@.price_inbox as i
cross join @book@.book as b
left join @book@.asset as a on a.code = i.symbol and a.currency is not null and a.follows_id is null
cross join lateral (select @book@._read_time(i.observed_at, b.time_zone) as observed_at) as t
cross join lateral (select @book@._read_number(i.bid) as bid, @book@._read_number(i.ask) as ask) as m
cross join lateral (
    select m.bid, m.ask, case when i.price is null then round((m.bid + m.ask) / 2, 12) else @book@._read_number(i.price) end as price
) as n
cross join lateral (
    -- How many of the unit quoted one unit of the asset is worth, turned round.
    select case when i.unit is null then 1
        when a.weight_unit is null or i.unit not in ('gram', 'kilogram', 'tola', 'troy_ounce') then null
        else loan_engine.convert_weight(1, i.unit, a.weight_unit) end as factor
) as u;
comment on view @book@._read_price is 'Rows of price_inbox as they are understood, and what of them cannot be.';
comment on column @book@._read_price.id is 'The row.';
comment on column @book@._read_price.source is 'Who says so.';
comment on column @book@._read_price.symbol is 'The code given.';
comment on column @book@._read_price.asset_id is 'The asset.';
comment on column @book@._read_price.code is 'Its code.';
comment on column @book@._read_price.observed_at is 'When it was the price.';
comment on column @book@._read_price.priced_on is 'The day of that, in UTC.';
comment on column @book@._read_price.price is 'The price in the unit of the asset.';
comment on column @book@._read_price.bid is 'The bid in that unit.';
comment on column @book@._read_price.ask is 'The ask in that unit.';
comment on column @book@._read_price.currency is 'ISO 4217 code.';
comment on column @book@._read_price.raw is 'All that the source sent.';
comment on column @book@._read_price.faults is 'What cannot be taken for a price.';

-- The last price that was no further from the sound one before it than it may move.
create function @book@._next_sound(sound numeric, price numeric, reach double precision) returns numeric
    language sql immutable parallel safe
    return case when sound is null or reach is null or abs(ln((price / sound)::float8)) <= reach then price else sound end;
comment on function @book@._next_sound(numeric, numeric, double precision) is
'A price, unless it lies further from the sound one before it than it may move: then that one.';
create aggregate @book@._sound_price(price numeric, reach double precision) (sfunc = @book@._next_sound, stype = numeric);
comment on aggregate @book@._sound_price(numeric, double precision) is
'The last sound price of a course: one that moved by no more than reach, a logarithm, from the sound one before it.';

-- What can be read is held against the prices there are: the last of each day for three months, and
-- those that came with it. After a spike the next price is held against the one before the spike, so a
-- new height waits until someone accepts it.
create function @book@._suspicions(rows uuid[]) returns table (inbox_id uuid, reasons text[])
    language sql stable as $$
    with arrived as materialized (
        select r.*, q.observed_at as quoted_at, row_number() over (partition by r.asset_id, r.source, r.observed_at order by r.id) as turn
        from @book@._read_price as r
        join @book@.asset_quote as q on q.asset_id = r.asset_id
        where r.id = any (rows) and r.faults = '{}'
    ), span as (
        select a.asset_id, min(a.observed_at) as first_at from arrived as a group by a.asset_id
    ), known as (
        select s.asset_id, d.observed_at, d.price
        from span as s
        cross join lateral (
            select distinct on (p.priced_on) p.observed_at, p.price
            from @book@.asset_price as p
            where p.asset_id = s.asset_id and p.observed_at < s.first_at and p.observed_at > s.first_at - interval '92 days'
                and p.priced_on > (s.first_at - interval '93 days')::date
            order by p.priced_on, p.observed_at desc, p.revision desc
        ) as d
    ), course as (
        select c.*, lag(c.price) over by_time as before, lag(c.observed_at) over by_time as before_at
        from (
            select k.asset_id, k.observed_at, k.price, null::uuid as id from known as k
            union all
            select a.asset_id, a.observed_at, a.price, a.id from arrived as a where a.turn = 1
        ) as c
        window by_time as (partition by c.asset_id order by c.observed_at, c.id)
    ), moves as (
        select c.*, stddev_samp(ln((c.price / c.before)::float8)) over w as sigma, count(c.before) over w as seen
        from course as c
        window w as (partition by c.asset_id order by c.observed_at, c.id rows between 61 preceding and 1 preceding)
    ), sound as (
        select m.id, m.price, @book@._sound_price(m.price, m.reach) over (partition by m.asset_id order by m.observed_at, m.id) as sound
        from (
            select m.*, case when m.id is not null and m.seen >= 20 then a.spike_sigmas * m.sigma
                * sqrt(greatest(extract(epoch from m.observed_at - m.before_at) / 86400, 1)) end::float8 as reach
            from moves as m
            join @book@.asset as a on a.id = m.asset_id
        ) as m
    ), judged as (
        select a.id, array_remove(array[
            case when a.turn > 1 or exists (
                select from @book@.asset_price as p
                where p.asset_id = a.asset_id and p.source = a.source and p.observed_at = a.observed_at and p.priced_on = a.priced_on)
                then 'duplicate' end,
            case when a.observed_at < a.quoted_at then 'out of order' end,
            case when a.priced_on < b.business_date - s.stale_after_days then 'stale' end,
            case when m.price <> m.sound then 'spike' end,
            case when exists (
                select from @book@.asset_price as p
                where p.asset_id = a.asset_id and p.priced_on = a.priced_on and p.source <> a.source
                    and abs(p.price / a.price - 1) > s.spread_max
                union all
                select from arrived as p
                where p.asset_id = a.asset_id and p.priced_on = a.priced_on and p.source <> a.source
                    and p.observed_at <= a.observed_at and abs(p.price / a.price - 1) > s.spread_max)
                then 'spread' end
            ], null) as reasons
        from arrived as a
        cross join @book@.book as b
        join @book@.asset as s on s.id = a.asset_id
        left join sound as m on m.id = a.id
    )
    select j.id, j.reasons from judged as j where j.reasons <> '{}'
$$;
comment on function @book@._suspicions(uuid[]) is 'Which rows of price_inbox that can be read are to be looked at before they count, and why.';

create function @book@._receive_prices() returns trigger language plpgsql as $$
declare
    rows uuid[] := array(select n.id from arrived as n);
begin
    -- What is accepted meanwhile must be known.
    perform pg_advisory_xact_lock(@book@._price_lock());
    with kept as (
        insert into @book@.price_quarantine (inbox_id, reasons, asset_id, observed_at, price, bid, ask)
        select r.id, r.faults || coalesce(s.reasons, '{}'), r.asset_id, r.observed_at, r.price, r.bid, r.ask
        from @book@._read_price as r
        left join @book@._suspicions(rows) as s on s.inbox_id = r.id
        where r.id = any (rows) and (r.faults <> '{}' or s.inbox_id is not null)
        returning inbox_id
    )
    insert into @book@.asset_price (asset_id, source, observed_at, priced_on, price, bid, ask, currency, raw)
    select r.asset_id, r.source, r.observed_at, r.priced_on, r.price, r.bid, r.ask, r.currency, r.raw
    from @book@._read_price as r
    where r.id = any (rows) and r.id not in (select k.inbox_id from kept as k);
    return null;
end $$;
comment on function @book@._receive_prices() is 'Passes on what is sound of the prices that came, and puts the rest into quarantine with its reasons.';
create trigger received after insert on @book@.price_inbox
    referencing new table as arrived for each statement execute function @book@._receive_prices();

create function @book@._held_price(inbox_id uuid, reason text) returns @book@.price_quarantine language plpgsql as $$
declare
    held @book@.price_quarantine;
begin
    perform @book@._authorise('decide_price');
    select q.* into held from @book@.price_quarantine as q where q.inbox_id = _held_price.inbox_id for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('no price in quarantine came as %s', inbox_id),
            hint = 'The view v_price_quarantine lists what waits.';
    elsif held.decision is not null then
        raise exception using errcode = 'LN214', message = format('the price was %s before', held.decision),
            detail = format('By %s, because: %s.', held.decided_by, held.decided_reason),
            hint = 'Correct a price that was accepted with correct_price.';
    elsif reason is null or reason = '' then
        raise exception using errcode = '22004', message = 'the decision needs a reason', hint = 'Say why.';
    end if;
    return held;
end $$;
comment on function @book@._held_price(uuid, text) is 'Locks a price in quarantine for who decides on it; refuses with LN201, LN208, LN214 and 22004.';

create function @book@.accept_price(inbox_id uuid, reason text) returns void language plpgsql as $$
declare
    held @book@.price_quarantine := @book@._held_price(inbox_id, reason);
begin
    if held.asset_id is null or held.observed_at is null or held.price is null or held.price <= 0
        or held.reasons && array['no source', 'unreadable price', 'out of range', 'other currency', 'unknown unit', 'bid above ask', 'day to come', 'duplicate']
    then
        raise exception using errcode = 'LN212', message = 'the price cannot be accepted as it came',
            detail = format('The reasons are: %s.', array_to_string(held.reasons, ', ')),
            hint = 'Send it anew as it should be, and reject this one; use correct_price for a price that is there already.';
    end if;
    insert into @book@.asset_price (asset_id, source, observed_at, priced_on, price, bid, ask, currency, raw)
    select r.asset_id, r.source, r.observed_at, r.priced_on, r.price, r.bid, r.ask, r.currency, r.raw
    from @book@._read_price as r
    where r.id = held.inbox_id;
    update @book@.price_quarantine as q
    set decision = 'accepted', decided_reason = reason, decided_by = @book@.actor(), decided_at = clock_timestamp()
    where q.inbox_id = held.inbox_id;
end $$;
comment on function @book@.accept_price(uuid, text) is
'Takes a price out of quarantine into asset_price, with the reason. Refuses with LN201, LN208, LN214 what was decided, LN212 what is no price.';

create function @book@.reject_price(inbox_id uuid, reason text) returns void language plpgsql as $$
declare
    held @book@.price_quarantine := @book@._held_price(inbox_id, reason);
begin
    update @book@.price_quarantine as q
    set decision = 'rejected', decided_reason = reason, decided_by = @book@.actor(), decided_at = clock_timestamp()
    where q.inbox_id = held.inbox_id;
end $$;
comment on function @book@.reject_price(uuid, text) is
'Leaves a price in quarantine for good, with the reason. Refuses with LN201, LN208 and LN214.';

create function @book@.record_price(
    asset_code text, price numeric, observed_at timestamptz default now(), source text default 'manual', raw jsonb default null
) returns text[] language plpgsql as $$
declare
    received uuid;
begin
    perform @book@._authorise('record_price');
    insert into @book@.price_inbox (source, symbol, price, observed_at, raw)
    values (record_price.source, asset_code, record_price.price::text, to_char(record_price.observed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.USZ'),
        record_price.raw)
    returning id into received;
    return (select q.reasons from @book@.price_quarantine as q where q.inbox_id = received);
end $$;
comment on function @book@.record_price(text, numeric, timestamptz, text, jsonb) is
'Passes one price through the inbox: NULL when it was accepted, else why it is in quarantine.';

create view @book@.v_price_quarantine as
select q.inbox_id, i.received_at, i.source, i.symbol, i.price as given, q.price, i.observed_at as given_at, q.observed_at, q.reasons,
    o.price as present_price, o.observed_at as present_at
from @book@.price_quarantine as q
join @book@.price_inbox as i on i.id = q.inbox_id
left join @book@.asset_quote as o on o.asset_id = q.asset_id
where q.decision is null;
comment on view @book@.v_price_quarantine is 'Prices that wait for someone to accept or reject them.';
comment on column @book@.v_price_quarantine.inbox_id is 'What to name them by.';
comment on column @book@.v_price_quarantine.received_at is 'When they came.';
comment on column @book@.v_price_quarantine.source is 'Who says so.';
comment on column @book@.v_price_quarantine.symbol is 'The code given.';
comment on column @book@.v_price_quarantine.given is 'The price as it was given.';
comment on column @book@.v_price_quarantine.price is 'The price as it is understood, in the unit of the asset.';
comment on column @book@.v_price_quarantine.given_at is 'The time as it was given.';
comment on column @book@.v_price_quarantine.observed_at is 'The time as it is understood.';
comment on column @book@.v_price_quarantine.reasons is 'Why they wait.';
comment on column @book@.v_price_quarantine.present_price is 'The price the asset is valued at.';
comment on column @book@.v_price_quarantine.present_at is 'When that was the price.';

insert into @book@.check_definition values
    ('prices are accepted or in quarantine', 'Every price that came is in asset_price or in quarantine.',
    'select format(''row %s'', r.id)
        from @book@._read_price as r
        left join @book@.price_quarantine as q on q.inbox_id = r.id
        where coalesce(q.decision, ''accepted'') = ''accepted'' and (q.inbox_id is null or q.decision is not null) and not exists (
            select from @book@.asset_price as p
            where p.asset_id = r.asset_id and p.source = r.source and p.observed_at = r.observed_at and p.priced_on = r.priced_on)'),
    ('quotes are the last prices', 'What each asset is valued at is the last price that was accepted.',
    'select format(''asset %s'', a.code)
        from @book@.asset as a
        join @book@.asset_quote as q on q.asset_id = a.id
        left join lateral (
            select p.price, p.observed_at from @book@.asset_price as p
            where p.asset_id = coalesce(a.follows_id, a.id)
            order by p.observed_at desc, p.revision desc limit 1) as p on true
        where a.follows_id is null
            and not exists (
                select from @book@.asset_price as s
                where s.asset_id = a.id and (s.observed_at, s.revision, s.price) = (q.observed_at, q.revision, q.price))
            and (q.price is not null or p.price is not null)
            or q.observed_at is distinct from p.observed_at
            or q.price > p.price');
