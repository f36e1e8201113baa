-- What is taken as collateral, and what it costs.
--
-- An asset that has a price has a row in asset_quote, which says what it is valued at now; every price
-- that was ever accepted stays in asset_price. A price is corrected by another with the next revision.

create table @book@.asset (
    id uuid primary key default loan_engine.uuid_v7(),
    code text not null unique check (code <> ''),
    name text not null,
    kind text not null check (kind in (
        'metal', 'security', 'currency', 'property_index', 'deposit', 'vehicle', 'appraised', 'expression')),
    currency text check (currency ~ '^[A-Z]{3}$'),
    base_currency text check (base_currency ~ '^[A-Z]{3}$' and base_currency <> currency),
    weight_unit text check (weight_unit in ('gram', 'kilogram', 'tola', 'troy_ounce')),
    haircut numeric not null default 0 check (haircut >= 0 and haircut < 1),
    follows_id uuid references @book@.asset,
    mean_days integer check (mean_days between 1 and 3660),
    curve_months integer[],
    curve_remaining numeric[],
    expression text,
    stale_after_days integer not null default 4 check (stale_after_days >= 0),
    spike_sigmas numeric not null default 8 check (spike_sigmas > 0),
    spread_max numeric not null default 0.05 check (spread_max > 0),
    check (case kind when 'expression' then 'price' = any (loan_engine.expression_names(expression))
        else kind in ('metal', 'security', 'currency', 'property_index') end = (currency is not null)),
    check ((kind = 'expression') = (expression is not null)),
    check ((kind = 'currency') = (base_currency is not null)),
    check ((kind = 'metal') = (weight_unit is not null)),
    check ((kind = 'vehicle') = (curve_months is not null)),
    check (cardinality(curve_months) = cardinality(curve_remaining)),
    check ((follows_id is null) = (mean_days is null) and (follows_id is null or currency is not null)),
    check (kind <> 'vehicle' or loan_engine.depreciated_value(1, 0, curve_months, curve_remaining) >= 0)
);
create unique index on @book@.asset (base_currency, currency) where kind = 'currency' and follows_id is null;
create index on @book@.asset (follows_id) where follows_id is not null;
comment on table @book@.asset is 'A kind of thing that is taken as collateral: gold by the ounce, a share, a currency, an index of prices of property, cars of a kind.';
comment on column @book@.asset.id is 'Key.';
comment on column @book@.asset.code is 'Its name, as price lists have it.';
comment on column @book@.asset.name is 'Its name in words.';
comment on column @book@.asset.kind is
'metal by fine weight; security by number; currency by amount; property_index, which carries appraisals on; deposit at its amount; vehicle along a curve of depreciation; appraised at its last appraisal; expression by a formula.';
comment on column @book@.asset.currency is 'ISO 4217 code of its price; none for what has no price.';
comment on column @book@.asset.base_currency is 'Of a currency: the one a unit of which is priced.';
comment on column @book@.asset.weight_unit is 'Of a metal: the unit of fine weight that is priced.';
comment on column @book@.asset.haircut is 'The part of its value that is left out of account, unless asset_haircut says otherwise.';
comment on column @book@.asset.follows_id is 'The asset whose price, or mean price where that is lower, is the price of this one.';
comment on column @book@.asset.mean_days is 'Over how many days that mean is.';
comment on column @book@.asset.curve_months is 'Of a vehicle: ages in months, rising.';
comment on column @book@.asset.curve_remaining is 'Of a vehicle: the part of the price that is left at each age.';
comment on column @book@.asset.expression is
'Of kind expression: what it is worth before the haircut, as for loan_engine.expression_value, by price or index, quantity, age_months, new_price and attributes of the collateral.';
comment on column @book@.asset.stale_after_days is 'After how many days without a new price the last one is stale: then it cures nothing.';
comment on column @book@.asset.spike_sigmas is 'How many standard deviations a price may move from the two before it without being looked at.';
comment on column @book@.asset.spread_max is 'By which part the prices of two sources of one day may differ without being looked at.';

create table @book@.asset_haircut (
    asset_id uuid not null references @book@.asset,
    from_days integer not null check (from_days >= 0),
    haircut numeric not null check (haircut >= 0 and haircut < 1),
    primary key (asset_id, from_days)
);
comment on table @book@.asset_haircut is 'Haircuts of an asset by how long the loans it is pledged for run.';
comment on column @book@.asset_haircut.asset_id is 'The asset.';
comment on column @book@.asset_haircut.from_days is 'From how many days to the last due date.';
comment on column @book@.asset_haircut.haircut is 'The part of its value that is left out of account.';

create function @book@._haircut(asset_id uuid, days integer) returns numeric
    language sql stable parallel safe as $$
    select coalesce((
        select h.haircut from @book@.asset_haircut as h
        where h.asset_id = _haircut.asset_id and h.from_days <= coalesce(days, 0)
        order by h.from_days desc limit 1), a.haircut)
    from @book@.asset as a
    where a.id = _haircut.asset_id
$$;
comment on function @book@._haircut(uuid, integer) is 'The haircut of an asset pledged for so many days.';

create table @book@.asset_price (
    asset_id uuid not null,
    source text not null check (source <> ''),
    observed_at timestamptz not null check (isfinite(observed_at)),
    revision integer not null default 0 check (revision >= 0),
    priced_on date not null check (priced_on = (observed_at at time zone 'UTC')::date),
    price numeric not null check (price > 0 and price < 1e15),
    bid numeric check (bid > 0 and bid < 1e15),
    ask numeric check (ask >= bid and ask < 1e15),
    currency text not null,
    raw jsonb,
    actor text not null default @book@.actor(),
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (asset_id, source, observed_at, revision, priced_on)
) partition by range (priced_on);
create index on @book@.asset_price (asset_id, observed_at);
create index on @book@.asset_price using gin (raw jsonb_path_ops) where raw is not null;
comment on table @book@.asset_price is
'What an asset cost, as a source said it: prices that were accepted. Price lists go into price_inbox, which passes on what is sound.';
comment on column @book@.asset_price.asset_id is 'The asset; the trigger refuses others.';
comment on column @book@.asset_price.source is 'Who said so.';
comment on column @book@.asset_price.observed_at is 'When it was the price.';
comment on column @book@.asset_price.revision is 'How often it was corrected; the highest counts.';
comment on column @book@.asset_price.priced_on is 'The day of observed_at in UTC, by which rows lie in partitions.';
comment on column @book@.asset_price.price is 'The price things are valued at, in units of currency: the middle where there are two.';
comment on column @book@.asset_price.bid is 'What was offered for it.';
comment on column @book@.asset_price.ask is 'What was asked for it.';
comment on column @book@.asset_price.currency is 'ISO 4217 code: that of the asset.';
comment on column @book@.asset_price.raw is 'What the source sent.';
comment on column @book@.asset_price.actor is 'Who recorded it.';
comment on column @book@.asset_price.recorded_at is 'When it was recorded.';
select @book@._make_append_only('@book@.asset_price');
insert into @book@.partitioned values ('asset_price', array[
    'select @book@._make_append_only(%L)',
    'create trigger taken after insert on %s referencing new table as taken
        for each statement execute function @book@._take_prices()']);
create table @book@.asset_price_earlier partition of @book@.asset_price default;
comment on table @book@.asset_price_earlier is 'Rows of asset_price of months before the book was opened.';
select @book@._make_append_only('@book@.asset_price_earlier');

create table @book@.asset_quote (
    asset_id uuid primary key references @book@.asset,
    price numeric check (price > 0),
    observed_at timestamptz,
    priced_on date,
    revision integer,
    source text,
    fresh_through date
) with (fillfactor = 20);
comment on table @book@.asset_quote is 'What each asset is valued at now: the last of its prices. Written by the trigger of asset_price alone.';
comment on column @book@.asset_quote.asset_id is 'The asset.';
comment on column @book@.asset_quote.price is 'Its price, in units of its currency; none before the first.';
comment on column @book@.asset_quote.observed_at is 'When it was the price.';
comment on column @book@.asset_quote.priced_on is 'The day of that, in UTC.';
comment on column @book@.asset_quote.revision is 'Which revision of the price it is.';
comment on column @book@.asset_quote.source is 'Who said so.';
comment on column @book@.asset_quote.fresh_through is 'The last day on which it is not stale.';

create function @book@._quote_assets() returns trigger language plpgsql as $$
begin
    insert into @book@.asset_quote (asset_id) select n.id from added as n where n.currency is not null;
    return null;
end $$;
comment on function @book@._quote_assets() is 'Gives assets that have a price the row that tells it.';
create trigger quoted after insert on @book@.asset
    referencing new table as added for each statement execute function @book@._quote_assets();

-- What decides how an asset is priced does not change under the prices it has.
create function @book@._keep_asset() returns trigger language plpgsql as $$
begin
    if (old.kind, old.currency, old.base_currency, old.weight_unit, old.follows_id, old.mean_days, old.expression)
        is distinct from
        (new.kind, new.currency, new.base_currency, new.weight_unit, new.follows_id, new.mean_days, new.expression)
    then
        raise exception using errcode = 'LN205', message = format('how asset "%s" is priced does not change', old.code),
            detail = 'Its kind, currency and unit say what its prices mean.',
            hint = 'Add another asset.';
    end if;
    if old.stale_after_days <> new.stale_after_days then
        update @book@.asset_quote as q set fresh_through = q.priced_on + new.stale_after_days where q.asset_id = new.id;
    end if;
    return new;
end $$;
comment on function @book@._keep_asset() is
'Refuses with LN205 to change what the prices of an asset mean; tells anew how long the present one is fresh.';
create trigger kept before update on @book@.asset for each row execute function @book@._keep_asset();

-- The mean of the last price of each day, or the spot price where that is lower.
create function @book@._lower_of_mean(asset_id uuid, mean_days integer, through timestamptz, spot numeric) returns numeric
    language sql stable parallel safe as $$
    select least(spot, trim_scale(round(avg(d.price), 12)))
    from (
        select distinct on (p.priced_on) p.price
        from @book@.asset_price as p
        where p.asset_id = _lower_of_mean.asset_id and p.observed_at <= through
            and p.priced_on > (through at time zone 'UTC')::date - mean_days and p.priced_on <= (through at time zone 'UTC')::date
        order by p.priced_on, p.observed_at desc, p.revision desc
    ) as d
$$;
comment on function @book@._lower_of_mean(uuid, integer, timestamptz, numeric) is
'The lower of a spot price and of the mean of the last prices of the days until then, so many.';

create function @book@.exchange_asset(base text, quote text) returns uuid
    language plpgsql stable parallel safe as $$
declare
    found_id uuid := (
        select a.id from @book@.asset as a
        where a.kind = 'currency' and a.base_currency = base and a.currency = quote and a.follows_id is null);
begin
    if found_id is null and base <> quote then
        raise exception using errcode = 'LN207', message = format('there is no asset that prices %s in %s', base, quote),
            detail = 'A missing exchange rate is never taken for one.',
            hint = 'Insert an asset of kind currency and its price.';
    end if;
    return found_id;
end $$;
comment on function @book@.exchange_asset(text, text) is
'The asset whose price is one unit of a currency in another; NULL for the same currency, LN207 when there is none.';

-- What moves prices does so one after the other, and waits for who lays bands by them: they share this lock.
create function @book@._price_lock() returns bigint
    language sql immutable parallel safe return hashtextextended('@book@.prices', 0);
comment on function @book@._price_lock() is 'The advisory lock of prices: exclusive for who moves them, shared for who lays bands by them.';

create function @book@._take_prices() returns trigger language plpgsql as $$
declare
    moved record;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception using errcode = '25001', message = 'prices are recorded in read committed',
            detail = 'Who records one must see what was pledged and paid until now, not until the transaction began.',
            hint = 'Begin a transaction of that isolation level.';
    end if;
    perform pg_advisory_xact_lock(@book@._price_lock());
    -- Of the prices of one statement the latest of each asset counts; what is older than the last is history.
    -- One statement, so that a price that moves nothing costs little more than being written.
    with known as materialized (
        select n.asset_id, n.price, n.observed_at, n.priced_on, n.revision, n.source, n.recorded_at, a.stale_after_days,
            a.currency is distinct from n.currency or a.follows_id is not null
                or n.priced_on > greatest(b.business_date, current_date) as is_refused,
            q.observed_at is null or (n.observed_at, n.revision) >= (q.observed_at, q.revision) as is_news
        from taken as n
        cross join @book@.book as b
        left join @book@.asset as a on a.id = n.asset_id
        left join @book@.asset_quote as q on q.asset_id = n.asset_id
    ), newest as materialized (
        select distinct on (k.asset_id) k.asset_id, k.price, k.observed_at, k.priced_on, k.revision, k.source, k.stale_after_days
        from known as k
        where k.is_news
        order by k.asset_id, k.observed_at desc, k.revision desc, k.recorded_at desc
    ), asked as materialized (
        select s.* from newest as s
        union all
        select f.id, @book@._lower_of_mean(s.asset_id, f.mean_days, s.observed_at, s.price), s.observed_at, s.priced_on,
            s.revision, s.source, f.stale_after_days
        from newest as s
        join @book@.asset as f on f.follows_id = s.asset_id
    ), quoted as (
        update @book@.asset_quote as q
        set price = a.price, observed_at = a.observed_at, priced_on = a.priced_on, revision = a.revision, source = a.source,
            fresh_through = a.priced_on + a.stale_after_days
        from asked as a
        where q.asset_id = a.asset_id
    ), fresh as (
        update @book@.price_alarm as k
        set closed_at = clock_timestamp()
        from asked as a
        where k.asset_id = a.asset_id and k.closed_at is null
    )
    select (select bool_or(k.is_refused) from known as k) as is_refused, array(
        select distinct l.pool_id
        from asked as a
        cross join lateral (
            select f.pool_id from @book@.margin_ladder as f where f.asset_id = a.asset_id and f.falls_at >= a.price
            union all
            select r.pool_id from @book@.margin_ladder as r where r.asset_id = a.asset_id and r.rises_at < a.price
        ) as l
        order by l.pool_id) as pools
    into moved;
    if moved.is_refused then
        perform @book@._refuse_price(n.asset_id, a.code, a.currency, n.currency, a.follows_id is not null, n.observed_at)
        from taken as n
        cross join @book@.book as b
        left join @book@.asset as a on a.id = n.asset_id
        where a.currency is distinct from n.currency or a.follows_id is not null
            or n.priced_on > greatest(b.business_date, current_date);
    end if;
    if moved.pools <> '{}' then
        perform @book@._look_at_pools(moved.pools, 'price');
    end if;
    return null;
end $$;
comment on function @book@._take_prices() is
'Makes the latest of the prices a statement added those that assets are valued at, and looks at the pools whose bands they left; 25001 in other isolation levels than read committed.';
create trigger taken after insert on @book@.asset_price
    referencing new table as taken for each statement execute function @book@._take_prices();
create trigger taken after insert on @book@.asset_price_earlier
    referencing new table as taken for each statement execute function @book@._take_prices();

create function @book@._refuse_price(
    asset_id uuid, code text, expected text, currency text, is_derived boolean, observed_at timestamptz
) returns void language plpgsql stable as $$
begin
    if code is null then
        raise exception using errcode = 'LN208', message = format('there is no asset %s', asset_id),
            hint = 'The table asset lists assets by their code.';
    elsif is_derived or expected is null then
        raise exception using errcode = 'LN206', message = format('asset "%s" takes no prices', code),
            detail = case when is_derived then 'Its price follows that of another.' else 'It is not valued by a price.' end,
            hint = 'Record the price of the asset it follows, or appraise what is pledged.';
    elsif expected <> currency then
        raise exception using errcode = 'LN206', message = format('the price of asset "%s" is in %s', code, currency),
            detail = format('It is priced in %s.', expected),
            hint = 'Add an asset that is priced in the other currency.';
    end if;
    raise exception using errcode = 'LN210', message = format('a price of asset "%s" is of a day to come', code),
        detail = format('It is of %s; the business date is %s.', observed_at, @book@.business_date()),
        hint = 'Record it when it is the price.';
end $$;
comment on function @book@._refuse_price(uuid, text, text, text, boolean, timestamptz) is 'Says why a price is refused.';

create function @book@.correct_price(asset_code text, source text, observed_at timestamptz, price numeric, reason text)
    returns integer language plpgsql as $$
declare
    last_one @book@.asset_price;
begin
    perform @book@._authorise('correct_price');
    select p.* into last_one
    from @book@.asset_price as p
    join @book@.asset as a on a.id = p.asset_id
    where a.code = asset_code and p.source = correct_price.source and p.observed_at = correct_price.observed_at
        and p.priced_on = (correct_price.observed_at at time zone 'UTC')::date
    order by p.revision desc
    limit 1;
    if not found then
        raise exception using errcode = 'LN208',
            message = format('source "%s" said no price of asset "%s" at %s', source, asset_code, observed_at),
            hint = 'Give the source and the time of the price that is wrong, as asset_price has them.';
    elsif reason is null or reason = '' then
        raise exception using errcode = '22004', message = 'a correction needs a reason',
            hint = 'Say why the price was wrong.';
    end if;
    insert into @book@.asset_price (asset_id, source, observed_at, revision, priced_on, price, currency, raw)
    values (last_one.asset_id, last_one.source, last_one.observed_at, last_one.revision + 1, last_one.priced_on,
        correct_price.price, last_one.currency, jsonb_build_object('corrects', last_one.price, 'reason', reason));
    return last_one.revision + 1;
end $$;
comment on function @book@.correct_price(text, text, timestamptz, numeric, text) is
'Records what a price should have been as its next revision, with the reason; where it is the present price, collateral follows. Returns the revision; refuses with LN201 and LN208.';

create view @book@.v_asset_price as
select a.code, a.name, a.kind, a.currency, q.price, q.observed_at, q.source,
    @book@.business_date() - q.priced_on as age_days,
    q.price is null or @book@.business_date() - q.priced_on > a.stale_after_days as is_stale
from @book@.asset as a
join @book@.asset_quote as q on q.asset_id = a.id;
comment on view @book@.v_asset_price is 'What each asset costs now, and whether that is too old to rely on.';
comment on column @book@.v_asset_price.code is 'The asset.';
comment on column @book@.v_asset_price.name is 'Its name in words.';
comment on column @book@.v_asset_price.kind is 'Its kind.';
comment on column @book@.v_asset_price.currency is 'ISO 4217 code of the price.';
comment on column @book@.v_asset_price.price is 'The price; none before the first.';
comment on column @book@.v_asset_price.observed_at is 'When it was the price.';
comment on column @book@.v_asset_price.source is 'Who said so.';
comment on column @book@.v_asset_price.age_days is 'How many days before the business date that was.';
comment on column @book@.v_asset_price.is_stale is 'Whether there is none, or one older than the asset allows.';
