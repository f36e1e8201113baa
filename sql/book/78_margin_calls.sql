-- Margin calls: what follows when a pool has too little collateral, until it has enough or is sold.

create table @book@.margin_call (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null,
    pool_id uuid not null,
    currency text not null,
    opened_on date not null,
    deadline date not null,
    debt numeric not null,
    value numeric not null,
    money_needed numeric not null,
    collateral_needed numeric not null,
    notified_on date,
    channel text,
    proceeds numeric check (proceeds >= 0),
    surplus numeric check (surplus >= 0),
    status text not null default 'opened',
    status_version integer not null default 1
) with (fillfactor = 80);
create unique index on @book@.margin_call (pool_id)
    where status in ('opened', 'notified', 'partly_cured', 'expired', 'liquidation');
create index on @book@.margin_call (deadline) where status in ('notified', 'partly_cured');
create index on @book@.margin_call (pool_id, opened_on);
comment on table @book@.margin_call is 'A demand for more collateral, or for money; a pool has one at a time.';
comment on column @book@.margin_call.id is 'Key.';
comment on column @book@.margin_call.legal_entity_id is 'Who lends.';
comment on column @book@.margin_call.pool_id is 'The pool. A foreign key would write a lock into its row, and into that of the legal entity, for each of thousands of calls; the engine alone writes here.';
comment on column @book@.margin_call.currency is 'ISO 4217 code of its amounts.';
comment on column @book@.margin_call.opened_on is 'The day it was opened.';
comment on column @book@.margin_call.deadline is 'The last day to meet it: so many business days later as the policy says.';
comment on column @book@.margin_call.debt is 'What was owed as it was opened, in currency units.';
comment on column @book@.margin_call.value is 'What was pledged was worth then.';
comment on column @book@.margin_call.money_needed is 'What is to be paid to come to the target, as it was last told.';
comment on column @book@.margin_call.collateral_needed is 'Or what more is to be pledged, after haircuts.';
comment on column @book@.margin_call.notified_on is 'When the borrower was told.';
comment on column @book@.margin_call.channel is 'How.';
comment on column @book@.margin_call.proceeds is 'What the collateral was sold for.';
comment on column @book@.margin_call.surplus is 'What of that was not owed, and is the owner''s.';
comment on column @book@.margin_call.status is 'How far it has come, by the machine margin_call; only transitions change it.';
comment on column @book@.margin_call.status_version is 'How often it changed.';
select @book@._guard_status('@book@.margin_call');

create function @book@._margin_call_is_not_due(subject_id uuid) returns text language sql stable as $$
    select format('the deadline is %s, and the ratio has not reached the level of liquidation', c.deadline)
    from @book@.margin_call as c
    join @book@.margin_standing as s on s.pool_id = c.pool_id
    where c.id = subject_id and c.status <> 'expired' and s.level < 3
$$;
comment on function @book@._margin_call_is_not_due(uuid) is 'Against selling what may still be cured.';

create function @book@._margin_call_has_no_surplus(subject_id uuid) returns text language sql stable as $$
    select 'nothing is left of what was sold' from @book@.margin_call as c
    where c.id = subject_id and coalesce(c.surplus, 0) = 0
$$;
comment on function @book@._margin_call_has_no_surplus(uuid) is 'Against giving back what is not there.';

create function @book@._margin_deadline(policy_id uuid, opened_on date) returns date
    language sql stable as $$
    select loan_engine.add_business_days(opened_on, m.cure_days,
        coalesce((select array_agg(h.on_date order by h.on_date) from @book@.holiday as h
            where h.calendar_code = m.calendar_code and h.on_date between opened_on and opened_on + 30 + 3 * m.cure_days), '{}'),
        coalesce(c.weekend::integer[], '{6,7}'))
    from @book@.margin_policy as m
    left join @book@.calendar as c on c.code = m.calendar_code
    where m.id = policy_id
$$;
comment on function @book@._margin_deadline(uuid, date) is 'The deadline of a margin call: business days of its policy after it was opened.';

-- Pools that moved: those that came to the level of a call get one, unless one is open; those that left
-- it are cured; those that got something and stay are partly cured.
create function @book@._follow_margins(
    pools uuid[], before integer[], after integer[], debts numeric[], amounts numeric[], is_met boolean
) returns void language plpgsql as $$
declare
    today constant date := @book@._margin_date();
    moves record;
begin
    if 2 <= any (after) then
        with policy as materialized (
            select m.*, @book@._margin_deadline(m.id, today) as deadline from @book@.margin_policy as m
        )
        insert into @book@.margin_call
            (legal_entity_id, pool_id, currency, opened_on, deadline, debt, value, money_needed, collateral_needed)
        select p.legal_entity_id, p.id, p.currency, today, m.deadline, u.debt, u.value,
            round(n.money, c.minor_units), round(n.collateral, c.minor_units)
        from unnest(pools, before, after, debts, amounts) as u (pool_id, before, after, debt, value)
        join @book@.pool as p on p.id = u.pool_id
        join policy as m on m.id = p.policy_id
        cross join lateral (select loan_engine.minor_units(p.currency) as minor_units offset 0) as c
        cross join lateral loan_engine.margin_shortfall(u.debt, u.value, m.target_ltv) as n
        where u.after >= 2 and u.before < 2
        on conflict (pool_id) where status in ('opened', 'notified', 'partly_cured', 'expired', 'liquidation') do nothing;
    end if;
    if 2 <= any (before) then
        select array_agg(c.id) as ids, array_agg(e.event) as events, array_agg(c.pool_id) as pools into moves
        from unnest(pools, before, after, debts, amounts) as u (pool_id, before, after, debt, value)
        join @book@.margin_call as c on c.pool_id = u.pool_id and c.status in ('opened', 'notified', 'partly_cured', 'expired')
        join @book@.pool as p on p.id = u.pool_id
        join @book@.margin_policy as m on m.id = p.policy_id
        cross join lateral loan_engine.margin_shortfall(u.debt, u.value, m.target_ltv) as n
        cross join lateral (
            select case when u.after < 2 then 'cure'
                when is_met and c.status in ('opened', 'notified') and n.money < c.money_needed then 'cure_partly' end as event
        ) as e
        where u.before >= 2 and e.event is not null;
        if moves.ids is not null then
            perform @book@._move('margin_call', moves.ids, moves.events, is_guarded => false);
        end if;
        -- What is asked for now.
        update @book@.margin_call as c
        set money_needed = round(n.money, k.minor_units), collateral_needed = round(n.collateral, k.minor_units)
        from unnest(pools, debts, amounts) as u (pool_id, debt, value)
        join @book@.pool as p on p.id = u.pool_id
        join @book@.margin_policy as m on m.id = p.policy_id
        cross join lateral (select loan_engine.minor_units(p.currency) as minor_units offset 0) as k
        cross join lateral loan_engine.margin_shortfall(u.debt, u.value, m.target_ltv) as n
        where c.pool_id = u.pool_id and c.status in ('opened', 'notified', 'partly_cured', 'expired')
            and round(n.money, k.minor_units) <> c.money_needed;
    end if;
end $$;
comment on function @book@._follow_margins(uuid[], integer[], integer[], numeric[], numeric[], boolean) is
'Opens, cures and partly cures margin calls of pools, by their level before and after, what is owed, what is pledged, and whether something was paid or pledged.';

create function @book@._held_margin_call(margin_call_id uuid, action text) returns @book@.margin_call language plpgsql as $$
declare
    held @book@.margin_call;
begin
    -- Before the row, for a price that moves its pool comes the same way.
    perform @book@._share_prices();
    select c.* into held from @book@.margin_call as c where c.id = margin_call_id for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no margin call %s', margin_call_id),
            hint = 'The view v_margin_call lists those that are open.';
    end if;
    perform @book@._authorise(action, held.money_needed, held.currency, legal_entity_id => held.legal_entity_id);
    return held;
end $$;
comment on function @book@._held_margin_call(uuid, text) is 'Locks a margin call for who may do something about it; refuses with LN201 and LN208.';

create function @book@.notify_margin_call(margin_call_id uuid, channel text) returns void language plpgsql as $$
declare
    held @book@.margin_call := @book@._held_margin_call(margin_call_id, 'notify_margin_call');
begin
    perform @book@.transition('margin_call', held.id, 'notify', held.status_version, channel);
    update @book@.margin_call as c set notified_on = @book@.business_date(), channel = notify_margin_call.channel where c.id = held.id;
end $$;
comment on function @book@.notify_margin_call(uuid, text) is
'Records that the borrower was told of a margin call, and how. Refuses with LN201, LN208, LN211.';

create function @book@._expire_margin_calls(day date) returns integer language plpgsql as $$
declare
    late uuid[] := array(
        select c.id from @book@.margin_call as c where c.status in ('notified', 'partly_cured') and c.deadline <= day and c.notified_on is not null);
begin
    if cardinality(late) > 0 then
        perform @book@._move('margin_call', late, array_fill('expire'::text, array[cardinality(late)]), is_guarded => false);
    end if;
    return cardinality(late);
end $$;
comment on function @book@._expire_margin_calls(date) is
'Expires margin calls at the end of their deadline, of which the borrower was told; returns how many.';

create function @book@.liquidate_collateral(margin_call_id uuid, reason text) returns void language plpgsql as $$
declare
    held @book@.margin_call := @book@._held_margin_call(margin_call_id, 'liquidate');
begin
    perform @book@.transition('margin_call', held.id, 'liquidate', held.status_version, reason);
end $$;
comment on function @book@.liquidate_collateral(uuid, text) is
'Decides that the collateral of a margin call is sold: its deadline has passed, or the ratio has reached the level of liquidation. Refuses with LN201, LN208, LN211, and LN212 what may still be cured.';

-- What was sold pays off the loans in the order of their ranks, those of one rank in the order of their
-- keys; what is left is the owner's. The payments take the door that all payments take.
create function @book@.settle_margin_call(margin_call_id uuid, proceeds numeric, sold uuid[] default null) returns numeric
    language plpgsql as $$
declare
    held @book@.margin_call;
    left_over numeric := proceeds;
    gone uuid[];
begin
    -- Loans before prices, prices before calls: so payments have it.
    perform @book@._hold(array(
        select l.loan_id from @book@.margin_call as c join @book@.pool_loan as l on l.pool_id = c.pool_id where c.id = margin_call_id));
    held := @book@._held_margin_call(margin_call_id, 'liquidate');
    if held.status <> 'liquidation' then
        raise exception using errcode = 'LN214', message = 'the collateral is not being sold',
            detail = format('The margin call is %s.', held.status), hint = 'Call liquidate_collateral first.';
    elsif proceeds is null or proceeds < 0 or proceeds <> loan_engine.round_money(proceeds, held.currency) then
        raise exception using errcode = 'LN105', message = 'proceeds are whole minor units, and not below zero',
            detail = format('They are %s %s.', proceeds, held.currency), hint = 'Give what the sale brought, after its costs.';
    end if;
    gone := array(
        select i.id from @book@.security_interest as i
        where i.pool_id = held.pool_id and i.released_on is null and (sold is null or i.collateral_id = any (sold)) order by i.id);
    -- It is settled, and the collateral gone, before the payments move the pool.
    perform @book@.transition('margin_call', held.id, 'settle', held.status_version);
    update @book@.security_interest as i set released_on = @book@.business_date() where i.id = any (gone);
    sold := array(
        select c.id from @book@.collateral as c
        where c.pledged = 0 and c.id in (select i.collateral_id from @book@.security_interest as i where i.id = any (gone)));
    perform @book@._move('collateral', sold, array_fill('sell'::text, array[cardinality(sold)]), is_guarded => false);
    perform @book@._bring_parts(array[held.pool_id]);
    with owed as (
        select k.id, k.legal_entity_id, k.loan_no, l.rank,
            case b.status when 'written_off' then 'recovery' else 'repayment' end as kind,
            case b.status when 'written_off' then @book@._claim(b.loan_id) else (
                select q.total from loan_engine.payoff_quote(@book@.loan_state_as_of(l.loan_id), @book@.business_date()) as q)
            end as debt
        from @book@.pool_loan as l
        join @book@.loan_balance as b on b.loan_id = l.loan_id
        join @book@.loan as k on k.id = l.loan_id
        where l.pool_id = held.pool_id and b.status in ('active', 'written_off')
    ), served as (
        select o.*, coalesce(sum(o.debt) over (order by o.rank, o.id rows between unbounded preceding and 1 preceding), 0) as before
        from owed as o
    ), paid as (
        insert into @book@.payment (legal_entity_id, provider, reference, loan_id, amount, currency, kind)
        select o.legal_entity_id, 'liquidation', held.id::text || ' ' || o.loan_no, o.id, least(o.debt, proceeds - o.before),
            held.currency, o.kind
        from served as o
        where proceeds > o.before and o.debt > 0
        returning amount
    )
    select proceeds - coalesce(sum(p.amount), 0) into left_over from paid as p;
    update @book@.margin_call as c set proceeds = settle_margin_call.proceeds, surplus = left_over where c.id = held.id;
    perform @book@._look_at_pools(array[held.pool_id], 'release');
    return left_over;
end $$;
comment on function @book@.settle_margin_call(uuid, numeric, uuid[]) is
'Books what collateral was sold for, all of it unless named: it pays the loans of the pool by rank. Returns the surplus, which is the owner''s. Refuses with LN201, LN208, LN214, LN105.';

create function @book@.refund_surplus(margin_call_id uuid, reason text) returns numeric language plpgsql as $$
declare
    held @book@.margin_call := @book@._held_margin_call(margin_call_id, 'liquidate');
begin
    perform @book@.transition('margin_call', held.id, 'refund_surplus', held.status_version, reason);
    return held.surplus;
end $$;
comment on function @book@.refund_surplus(uuid, text) is
'Records that the surplus of a sale was paid out to the owner, and returns it. Refuses with LN201, LN208, LN211, and LN212 where there is none.';

create view @book@.v_ltv as
select k.pool_id, p.legal_entity_id, p.currency, round(k.debt, 2) as debt, round(k.value, 2) as value,
    round(loan_engine.loan_to_value(greatest(k.debt, 0), k.value), 6) as ltv,
    (array['good', 'warn', 'margin_call', 'liquidation'])[k.level + 1] as level, s.level_since,
    m.warn_ltv, m.call_ltv, m.liquidation_ltv, k.is_held as is_stale, n.money as money_needed, n.collateral as collateral_needed
from @book@._pool_look as k
join @book@.margin_standing as s on s.pool_id = k.pool_id
join @book@.pool as p on p.id = k.pool_id
join @book@.margin_policy as m on m.id = p.policy_id
cross join lateral (
    select round(x.money, 2) as money, round(x.collateral, 2) as collateral
    from loan_engine.margin_shortfall(greatest(k.debt, 0), k.value, m.target_ltv) as x
) as n;
comment on view @book@.v_ltv is 'The loan-to-value ratio of each pool at the prices of now.';
comment on column @book@.v_ltv.pool_id is 'The pool.';
comment on column @book@.v_ltv.legal_entity_id is 'Who lends.';
comment on column @book@.v_ltv.currency is 'ISO 4217 code of the amounts.';
comment on column @book@.v_ltv.debt is 'What is owed, in currency units.';
comment on column @book@.v_ltv.value is 'What is pledged is worth, after haircuts.';
comment on column @book@.v_ltv.ltv is 'Debt over value, a fraction; NULL for a debt without value.';
comment on column @book@.v_ltv.level is 'The level it is at: good, warn, margin_call, liquidation.';
comment on column @book@.v_ltv.level_since is 'Since when.';
comment on column @book@.v_ltv.warn_ltv is 'The ratio of the first level.';
comment on column @book@.v_ltv.call_ltv is 'That of a margin call.';
comment on column @book@.v_ltv.liquidation_ltv is 'That of liquidation.';
comment on column @book@.v_ltv.is_stale is 'Whether a price is too old to rely on: then nothing is cured.';
comment on column @book@.v_ltv.money_needed is 'What is to be paid to come to the target.';
comment on column @book@.v_ltv.collateral_needed is 'Or what more is to be pledged.';

create view @book@.v_loan_ltv as
select l.loan_id, l.pool_id, l.rank, round(coalesce(o.amount, 0), 2) as debt, round(k.value, 2) as pool_value,
    round(loan_engine.loan_to_value(coalesce(round(sum(o.amount) over (partition by l.pool_id order by l.rank), 12), 0), k.value), 6) as ltv
from @book@.pool_loan as l
join @book@.loan_balance as b on b.loan_id = l.loan_id
join @book@._pool_look as k on k.pool_id = l.pool_id
left join lateral @book@._secured_debt(b, k.today) as o on true;
comment on view @book@.v_loan_ltv is 'How far each loan of a pool is covered: what is owed of it and of all that are served before it, over the value.';
comment on column @book@.v_loan_ltv.loan_id is 'The loan.';
comment on column @book@.v_loan_ltv.pool_id is 'The pool.';
comment on column @book@.v_loan_ltv.rank is 'Its rank.';
comment on column @book@.v_loan_ltv.debt is 'What is owed of it, in currency units.';
comment on column @book@.v_loan_ltv.pool_value is 'What is pledged is worth, after haircuts.';
comment on column @book@.v_loan_ltv.ltv is 'Debt of its rank and lower ones over value.';

create view @book@.v_margin_call as
select c.id, c.pool_id, c.status, c.opened_on, c.deadline, c.deadline - @book@.business_date() as days_left, c.currency,
    c.money_needed, c.collateral_needed, v.ltv, v.level, v.is_stale, c.notified_on
from @book@.margin_call as c
join @book@.v_ltv as v on v.pool_id = c.pool_id
where c.status in ('opened', 'notified', 'partly_cured', 'expired', 'liquidation');
comment on view @book@.v_margin_call is 'Margin calls that are open, and how their pools stand now.';
comment on column @book@.v_margin_call.id is 'The margin call.';
comment on column @book@.v_margin_call.pool_id is 'The pool.';
comment on column @book@.v_margin_call.status is 'How far it has come.';
comment on column @book@.v_margin_call.opened_on is 'When it was opened.';
comment on column @book@.v_margin_call.deadline is 'The last day to meet it.';
comment on column @book@.v_margin_call.days_left is 'Days until then; below zero after it.';
comment on column @book@.v_margin_call.currency is 'ISO 4217 code.';
comment on column @book@.v_margin_call.money_needed is 'What is to be paid, as last told.';
comment on column @book@.v_margin_call.collateral_needed is 'Or what more is to be pledged.';
comment on column @book@.v_margin_call.ltv is 'The ratio now.';
comment on column @book@.v_margin_call.level is 'The level of the pool.';
comment on column @book@.v_margin_call.is_stale is 'Whether a price is too old to rely on.';
comment on column @book@.v_margin_call.notified_on is 'When the borrower was told.';

insert into @book@.check_definition values
    ('ladder is full recomputation', 'Each pool is at the level that its debts and the prices of now make it.',
    'select format(''pool %s is at %s, and would be at %s'', k.pool_id, k.level, k.new_level)
        from @book@._pool_look as k where k.new_level <> k.level and k.version > 0'),
    ('bands hold present prices', 'The price of each asset lies in the bands of the pools that follow it, but for those that wait for a stale price.',
    'select format(''pool %s, asset %s'', l.pool_id, l.asset_id)
        from @book@.margin_ladder as l
        join @book@.asset_quote as q on q.asset_id = l.asset_id
        where q.price <= l.falls_at or q.price > l.rises_at and l.rises_at > 0'),
    ('ladder follows what is pledged', 'The quantities of each pool are those of what is pledged to it.',
    'select format(''pool %s'', coalesce(p.pool_id, l.pool_id))
        from (
            select k.pool_id, k.asset_id, sum(k.weight) as weight, max(k.rate_id::text) as rate_id
            from @book@._pool_parts(array(select pool_id from @book@.margin_standing), @book@._margin_date()) as k
            where k.asset_id is not null group by k.pool_id, k.asset_id
        ) as p
        full join (
            select pool_id, asset_id, weight, rate_id::text from @book@.margin_ladder where weight is not null
        ) as l using (pool_id, asset_id)
        where p.weight is distinct from l.weight or p.rate_id is distinct from l.rate_id
        union all
        select format(''pool %s has a fixed value of %s'', s.pool_id, s.fixed)
        from @book@.margin_standing as s
        left join (
            select k.pool_id, sum(k.fixed) as fixed
            from @book@._pool_parts(array(select pool_id from @book@.margin_standing), @book@._margin_date()) as k
            group by k.pool_id
        ) as p using (pool_id)
        where s.fixed <> coalesce(p.fixed, 0)'),
    ('margin debts are balances', 'What is owed of each pool is what its loans owe.',
    'select format(''pool %s: %s, the loans say %s'', s.pool_id, s.debt + s.debt_per_day * (d.today - s.debt_from), d.debt)
        from @book@.margin_standing as s
        join @book@._pool_debt as d using (pool_id)
        where abs(s.debt + s.debt_per_day * (d.today - s.debt_from) - d.debt) > 0.000001'),
    ('margin calls follow levels', 'A pool has an open margin call where its level asks for one, and only there.',
    'select format(''pool %s is at %s, its margin call %s'', s.pool_id, s.level, coalesce(c.status, ''is not there''))
        from @book@.margin_standing as s
        left join @book@.margin_call as c on c.pool_id = s.pool_id
            and c.status in (''opened'', ''notified'', ''partly_cured'', ''expired'', ''liquidation'')
        where s.level >= 2 and c.id is null or s.level < 2 and c.status <> ''liquidation''');
