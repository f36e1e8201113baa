-- The margin ladder: which pools a price, a payment or a day moves to another level.
--
-- A row of margin_ladder says of one price of one pool from where to where it may go without the pool
-- leaving its level. A price looks up the rows whose band it left, in an index, and those pools alone are
-- looked at. What is owed is a straight line in margin_standing, so that a price reads no loan.

create table @book@.margin_day (
    only_row boolean primary key default true check (only_row),
    on_date date not null
);
comment on table @book@.margin_day is 'The day that debts of pools are told for: one row, none before the first end of day.';
comment on column @book@.margin_day.only_row is 'True: there is one row.';
comment on column @book@.margin_day.on_date is 'The day; the step of the end of day that looks at pools moves it, a moment before the business date.';

create function @book@._margin_date() returns date
    language sql stable parallel safe as $$
    select greatest((select d.on_date from @book@.margin_day as d), (select b.business_date from @book@.book as b))
$$;
comment on function @book@._margin_date() is 'The day that debts of pools are told for.';

create table @book@.margin_standing (
    pool_id uuid primary key,
    policy_id uuid not null,
    version integer not null default 0,
    level smallint not null default 0 check (level between 0 and 3),
    level_since date not null default @book@.business_date(),
    debt numeric not null default 0,
    debt_from date not null default @book@.business_date(),
    debt_per_day numeric not null default 0,
    fixed numeric not null default 0,
    is_ageing boolean not null default false,
    changes_on date,
    value numeric not null default 0,
    laid_through date not null default @book@.business_date()
) with (fillfactor = 50);
create index on @book@.margin_standing (laid_through);
comment on table @book@.margin_standing is 'How each pool stands: its level, and the line of what is owed. Written by the engine alone.';
comment on column @book@.margin_standing.pool_id is
'The pool. A foreign key would be looked up at every second update within a transaction; the engine alone writes here.';
comment on column @book@.margin_standing.policy_id is 'Its levels: those of the pool, which do not change.';
comment on column @book@.margin_standing.version is 'Its last valuation; 0 before anything was pledged, when it has no level yet.';
comment on column @book@.margin_standing.level is '0 below all levels, 1 warned, 2 called, 3 to be liquidated.';
comment on column @book@.margin_standing.level_since is 'Since when.';
comment on column @book@.margin_standing.debt is 'What was owed on debt_from: principal, interest, fees and penalties earned and not paid, in currency units, not rounded.';
comment on column @book@.margin_standing.debt_from is 'The day the line is told from.';
comment on column @book@.margin_standing.debt_per_day is 'What each day adds.';
comment on column @book@.margin_standing.fixed is 'What is pledged that follows no price is worth, after haircuts.';
comment on column @book@.margin_standing.is_ageing is 'Whether anything that is pledged is worth less with its age.';
comment on column @book@.margin_standing.changes_on is 'When the line or that worth changes by time alone.';
comment on column @book@.margin_standing.value is 'What all was worth when it was looked at last.';
comment on column @book@.margin_standing.laid_through is 'The last day its bands hold for.';

create table @book@.margin_ladder (
    pool_id uuid not null,
    asset_id uuid not null,
    weight numeric check (weight >= 0),
    rate_id uuid,
    falls_at numeric,
    rises_at numeric,
    primary key (pool_id, asset_id)
) with (fillfactor = 70);
create index on @book@.margin_ladder (asset_id, falls_at) where falls_at is not null;
create index on @book@.margin_ladder (asset_id, rises_at) where rises_at is not null;
comment on table @book@.margin_ladder is 'Between which prices a pool stays at its level: a row for each price and each exchange rate it follows. Written by the engine alone.';
comment on column @book@.margin_ladder.pool_id is 'The pool.';
comment on column @book@.margin_ladder.asset_id is 'Whose price it is.';
comment on column @book@.margin_ladder.weight is 'The quantity that follows it, after haircut and share; none of what is an exchange rate alone.';
comment on column @book@.margin_ladder.rate_id is 'The exchange rate that the value is multiplied by; none for the currency of the pool.';
comment on column @book@.margin_ladder.falls_at is 'At this price and below it the pool is looked at; at none when NULL.';
comment on column @book@.margin_ladder.rises_at is 'Above this price the pool is looked at; above none when NULL.';

create table @book@.collateral_valuation (
    pool_id uuid not null,
    version integer not null,
    valued_on date not null,
    cause text not null check (cause in ('price', 'debt', 'day', 'pledge', 'release', 'appraisal', 'revaluation')),
    level_before smallint not null,
    level smallint not null,
    debt numeric not null,
    value numeric not null,
    fixed numeric not null,
    asset_ids uuid[] not null,
    weights numeric[] not null,
    prices numeric[] not null,
    rates numeric[] not null,
    is_held boolean not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (pool_id, version, valued_on)
) partition by range (valued_on);
comment on table @book@.collateral_valuation is
'What a pool was worth, and from what: written when it moves to another level, and when what is pledged changes. What it was worth at other times follows from the prices.';
comment on column @book@.collateral_valuation.pool_id is 'The pool.';
comment on column @book@.collateral_valuation.version is 'Which valuation of the pool it is, from 1.';
comment on column @book@.collateral_valuation.valued_on is 'The day debts were told for.';
comment on column @book@.collateral_valuation.cause is 'What moved it: price, debt, day, pledge, release, appraisal, revaluation.';
comment on column @book@.collateral_valuation.level_before is 'The level before.';
comment on column @book@.collateral_valuation.level is 'The level since.';
comment on column @book@.collateral_valuation.debt is 'What was owed, in currency units.';
comment on column @book@.collateral_valuation.value is 'What all was worth after haircuts.';
comment on column @book@.collateral_valuation.fixed is 'What of that followed no price.';
comment on column @book@.collateral_valuation.asset_ids is 'The assets whose prices the rest followed.';
comment on column @book@.collateral_valuation.weights is 'The quantity of each, after haircut and share.';
comment on column @book@.collateral_valuation.prices is 'The price of each.';
comment on column @book@.collateral_valuation.rates is 'The exchange rate of each; none at home.';
comment on column @book@.collateral_valuation.is_held is 'Whether a price was stale, so that nothing could be cured.';
comment on column @book@.collateral_valuation.recorded_at is 'When it was written.';
select @book@._make_append_only('@book@.collateral_valuation');
insert into @book@.partitioned values ('collateral_valuation', array['select @book@._make_append_only(%L)']);

-- How a pool stands at the prices of now: what the engine looks at, and what checks it. The places of rows
-- are for the statement that read them: whoever writes them has locked them.
create view @book@._pool_look as
select s.pool_id, s.version, s.level, s.fixed, s.laid_through, d.today,
    s.debt + s.debt_per_day * (d.today - s.debt_from) as debt, g.*, k.new_level, k.value, k.days, k.falls_at, k.rises_at,
    k.rate_falls_at, k.rate_rises_at, s.ctid as place
from @book@.margin_standing as s
join @book@.margin_policy as m on m.id = s.policy_id
cross join (select @book@._margin_date() as today offset 0) as d
cross join lateral (
    select coalesce(array_agg(l.asset_id), '{}') as asset_ids, coalesce(array_agg(l.weight), '{}') as weights,
        coalesce(array_agg(q.price), '{}') as prices, coalesce(array_agg(l.rate_id), '{}') as rate_ids,
        coalesce(array_agg(r.price), '{}') as rates,
        coalesce(bool_or(q.fresh_through < d.today or r.fresh_through < d.today), false) as is_held,
        coalesce(array_agg(l.ctid), '{}') as places, coalesce(bool_or(l.rate_id is not null), false) as has_rates
    from @book@.margin_ladder as l
    join @book@.asset_quote as q on q.asset_id = l.asset_id
    left join @book@.asset_quote as r on r.asset_id = l.rate_id
    where l.pool_id = s.pool_id and l.weight is not null
) as g
-- What nothing is pledged for is an ordinary debt, at no level. Only where there is nothing that is asked.
-- Where no day changes anything, as in pools whose loans are paid, bands hold for as long as there are days.
cross join lateral (
    select case when s.fixed = 0 and cardinality(g.weights) = 0 and not exists (
            select from @book@.security_interest as i where i.pool_id = s.pool_id and i.released_on is null)
        then 0 else s.debt + s.debt_per_day * (d.today - s.debt_from) end as secured offset 0
) as o
cross join lateral loan_engine._margin_look(m.enters, m.hysteresis, s.level, o.secured,
    s.debt_per_day, least(case when s.debt_per_day = 0 then 36525 else 30 end,
        case when s.changes_on is not null then greatest(s.changes_on - 1 - d.today, 0) end), s.fixed, g.weights, g.prices, g.rates, g.is_held) as k;
comment on view @book@._pool_look is 'How each pool stands at the prices of now, and where it is to be looked at again.';
comment on column @book@._pool_look.pool_id is 'The pool.';
comment on column @book@._pool_look.version is 'Its last valuation.';
comment on column @book@._pool_look.level is 'The level it is taken to be at.';
comment on column @book@._pool_look.fixed is 'What follows no price.';
comment on column @book@._pool_look.laid_through is 'The last day its bands hold for.';
comment on column @book@._pool_look.today is 'The day debts are told for.';
comment on column @book@._pool_look.debt is 'What is owed.';
comment on column @book@._pool_look.asset_ids is 'The assets whose prices it follows.';
comment on column @book@._pool_look.weights is 'The quantity of each, after haircut and share.';
comment on column @book@._pool_look.prices is 'The price of each.';
comment on column @book@._pool_look.rate_ids is 'The exchange rate of each.';
comment on column @book@._pool_look.rates is 'Its price.';
comment on column @book@._pool_look.is_held is 'Whether a price is stale.';
comment on column @book@._pool_look.places is 'Where the rows of margin_ladder lie.';
comment on column @book@._pool_look.has_rates is 'Whether it follows exchange rates.';
comment on column @book@._pool_look.new_level is 'The level it is at.';
comment on column @book@._pool_look.value is 'What all is worth.';
comment on column @book@._pool_look.days is 'For how many more days bands would hold.';
comment on column @book@._pool_look.falls_at is 'Where each price is to be looked at again, below.';
comment on column @book@._pool_look.rises_at is 'Where each price is to be looked at again, above.';
comment on column @book@._pool_look.rate_falls_at is 'The same of each exchange rate, below.';
comment on column @book@._pool_look.rate_rises_at is 'The same of each exchange rate, above.';
comment on column @book@._pool_look.place is 'Where the row of margin_standing lies.';

-- Looks at pools and lays their bands; what moved to another level is valued, and followed by its call.
create function @book@._look_at_pools(pools uuid[], cause text) returns void language plpgsql as $$
declare
    chunk_size constant integer := 5000;
    moved record;
begin
    -- A price has the prices for itself, so nobody else is at a pool.
    if cause <> 'price' then
        perform from @book@.margin_standing as s where s.pool_id = any (pools) order by s.pool_id for update;
    end if;
    for place in 1 .. cardinality(pools) by chunk_size loop
        with seen as materialized (
            select v.*
            from unnest(pools[place : place + chunk_size - 1]) as u (pool_id)
            join @book@._pool_look as v on v.pool_id = u.pool_id
            where v.version > 0 or cause = 'pledge'
        ), bands as (
            select b.place, b.falls_at, b.rises_at
            from (
                select unnest(s.places) as place, unnest(s.falls_at) as falls_at, unnest(s.rises_at) as rises_at
                from seen as s where not s.has_rates
            ) as b
            union all
            select l.ctid, b.falls_at, b.rises_at
            from (
                select b.pool_id, b.asset_id, max(b.falls_at) as falls_at, min(b.rises_at) as rises_at
                from (
                    select s.pool_id, unnest(s.asset_ids) as asset_id, unnest(s.falls_at) as falls_at, unnest(s.rises_at) as rises_at
                    from seen as s where s.has_rates
                    union all
                    select s.pool_id, unnest(s.rate_ids), unnest(s.rate_falls_at), unnest(s.rate_rises_at)
                    from seen as s where s.has_rates
                ) as b
                where b.asset_id is not null
                group by b.pool_id, b.asset_id
            ) as b
            join @book@.margin_ladder as l on l.pool_id = b.pool_id and l.asset_id = b.asset_id
        ), laid as (
            update @book@.margin_ladder as l
            set falls_at = b.falls_at, rises_at = b.rises_at
            from bands as b
            where l.ctid = b.place
        ), stood as (
            update @book@.margin_standing as t
            set version = t.version + (s.new_level <> s.level or cause not in ('price', 'debt', 'day'))::integer,
                level = s.new_level, level_since = case when s.new_level = s.level then t.level_since else s.today end,
                value = s.value, laid_through = s.today + s.days
            from seen as s
            where t.ctid = s.place
        ), valued as (
            insert into @book@.collateral_valuation (pool_id, version, valued_on, cause, level_before, level, debt, value, fixed,
                asset_ids, weights, prices, rates, is_held)
            select s.pool_id, s.version + 1, s.today, cause, s.level, s.new_level, s.debt, s.value, s.fixed,
                s.asset_ids, s.weights, s.prices, s.rates, s.is_held
            from seen as s
            where s.new_level <> s.level or cause not in ('price', 'debt', 'day')
        )
        select array_agg(s.pool_id) as pools, array_agg(s.level) as before, array_agg(s.new_level) as after,
            array_agg(s.debt) as debts, array_agg(s.value) as values
        into moved
        from seen as s
        where s.new_level <> s.level and (s.level >= 2 or s.new_level >= 2) or s.level >= 2 and cause <> 'price';
        if moved.pools is not null then
            perform @book@._follow_margins(
                moved.pools, moved.before, moved.after, moved.debts, moved.values, cause in ('debt', 'pledge', 'appraisal'));
        end if;
    end loop;
end $$;
comment on function @book@._look_at_pools(uuid[], text) is
'Looks at pools exactly, lays their bands anew, and has margin calls follow those that moved. Who calls it holds the lock of prices.';

-- Whoever lays bands reads prices that nobody moves meanwhile.
create function @book@._share_prices() returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(@book@._price_lock());
    if current_setting('transaction_isolation') <> 'read committed' then
        perform from @book@.asset_quote as q for share;
    end if;
end $$;
comment on function @book@._share_prices() is
'Keeps prices from moving until the transaction ends. In isolation levels above read committed 40001 when one moved since it began.';

-- What is owed of a loan: its principal and what was earned of interest, fees and penalties and not
-- paid. Interest paid ahead of time lowers nothing until it is earned; that day is where the line turns.
create function @book@._debt(b @book@.loan_balance, on_date date)
    returns table (amount numeric, per_day numeric, holds_until date)
    language sql immutable parallel safe as $$
    select b.principal + greatest(o.interest, 0) + greatest(b.fees_earned - b.fees_settled, 0)
            + greatest(b.penalties_earned - b.penalties_settled, 0),
        case when o.interest < 0 then 0 else b.earned_per_day end,
        least(b.holds_until, case when o.interest < 0 and b.earned_per_day > 0
            then on_date + least(floor(-o.interest / b.earned_per_day), 36525)::integer end)
    from (select b.earned_base + b.earned_per_day * (on_date - b.earned_from) - b.interest_settled as interest) as o
    where b.status = 'active'
$$;
comment on function @book@._debt(@book@.loan_balance, date) is
'What is owed of a loan on a day, what each day adds, in currency units, not rounded, and until when that holds; no row for one that is not active.';

-- A loan that is written off is given up in the books, not towards the borrower: what was given up stays owed
-- until it comes back or is waived, and what is pledged stays pledged for it.
create table @book@.claim_waiver (
    id uuid primary key default loan_engine.uuid_v7(),
    loan_id uuid not null references @book@.loan,
    amount numeric not null check (amount > 0),
    reason text not null check (reason <> ''),
    business_date date not null default @book@.business_date(),
    actor text not null default @book@.actor(),
    recorded_at timestamptz not null default clock_timestamp()
);
create index on @book@.claim_waiver (loan_id);
comment on table @book@.claim_waiver is 'What of loans that are written off the borrower was let off.';
comment on column @book@.claim_waiver.id is 'Key.';
comment on column @book@.claim_waiver.loan_id is 'The loan.';
comment on column @book@.claim_waiver.amount is 'How much, in currency units.';
comment on column @book@.claim_waiver.reason is 'Why.';
comment on column @book@.claim_waiver.business_date is 'The business date.';
comment on column @book@.claim_waiver.actor is 'Who decided it.';
comment on column @book@.claim_waiver.recorded_at is 'When it was recorded.';
select @book@._make_append_only('@book@.claim_waiver');

create function @book@._claim(loan_id uuid) returns numeric
    language sql stable as $$
    select greatest(0, coalesce((
            select sum(l.total_written_off) from @book@.amortisation_line as l where l.loan_id = _claim.loan_id), 0)
        - coalesce((
            select sum((e.operation ->> 'amount')::numeric)
            from @book@.loan_event as e
            where e.loan_id = _claim.loan_id and e.type = 'repay' and e.operation ->> 'kind' = 'recovery'
                and not exists (select from @book@.payment_reversal as v where v.payment_id = e.payment_id)), 0)
        - coalesce((select sum(w.amount) from @book@.claim_waiver as w where w.loan_id = _claim.loan_id), 0))
$$;
comment on function @book@._claim(uuid) is
'What the borrower of a loan that is written off still owes: what was given up, less what came back and what was waived.';

create function @book@._secured_debt(b @book@.loan_balance, on_date date)
    returns table (amount numeric, per_day numeric, holds_until date)
    language sql stable as $$
    select d.amount, d.per_day, d.holds_until from @book@._debt(b, on_date) as d
    union all
    select @book@._claim(b.loan_id), 0, null where b.status = 'written_off'
$$;
comment on function @book@._secured_debt(@book@.loan_balance, date) is
'What collateral is held for: what is owed of a loan, and the claim on one that is written off.';

create view @book@._pool_debt as
select l.pool_id, d.today, round(coalesce(sum(o.amount), 0), 12) as debt, round(coalesce(sum(o.per_day), 0), 12) as per_day,
    min(o.holds_until) as holds_until
from @book@.pool_loan as l
join @book@.loan_balance as b on b.loan_id = l.loan_id
cross join (select @book@._margin_date() as today offset 0) as d
left join lateral @book@._secured_debt(b, d.today) as o on true
group by l.pool_id, d.today;
comment on view @book@._pool_debt is 'What is owed of each pool, by the balances of its loans.';
comment on column @book@._pool_debt.pool_id is 'The pool.';
comment on column @book@._pool_debt.today is 'The day it is told for.';
comment on column @book@._pool_debt.debt is 'What is owed, in currency units.';
comment on column @book@._pool_debt.per_day is 'What each day adds.';
comment on column @book@._pool_debt.holds_until is 'The first day on which that line changes by time alone.';

create function @book@._bring_debts(pools uuid[]) returns void language plpgsql as $$
begin
    perform from @book@.margin_standing as s where s.pool_id = any (pools) order by s.pool_id for update;
    update @book@.margin_standing as s
    set debt = d.debt, debt_from = d.today, debt_per_day = d.per_day,
        changes_on = least(d.holds_until, (
            select min(p.changes_on) from @book@._pool_parts(array[s.pool_id], d.today) as p where s.is_ageing and p.changes_on is not null))
    from @book@._pool_debt as d
    where s.pool_id = any (pools) and d.pool_id = s.pool_id and d.pool_id = any (pools);
end $$;
comment on function @book@._bring_debts(uuid[]) is 'Brings the lines of what is owed of pools up to the balances of their loans.';

create function @book@._bring_parts(pools uuid[]) returns void language plpgsql as $$
declare
    today constant date := @book@._margin_date();
    fault record;
begin
    perform from @book@.margin_standing as s where s.pool_id = any (pools) order by s.pool_id for update;
    select p.*, c.reference, a.code, r.code as rate_code into fault
    from @book@._pool_parts(pools, today) as p
    join @book@.collateral as c on c.id = p.collateral_id
    left join @book@.asset as a on a.id = p.asset_id
    left join @book@.asset_quote as q on q.asset_id = p.asset_id
    left join @book@.asset as r on r.id = p.rate_id
    left join @book@.asset_quote as x on x.asset_id = p.rate_id
    where p.weight is null and p.fixed is null or p.asset_id is not null and q.price is null
        or p.rate_id is not null and x.price is null
    limit 1;
    if found then
        raise exception using errcode = 'LN207',
            message = format('collateral "%s" cannot be valued', fault.reference),
            detail = case when coalesce(fault.weight, fault.fixed) is null then 'It was not appraised.'
                else format('Asset "%s"%s has no price.', fault.code, ' or "' || fault.rate_code || '"') end,
            hint = 'A missing price is never taken for zero: record it, or appraise what is pledged.';
    end if;
    with parts as materialized (
        select p.* from @book@._pool_parts(pools, today) as p
    ), priced as materialized (
        select pool_id, asset_id, sum(weight) as weight, max(rate_id::text)::uuid as rate_id
        from (
            select p.pool_id, p.asset_id, p.weight, p.rate_id from parts as p where p.asset_id is not null
            union all
            select p.pool_id, p.rate_id, null, null from parts as p where p.rate_id is not null
        ) as each
        group by pool_id, asset_id
    ), gone as (
        delete from @book@.margin_ladder as l
        where l.pool_id = any (pools)
            and not exists (select from priced as p where p.pool_id = l.pool_id and p.asset_id = l.asset_id)
    ), laid as (
        insert into @book@.margin_ladder (pool_id, asset_id, weight, rate_id)
        select p.pool_id, p.asset_id, p.weight, p.rate_id from priced as p
        on conflict (pool_id, asset_id) do update set weight = excluded.weight, rate_id = excluded.rate_id
    )
    update @book@.margin_standing as s
    set fixed = coalesce((select sum(p.fixed) from parts as p where p.pool_id = s.pool_id), 0),
        is_ageing = exists (select from parts as p where p.pool_id = s.pool_id and p.changes_on is not null)
    where s.pool_id = any (pools);
    perform @book@._bring_debts(pools);
end $$;
comment on function @book@._bring_parts(uuid[]) is
'Brings the ladder of pools up to what is pledged to them, and their debts; LN207 for what has no price or appraisal.';

-- Whatever happens to a loan that collateral is held for moves its pool in the same transaction.
create function @book@._follow_debts() returns trigger language plpgsql as $$
declare
    pools uuid[];
begin
    if exists (select from recorded as r join @book@.pool_loan as l on l.loan_id = r.loan_id) then
        pools := array(
            select distinct l.pool_id from recorded as r join @book@.pool_loan as l on l.loan_id = r.loan_id order by l.pool_id);
        perform @book@._share_prices();
        perform @book@._bring_debts(pools);
        perform @book@._look_at_pools(pools, 'debt');
        if exists (select from recorded as r join @book@.pool_loan as l on l.loan_id = r.loan_id where r.type = 'disburse') then
            perform @book@._check_initial_ltv(pools);
        end if;
    end if;
    return null;
end $$;
comment on function @book@._follow_debts() is 'Looks at the pools of loans to which something happened, and refuses to lend beyond the highest ratio.';
-- After the trigger that projects the events, by the order of names.
create trigger secured after insert on @book@.loan_event
    referencing new table as recorded for each statement execute function @book@._follow_debts();

create function @book@._check_initial_ltv(pools uuid[]) returns void language plpgsql as $$
declare
    fault record;
begin
    select k.pool_id, k.debt, k.value, t.most, p.currency into fault
    from @book@._pool_look as k
    join @book@.pool as p on p.id = k.pool_id
    join @book@.margin_policy as m on m.id = p.policy_id
    cross join lateral (select loan_engine.tiered_ltv(k.debt, m.tier_up_to, m.tier_ltv || m.initial_ltv) as most) as t
    where k.pool_id = any (pools) and (k.debt > t.most * k.value or k.debt > 0 and k.is_held)
    limit 1;
    if found then
        raise exception using errcode = 'LN203', message = 'the collateral is not enough for what would be lent',
            detail = format('Pool %s would owe %s %s; what is pledged is worth %s, of which %s may be lent, by prices that are not stale.', fault.pool_id,
                round(fault.debt, 2), fault.currency, round(fault.value, 2), fault.most),
            hint = 'Lend less, have more pledged, or record the prices of today.';
    end if;
end $$;
comment on function @book@._check_initial_ltv(uuid[]) is 'Refuses with LN203 to lend more than the highest ratio of a pool, or by stale prices.';

-- Prices that grow old are told, once each, until they are fresh.
create table @book@.price_alarm (
    id uuid primary key default loan_engine.uuid_v7(),
    asset_id uuid not null references @book@.asset,
    opened_on date not null,
    last_observed_at timestamptz,
    closed_at timestamptz
);
create unique index on @book@.price_alarm (asset_id) where closed_at is null;
comment on table @book@.price_alarm is 'Assets that collateral is valued by and whose price went stale. Until there is a new one nothing of theirs is cured.';
comment on column @book@.price_alarm.id is 'Key.';
comment on column @book@.price_alarm.asset_id is 'The asset.';
comment on column @book@.price_alarm.opened_on is 'The day it was noticed.';
comment on column @book@.price_alarm.last_observed_at is 'When its last price was.';
comment on column @book@.price_alarm.closed_at is 'When a new price came.';

create function @book@._watch_prices(on_date date) returns void language sql as $$
    insert into @book@.price_alarm (asset_id, opened_on, last_observed_at)
    select a.id, on_date, q.observed_at
    from @book@.asset as a
    join @book@.asset_quote as q on q.asset_id = a.id
    where q.priced_on + a.stale_after_days < on_date and exists (select from @book@.margin_ladder as l where l.asset_id = a.id)
    on conflict (asset_id) where closed_at is null do nothing
$$;
comment on function @book@._watch_prices(date) is 'Raises an alarm for each asset in use whose price is stale on a day.';

-- The end of a day: pools whose bands end with it, or whose debt or fixed value changes, are looked at
-- as of the next.
create function @book@._end_margin_day(day date) returns bigint language plpgsql as $$
declare
    due uuid[];
    changing uuid[];
begin
    perform @book@._share_prices();
    insert into @book@.margin_day (on_date) values (day + 1)
    on conflict (only_row) do update set on_date = excluded.on_date;
    perform @book@._watch_prices(day + 1);
    due := array(select s.pool_id from @book@.margin_standing as s where s.laid_through <= day and s.version > 0 order by s.pool_id);
    if cardinality(due) > 0 then
        changing := array(
            select s.pool_id from @book@.margin_standing as s where s.pool_id = any (due) and s.is_ageing and s.changes_on <= day + 1);
        perform @book@._bring_debts(due);
        if cardinality(changing) > 0 then
            perform @book@._bring_parts(changing);
        end if;
        perform @book@._look_at_pools(due, 'day');
    end if;
    perform @book@._expire_margin_calls(day);
    return cardinality(due);
end $$;
comment on function @book@._end_margin_day(date) is
'Looks at pools whose bands do not hold for the next day, raises alarms and expires margin calls; returns how many pools it looked at.';
