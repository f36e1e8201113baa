-- Aggregates over prices answer the same whatever the order of rows, the number of workers and the
-- way a frame moves; what order decides is refused or documented, and no bad value gives a number.
set search_path = loan_engine, public;

create table quote (asset text, on_date date, price double precision);
insert into quote
select 'gold', date '2024-01-01' + i + 2 * (i / 5), round((1900 + 200 * sin(i / 7.0) + i)::numeric, 2)
from generate_series(0, 119) as i;

create view daily as
select on_date, price,
       log_return(lag(price) over (order by on_date), price) as log_return,
       on_date - lag(on_date) over (order by on_date) as elapsed,
       (row_number() over (order by on_date desc))::integer - 1 as age
from quote;

select round(log_return(100, 110)::numeric, 12), round(simple_return(100, 110)::numeric, 12),
       log_return(null, 1) is null as first_row;

-- A frame that moves is what it is summed anew.
create view framed as
select on_date,
       array_agg(price) over frame as prices,
       array_agg(log_return) over frame as returns,
       array_agg(on_date) over frame as dates,
       moving_average(price) over frame as average,
       moving_deviation(price) over frame as deviation,
       bollinger_lower(price) over frame as lower,
       bollinger_upper(price, 1.5) over frame as upper,
       weighted_moving_average(price) over frame as weighted,
       maximum_drawdown(price) over frame as drawdown,
       maximum_drawdown_peak(price, on_date) over frame as peak,
       maximum_drawdown_trough(price, on_date) over frame as trough,
       sample_volatility(log_return, 365) over frame as volatility,
       sample_volatility(log_return, 365, elapsed) over frame as spaced,
       zero_mean_volatility(log_return) over frame as zero_mean,
       regression_slope(price, on_date - date '2024-01-01') over frame as slope,
       regression_residual_deviation(price, on_date - date '2024-01-01') over frame as residual,
       percentile(price, 0.9) over frame as ninth_decile,
       discrete_percentile(price, 0.9) over frame as discrete
from daily
window frame as (order by on_date rows 9 preceding);

select count(*) as rows,
       bool_and(f.average = anew.average) as average,
       bool_and(f.deviation is not distinct from anew.deviation) as deviation,
       bool_and(f.lower = anew.lower and f.upper = anew.upper) as bands,
       bool_and(f.weighted = anew.weighted) as weighted,
       bool_and(f.drawdown = anew.drawdown) as drawdown,
       bool_and(f.peak is not distinct from anew.peak) as peak,
       bool_and(f.trough is not distinct from anew.trough) as trough,
       bool_and(f.ninth_decile = anew.ninth_decile) as percentile,
       bool_and(f.discrete = anew.discrete) as discrete,
       bool_and(abs(f.average / anew.server_average - 1) < 1e-14) as as_the_server_averages,
       bool_and(f.ninth_decile = anew.server_percentile) as as_the_server_divides
from framed as f
cross join lateral (
    select moving_average(price) as average, moving_deviation(price) as deviation,
           bollinger_lower(price) as lower, bollinger_upper(price, 1.5) as upper,
           weighted_moving_average(price order by day) as weighted,
           maximum_drawdown(price order by day) as drawdown,
           maximum_drawdown_peak(price, day order by day) as peak,
           maximum_drawdown_trough(price, day order by day) as trough,
           percentile(price, 0.9) as ninth_decile, discrete_percentile(price, 0.9) as discrete,
           avg(price) as server_average,
           percentile_cont(0.9) within group (order by price) as server_percentile
    from unnest(f.prices, f.dates) as frame (price, day)
) as anew;

select count(*) as rows,
       bool_and(f.volatility is not distinct from anew.volatility) as volatility,
       bool_and(f.zero_mean is not distinct from anew.zero_mean) as zero_mean,
       bool_and(abs(f.volatility / anew.server - 1) < 1e-13) as as_the_server_deviates
from framed as f
cross join lateral (
    select sample_volatility(log_return, 365) as volatility, zero_mean_volatility(log_return) as zero_mean,
           stddev(log_return) * sqrt(365) as server
    from unnest(f.returns) as log_return
) as anew;

select on_date, round(average::numeric, 6) as average, round(deviation::numeric, 6) as deviation,
       round(lower::numeric, 6) as lower, round(weighted::numeric, 6) as weighted,
       round(drawdown::numeric, 8) as drawdown, peak, trough, round(volatility::numeric, 8) as volatility,
       round(spaced::numeric, 8) as spaced, round(slope::numeric, 8) as slope
from framed where on_date < '2024-01-08' or on_date > '2024-06-12' order by on_date;

-- By days rather than rows, and what a price gained over days.
select on_date, round(moving_average(price) over (order by on_date range interval '6 days' preceding)::numeric, 6) as week,
       round(price_delta(price, on_date, 1) over days::numeric, 2) as day,
       round(price_delta(price, on_date, 7) over days::numeric, 2) as over_7,
       round(price_change(price, on_date, 30) over days::numeric, 6) as over_30,
       round(current_drawdown(price) over days::numeric, 6) as below_peak
from quote window days as (order by on_date)
order by on_date offset 28 limit 5;

-- In the order of rows.
select round(ewma_volatility(log_return order by on_date)::numeric, 12) as recursion,
       round(ewma_volatility(log_return, 0.97 order by on_date)::numeric, 12) as slower,
       round(ewma_volatility(log_return, 0.94, 0.0001 order by on_date)::numeric, 12) as seeded,
       round(age_weighted_volatility(log_return, age)::numeric, 12) as weighted,
       round(exponential_moving_average(price, 12 order by on_date)::numeric, 8) as ema,
       round(exponential_moving_deviation(price, 12 order by on_date)::numeric, 8) as emd
from daily;
select round(skewness(log_return)::numeric, 10) as skewness,
       round(excess_kurtosis(log_return)::numeric, 10) as kurtosis,
       round(population_skewness(log_return)::numeric, 10) as g1,
       round(population_excess_kurtosis(log_return)::numeric, 10) as g2,
       round(sample_volatility(log_return)::numeric, 10) as volatility
from daily;
select round(regression_slope(price, age)::numeric, 10) = round(regr_slope(price, age)::numeric, 10) as slope,
       round(regression_intercept(price, age)::numeric, 9) = round(regr_intercept(price, age)::numeric, 9) as intercept,
       round(regression_r2(price, age)::numeric, 10) = round(regr_r2(price, age)::numeric, 10) as r2,
       round(regression_residual_deviation(price, age)::numeric, 9)
           = round(sqrt(regr_syy(price, age) * (1 - regr_r2(price, age)) / (regr_count(price, age) - 2))::numeric, 9) as residual
from daily;

-- In parallel: partial aggregates, and the same to the last bit.
create table many as
select (i * 7919 % 20011 - 10000) / 300000.0::double precision as log_return, i as age,
       1 + i % 3 as elapsed
from generate_series(1, 50000) as i;
analyze many;
create view answers as
select array[moving_average(log_return), moving_deviation(log_return), bollinger_lower(log_return),
             bollinger_upper(log_return, 3), sample_volatility(log_return), sample_volatility(log_return, 12),
             sample_volatility(log_return, 365, elapsed), zero_mean_volatility(log_return),
             zero_mean_volatility(log_return, 12), age_weighted_volatility(log_return, age),
             age_weighted_volatility(log_return, age, 0.999), regression_slope(log_return, age),
             regression_intercept(log_return, age), regression_r2(log_return, age),
             regression_residual_deviation(log_return, age), percentile(log_return, 0.01),
             discrete_percentile(log_return, 1 - 0.99::double precision)] as figures,
       skewness(log_return) as skewness, excess_kurtosis(log_return) as kurtosis
from many;
set max_parallel_workers_per_gather = 0;
select figures as alone, skewness as alone_skewness, kurtosis as alone_kurtosis from answers \gset
reset max_parallel_workers_per_gather;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
explain (costs off) select age_weighted_volatility(log_return, age), sample_volatility(log_return) from many;
select figures = :'alone'::double precision[] as same,
       abs(skewness - :alone_skewness) < 1e-12 and abs(kurtosis - :alone_kurtosis) < 1e-12 as near
from answers;
reset parallel_setup_cost;
reset parallel_tuple_cost;
reset min_parallel_table_scan_size;

-- GARCH.
select round(log_likelihood::numeric, 4) as log_likelihood, round(aic::numeric, 3) as aic, nu, gamma,
       observations, converged
from garch_fit((select array_agg(log_return order by age) from many where age <= 2000));
select count(*) = 2001 as rows, bool_and(variance > 0) as positive
from garch_filter((select array_agg(log_return order by age) from many where age <= 2000),
    omega => 0.00001, alpha => 0.05, beta => 0.9);
select period, round(variance::numeric, 12) as variance
from garch_filter(array[0.01, -0.02, 0.03], 0.00001, 0.05, 0.9, gamma => 0.1, mu => 0.001, initial_variance => 0.0004);
select round(garch_forecast(4, 0.02, 0.98, 1)::numeric, 9), round(garch_forecast(4, 0.02, 0.98, 100)::numeric, 9);

-- Groups without rows, with one row, and of NULLs.
create table scarce (n integer, log_return double precision, on_date date);
insert into scarce values (1, 0.5, '2024-01-01'), (2, null, '2024-01-02'), (2, null, null);
select n, moving_average(log_return), moving_deviation(log_return), bollinger_lower(log_return),
       weighted_moving_average(log_return), exponential_moving_average(log_return, 5) as ema,
       sample_volatility(log_return), zero_mean_volatility(log_return), ewma_volatility(log_return),
       age_weighted_volatility(log_return, n) as aged, maximum_drawdown(log_return),
       maximum_drawdown_peak(log_return, on_date) as peak, price_delta(log_return, on_date, 1) as delta,
       regression_slope(log_return, n), percentile(log_return, 0.5), skewness(log_return)
from scarce group by rollup (n) having n is not null order by n;
select moving_average(log_return), sample_volatility(log_return), ewma_volatility(log_return),
       age_weighted_volatility(log_return, n), percentile(log_return, 0.5), maximum_drawdown(log_return),
       regression_slope(log_return, n), skewness(log_return)
from scarce where false;

-- What is refused.
select call, refusal.code, refusal.message, refusal.detail
from unnest(array[
    $$select log_return(0, 1)$$,
    $$select simple_return(1, 'NaN')$$,
    $$select moving_average(v) from (values ('NaN'::float8)) as t (v)$$,
    $$select sample_volatility(v) from (values ('Infinity'::float8)) as t (v)$$,
    $$select sample_volatility(v, n) from (values (0.1, 252.0), (0.2, 365)) as t (v, n)$$,
    $$select sample_volatility(v, 0) from (values (0.1)) as t (v)$$,
    $$select sample_volatility(v, null) from (values (0.1)) as t (v)$$,
    $$select sample_volatility(v, 252, 0) from (values (0.1)) as t (v)$$,
    $$select ewma_volatility(v, 1) from (values (0.1)) as t (v)$$,
    $$select ewma_volatility(v, 0.9, null) from (values (0.1)) as t (v)$$,
    $$select age_weighted_volatility(v, -1) from (values (0.1)) as t (v)$$,
    $$select exponential_moving_average(v, 0) from (values (0.1)) as t (v)$$,
    $$select bollinger_upper(v, -1) from (values (0.1)) as t (v)$$,
    $$select maximum_drawdown(v) from (values (1.0), (-37.63)) as t (v)$$,
    $$select maximum_drawdown_peak(v, d) from (values (1.0, date '2024-01-02'), (2, '2024-01-01')) as t (v, d)$$,
    $$select price_delta(v, d, 7) from (values (1.0, date '2024-01-12'), (2, '2024-01-01')) as t (v, d)$$,
    $$select price_delta(v, d, 0) from (values (1.0, date '2024-01-12')) as t (v, d)$$,
    $$select percentile(v, 1.1) from (values (1.0)) as t (v)$$,
    $$select moving_deviation(v) from (values (1e200), (-1e200)) as t (v)$$,
    $$select * from garch_fit(array[0.1, 0.2])$$,
    $$select * from garch_fit(array_fill(0.1::float8, array[60]))$$,
    $$select * from garch_fit(array_fill(0.1::float8, array[60]), 'cauchy')$$,
    $$select * from garch_filter(array[0.1, null], 0.1, 0.1, 0.1)$$,
    $$select * from garch_filter(array[0.1], 0, 0.1, 0.1)$$,
    $$select * from garch_filter(array[0.1], 0.1, null, 0.1)$$,
    $$select garch_forecast(1, 0.1, 0.9, 0)$$
]) as call
left join lateral test.refusal(call) as refusal on true;

drop view framed, daily, answers;
drop table quote, many, scarce;
reset search_path;
