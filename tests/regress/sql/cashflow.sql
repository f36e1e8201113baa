-- Cash flow: identities that hold for all arguments, and figures that are published.

-- Time value of money over a grid of rates, terms and timings, against PostgreSQL's own numeric:
-- present (1+i)^n + payment (1 + i begin) ((1+i)^n - 1) / i + future = 0. What grows beyond e^20
-- fold leaves too few digits of a double to tell the term and is left out. Where signs change twice
-- another rate, nearer zero, may solve the annuity too.
create temporary view annuity as
select r.rate, n.periods, present.amount as present, future.amount as future, t.timing,
    case when t.timing = 'begin' then 1 + r.rate else 1 end as due,
    (1 + r.rate)::numeric(60, 40) ^ n.periods as growth,
    loan_engine.pmt(r.rate, n.periods, present.amount, future.amount, t.timing) as payment
from unnest(array[0.0001, 0.005, 0.0123456789, 0.1, 1, -0.01]) as r (rate)
cross join unnest(array[1, 2, 12, 59, 360]) as n (periods)
cross join unnest(array[1000, -250000.55]) as present (amount)
cross join unnest(array[0, 100, -99.99]) as future (amount)
cross join unnest(array['end', 'begin']) as t (timing)
where periods * ln(1 + r.rate) < 20;

select count(*) as annuities,
    count(*) filter (where abs(present * growth + payment * due * (growth - 1) / rate + future)
        > 1e-12 * growth * abs(present)) as unbalanced,
    count(*) filter (where abs(loan_engine.pv(rate, periods, payment, future, timing) - present)
        > 1e-9) as other_present,
    count(*) filter (where abs(loan_engine.fv(rate, periods, payment, present, timing) - future)
        > 1e-14 * (1 + growth) * abs(present)) as other_future,
    count(*) filter (where abs(loan_engine.nper(rate, payment, present, future, timing) / periods - 1)
        > 1e-6) as other_term,
    count(*) filter (where abs(found - rate::float) > 1e-9 and not (abs(found) < abs(rate)
        and abs(loan_engine.pv(found::numeric, periods, payment, future, timing) - present) < 1e-6))
        as other_rate
from annuity
cross join lateral loan_engine.rate(periods, payment, present, future, timing) as found;

-- Each payment is its interest and its principal, interest is the rate on what is owed before it,
-- and principal sums to the amount lent less what is left.
with part as (
    select rate, periods, present, future, timing, payment, period,
        loan_engine.ipmt(rate, period, periods, present, future, timing) as interest,
        loan_engine.ppmt(rate, period, periods, present, future, timing) as principal
    from annuity cross join lateral generate_series(1, periods) as period
    where periods < 100
), owed as (
    select *, present + coalesce(sum(principal) over (partition by rate, periods, present, future,
        timing order by period rows between unbounded preceding and 1 preceding), 0) as balance,
        sum(principal) over (partition by rate, periods, present, future, timing) as repaid
    from part
)
select count(*) as payments,
    count(*) filter (where abs(interest + principal - payment) > 1e-18) as other_parts,
    count(*) filter (where timing = 'end' and abs(interest + rate * balance) > 1e-12 * abs(present))
        as other_interest,
    count(*) filter (where timing = 'end' and abs(repaid + present + future) > 1e-9) as not_repaid
from owed;

-- The figures of a well-known spreadsheet's manual. NPV there discounts the first amount too.
select function, published, computed, round(computed::numeric, scale(published)) = published as agrees
from (values
    ('PMT(8%/12, 10, 10000)', -1037.03, loan_engine.pmt(0.08 / 12, 10, 10000)::float),
    ('PMT(8%/12, 10, 10000, 0, 1)', -1030.16, loan_engine.pmt(0.08 / 12, 10, 10000, 0, 'begin')),
    ('PPMT(10%/12, 1, 24, 2000)', -75.62, loan_engine.ppmt(0.1 / 12, 1, 24, 2000)),
    ('IPMT(10%/12, 1, 36, 8000)', -66.67, loan_engine.ipmt(0.1 / 12, 1, 36, 8000)),
    ('FV(6%/12, 10, -200, -500, 1)', 2581.40, loan_engine.fv(0.06 / 12, 10, -200, -500, 'begin')),
    ('PV(8%/12, 240, 500)', -59777.15, loan_engine.pv(0.08 / 12, 240, 500)),
    ('NPER(12%/12, -100, -1000, 10000, 1)', 59.6738657,
        loan_engine.nper(0.01, -100, -1000, 10000, 'begin')),
    ('RATE(48, -200, 8000)', 0.0077, loan_engine.rate(48, -200, 8000)),
    ('NPV(10%, -10000, 3000, 4200, 6800)', 1188.44,
        loan_engine.npv(0.1, array[0, -10000, 3000, 4200, 6800])),
    ('IRR(-70000, 12000, 15000, 18000, 21000)', -0.021,
        loan_engine.irr(array[-70000, 12000, 15000, 18000, 21000])),
    ('IRR(-70000, 12000, 15000, 18000, 21000, 26000)', 0.087,
        loan_engine.irr(array[-70000, 12000, 15000, 18000, 21000, 26000])),
    ('MIRR(-120000, 39000, 30000, 21000, 37000, 46000; 10%, 12%)', 0.1261,
        loan_engine.mirr(array[-120000, 39000, 30000, 21000, 37000, 46000], 0.1, 0.12)),
    ('XNPV(9%, -10000, 2750, 4250, 3250, 2750)', 2086.65,
        loan_engine.xnpv(0.09, array[-10000, 2750, 4250, 3250, 2750],
            array['2008-01-01', '2008-03-01', '2008-10-30', '2009-02-15', '2009-04-01']::date[])),
    ('XIRR(-10000, 2750, 4250, 3250, 2750)', 0.3734,
        loan_engine.xirr(array[-10000, 2750, 4250, 3250, 2750],
            array['2008-01-01', '2008-03-01', '2008-10-30', '2009-02-15', '2009-04-01']::date[])),
    ('EFFECT(5.25%, 4)', 0.0535427, loan_engine.effective_rate(0.0525, 4)),
    ('NOMINAL(5.3543%, 4)', 0.05250032, loan_engine.nominal_rate(0.053543, 4))
) as manual (function, published, computed);

-- At its internal rate a list of flows is worth nothing, periodic or dated; the aggregate over rows
-- finds the rate that the function finds over arrays.
create temporary table flow as
select project, period,
    case when period = 0 then -1000 - project else (project * 37 + period * 7919) % 400 end as amount,
    date '2020-02-29' + period * (20 + project % 11) as on_date
from generate_series(1, 300) as project, generate_series(0, 24) as period;

with solved as (
    select project,
        loan_engine.irr(array_agg(amount::numeric order by period)) as irr,
        loan_engine.xirr(amount, on_date) as xirr,
        loan_engine.xirr(array_agg(amount::numeric order by period), array_agg(on_date order by period))
            as xirr_of_arrays,
        array_agg(amount::numeric order by period) as amounts,
        array_agg(on_date order by period) as dates
    from flow group by project
)
select count(irr) as projects,
    count(*) filter (where abs(loan_engine.npv(irr::numeric, amounts)) > 1e-6) as worth_something,
    count(*) filter (where abs(loan_engine.xnpv(xirr::numeric, amounts, dates)) > 1e-6)
        as dated_worth_something,
    count(*) filter (where xirr is distinct from xirr_of_arrays) as other_by_rows
from solved;

-- No rate at all is NULL: nothing is paid, or nothing received.
select loan_engine.irr(array[100, 100]), loan_engine.xirr(array[-1, -1], array['2024-01-01', '2025-01-01']::date[]),
    loan_engine.mirr(array[1, 1], 0.1, 0.1), loan_engine.nper(0.1, -5, 100), loan_engine.rate(12, 10, 100);

-- A rate under another compounding and back, and as PostgreSQL's power and exponential have it.
select count(*) as rates,
    count(*) filter (where abs(loan_engine.nominal_rate(loan_engine.effective_rate(r.rate, m.times),
        m.times) - r.rate) > 1e-22) as not_inverse,
    count(*) filter (where abs(loan_engine.effective_rate(r.rate, m.times)
        - ((1 + r.rate::numeric(60, 40) / m.times) ^ m.times - 1)) > 1e-14) as other_effective,
    count(*) filter (where abs(loan_engine.convert_rate(r.rate, m.times::text, 'continuous')
        - m.times * ln(1 + r.rate::numeric(60, 40) / m.times)) > 1e-14) as other_continuous,
    count(*) filter (where abs(loan_engine.convert_rate(loan_engine.convert_rate(r.rate,
        m.times::text, 'simple', 2.5), 'simple', m.times::text, 2.5) - r.rate) > 1e-22)
        as not_inverse_simple
from unnest(array[0, 0.0001, 0.0525, 0.5, 3]) as r (rate)
cross join unnest(array[1, 2, 4, 12, 52, 365]) as m (times);

-- Compound interest over days, principal ((1 + r/m)^(m days/365) - 1), to twelve digits; simple
-- interest exactly.
with period as (
    select 1000 + i as principal, (i * 13 % 2000)::numeric / 10000 as rate,
        date '2019-12-31' + i as start_date, date '2019-12-31' + i + 1 + i * 97 % 4000 as end_date,
        1 + i * 97 % 4000 as days
    from generate_series(1, 500) as i
)
select count(*) as periods,
    count(*) filter (where abs(
        loan_engine.compound_interest(principal, rate, start_date, end_date, compounding)
        - principal * ((1 + rate::numeric(60, 40) / times) ^ (times * days::numeric(60, 40) / 365) - 1))
        > 1e-12 * principal * (1 + rate) ^ 11) as other_compound,
    count(*) filter (where abs(loan_engine.compound_interest(principal, rate, start_date, end_date, 'continuous')
        - principal * (exp(rate * days::numeric(60, 40) / 365) - 1)) > 1e-12 * principal * (1 + rate) ^ 11)
        as other_continuous,
    count(*) filter (where abs(loan_engine.simple_interest(principal, rate, start_date, end_date)
        - principal * rate * days::numeric(60, 40) / 365) > 1e-20) as other_simple
from period
cross join (values ('annual', 1), ('semi_annual', 2), ('monthly', 12)) as c (compounding, times);

-- A rate that changes on the way: 59 days of January and February at 3 %, 306 at 5 %, and daily
-- interest of a year at 3 % sums to its simple interest.
select loan_engine.simple_interest(36500, array['2023-01-01', '2023-03-01']::date[], array[0.03, 0.05],
        '2023-01-01', '2024-01-01') as changed,
    59 * 3.00 + 306 * 5.00 as by_hand,
    (select sum(loan_engine.daily_interest(36500, 0.03, day::date)) from generate_series(
        timestamp '2023-01-01', '2023-12-31', '1 day') as day) as by_day;

-- Weighted averages against sums of PostgreSQL's numeric: whole groups, frames that move, and
-- workers in parallel.
create table weighted as
select i as id, (i * 7919 % 10000)::numeric / 100 as value, (i * 104729 % 1000)::numeric / 8 as weight
from generate_series(1, 20000) as i;
update weighted set value = null where id % 97 = 0;
update weighted set weight = null where id % 89 = 0;
alter table weighted set (parallel_workers = 2);
analyze weighted;

select count(*) as groups,
    count(*) filter (where abs(computed - expected) > 1e-15 or (computed is null) <> (expected is null))
        as different
from (
    select loan_engine.weighted_average(value, weight) as computed,
        sum(value * weight)::numeric(60, 30) / nullif(sum(weight) filter (where value is not null), 0)
            as expected
    from weighted group by id % 500
) as grouped;

select frame, count(*) as rows, count(moving) as averages,
    count(*) filter (where moving is distinct from anew) as different
from (
    select w.id, 'nine rows' as frame, loan_engine.weighted_average(value, weight) over (order by id rows between
            4 preceding and 4 following) as moving,
        (select loan_engine.weighted_average(o.value, o.weight) from weighted as o
            where o.id between w.id - 4 and w.id + 4) as anew
    from weighted as w where id <= 2000
    union all
    select w.id, 'one row', loan_engine.weighted_average(value, weight) over (order by id
            rows between current row and current row),
        case when weight <> 0 then value end
    from weighted as w where id <= 2000
) as framed
where id <= 1990
group by frame order by frame;

-- Weights of thirteen orders of magnitude: what left the frame leaves no trace.
select id, loan_engine.weighted_average(value, weight) over (order by id rows 1 preceding) as average
from (values (1, 1e15, 1e10), (2, 0.000001, 0.000001), (3, 0.000003, 0.000001), (4, 7, 0), (5, 7, 0))
    as extreme (id, value, weight);

select loan_engine.weighted_average(value, weight) as alone from weighted \gset
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
explain (costs off) select loan_engine.weighted_average(value, weight) from weighted;
select loan_engine.weighted_average(value, weight) = :alone as same from weighted;
reset all;
select loan_engine.weighted_average(value, weight) is null as none from weighted where false;

-- Regulation Z, appendix J (c): examples (1)(i), (1)(ii), (2)(i) and (4)(i); then 36 payments of the
-- annuity of 5,000 at 1 % a month.
select example, published, loan_engine.apr_us(advance || array_fill(-first, array[1])
        || array_fill(-payment, array[count - 2]) || array_fill(-last, array[1]),
        on_date || array(select (first_due + month * interval '1 month')::date
            from generate_series(0, count - 1) as month)) as computed
from (values
    ('(c)(1)(i)', 0.0969, 5000::numeric, date '1978-01-10', date '1978-02-10', 24, 230.00, 230.00, 230.00),
    ('(c)(1)(ii)', 0.1182, 6000, '1978-02-10', '1978-04-01', 36, 200.00, 200.00, 200.00),
    ('(c)(2)(i)', 0.1008, 5000, '1978-01-10', '1978-02-10', 24, 250.00, 230.00, 230.00),
    ('(c)(4)(i)', 0.1090, 5000, '1978-01-10', '1978-02-10', 24, 250.00, 230.00, 280.00),
    ('an annuity', 0.1200, 5000, '1978-01-10', '1978-02-10', 36, 166.07, 166.07, 166.07)
) as appendix (example, published, advance, on_date, first_due, count, first, payment, last);

-- Directive 98/7/EC, annex II: 1,000 for 1,200 after eighteen months, the same less 50 of costs,
-- 600 after one and two years, and 272, 272 and 544 after three, six and twelve months.
select published, round(100 * loan_engine.apr_eu(amounts, dates::date[], rounded => false), 2) as computed,
    loan_engine.apr_eu(amounts, dates::date[]) as disclosed
from (values
    (12.92, array[1000, -1200], array['2001-01-01', '2002-07-01']),
    (16.85, array[950, -1200], array['2001-01-01', '2002-07-01']),
    (13.07, array[1000, -600, -600], array['2001-01-01', '2002-01-01', '2003-01-01']),
    (13.19, array[1000, -272, -272, -544], array['2001-01-01', '2001-04-01', '2001-07-01', '2002-01-01'])
) as annex (published, amounts, dates);

-- Refusals.
select call, r.*
from (values
    (1, $$pmt(0.01, 0, 1000)$$),
    (2, $$pmt(0.01, 12, 1000, timing => 'sometimes')$$),
    (3, $$ipmt(0.01, 13, 12, 1000)$$),
    (4, $$fv(-1.5, 12, 100)$$),
    (5, $$irr('{}')$$),
    (6, $$xirr(array[-1, 2], array['2024-01-01']::date[])$$),
    (7, $$xnpv(-1, array[-1, 2], array['2024-01-01', '2025-01-01']::date[])$$),
    (8, $$effective_rate(0.1, 0)$$),
    (9, $$compound_interest(100, 0.1, '2024-01-01', '2023-01-01')$$),
    (10, $$compound_interest(100, 0.1, '2024-01-01', '2025-01-01', 'hourly')$$),
    (11, $$simple_interest(100, array['2025-01-01']::date[], array[0.1], '2024-01-01', '2025-01-01')$$),
    (12, $$npv(0.1, array[1, null])$$),
    (13, $$fv(10000, 1000000, 100)$$),
    (14, $$apr_us(array[100], array['2024-01-01']::date[])$$)
) as bad (call, arguments)
cross join lateral test.refusal('select loan_engine.' || arguments) as r
order by call;

drop table weighted;
