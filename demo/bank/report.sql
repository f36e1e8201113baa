\pset footer off
\echo
\echo 'The portfolio on the evening of the last day'
select l.status, count(*) as loans, sum(l.principal) as lent, sum(b.principal) as owed, sum(b.overdue) as past_due
from lending.loan as l
join lending.loan_balance as b on b.loan_id = l.id
group by l.status
order by l.status;

\echo 'Arrears'
with late as (
    select b.principal, b.overdue, lending.business_date() - 1 - b.oldest_unpaid as days
    from lending.loan_balance as b where b.status = 'active'
)
select k.name as days_past_due, count(l.principal) as loans, sum(l.principal) as owed, sum(l.overdue) as past_due
from (values (1, 'current', null, null), (2, '1-30', 1, 30), (3, '31-60', 31, 60), (4, '61-90', 61, 90), (5, 'over 90', 91, 100000))
    as k (place, name, first_day, last_day)
left join late as l on l.days between k.first_day and k.last_day or l.days is null and k.first_day is null
group by k.place, k.name
order by k.place;

\echo 'Beside the bank''s own verdict: A ended and paid, B ended and not paid, C runs and is paid, D runs in debt'
select v.verdict as bank, count(*) as loans,
    count(*) filter (where b.status in ('closed', 'overpaid')) as paid,
    count(*) filter (where b.status = 'active' and b.oldest_unpaid is null) as current,
    count(*) filter (where b.oldest_unpaid is not null and lending.business_date() - 1 - b.oldest_unpaid <= 90) as late,
    count(*) filter (where b.oldest_unpaid is not null and lending.business_date() - 1 - b.oldest_unpaid > 90) as defaulted
from bank.loan as v
join lending.loan as l using (loan_no)
join lending.loan_balance as b on b.loan_id = l.id
group by v.verdict
order by v.verdict;

\echo 'Trial balance'
select code, name, debit, credit from lending.trial_balance('1998-12-31') where debit <> 0 or credit <> 0 order by code;

\echo 'check_book: what must always hold'
select check_name, faults, example from lending.check_book();
