-- Schedules of loans: one loan's rows, a table of loans, and what every schedule keeps to.

-- 1,200 at 12 % over four months. The annuity is 1200 x 0.01 x 1.01^4 / (1.01^4 - 1) = 307.5373;
-- interest is 1 % of what is owed: 12.00, 9.04, 6.06, 3.04. The last instalment takes the cent.
select * from loan_engine.amortisation_schedule(1200, 0.12, 4, '2024-01-31');

-- The same loan with what other terms change: due dates, interest by days, the minor unit, fees.
select * from loan_engine.amortisation_schedule(
    1200, 0.12, 4, '2024-01-31', first_due_on => '2024-03-15', method => 'equal_principal',
    day_count => 'ACT/365F', currency => 'JPY', terms => '{"fees": [{"value": 0.01, "basis": "amount"}]}');

-- Every combination of frequency, method, currency, family of rounding and day count once.
create table loan as
select i as id,
    1000 + i * 7919 % 500000 as amount,
    (i * 104729 % 3000)::numeric / 10000 as annual_rate,
    1 + i * 31 % 61 as instalments,
    date '2020-01-01' + i * 37 % 800 as disbursed_on,
    (array['monthly', 'biweekly', 'weekly', 'quarterly', 'semimonthly', 'annual', 'four_weekly',
        'every 15 days'])[1 + i % 8] as frequency,
    (array['annuity', 'equal_principal', 'flat', 'simple_interest', 'interest_only', 'bullet'])
        [1 + i / 8 % 6] as method,
    (array['EUR', 'JPY', 'KWD', 'CLF'])[1 + i / 48 % 4] as currency,
    (array['progressive', 'cumulative', 'none'])[1 + i / 192 % 3] as family,
    (array['30/360', 'ACT/360', 'ACT/365F', 'ACT/ACT ISDA', '30E/360'])[1 + i / 576] as day_count
from generate_series(0, 2879) as i;
alter table loan set (parallel_workers = 2);
analyze loan;

-- What is lent is repaid, balances chain and end at nothing, an instalment is the sum of its parts,
-- periods follow each other, and rounded amounts have the decimals of their currency. Where nothing
-- is rounded to the minor unit, 28 digits leave a difference below 10^-12. One loan, in yen at 23 %
-- over 42 years, is over after 39: half a yen more each year, at that rate, is what it still owed.
create view schedule as
select l.*, s.*,
    lag(s.closing_balance, 1, l.amount) over loan as owed_before,
    lag(s.due_date, 1, l.disbursed_on) over loan as due_before,
    case when l.family = 'none' then 1e-12 else 0 end as slack,
    case when l.family <> 'none' then loan_engine.minor_units(l.currency) end as decimals
from loan as l
cross join lateral loan_engine.amortisation_schedule(
    l.amount, l.annual_rate, l.instalments, l.disbursed_on, null, l.frequency, l.method,
    l.day_count, l.currency, jsonb_build_object('rounding', jsonb_build_object('family', l.family))
) as s
window loan as (partition by l.id order by s.instalment);

with kept as (
    select family, id,
        count(*) as rows,
        count(*) = max(instalment) and count(*) <= instalments as numbered,
        count(*) = instalments as complete,
        abs(sum(principal) - amount) <= slack as repaid,
        abs((array_agg(closing_balance order by instalment desc))[1]) <= slack as ends_at_nothing,
        bool_and(opening_balance = owed_before and period_start = due_before
            and due_date > period_start) as chained,
        bool_and(abs(opening_balance - principal - closing_balance) <= slack) as falls_by_principal,
        bool_and(abs(principal + interest + fees - instalment_total) <= slack) as summed,
        bool_and(interest >= 0 and principal >= -slack) as not_negative,
        bool_and(annual_rate > 0 or interest = 0) as free_without_rate,
        bool_and(decimals is null or decimals = all (array[scale(opening_balance),
            scale(principal), scale(interest), scale(fees), scale(instalment_total),
            scale(closing_balance)])) as in_minor_units
    from schedule
    group by family, id, amount, slack, instalments
)
select family, count(*) as loans, sum(rows) as rows,
    count(*) filter (where not numbered) as misnumbered,
    count(*) filter (where not complete) as over_early,
    count(*) filter (where not repaid) as not_repaid,
    count(*) filter (where not ends_at_nothing) as left_over,
    count(*) filter (where not chained) as broken,
    count(*) filter (where not falls_by_principal) as fall_otherwise,
    count(*) filter (where not summed) as not_summed,
    count(*) filter (where not not_negative) as negative,
    count(*) filter (where not free_without_rate) as charged_for_nothing,
    count(*) filter (where not in_minor_units) as with_other_decimals
from kept
group by family
order by family;

-- Annuities from PostgreSQL's own numeric, P r (1+r)^n / ((1+r)^n - 1), to the minor unit.
with annuity as (
    select loan.*, 1 + annual_rate::numeric(60, 50) / 12 as growth
    from (select id, amount, 0.0001 + annual_rate as annual_rate, instalments, disbursed_on,
            loan_engine.minor_units(currency) as minor_units
        from loan) as loan
), found as (
    select annuity.*,
        round(amount * (growth - 1) * growth ^ instalments / (growth ^ instalments - 1), minor_units)
            as expected,
        loan_engine.instalment_amount(amount, annual_rate, instalments, disbursed_on,
            jsonb_build_object('rounding', jsonb_build_object('levelling', 'off',
                'mode', 'half_up', 'minor_units', minor_units))) as computed
    from annuity
)
select count(*) as loans, count(distinct instalments) as terms,
    count(*) filter (where computed <> expected) as different
from found;

-- Plain loans have a way of their own, which a fee of nothing closes: both ways agree to the
-- character. So does the form in which all terms stand in one document.
create view two_ways as
select l.id, fast, general, document
from loan as l
cross join lateral (
    select jsonb_build_object(
        'frequency', l.frequency,
        'interest', jsonb_build_object(
            'days_in_month', (array['30', 'actual'])[1 + l.id % 2],
            'days_in_year', (array['360', '364', '365'])[1 + l.id / 2 % 3]),
        'rounding', jsonb_build_object(
            'mode', (array['half_even', 'half_up', 'half_down', 'up', 'down', 'ceiling', 'floor'])
                [1 + l.id % 7],
            'levelling', (array['smooth', 'off'])[1 + l.id / 7 % 2],
            'minor_units', loan_engine.minor_units(l.currency)),
        'due_dates', jsonb_build_object(
            'roll', (array['same_day', 'last_day', 'first_day_of_next_month'])[1 + l.id % 3])
    ) as terms
) as given
cross join lateral (
    select string_agg(s::text, E'\n' order by s.instalment) as fast
    from loan_engine.amortisation_schedule(
        l.amount, l.annual_rate, l.instalments, l.disbursed_on, terms => terms) as s
) as fast
cross join lateral (
    select string_agg(s::text, E'\n' order by s.instalment) as general
    from loan_engine.amortisation_schedule(
        l.amount, l.annual_rate, l.instalments, l.disbursed_on,
        terms => terms || '{"fees": [{"value": 0}]}') as s
) as general
cross join lateral (
    select string_agg(s::text, E'\n' order by s.instalment) as document
    from loan_engine.amortisation_schedule(terms || jsonb_build_object(
        'principal', l.amount, 'annual_rate', l.annual_rate, 'instalments', l.instalments,
        'disbursed_on', l.disbursed_on)) as s
) as document;

select count(*) as loans,
    count(*) filter (where fast is distinct from general) as general_differs,
    count(*) filter (where fast is distinct from document) as document_differs
from two_ways;

-- The solvers are the inverse of the instalment: the term comes back, the rate found gives the
-- instalment, and no more can be borrowed for it than the amount found, which is not less than lent.
with plain as (
    select id, amount, 0.01 + annual_rate as annual_rate, 2 + instalments as instalments, disbursed_on
    from loan where id % 10 = 0
), solved as (
    select plain.*, instalment,
        loan_engine.solve_term(amount, annual_rate, instalment + 0.01, disbursed_on) as term,
        loan_engine.solve_rate(amount, instalment, instalments, disbursed_on) as rate,
        loan_engine.solve_principal(instalment, annual_rate, instalments, disbursed_on) as principal
    from plain
    cross join lateral loan_engine.instalment_amount(amount, annual_rate, instalments, disbursed_on)
        as instalment
)
select count(*) as loans,
    count(*) filter (where term <> instalments) as other_term,
    count(*) filter (where loan_engine.instalment_amount(amount, rate, instalments, disbursed_on)
        <> instalment) as other_rate,
    count(*) filter (where principal < amount
        or loan_engine.instalment_amount(principal, annual_rate, instalments, disbursed_on)
            <> instalment
        or loan_engine.instalment_amount(principal + 0.01, annual_rate, instalments, disbursed_on)
            <= instalment) as other_principal
from solved;

-- Where a schedule stands in a query does not change it: in part, twice, in a view, behind a cursor
-- that stops and goes back, prepared, and as one column.
select instalment, closing_balance
from loan_engine.amortisation_schedule(1200, 0.12, 4, '2024-01-31') limit 2;

select a.instalment, a.instalment_total, b.instalment_total as dearer
from loan_engine.amortisation_schedule(1200, 0.12, 4, '2024-01-31') as a
join loan_engine.amortisation_schedule(1200, 0.24, 4, '2024-01-31') as b using (instalment)
order by instalment;

select count(*), sum(instalment_total) from schedule where id = 7;

begin;
declare instalments scroll cursor for
    select instalment, due_date, closing_balance
    from loan_engine.amortisation_schedule(1200, 0.12, 4, '2024-01-31');
fetch 3 from instalments;
fetch backward 1 from instalments;
fetch last from instalments;
commit;

prepare of_amount(numeric) as
select sum(interest) from loan_engine.amortisation_schedule($1, 0.12, 4, '2024-01-31');
execute of_amount(1200);
execute of_amount(120000);
deallocate of_amount;

select (loan_engine.amortisation_schedule(1200, 0.12, 2, '2024-01-31')).principal;

-- In parallel workers: planned there, and the same sums.
select sum(loan_engine.instalment_amount(amount, annual_rate, instalments, disbursed_on)) as instalments,
    (select sum(interest) from loan as l cross join lateral loan_engine.amortisation_schedule(
        l.amount, l.annual_rate, l.instalments, l.disbursed_on)) as interest
from loan \gset alone_
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
explain (costs off)
select sum(loan_engine.instalment_amount(amount, annual_rate, instalments, disbursed_on)) from loan;
select sum(loan_engine.instalment_amount(amount, annual_rate, instalments, disbursed_on))
    = :alone_instalments as same
from loan;
explain (costs off)
select sum(s.interest)
from loan as l
cross join lateral loan_engine.amortisation_schedule(
    l.amount, l.annual_rate, l.instalments, l.disbursed_on) as s;
select sum(s.interest) = :alone_interest as same
from loan as l
cross join lateral loan_engine.amortisation_schedule(
    l.amount, l.annual_rate, l.instalments, l.disbursed_on) as s;
reset all;

-- What it costs is what its rows sum to and what was withheld when the loan was disbursed; the
-- annual percentage rates are those of its flows. 1 % of the amount and 25 are withheld, 1.5 per
-- instalment are paid.
with priced as (
    select l.*, t.terms, c.principal, c.interest, c.fees, c.total, c.apr_us, c.apr_eu
    from loan as l
    cross join (values ('{"fees": [
        {"value": 0.01, "basis": "disbursement", "charged": "at_disbursement"},
        {"value": 25, "charged": "at_disbursement"}, {"value": 1.5}]}'::jsonb)) as t (terms)
    cross join lateral loan_engine.total_cost(
        l.amount, l.annual_rate, l.instalments, l.disbursed_on, t.terms) as c
    where l.id % 10 = 0
), summed as (
    select p.*, p.amount - withheld.fees as received, withheld.fees as withheld, s.*
    from priced as p
    cross join lateral (select 25 + round(p.amount * 0.01, 2) as fees) as withheld
    cross join lateral (
        select sum(r.principal) as principal_of_rows, sum(r.interest) as interest_of_rows,
            sum(r.fees) as fees_of_rows,
            array_agg(-r.instalment_total order by r.instalment) as paid,
            array_agg(r.due_date order by r.instalment) as due
        from loan_engine.amortisation_schedule(
            p.amount, p.annual_rate, p.instalments, p.disbursed_on, terms => p.terms) as r
    ) as s
)
select count(*) as loans,
    count(*) filter (where (principal, interest, fees, total) is distinct from (principal_of_rows,
        interest_of_rows, withheld + fees_of_rows,
        amount + interest_of_rows + withheld + fees_of_rows)) as other_cost,
    count(*) filter (where apr_us is distinct from loan_engine.apr_us(
        received || paid, disbursed_on || due)) as other_apr_us,
    count(*) filter (where apr_eu is distinct from loan_engine.apr_eu(
        received || paid, disbursed_on || due)) as other_apr_eu,
    count(*) filter (where apr_us <= annual_rate) as too_cheap
from summed;

-- Refusals: the code, what is wrong where, and the next step.
select call, r.*
from (values
    (1, $$(null, 0.1, 12, '2024-01-31')$$),
    (2, $$(1000, null, 12, '2024-01-31')$$),
    (3, $$(1000, 0.1, null, '2024-01-31')$$),
    (4, $$(1000, 0.1, 12, null)$$),
    (5, $$(1000, 0.1, 12, '2024-01-31', method => 'balloon')$$),
    (6, $$(1000, 0.1, 12, '2024-01-31', frequency => 'hourly')$$),
    (7, $$(1000, 0.1, 12, '2024-01-31', day_count => '31/360')$$),
    (8, $$(1000, 0.1, 12, '2024-01-31', currency => 'XYZ')$$),
    (9, $$(1000, 0.1, 12, '2024-01-31', terms => '[]')$$),
    (10, $$(1000, 0.1, 12, '2024-01-31', method => 'flat', terms => '{"method": "flat"}')$$),
    (11, $$(1000, 0.1, 12, '2024-01-31', terms => '{"principal": 1000}')$$),
    (12, $$(1000, 0.1, 12, '2024-01-31', day_count => 'ACT/360', terms => '{"interest": {"day_count": "ACT/360"}}')$$),
    (13, $$(1000, 0.1, 12, '2024-01-31', terms => '{"colour": "red"}')$$),
    (14, $$(1000, 0.1, 12, '2024-01-31', terms => '{"fees": [{"value": 1}, {"value": "x"}]}')$$),
    (15, $$(-1000.001, -0.1, 0, '2024-01-31', '2024-01-31', terms => '{"fees": [{"value": -1}]}')$$),
    (16, $$(1000, 0.1, -12, '2024-01-31')$$),
    (17, $$(1000, 0.1, 2147483647, '2024-01-31')$$),
    (18, $$(1000, 0.1, 12, '9999-12-31')$$),
    (19, $$(1e30, 0.1, 12, '2024-01-31')$$),
    (20, $$(1000, 'NaN', 12, '2024-01-31')$$),
    (21, $$(1000, 1, 12, '2024-01-31', terms => '{"instalment": 10}')$$),
    (22, $$('{"principal": 1000, "annual_rate": 0.1, "instalments": 12}')$$),
    (23, $$('[]'::jsonb)$$)
) as bad (call, arguments)
cross join lateral test.refusal('select from loan_engine.amortisation_schedule' || arguments) as r
order by call;

select loan_engine.solve_term(1000, 0.12, 10, '2024-01-31');
select loan_engine.solve_rate(1000, 10, 12, '2024-01-31');

-- check_terms says the same without refusing, and nothing of good terms.
select * from loan_engine.check_terms('{"principal": -1, "annual_rate": 20000, "instalments": 0,
    "disbursed_on": "2024-01-31", "first_due_on": "2024-01-31", "custom": [{"number": 1}]}');
select * from loan_engine.check_terms('{"principal": "1000.50", "annual_rate": "0.1",
    "instalments": 12, "disbursed_on": "2024-01-31"}');

drop view schedule, two_ways;
drop table loan;
