-- What prices did: days, trends, changes, ranks, spread and history, for those who look.
--
-- Of each asset and day a materialised view keeps the first, highest, lowest and last price; days after
-- the last refresh are read from the prices themselves. How often it is refreshed is a row.

create table @book@.refresh_policy (
    name text primary key,
    every_days integer not null check (every_days > 0),
    is_concurrent boolean not null default true,
    through date,
    refreshed_at timestamptz
);
comment on table @book@.refresh_policy is 'Materialised views of the book, and how often the end of the day refreshes them.';
comment on column @book@.refresh_policy.name is 'The materialised view.';
comment on column @book@.refresh_policy.every_days is 'After so many business dates it is refreshed again.';
comment on column @book@.refresh_policy.is_concurrent is 'Whether readers go on meanwhile, which takes longer.';
comment on column @book@.refresh_policy.through is 'The business date it was refreshed on last; days before it are settled.';
comment on column @book@.refresh_policy.refreshed_at is 'When.';

create view @book@._price_day as
select p.asset_id, p.priced_on as on_date,
    (array_agg(p.price order by p.observed_at, p.revision desc))[1] as first, max(p.price) as highest, min(p.price) as lowest,
    (array_agg(p.price order by p.observed_at desc, p.revision desc))[1] as last, count(*)::integer as prices
from @book@.asset_price as p
where not exists (
    select from @book@.asset_price as r
    where r.asset_id = p.asset_id and r.source = p.source and r.observed_at = p.observed_at
        and r.priced_on = p.priced_on and r.revision > p.revision)
group by p.asset_id, p.priced_on;
comment on view @book@._price_day is 'Each day of each asset with a price, from the prices themselves; what was corrected does not count.';
comment on column @book@._price_day.asset_id is 'The asset.';
comment on column @book@._price_day.on_date is 'The day, in UTC.';
comment on column @book@._price_day.first is 'The first price of the day.';
comment on column @book@._price_day.highest is 'The highest.';
comment on column @book@._price_day.lowest is 'The lowest.';
comment on column @book@._price_day.last is 'The last.';
comment on column @book@._price_day.prices is 'How many there were, corrections not counted twice.';
create materialized view @book@.mv_price_day as select d.* from @book@._price_day as d;
create unique index on @book@.mv_price_day (asset_id, on_date);
comment on materialized view @book@.mv_price_day is
'Each day of each asset with a price, as of the last refresh; v_price_day has the days since as well. A correction of an earlier day shows with the next refresh.';
comment on column @book@.mv_price_day.asset_id is 'The asset.';
comment on column @book@.mv_price_day.on_date is 'The day, in UTC.';
comment on column @book@.mv_price_day.first is 'The first price of the day.';
comment on column @book@.mv_price_day.highest is 'The highest.';
comment on column @book@.mv_price_day.lowest is 'The lowest.';
comment on column @book@.mv_price_day.last is 'The last.';
comment on column @book@.mv_price_day.prices is 'How many there were, corrections not counted twice.';
insert into @book@.refresh_policy (name, every_days) values ('mv_price_day', 7);

create function @book@.run_refresh(on_date date default null) returns integer language plpgsql as $$
declare
    due @book@.refresh_policy;
    refreshed integer := 0;
begin
    for due in
        select p.* from @book@.refresh_policy as p
        where on_date is null or p.through is null or p.through + p.every_days <= on_date
        order by p.name
        for update
    loop
        execute format('refresh materialized view %s @book@.%I',
            case when due.is_concurrent then 'concurrently' else '' end, due.name);
        update @book@.refresh_policy as p set through = @book@.business_date(), refreshed_at = clock_timestamp()
        where p.name = due.name;
        refreshed := refreshed + 1;
    end loop;
    return refreshed;
end $$;
comment on function @book@.run_refresh(date) is
'Refreshes the materialised views whose time has come by a day, or all of them without one; returns how many. Done at the end of each day.';

create view @book@.v_price_day as
select a.code, d.asset_id, d.on_date, d.first, d.highest, d.lowest, d.last
from (
    select m.* from @book@.mv_price_day as m
    where m.on_date < (select coalesce(r.through, '-infinity') from @book@.refresh_policy as r where r.name = 'mv_price_day')
    union all
    select n.* from @book@._price_day as n
    where n.on_date >= (select coalesce(r.through, '-infinity') from @book@.refresh_policy as r where r.name = 'mv_price_day')
) as d
join @book@.asset as a on a.id = d.asset_id;
comment on view @book@.v_price_day is 'Each day of each asset with a price: the first, the highest, the lowest and the last.';
comment on column @book@.v_price_day.code is 'The asset, by code.';
comment on column @book@.v_price_day.asset_id is 'The asset.';
comment on column @book@.v_price_day.on_date is 'The day, in UTC.';
comment on column @book@.v_price_day.first is 'The first price of the day, in the currency of the asset.';
comment on column @book@.v_price_day.highest is 'The highest.';
comment on column @book@.v_price_day.lowest is 'The lowest.';
comment on column @book@.v_price_day.last is 'The last.';

-- Thirty rows are not thirty days: both are told, under names that say which.
create view @book@.v_price_trend as
select d.code, d.asset_id, d.on_date, d.last as price,
    loan_engine.moving_average(d.last::float8) over (by_row rows 6 preceding) as average_7_rows,
    loan_engine.moving_average(d.last::float8) over (by_row rows 29 preceding) as average_30_rows,
    loan_engine.moving_average(d.last::float8) over (by_row range interval '6 days' preceding) as average_7_days,
    loan_engine.moving_average(d.last::float8) over (by_row range interval '29 days' preceding) as average_30_days,
    loan_engine.exponential_moving_average(d.last::float8, 30) over by_row as exponential_average_30,
    loan_engine.bollinger_lower(d.last::float8) over (by_row rows 19 preceding) as bollinger_lower_20,
    loan_engine.bollinger_upper(d.last::float8) over (by_row rows 19 preceding) as bollinger_upper_20,
    lag(d.last) over by_row as price_before, lead(d.last) over by_row as price_after
from @book@.v_price_day as d
window by_row as (partition by d.asset_id order by d.on_date);
comment on view @book@.v_price_trend is 'Daily closing prices with their moving averages and bands.';
comment on column @book@.v_price_trend.code is 'The asset, by code.';
comment on column @book@.v_price_trend.asset_id is 'The asset.';
comment on column @book@.v_price_trend.on_date is 'The day, in UTC.';
comment on column @book@.v_price_trend.price is 'Its last price.';
comment on column @book@.v_price_trend.average_7_rows is 'Mean of the last 7 days that have a price.';
comment on column @book@.v_price_trend.average_30_rows is 'Mean of the last 30 days that have a price.';
comment on column @book@.v_price_trend.average_7_days is 'Mean of the prices of the last 7 calendar days.';
comment on column @book@.v_price_trend.average_30_days is 'Mean of the prices of the last 30 calendar days.';
comment on column @book@.v_price_trend.exponential_average_30 is 'Exponential average with a span of 30 prices.';
comment on column @book@.v_price_trend.bollinger_lower_20 is 'Two population deviations below the mean of 20 prices.';
comment on column @book@.v_price_trend.bollinger_upper_20 is 'Two population deviations above it.';
comment on column @book@.v_price_trend.price_before is 'The price of the day before with one.';
comment on column @book@.v_price_trend.price_after is 'The price of the day after with one.';

create view @book@.v_price_return as
select d.code, d.asset_id, d.on_date, d.last as price,
    case when lag(d.last) over by_row is not null then
        loan_engine.log_return(lag(d.last) over by_row::float8, d.last::float8) end as log_return,
    d.on_date - lag(d.on_date) over by_row as days
from @book@.v_price_day as d
window by_row as (partition by d.asset_id order by d.on_date);
comment on view @book@.v_price_return is 'Daily logarithmic returns.';
comment on column @book@.v_price_return.code is 'The asset, by code.';
comment on column @book@.v_price_return.asset_id is 'The asset.';
comment on column @book@.v_price_return.on_date is 'The day, in UTC.';
comment on column @book@.v_price_return.price is 'Its last price.';
comment on column @book@.v_price_return.log_return is 'The logarithm of it over the price of the day before with one; NULL for the first.';
comment on column @book@.v_price_return.days is 'How many days lie between the two.';

create view @book@.v_price_delta as
select d.code, d.asset_id, max(d.on_date) as on_date, (array_agg(d.last order by d.on_date desc))[1] as price,
    loan_engine.price_delta(d.last::float8, d.on_date, 1 order by d.on_date) as delta_1_day,
    loan_engine.price_delta(d.last::float8, d.on_date, 7 order by d.on_date) as delta_7_days,
    loan_engine.price_delta(d.last::float8, d.on_date, 30 order by d.on_date) as delta_30_days,
    loan_engine.price_change(d.last::float8, d.on_date, 1 order by d.on_date) as change_1_day,
    loan_engine.price_change(d.last::float8, d.on_date, 7 order by d.on_date) as change_7_days,
    loan_engine.price_change(d.last::float8, d.on_date, 30 order by d.on_date) as change_30_days,
    max(d.highest) as highest, min(d.lowest) as lowest,
    loan_engine.maximum_drawdown(d.last::float8 order by d.on_date) as maximum_drawdown,
    loan_engine.current_drawdown(d.last::float8 order by d.on_date) as current_drawdown
from @book@.v_price_day as d
group by d.code, d.asset_id;
comment on view @book@.v_price_delta is 'The last price of each asset, and how it moved in 1, 7 and 30 days and since the beginning.';
comment on column @book@.v_price_delta.code is 'The asset, by code.';
comment on column @book@.v_price_delta.asset_id is 'The asset.';
comment on column @book@.v_price_delta.on_date is 'The day of the last price.';
comment on column @book@.v_price_delta.price is 'The last price.';
comment on column @book@.v_price_delta.delta_1_day is 'Less the price a day earlier, or the last one before.';
comment on column @book@.v_price_delta.delta_7_days is 'Less the price seven days earlier.';
comment on column @book@.v_price_delta.delta_30_days is 'Less the price thirty days earlier.';
comment on column @book@.v_price_delta.change_1_day is 'The same as a fraction of the earlier price.';
comment on column @book@.v_price_delta.change_7_days is 'In seven days, as a fraction.';
comment on column @book@.v_price_delta.change_30_days is 'In thirty days, as a fraction.';
comment on column @book@.v_price_delta.highest is 'The highest price there was.';
comment on column @book@.v_price_delta.lowest is 'The lowest.';
comment on column @book@.v_price_delta.maximum_drawdown is 'The deepest fall from a peak, as a fraction of it.';
comment on column @book@.v_price_delta.current_drawdown is 'How far the last price is below the peak.';

create view @book@.v_price_rank as
select d.code, d.asset_id, d.on_date, d.price, d.change_30_days,
    row_number() over (order by d.change_30_days desc nulls last, d.code) as place,
    rank() over (order by d.change_30_days desc nulls last) as rank,
    dense_rank() over (order by d.change_30_days desc nulls last) as dense_rank,
    rank() over (order by abs(d.change_1_day) desc nulls last) as rank_of_move
from @book@.v_price_delta as d;
comment on view @book@.v_price_rank is 'Assets by what they gained in 30 days, and by how far they moved in one.';
comment on column @book@.v_price_rank.code is 'The asset, by code.';
comment on column @book@.v_price_rank.asset_id is 'The asset.';
comment on column @book@.v_price_rank.on_date is 'The day of its last price.';
comment on column @book@.v_price_rank.price is 'That price.';
comment on column @book@.v_price_rank.change_30_days is 'What it gained in 30 days, as a fraction.';
comment on column @book@.v_price_rank.place is 'Its place, each given once.';
comment on column @book@.v_price_rank.rank is 'Its rank; equals share one and the next are left out.';
comment on column @book@.v_price_rank.dense_rank is 'Its rank; equals share one and none is left out.';
comment on column @book@.v_price_rank.rank_of_move is 'Its rank by the size of the last day''s move.';

create view @book@.v_price_risk as
select r.code, r.asset_id, count(*) as returns, max(r.on_date) as on_date,
    loan_engine.sample_volatility(r.log_return, 252) as volatility,
    loan_engine.ewma_volatility(r.log_return, 0.94 order by r.on_date) as ewma_volatility,
    percentile_cont(0.01) within group (order by r.log_return) as percentile_1,
    percentile_cont(0.05) within group (order by r.log_return) as percentile_5,
    percentile_disc(0.5) within group (order by r.log_return) as median,
    percentile_cont(0.95) within group (order by r.log_return) as percentile_95,
    percentile_cont(0.99) within group (order by r.log_return) as percentile_99
from (
    select r.*, row_number() over (partition by r.asset_id order by r.on_date desc) as back
    from @book@.v_price_return as r where r.log_return is not null
) as r
where r.back <= 250
group by r.code, r.asset_id;
comment on view @book@.v_price_risk is 'How much the prices of the last 250 days move: volatility and percentiles of daily logarithmic returns.';
comment on column @book@.v_price_risk.code is 'The asset, by code.';
comment on column @book@.v_price_risk.asset_id is 'The asset.';
comment on column @book@.v_price_risk.returns is 'How many returns it is told from.';
comment on column @book@.v_price_risk.on_date is 'The day of the last.';
comment on column @book@.v_price_risk.volatility is 'Their sample deviation a year, of 252 trading days.';
comment on column @book@.v_price_risk.ewma_volatility is 'Their exponentially weighted deviation, a day, with lambda 0.94.';
comment on column @book@.v_price_risk.percentile_1 is 'One return in a hundred is lower.';
comment on column @book@.v_price_risk.percentile_5 is 'One in twenty is lower.';
comment on column @book@.v_price_risk.median is 'As many are lower as higher; a return there was.';
comment on column @book@.v_price_risk.percentile_95 is 'One in twenty is higher.';
comment on column @book@.v_price_risk.percentile_99 is 'One in a hundred is higher.';

create view @book@.v_price_regression as
select d.code, d.asset_id, w.days, count(*) as prices,
    loan_engine.regression_slope(ln(d.last::float8), (d.on_date - l.last_date)::float8) as slope_per_day,
    loan_engine.regression_r2(ln(d.last::float8), (d.on_date - l.last_date)::float8) as r2,
    loan_engine.regression_residual_deviation(ln(d.last::float8), (d.on_date - l.last_date)::float8) as residual_deviation
from (values (30), (90), (365)) as w (days)
cross join (select v.asset_id, max(v.on_date) as last_date from @book@.v_price_day as v group by v.asset_id) as l
join @book@.v_price_day as d on d.asset_id = l.asset_id and d.on_date > l.last_date - w.days
group by d.code, d.asset_id, w.days;
comment on view @book@.v_price_regression is 'The line through the logarithms of the prices of the last 30, 90 and 365 days.';
comment on column @book@.v_price_regression.code is 'The asset, by code.';
comment on column @book@.v_price_regression.asset_id is 'The asset.';
comment on column @book@.v_price_regression.days is 'How many calendar days it is told from.';
comment on column @book@.v_price_regression.prices is 'How many of them have a price.';
comment on column @book@.v_price_regression.slope_per_day is 'By what part the price grows a day along it.';
comment on column @book@.v_price_regression.r2 is 'What of the variation it explains, as a fraction.';
comment on column @book@.v_price_regression.residual_deviation is 'The sample deviation of what it leaves.';

create function @book@.price_history_json(asset_code text, from_date date default null, through_date date default null)
    returns jsonb language plpgsql stable as $$
declare
    known @book@.asset;
begin
    select a.* into known from @book@.asset as a where a.code = asset_code;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no asset "%s"', asset_code),
            hint = 'The table asset lists assets by their code.';
    end if;
    return (
        select jsonb_build_object('asset', known.code, 'currency', known.currency, 'from', min(d.on_date), 'through', max(d.on_date),
            'prices', coalesce(jsonb_agg(jsonb_build_object(
                'on', d.on_date, 'first', d.first, 'highest', d.highest, 'lowest', d.lowest, 'last', d.last)
                order by d.on_date), '[]'))
        from @book@.v_price_day as d
        where d.asset_id = known.id and d.on_date >= coalesce(from_date, '-infinity')
            and d.on_date <= coalesce(through_date, 'infinity'));
end $$;
comment on function @book@.price_history_json(text, date, date) is
'The daily prices of an asset between two days, as JSON for reports. Refuses with LN208 an unknown asset.';
