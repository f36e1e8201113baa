-- Collateral: what is pledged, for which loans, and how much of it.
--
-- A pool holds collateral for one loan or several and has one loan-to-value ratio: all that is owed over
-- all that is pledged to it. A thing may be pledged in shares to several pools, of which the rank says who
-- is served first when it is sold; the shares never come to more than the whole.

create table @book@.margin_policy (
    id uuid primary key default loan_engine.uuid_v7(),
    product_id uuid not null references @book@.product,
    version integer not null check (version > 0),
    validity daterange not null,
    initial_ltv numeric not null check (initial_ltv > 0),
    tier_up_to numeric[] not null default '{}',
    tier_ltv numeric[] not null default '{}' check (cardinality(tier_up_to) = cardinality(tier_ltv)),
    warn_ltv numeric not null,
    call_ltv numeric not null check (call_ltv > warn_ltv),
    liquidation_ltv numeric not null check (liquidation_ltv > call_ltv),
    target_ltv numeric not null check (target_ltv > 0),
    release_ltv numeric not null check (release_ltv > 0),
    hysteresis numeric not null default 0 check (hysteresis >= 0 and hysteresis < warn_ltv),
    cure_days integer not null default 2 check (cure_days >= 0),
    calendar_code text references @book@.calendar,
    enters numeric[] not null generated always as (array[warn_ltv, call_ltv, liquidation_ltv]) stored,
    check (target_ltv < call_ltv - hysteresis and initial_ltv < call_ltv and release_ltv < call_ltv),
    unique (product_id, version),
    exclude using gist (product_id with =, validity with &&)
);
comment on table @book@.margin_policy is 'The levels of the loan-to-value ratio of pools of a product, as they are for pools opened from one day to another.';
comment on column @book@.margin_policy.id is 'Key.';
comment on column @book@.margin_policy.product_id is 'The product.';
comment on column @book@.margin_policy.version is 'Its number.';
comment on column @book@.margin_policy.validity is 'The days on which pools are opened on it; those of one product do not overlap.';
comment on column @book@.margin_policy.initial_ltv is 'The highest ratio after money is lent, a fraction.';
comment on column @book@.margin_policy.tier_up_to is 'Amounts lent, rising, up to which another highest ratio holds.';
comment on column @book@.margin_policy.tier_ltv is 'That ratio for each; beyond the last, initial_ltv holds.';
comment on column @book@.margin_policy.warn_ltv is 'The ratio at which the borrower is warned.';
comment on column @book@.margin_policy.call_ltv is 'The ratio at which a margin call is opened.';
comment on column @book@.margin_policy.liquidation_ltv is 'The ratio at which collateral may be sold at once.';
comment on column @book@.margin_policy.target_ltv is 'The ratio that a margin call asks for.';
comment on column @book@.margin_policy.release_ltv is 'The highest ratio after collateral is given back.';
comment on column @book@.margin_policy.hysteresis is 'By how much the ratio must fall below a level before that is left.';
comment on column @book@.margin_policy.cure_days is 'Business days from the opening of a margin call to its deadline.';
comment on column @book@.margin_policy.calendar_code is 'Whose business days; every day but the weekend when NULL.';
comment on column @book@.margin_policy.enters is 'The levels in order: warning, margin call, liquidation.';

create function @book@._keep_margin_policy() returns trigger language plpgsql as $$
begin
    if to_jsonb(old) - 'validity' <> to_jsonb(new) - 'validity' or lower(old.validity) is distinct from lower(new.validity) then
        raise exception using errcode = 'LN205', message = format('version %s of a margin policy does not change', old.version),
            detail = 'Pools are opened on the levels of a version; only the day it ends may be set.',
            hint = 'Insert the next version.';
    end if;
    return new;
end $$;
comment on function @book@._keep_margin_policy() is 'Lets nothing of a margin policy change but the day it ends.';
create trigger kept before update on @book@.margin_policy for each row execute function @book@._keep_margin_policy();

create table @book@.collateral (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    owner_id uuid not null references @book@.party,
    reference text not null check (reference <> ''),
    asset_id uuid not null references @book@.asset,
    description text,
    quantity numeric not null default 1 check (quantity > 0 and quantity < 1e15),
    unit text,
    purity numeric not null default 1 check (purity > 0 and purity <= 1),
    currency text check (currency ~ '^[A-Z]{3}$'),
    new_price numeric check (new_price > 0),
    new_on date,
    attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
    priced_quantity numeric,
    pledged numeric not null default 0 check (pledged >= 0),
    unique (legal_entity_id, reference)
);
create index on @book@.collateral (owner_id);
create index on @book@.collateral (asset_id);
comment on table @book@.collateral is 'A thing that is pledged.';
comment on column @book@.collateral.id is 'Key.';
comment on column @book@.collateral.legal_entity_id is 'To whom.';
comment on column @book@.collateral.owner_id is 'Who owns it.';
comment on column @book@.collateral.reference is 'Its number, unique for the legal entity.';
comment on column @book@.collateral.asset_id is 'What it is.';
comment on column @book@.collateral.description is 'What it is in words.';
comment on column @book@.collateral.quantity is 'How much of it: weight, number, or amount.';
comment on column @book@.collateral.unit is 'Of a metal: the unit it was weighed in; that of the asset when NULL.';
comment on column @book@.collateral.purity is 'Of a metal: the share that is fine.';
comment on column @book@.collateral.currency is 'Of a deposit, a vehicle or what is appraised: ISO 4217 code of its amount, price or appraisal.';
comment on column @book@.collateral.new_price is 'Of a vehicle, and where an expression asks for it: its price when it was new.';
comment on column @book@.collateral.new_on is 'Of a vehicle, and where an expression asks for its age: when that was.';
comment on column @book@.collateral.attributes is 'What else is known of it, by name; expressions take numbers from here.';
comment on column @book@.collateral.priced_quantity is 'Its quantity in the unit that is priced, fine.';
comment on column @book@.collateral.pledged is 'The sum of the shares that are pledged.';

create function @book@._named_values(c @book@.collateral, age_months integer) returns jsonb
    language sql immutable parallel safe
    return c.attributes || jsonb_strip_nulls(jsonb_build_object('quantity', c.quantity, 'new_price', c.new_price,
        'age_months', case when c.new_on is not null then least(greatest(age_months, 0), 1200) end));
comment on function @book@._named_values(@book@.collateral, integer) is
'The values that an expression finds by name: attributes of a thing, its quantity, its price when new, its age, a century at most.';

-- A row says all that its kind needs, and nothing else of it changes but what is pledged.
create function @book@._check_collateral() returns trigger language plpgsql as $$
declare
    asset @book@.asset;
begin
    if tg_op = 'UPDATE' then
        if to_jsonb(old) - '{pledged,description}'::text[] <> to_jsonb(new) - '{pledged,description}'::text[] then
            raise exception using errcode = 'LN205', message = format('collateral "%s" does not change', old.reference),
                detail = 'Valuations rest on what it was taken for.',
                hint = 'Release it and take it anew; appraise tells a new value.';
        end if;
        return new;
    end if;
    select a.* into asset from @book@.asset as a where a.id = new.asset_id;
    if (asset.kind in ('deposit', 'vehicle', 'appraised', 'property_index') or asset.kind = 'expression' and asset.currency is null)
            <> (new.currency is not null)
        or asset.kind <> 'expression' and (asset.kind = 'vehicle') <> (new.new_price is not null and new.new_on is not null)
        or asset.kind = 'property_index' and new.currency <> asset.currency
        or asset.kind <> 'metal' and (new.unit is not null or new.purity <> 1)
        or asset.kind in ('vehicle', 'appraised', 'property_index') and new.quantity <> 1 or new.pledged <> 0
    then
        raise exception using errcode = 'LN206',
            message = format('collateral "%s" does not say what asset "%s" needs', new.reference, asset.code),
            detail = format('The asset is of kind %s.', asset.kind),
            hint = 'Give unit and purity of a metal, the currency of a deposit, of property and of what is appraised or has no price, currency, new_price and new_on of a vehicle.';
    end if;
    if asset.kind = 'expression' then
        -- Whatever its age will be: so no day can come on which it has no value.
        perform from generate_series(0, case when 'age_months' = any (loan_engine.expression_names(asset.expression)) then 1200 else 0 end) as n
        cross join lateral loan_engine.expression_value(asset.expression, @book@._named_values(new, n)) as v;
    end if;
    -- The arithmetic has 28 digits; twelve decimals of an ounce weigh nothing.
    new.priced_quantity := trim_scale(round(new.purity * case
        when asset.kind = 'metal' and new.unit <> asset.weight_unit
            then loan_engine.convert_weight(new.quantity, new.unit, asset.weight_unit)
        else new.quantity end, 12));
    return new;
end $$;
comment on function @book@._check_collateral() is
'Refuses with LN206 collateral that does not say what its asset needs, with LN205 to change it; brings its quantity into the unit that is priced.';
create trigger checked before insert or update on @book@.collateral for each row execute function @book@._check_collateral();

create table @book@.appraisal (
    collateral_id uuid not null references @book@.collateral,
    appraised_on date not null,
    position integer not null default 1,
    value numeric not null check (value >= 0 and value < 1e15),
    index_value numeric check (index_value > 0),
    appraiser text not null check (appraiser <> ''),
    actor text not null default @book@.actor(),
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (collateral_id, appraised_on, position)
);
comment on table @book@.appraisal is 'What somebody who knows said a thing is worth; the last counts.';
comment on column @book@.appraisal.collateral_id is 'The thing.';
comment on column @book@.appraisal.appraised_on is 'The day it was worth that.';
comment on column @book@.appraisal.position is 'Which of that day, the last counting.';
comment on column @book@.appraisal.value is 'Its value, in units of the currency of the collateral.';
comment on column @book@.appraisal.index_value is 'Of property: what the index stood at then.';
comment on column @book@.appraisal.appraiser is 'Who says so.';
comment on column @book@.appraisal.actor is 'Who recorded it.';
comment on column @book@.appraisal.recorded_at is 'When it was recorded.';
select @book@._make_append_only('@book@.appraisal');

create table @book@.pool (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    policy_id uuid not null references @book@.margin_policy,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    opened_on date not null default @book@.business_date()
);
comment on table @book@.pool is 'Loans and the collateral held for them together.';
comment on column @book@.pool.id is 'Key.';
comment on column @book@.pool.legal_entity_id is 'Who lends.';
comment on column @book@.pool.policy_id is 'Its levels.';
comment on column @book@.pool.currency is 'ISO 4217 code of its loans; what is pledged is valued in it.';
comment on column @book@.pool.opened_on is 'The business date it was opened on.';

create table @book@.pool_loan (
    loan_id uuid primary key references @book@.loan,
    pool_id uuid not null references @book@.pool,
    rank smallint not null default 1 check (rank > 0)
);
create index on @book@.pool_loan (pool_id);
comment on table @book@.pool_loan is 'Which loans a pool is held for.';
comment on column @book@.pool_loan.loan_id is 'The loan.';
comment on column @book@.pool_loan.pool_id is 'The pool.';
comment on column @book@.pool_loan.rank is 'Who is served first: lower ranks before higher ones, those of one rank in the order of their keys.';

create table @book@.security_interest (
    id uuid primary key default loan_engine.uuid_v7(),
    collateral_id uuid not null references @book@.collateral,
    pool_id uuid not null references @book@.pool,
    rank smallint not null default 1 check (rank > 0),
    share numeric not null default 1 check (share > 0 and share <= 1),
    haircut numeric not null check (haircut >= 0 and haircut < 1),
    pledged_on date not null default @book@.business_date(),
    released_on date,
    actor text not null default @book@.actor()
);
create unique index on @book@.security_interest (collateral_id, pool_id) where released_on is null;
create index on @book@.security_interest (pool_id) where released_on is null;
comment on table @book@.security_interest is 'What of a thing is pledged to a pool.';
comment on column @book@.security_interest.id is 'Key.';
comment on column @book@.security_interest.collateral_id is 'The thing.';
comment on column @book@.security_interest.pool_id is 'The pool.';
comment on column @book@.security_interest.rank is 'Whose share of what it is sold for comes first.';
comment on column @book@.security_interest.share is 'The part that is pledged, a fraction; those of one thing come to 1 at most.';
comment on column @book@.security_interest.haircut is 'The part of the value that is left out of account.';
comment on column @book@.security_interest.pledged_on is 'The business date it was pledged on.';
comment on column @book@.security_interest.released_on is 'The business date it was released on.';
comment on column @book@.security_interest.actor is 'Who pledged it.';

-- The shares of a thing are summed up in its row, so that two who pledge it at once meet there,
-- whatever their isolation level.
create function @book@._sum_shares() returns trigger language plpgsql as $$
declare
    fault record;
begin
    if tg_op = 'UPDATE' then
        if exists (
            select from before as o join after as n using (id)
            where (o.collateral_id, o.pool_id, o.share, o.pledged_on) is distinct from (n.collateral_id, n.pool_id, n.share, n.pledged_on)
                or o.released_on is not null and o.released_on is distinct from n.released_on)
        then
            raise exception using errcode = 'LN205', message = 'a security interest does not change',
                detail = 'It is pledged, and released once.', hint = 'Release it and pledge anew.';
        end if;
        perform from @book@.collateral as c where c.id in (select n.collateral_id from after as n) order by c.id for no key update;
        update @book@.collateral as c
        set pledged = c.pledged - s.share
        from (
            select n.collateral_id, sum(n.share) as share from after as n join before as o using (id)
            where n.released_on is not null and o.released_on is null group by n.collateral_id
        ) as s
        where c.id = s.collateral_id;
        return null;
    end if;
    perform from @book@.collateral as c where c.id in (select n.collateral_id from after as n) order by c.id for no key update;
    with summed as (
        update @book@.collateral as c
        set pledged = c.pledged + s.share
        from (select n.collateral_id, sum(n.share) as share from after as n group by n.collateral_id) as s
        where c.id = s.collateral_id
        returning c.reference, c.pledged, s.share
    )
    select s.* into fault from summed as s where s.pledged > 1 limit 1;
    if found then
        raise exception using errcode = 'LN203', message = format('collateral "%s" would be pledged for more than it is', fault.reference),
            detail = format('Of it %s is pledged, and %s would be added.', trim_scale(fault.pledged - fault.share), trim_scale(fault.share)),
            hint = 'Pledge no more than what is free, or release another interest first.';
    end if;
    return null;
end $$;
comment on function @book@._sum_shares() is 'Keeps what is pledged of each thing, and refuses with LN203 more than the whole.';
create trigger summed after insert on @book@.security_interest
    referencing new table as after for each statement execute function @book@._sum_shares();
create trigger summed_again after update on @book@.security_interest
    referencing old table as before new table as after for each statement execute function @book@._sum_shares();
create trigger append_only before delete or truncate on @book@.security_interest
    for each statement execute function @book@._refuse_change();

-- What of a pool follows a price, and what is fixed on a day. Whole months of age move a vehicle.
create function @book@._age_months(since date, on_date date) returns integer
    language sql immutable parallel safe
    return (extract(year from age(on_date, since)) * 12 + extract(month from age(on_date, since)))::integer;
comment on function @book@._age_months(date, date) is 'Whole months from one day to another.';

create function @book@._pool_parts(pools uuid[], on_date date)
    returns table (pool_id uuid, collateral_id uuid, asset_id uuid, rate_id uuid, weight numeric, fixed numeric, changes_on date)
    language sql stable as $$
    select i.pool_id, c.id,
        case when v.is_fixed then f.exchange_id else a.id end,
        case when not v.is_fixed then f.exchange_id end,
        case when not v.is_fixed or f.exchange_id is not null then w.amount end,
        case when v.is_fixed and f.exchange_id is null then w.amount end,
        case when v.months is not null then (c.new_on + make_interval(months => v.months + 1))::date end
    from @book@.security_interest as i
    join @book@.pool as p on p.id = i.pool_id
    join @book@.collateral as c on c.id = i.collateral_id
    join @book@.asset as a on a.id = c.asset_id
    left join lateral (
        select e.value, e.index_value from @book@.appraisal as e
        where e.collateral_id = c.id and a.kind in ('appraised', 'property_index') and e.appraised_on <= on_date
        order by e.appraised_on desc, e.position desc limit 1) as e on true
    cross join lateral (
        select a.kind in ('deposit', 'vehicle', 'appraised') as is_fixed,
            case when a.kind = 'vehicle' then @book@._age_months(c.new_on, on_date) end as months,
            case a.kind when 'vehicle' then loan_engine.depreciated_value(
                    c.new_price, @book@._age_months(c.new_on, on_date), a.curve_months, a.curve_remaining)
                when 'appraised' then e.value
                when 'property_index' then e.value / e.index_value
                else c.priced_quantity end as amount
        where a.kind <> 'expression'
        union all
        -- An expression is worth something whatever the price is, and something for each unit of the price.
        select p.is_fixed,
            case when 'age_months' = any (loan_engine.expression_names(a.expression)) then @book@._age_months(c.new_on, on_date) end,
            p.amount
        from loan_engine.expression_value(a.expression, @book@._named_values(c, @book@._age_months(c.new_on, on_date))) as x
        cross join lateral (values (true, x.fixed), (false, x.per_price)) as p (is_fixed, amount)
        where a.kind = 'expression' and (p.is_fixed or a.currency is not null)
    ) as v
    cross join lateral (select trim_scale(round(v.amount * (1 - i.haircut) * i.share, 12)) as amount) as w
    cross join lateral (
        select @book@.exchange_asset(coalesce(a.currency, c.currency), p.currency) as exchange_id offset 0
    ) as f
    where i.pool_id = any (pools) and i.released_on is null
$$;
comment on function @book@._pool_parts(uuid[], date) is
'What is pledged to pools: the asset whose price it follows, by which quantity after haircut and share, times which exchange rate; or its fixed value in the currency of the pool, and when that changes.';

insert into @book@.check_definition values
    ('no collateral is pledged twice', 'The shares of each thing come to what its row says, and to 1 at most.',
    'select format(''collateral %s: %s, the row says %s'', c.reference, coalesce(sum(i.share), 0), c.pledged)
        from @book@.collateral as c
        left join @book@.security_interest as i on i.collateral_id = c.id and i.released_on is null
        group by c.id
        having coalesce(sum(i.share), 0) <> c.pledged or c.pledged > 1');
