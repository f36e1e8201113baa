\pset footer off

\echo
\echo 'How many instalments agree with the lender''s to the cent'
select portfolio, rounding, count(*) as loans,
       count(*) filter (where instalment = lender) as agree,
       round(100.0 * count(*) filter (where instalment = lender) / count(*), 2) as per_cent
from book.priced
group by portfolio, rounding
order by portfolio, rounding;

\echo 'How far the others are from the lender''s'
select portfolio, rounding, instalment - lender as ours_less_lender, count(*) as loans
from book.priced
where instalment <> lender
group by portfolio, rounding, ours_less_lender
order by portfolio, rounding, loans desc, ours_less_lender;

\echo 'The loans that no rounding explains'
select loan, loan_amount, annual_rate, instalments, priced.instalment as ours, lender,
       loan_engine.solve_rate(loan_amount, lender, instalments, disbursed_on) as rate_of_the_lender
from book.priced
join book.loan using (portfolio, loan)
where rounding = 'up to the cent' and priced.instalment <> lender
order by loan::bigint
limit 10;

\echo 'One loan as a borrower sees it: the first and the last rows of its schedule'
create temporary view shown as
select loan.*
from book.loan
order by portfolio desc, part
limit 1;

create temporary table line as
select line.*
from shown,
    lateral loan_engine.amortisation_schedule(loan_amount, annual_rate, instalments, disbursed_on) as line;

select instalment, due_date, opening_balance, principal, interest, instalment_total, closing_balance
from line
where instalment <= 3 or instalment > (select max(instalment) from line) - 2
order by instalment;

\echo 'What it costs'
select cost.*
from shown,
    lateral loan_engine.total_cost(loan_amount, annual_rate, instalments, disbursed_on) as cost;

\echo 'What the book earns: the effective rate of all its flows'
with flow as (
    select portfolio, disbursed_on as on_date, -loan_amount as amount from book.loan
    union all
    select portfolio, line.due_date, line.instalment_total
    from book.loan,
        lateral loan_engine.amortisation_schedule(loan_amount, annual_rate, instalments, disbursed_on) as line
)
select portfolio,
       count(*) as flows,
       round(loan_engine.xirr(amount, on_date)::numeric, 6) as effective_rate,
       sum(amount) as interest
from flow
group by portfolio
order by portfolio;
