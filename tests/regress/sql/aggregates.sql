-- The aggregates answer the same whatever the order of rows, the number of workers and the frame.

create temporary view flow as
select loan, amount, on_date
from (values
    (1, -1000::numeric, date '2024-01-01'), (1, 500, '2024-07-01'), (1, 600, '2025-01-01'),
    (2, -100, '2024-01-01'), (2, 110, '2025-01-01'), (2, null, '2025-02-01'), (2, 5, null),
    (3, 100, '2024-01-01'), (4, null, null)
) as given (loan, amount, on_date);

select loan, loan_engine.xirr(amount, on_date),
       loan_engine.xnpv(0.1, amount, on_date)
from flow group by loan order by loan;

-- The functions over arrays give the same.
select loan,
       loan_engine.xirr(array_agg(amount), array_agg(on_date)) = loan_engine.xirr(amount, on_date) as same
from flow where amount is not null and on_date is not null and loan < 3
group by loan order by loan;

select loan_engine.xirr(amount, on_date) from flow where false;

-- In parallel: the plan has partial aggregates, and the result is the same to the last bit.
create table many as
select -300000.0::numeric as amount, date '2020-01-01' as on_date
union all
select (i * 7919 % 1000) / 10.0, date '2020-01-01' + i % 1500
from generate_series(1, 20000) as i;
analyze many;

select loan_engine.xirr(amount, on_date) as alone from many \gset
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
explain (costs off) select loan_engine.xirr(amount, on_date) from many;
select loan_engine.xirr(amount, on_date) = :alone as same from many;
select loan_engine.xirr(amount, on_date order by on_date desc) = :alone as same from many;
reset all;

-- As a window function.
select on_date, round(loan_engine.xirr(amount, on_date) over (order by on_date)::numeric, 12)
from flow where loan = 1;

\set VERBOSITY default
select loan_engine.xirr(amount, 'infinity') from flow;


drop table many;
