-- Price analytics over ten million rows, beside what PostgreSQL's own standard deviation costs over the
-- same column. Both are run by parallel workers; a plan that is not shared is a fault of the benchmark.
create table baseline.daily_return as
select (random() - 0.5) * 0.04 as log_return, 10000000 - i as age, i as at
from generate_series(1, 10000000) as i;
vacuum analyze baseline.daily_return;

do $$
declare
    aggregate text;
    plan json;
begin
    foreach aggregate in array array['stddev(log_return)', 'loan_engine.sample_volatility(log_return)',
        'loan_engine.age_weighted_volatility(log_return, age)'] loop
        execute format('explain (format json) select %s from baseline.daily_return', aggregate) into plan;
        if plan::text not like '%"Partial"%' then
            raise exception 'no worker shares %', aggregate;
        end if;
    end loop;
end $$;

call bench.pair('sample_volatility, 10 million rows', 'stddev, same column', 0.5,
    array['select loan_engine.sample_volatility(log_return) from baseline.daily_return'],
    array['select stddev(log_return) from baseline.daily_return']);
call bench.pair('age_weighted_volatility (EWMA), 10 million rows', 'stddev, same column', 0.5,
    array['select loan_engine.age_weighted_volatility(log_return, age) from baseline.daily_return'],
    array['select stddev(log_return) from baseline.daily_return']);
call bench.pair('the same, lambda 0.999999: every row weighs', 'stddev, same column', 0.5,
    array['select loan_engine.age_weighted_volatility(log_return, age, 0.999999) from baseline.daily_return'],
    array['select stddev(log_return) from baseline.daily_return']);

-- The recursion follows the order of rows, which one process must see: so its baseline is one, too.
set max_parallel_workers_per_gather = 0;
call bench.pair('ewma_volatility in order, 10 million rows', 'stddev, one process', 0.5,
    array['select loan_engine.ewma_volatility(log_return) from baseline.daily_return'],
    array['select stddev(log_return) from baseline.daily_return']);
reset max_parallel_workers_per_gather;

-- A frame that moves: rows leave as they came, where the server sums every frame anew.
call bench.pair('moving_deviation of 250 rows, 100,000 frames', 'stddev over the same frames', 5,
    array['select count(d) from (select loan_engine.moving_deviation(log_return)
        over (order by at rows 249 preceding) as d from baseline.daily_return where at <= 100000) as framed'],
    array['select count(d) from (select stddev(log_return)
        over (order by at rows 249 preceding) as d from baseline.daily_return where at <= 100000) as framed'],
    3);
drop table baseline.daily_return;
