-- Calendar: published day counts, business days against counting them, and payment dates against
-- PostgreSQL's own month arithmetic.

-- 28 February to 31 August 2007: the four readings of thirty days a month disagree on February and
-- on the 31st. 28 and 31 stay as they are; the 31st becomes the 30th; and the last of February does
-- so too.
select name, loan_engine.day_count_days('2007-02-28', '2007-08-31', name) as days, expected
from (values ('30/360', 183), ('30E/360', 182), ('30E/360 ISDA', 180), ('30/360 US', 180),
    ('30/360 PSA', 180), ('ACT/360', 184), ('NL/365', 184)) as convention (name, expected);

-- The examples of ISDA's paper of 1999 on the market conventions of ACT/ACT: a regular semi-annual
-- period, a short and a long first one.
select start_date, end_date, name, expected,
    round(loan_engine.year_fraction(start_date, end_date, name, frequency, period_start => period_start,
        period_end => period_end, schedule_start => start_date), 12) = expected as agrees
from (values
    (date '2003-11-01', date '2004-05-01', 'ACT/ACT ISDA', 0.497724380567, null, null::date, null::date),
    ('2003-11-01', '2004-05-01', 'ACT/ACT ICMA', 0.500000000000, 'semi_annual', '2003-11-01', '2004-05-01'),
    ('2003-11-01', '2004-05-01', 'ACT/ACT AFB', 0.497267759563, null, null, null),
    ('1999-02-01', '1999-07-01', 'ACT/ACT ISDA', 0.410958904110, null, null, null),
    ('1999-02-01', '1999-07-01', 'ACT/ACT ICMA', 0.410958904110, 'annual', '1999-02-01', '1999-07-01'),
    ('1999-02-01', '1999-07-01', 'ACT/ACT AFB', 0.410958904110, null, null, null),
    ('2002-08-15', '2003-07-15', 'ACT/ACT ISDA', 0.915068493151, null, null, null),
    ('2002-08-15', '2003-07-15', 'ACT/ACT ICMA', 0.915760869565, 'semi_annual', '2002-08-15', '2003-07-15'),
    ('2002-08-15', '2003-07-15', 'ACT/ACT AFB', 0.915068493151, null, null, null)
) as example (start_date, end_date, name, expected, frequency, period_start, period_end);

-- Every name and every alias means a convention, and what counts single days over a fixed year is
-- days over that year.
select count(*) as conventions, sum(cardinality(aliases)) as aliases from loan_engine.day_counts();

with pair as (
    select date '1999-12-25' + i * 7 as start_date, date '1999-12-25' + i * 7 + i * 7919 % 3000 as end_date
    from generate_series(0, 2000) as i
), fraction as (
    select d.day_count, alias, p.*, loan_engine.year_fraction(start_date, end_date, alias) as fraction,
        loan_engine.year_fraction(start_date, end_date, d.day_count) as by_name
    from loan_engine.day_counts() as d
    cross join lateral unnest(d.day_count || d.aliases) as alias
    cross join pair as p
    where d.day_count in ('ACT/360', 'ACT/364', 'ACT/365F', 'ACT/365.25', '30/360 ISDA', 'ACT/ACT ISDA')
        and (start_date - date '1999-12-25') % 91 = 0
)
select day_count, count(distinct alias) as names,
    count(*) filter (where fraction <> by_name) as other_by_alias,
    count(*) filter (where abs(fraction - case day_count
        when 'ACT/360' then (end_date - start_date)::numeric(60, 40) / 360
        when 'ACT/364' then (end_date - start_date)::numeric(60, 40) / 364
        when 'ACT/365F' then (end_date - start_date)::numeric(60, 40) / 365
        when 'ACT/365.25' then (end_date - start_date)::numeric(60, 40) / 365.25
        when '30/360 ISDA' then (360 * (extract(year from end_date) - extract(year from start_date))
            + 30 * (extract(month from end_date) - extract(month from start_date))
            + extract(day from end_date) - least(extract(day from start_date), 30)
            - case when extract(day from end_date) = 31 and extract(day from start_date) >= 30
                then 1 else 0 end)::numeric(60, 40) / 360
        else (
            select sum(1 / case when extract(day from make_date(extract(year from day)::integer, 3, 1)
                - interval '1 day') = 29 then 366 else 365 end::numeric(60, 40))
            from generate_series(start_date::timestamp, end_date - 1, '1 day') as day)
    end) > 1e-20) as different
from fraction
where end_date > start_date
group by day_count
order by day_count collate "C";

-- Business days: counted against looking at each day, for two weekends and a set of holidays of
-- which some repeat and some fall on weekends.
create temporary table week as
select name, days, array(
    select date '2020-01-01' + i * 7919 % 2500 from generate_series(1, 90) as i) || array['2024-01-01', '2024-01-01']::date[]
    as holidays
from (values ('western', '{6,7}'::integer[]), ('of the gulf', '{5,6}'), ('none', '{}')) as named (name, days);

create temporary table day as
select name, days, holidays, date,
    not (extract(isodow from date)::integer = any (days) or date = any (holidays)) as open
from week cross join generate_series(date '2019-01-01', '2027-12-31', interval '1 day') as listed (day)
cross join lateral (select day::date as date) as converted;
create index on day (name, date) where open;
analyze day;

with span as (
    select w.*, date '2020-01-01' + i * 31 as start_date, date '2020-01-01' + i * 31 + i * 7919 % 1200 - 300
        as end_date
    from week as w cross join generate_series(0, 60) as i
)
select name, count(*) as spans, count(*) filter (where end_date < start_date) as backwards,
    count(*) filter (where loan_engine.business_days_between(start_date, end_date, holidays, days)
        <> case when start_date <= end_date
            then (select count(*) from day as d where d.name = span.name and open
                and d.date >= start_date and d.date < end_date)
            else -(select count(*) from day as d where d.name = span.name and open
                and d.date >= end_date and d.date < start_date) end) as different,
    count(*) filter (where abs(loan_engine.year_fraction(start_date, end_date, 'BUS/252', holidays => holidays,
            weekend => days) * 252
        - loan_engine.business_days_between(start_date, end_date, holidays, days)) > 1e-20) as other_fraction
from span group by name order by name;

-- Each day moves to the open day that its convention names, found by looking for it.
with moved as (
    select d.name, d.date, d.holidays, d.days, d.open, next.date as next, previous.date as previous
    from day as d
    cross join lateral (select o.date from day as o where o.name = d.name and o.open and o.date >= d.date
        order by o.date limit 1) as next
    cross join lateral (select o.date from day as o where o.name = d.name and o.open and o.date <= d.date
        order by o.date desc limit 1) as previous
    where d.date between '2020-01-01' and '2021-12-31'
), expected as (
    select *, case convention
        when 'none' then date
        when 'following' then next
        when 'preceding' then previous
        when 'modified_following' then
            case when date_trunc('month', next) = date_trunc('month', date) then next else previous end
        when 'modified_preceding' then
            case when date_trunc('month', previous) = date_trunc('month', date) then previous else next end
    end as expected
    from moved
    cross join unnest(array['none', 'following', 'preceding', 'modified_following', 'modified_preceding'])
        as convention
)
select convention, count(*) as dates, count(*) filter (where expected <> date) as moved,
    count(*) filter (where loan_engine.adjust_date(date, convention, holidays, days) <> expected) as different,
    count(*) filter (where loan_engine.is_business_day(date, holidays, days) <> open) as other_day
from expected group by convention order by convention;

-- The n-th business day after an open day is n business days away, and n before it leads back.
select count(*) as steps,
    count(*) filter (where loan_engine.business_days_between(date, later, holidays, days) <> n
        or not loan_engine.is_business_day(later, holidays, days)) as different,
    count(*) filter (where loan_engine.add_business_days(later, -n, holidays, days) <> date) as not_back
from day
cross join unnest(array[0, 1, 5, 250]) as n
cross join lateral loan_engine.add_business_days(date, n, holidays, days) as later
where open and date between '2020-01-01' and '2021-12-31';

-- Payment dates are counted from the start: 31 January, 29 February, 31 March.
select period, period_start, period_end, due_date, days
from loan_engine.payment_dates('2024-01-31', 'monthly', 4);

-- From every day of two years, a leap year among them, at every frequency, PostgreSQL's own
-- arithmetic gives the same; each period starts where the one before it ends.
with series as (
    select start_date, frequency, unit, p.*,
        lag(p.period_end, 1, start_date) over (partition by start_date, frequency order by p.period) as before
    from (select date '2023-06-01' + i as start_date from generate_series(0, 730) as i) as started
    cross join (values ('daily', interval '1 day'), ('weekly', '7 days'), ('biweekly', '14 days'),
        ('four_weekly', '28 days'), ('monthly', '1 month'), ('bimonthly', '2 months'),
        ('quarterly', '3 months'), ('semi_annual', '6 months'), ('annual', '1 year'),
        ('every 10 days', '10 days'), ('every 5 months', '5 months'), ('P1Y6M', '18 months'))
        as named (frequency, unit)
    cross join lateral loan_engine.payment_dates(start_date, frequency, 14) as p
)
select count(*) as periods,
    count(*) filter (where period_end <> (start_date + period * unit)::date) as different,
    count(*) filter (where period_start <> before or due_date <> period_end or days <> period_end - period_start
        or not regular) as broken
from series;

-- Month ends: kept where the rule says so, moved to the next month, and the second Tuesday.
select roll, count(*) as dates,
    count(*) filter (where period_end <> case roll
        when 'last_day' then (month + interval '1 month - 1 day')::date
        when 'first_day_of_next_month' then
            case when extract(day from month + interval '1 month - 1 day') < extract(day from start_date)
                then (month + interval '1 month')::date
                else month::date + extract(day from start_date)::integer - 1 end
    end) as different
from (select (date_trunc('month', date '2023-01-01' + i * interval '1 month') + interval '1 month - 1 day')::date
    as start_date from generate_series(0, 23) as i) as started
cross join unnest(array['last_day', 'first_day_of_next_month']) as roll
cross join lateral loan_engine.payment_dates(start_date, 'monthly', 30, roll => roll) as p
cross join lateral (select date_trunc('month', start_date + interval '0 day') + p.period * interval '1 month'
    as month) as of_series
group by roll order by roll;

select count(*) as dates, count(distinct date_trunc('month', due_date)) as months,
    count(*) filter (where extract(isodow from due_date) <> 2 or extract(day from due_date) not between 8 and 14)
        as different
from loan_engine.payment_dates('2024-01-09', 'monthly', 60, roll => 'second tuesday');

-- Stubs: from 15 January to 30 June by quarters, the odd period at either end, shorter or longer.
select stub, array_agg(format('%s to %s%s', period_start, period_end, case when regular then '' else ' odd' end)
    order by period) as periods
from unnest(array['short_front', 'long_front', 'short_back', 'long_back']) as stub
cross join lateral loan_engine.payment_dates('2024-01-15', 'quarterly', end_date => '2024-12-31', stub => stub)
group by stub order by stub;

-- Due dates move off weekends and holidays, the periods they end do not.
select period_end, adjusted_start, due_date
from loan_engine.payment_dates('2024-01-31', 'monthly', 3, convention => 'modified_following',
    holidays => array['2024-04-01', '2024-04-30']::date[]);

-- Refusals.
select call, r.*
from (values
    (1, $$year_fraction('2024-01-01', '2024-07-01', 'ACT/ACT ICMA')$$),
    (2, $$year_fraction('2024-01-01', '2024-07-01', '31/360')$$),
    (3, $$payment_dates('2024-01-31')$$),
    (4, $$payment_dates('2024-01-31', 'monthly', 0)$$),
    (5, $$payment_dates('2024-01-31', 'monthly', end_date => '2024-03-15')$$),
    (6, $$payment_dates('2024-01-31', 'monthly', end_date => '2023-03-15')$$),
    (7, $$payment_dates('9999-12-01', 'monthly', 2)$$),
    (8, $$payment_dates('2024-01-31', 'monthly', 2147483647)$$),
    (9, $$payment_dates('2024-01-31', 'weekly', 3, roll => 'second tuesday')$$),
    (10, $$adjust_date('2024-01-31', 'sideways')$$),
    (11, $$is_business_day('2024-01-31', weekend => '{8}')$$),
    (12, $$is_business_day('2024-01-31', weekend => '{1,2,3,4,5,6,7}')$$),
    (13, $$business_days_between('2024-01-31', '2024-02-01', array[null::date])$$),
    (14, $$add_business_days('2024-01-31', 2147483647)$$),
    (15, $$year_fraction('2024-01-01', '2024-07-01', null)$$)
) as bad (call, arguments)
cross join lateral test.refusal('select loan_engine.' || arguments) as r
order by call;
