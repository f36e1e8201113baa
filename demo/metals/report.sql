\pset footer off
\echo
\echo 'Margin calls of the years that called most, and how they ended'
select extract(year from c.opened_on) as year, count(*) as calls, count(*) filter (where c.status = 'cured') as cured,
    count(*) filter (where c.status in ('settled', 'surplus_refunded')) as sold,
    count(*) filter (where c.status not in ('cured', 'settled', 'surplus_refunded')) as open,
    round(sum(c.money_needed)) as asked_for_at_last, round(sum(c.proceeds)) as proceeds
from lending.margin_call as c
group by 1 order by 2 desc limit 6;

\echo 'The days with most calls, beside what gold and silver did since the price before'
select d.on_date, d.called, round(100 * (d.gold / d.gold_before - 1), 1) as gold_per_cent,
    round(100 * (d.silver / d.silver_before - 1), 1) as silver_per_cent
from (
    select d.*, lag(d.gold) over w as gold_before, lag(d.silver) over w as silver_before from metals.day as d window w as (order by d.on_date)
) as d
order by d.called desc, d.on_date limit 8;

\echo 'check_book: what must always hold'
select count(*) as checks, sum(faults) as faults from lending.check_book();
