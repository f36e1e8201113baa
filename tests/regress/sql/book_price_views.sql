-- What prices did: days, trends, changes, ranks and history, refreshed or not.
\set SHOW_CONTEXT never
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-03-31');
set search_path = lending;
insert into asset (code, name, kind, currency, weight_unit) values
    ('XAU', 'Gold', 'metal', 'USD', 'troy_ounce'), ('XAG', 'Silver', 'metal', 'USD', 'troy_ounce');
-- Ninety days, two prices a day; gold has none at weekends.
insert into asset_price (asset_id, source, observed_at, priced_on, price, currency)
select a.id, 'fixing', d.at, d.at::date,
    round((case a.code when 'XAU' then 2000 + 2 * n + 10 * sin(n) else 25 - 0.02 * n end)::numeric, 2), 'USD'
from asset as a
cross join generate_series(1, 180) as n
cross join lateral (select timestamptz '2024-01-01 10:00Z' + (n - 1) * interval '12 hours' as at) as d
where a.code = 'XAG' or extract(isodow from d.at at time zone 'UTC') < 6;

create view pg_temp.seen as
select 'day' as what, to_jsonb(d) - 'asset_id' as row from v_price_day as d
union all select 'trend', to_jsonb(d) - 'asset_id' from v_price_trend as d
union all select 'delta', to_jsonb(d) - 'asset_id' from v_price_delta as d
union all select 'rank', to_jsonb(d) - 'asset_id' from v_price_rank as d
union all select 'risk', to_jsonb(d) - 'asset_id' from v_price_risk as d
union all select 'regression', to_jsonb(d) - 'asset_id' from v_price_regression as d;
create temporary table live as table pg_temp.seen;
select what, count(*) from live group by what order by what;
select on_date, first, highest, lowest, last from v_price_day where code = 'XAU' order by on_date desc limit 3;

-- Refreshed, the answers are the same; days since are read from the prices.
select run_refresh();
select through = business_date() as is_of_today from refresh_policy;
select count(*) > 0 as is_filled from mv_price_day;
select * from (table live except table pg_temp.seen) as fewer union all select * from (table pg_temp.seen except table live) as more;
select run_refresh(business_date() + 6), run_refresh(business_date() + 7);
insert into asset_price (asset_id, source, observed_at, priced_on, price, currency)
select id, 'fixing', '2024-03-31 20:00Z', '2024-03-31', 1, 'USD' from asset where code = 'XAG';
select last, lowest from v_price_day where code = 'XAG' and on_date = '2024-03-31';
-- A correction of a day since counts at once, and is one price.
select correct_price('XAG', 'fixing', '2024-03-31 20:00Z', 21, 'typing error');
select first, highest, lowest, last from v_price_day where code = 'XAG' and on_date = '2024-03-31';

-- By hand: seven rows of gold are nine days, seven days five rows.
with last_one as (select * from v_price_trend where code = 'XAU' order by on_date desc limit 1)
select t.on_date, abs(t.average_7_rows - (
        select avg(last) from (select last from v_price_day where code = 'XAU' order by on_date desc limit 7) as d)) < 1e-9 as by_rows,
    abs(t.average_7_days - (select avg(last) from v_price_day as d where code = 'XAU' and d.on_date > t.on_date - 7)) < 1e-9 as by_days,
    abs(t.average_30_days - (select avg(last) from v_price_day as d where code = 'XAU' and d.on_date > t.on_date - 30)) < 1e-9 as by_month,
    t.bollinger_lower_20 < t.price and t.price_after is null and t.price_before is not null as is_sound
from last_one as t;
select d.code, d.on_date, d.price,
    d.delta_7_days = d.price::float8 - (select last::float8 from v_price_day as e where e.code = d.code and e.on_date <= d.on_date - 7 order by e.on_date desc limit 1) as by_7,
    round(d.change_30_days::numeric, 6) as change_30_days, d.highest, d.lowest, round(d.maximum_drawdown::numeric, 6) as drawdown
from v_price_delta as d order by d.code;
select code, place, rank, dense_rank from v_price_rank order by place;
select r.code, r.returns, abs(r.volatility - (
        select stddev_samp(log_return) * sqrt(252) from v_price_return as x where x.code = r.code)) < 1e-12 as as_stddev,
    r.percentile_1 <= r.percentile_5 and r.percentile_5 <= r.median and r.median <= r.percentile_95 as in_order
from v_price_risk as r order by r.code;
select r.code, r.days, r.prices, abs(r.slope_per_day - (
        select regr_slope(ln(d.last::float8), (d.on_date - date '2024-01-01')::float8) from v_price_day as d
        where d.code = r.code and d.on_date > (select max(on_date) from v_price_day as m where m.code = r.code) - r.days)) < 1e-12 as as_regr
from v_price_regression as r order by r.code, r.days;
select price_history_json('XAU', '2024-03-28', '2024-03-31');
select jsonb_array_length(price_history_json('XAG') -> 'prices'), price_history_json('XAG', '2030-01-01') -> 'prices' as none;
select price_history_json('LEAD');
call run_end_of_day();
select check_name, faults, example from check_book() where faults > 0;
reset search_path;
select loan_engine.drop_book('lending');
