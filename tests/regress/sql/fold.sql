-- A loan's life: terms and operations folded into a state, and what is asked of it.

-- 100 at 7 % over six months, paid late, early and too much; interest follows what is owed.
create table loan as
select
    '{"principal": 100, "annual_rate": "0.07", "instalments": 6, "disbursed_on": "2024-01-01",
      "recalculation": {"interest": "daily"},
      "delinquency": [{"name": "1-30", "from_days": 1, "to_days": 30}, {"name": "31+", "from_days": 31}]}'
        ::jsonb as terms,
    '[{"type": "disburse", "on": "2024-01-01", "amount": 100},
      {"type": "repay", "on": "2024-02-01", "amount": "17.01", "id": "first"},
      {"type": "charge", "on": "2024-02-20", "name": "late fee", "value": 5, "timing": "on_date",
          "due_on": "2024-03-01", "penalty": true, "id": "fee"},
      {"type": "repay", "on": "2024-03-10", "amount": "25"}]'
        ::jsonb as operations;

\x on
select balances.*
from loan, loan_engine.fold_balances(loan_engine.fold(terms, operations)) as balances;
\x off

select instalment, due_date, principal, interest, penalties, total, total_paid, total_outstanding,
    settled_on
from loan, loan_engine.fold_schedule(terms, operations);

-- The same rows from a state, and all columns of one.
select count(*)
from loan
cross join lateral (
    select * from loan_engine.fold_schedule(terms, operations)
    except all
    select * from loan_engine.fold_schedule(loan_engine.fold(terms, operations))
) as different;

\x on
select line.*
from loan, loan_engine.fold_schedule(terms, operations) as line
where instalment = 2;
\x off

select transaction, operation, kind, on_date, amount, principal, interest, penalties,
    principal_balance
from loan, loan_engine.fold_transactions(loan_engine.fold(terms, operations));

select allocated.*
from loan, loan_engine.fold_allocations(loan_engine.fold(terms, operations)) as allocated;

select charge.*
from loan, loan_engine.fold_charges(loan_engine.fold(terms, operations)) as charge;

-- Debits equal credits.
select count(*) > 0 as posted, sum(debit) = sum(credit) as balanced
from loan, loan_engine.fold_journal(loan_engine.fold(terms, operations));

-- Operations one by one come to the same state as all at once.
with recursive step (at, state) as (
    select 0, loan_engine.fold(terms, '[]') from loan
    union all
    select at + 1, loan_engine.apply(state, operations -> at)
    from step, loan
    where at < jsonb_array_length(operations)
)
select at, state = loan_engine.fold(terms, operations) as same
from step, loan
order by at desc
limit 1;

-- An operation that takes an earlier one back: what it changes is reversed and made anew.
select jsonb_array_length(difference -> 'reversed') as reversed,
    jsonb_array_length(difference -> 'made') as made,
    difference -> 'status' as status
from loan
cross join lateral loan_engine.fold(terms, operations) as state
cross join lateral loan_engine.apply(
    state, '{"type": "reverse", "on": "2024-03-12", "of": "first"}') as later
cross join lateral loan_engine.fold_difference(state, later) as difference;

-- What the loan looks like at the end of a day, and that it earns as told until it is asked again.
\x on
select outlook.*
from loan, loan_engine.loan_outlook(loan_engine.fold(terms, operations), '2024-02-10') as outlook;
\x off

select count(*) as days, bool_and(
        round(outlook.earned_base + outlook.earned_per_day * (on_date - date '2024-02-10'), 2)
        = interest.earned) as as_told
from loan
cross join lateral loan_engine.fold(terms, operations) as state
cross join lateral loan_engine.loan_outlook(state, '2024-02-10') as outlook
cross join generate_series(0, outlook.holds_until - date '2024-02-10' - 1) as later
cross join lateral (select date '2024-02-10' + later as on_date) as day
cross join lateral loan_engine.accrued_interest(state, on_date) as interest;

-- What ends the loan, and that it does.
select quote.*
from loan, loan_engine.payoff_quote(loan_engine.fold(terms, operations), '2024-03-20') as quote;

select balances.status, balances.outstanding, balances.closed_on
from loan
cross join lateral loan_engine.fold(terms, operations) as state
cross join lateral loan_engine.payoff_quote(state, '2024-03-20') as quote
cross join lateral loan_engine.fold_balances(loan_engine.apply(state, jsonb_build_object(
    'type', 'repay', 'on', '2024-03-20', 'amount', quote.total))) as balances;

-- Interest earned, and lateness, day by day.
select day::date, accrued.earned, late.*
from loan
cross join lateral loan_engine.fold(terms, operations) as state
cross join generate_series(timestamp '2024-04-01', '2024-05-11', '10 days') as day
cross join lateral loan_engine.accrued_interest(state, day::date) as accrued
cross join lateral loan_engine.delinquency(state, day::date) as late;

-- What was valid, and what was known.
select day::date, valid.outstanding as valid, known.outstanding as known
from loan
cross join generate_series(timestamp '2024-01-31', '2024-03-31', '1 month') as day
cross join lateral loan_engine.fold_balances(
    loan_engine.loan_at(terms, operations, valid_on => day::date)) as valid
cross join lateral loan_engine.fold_balances(
    loan_engine.loan_at(terms, operations, known_on => day::date)) as known;

-- Every part of an amount.
select part.*
from loan
cross join lateral loan_engine.fold(terms, operations) as state
cross join unnest(array[
    'lines[1].charged.interest', 'lines[1].paid.principal', 'lines[1].outstanding.principal',
    'transactions[2].amount', 'outstanding.principal'
]) as path
cross join lateral loan_engine.explain(state, path) as part;

-- Terms are checked as a whole.
select * from loan_engine.check_terms('{"principal": 100, "annual_rate": "0.07", "instalments": 0,
    "disbursed_on": "2024-01-01", "arrears": {"grace_days": 40000}, "currency": "XYZ",
    "delinquency": [{"name": "a", "from_days": 1}, {"name": "a", "from_days": 9}]}');
select * from loan_engine.check_terms('{"principal": 100, "annual_rate": "0.07", "instalments": 2,
    "disbursed_on": "2024-01-01", "allocation": {"by_transaction":
        [{"transaction": "repayment", "futures": "last"}]}}');

-- What is refused, by code.
select refused.*
from loan
cross join (values
    (1, '{"type": "repay", "on": "2023-12-31", "amount": 1}'::jsonb),
    (2, '{"type": "undo_charge_off", "on": "2024-04-01"}'),
    (3, '{"type": "repay", "on": "2024-04-01", "amount": 0}'),
    (4, '{"type": "repay", "on": "2024-04-01", "amount": "0.001"}'),
    (5, '{"type": "repay", "on": "2024-04-01", "amount": 1, "id": "first"}'),
    (6, '{"type": "reverse", "on": "2024-04-01", "of": "nothing"}'),
    (7, '{"type": "repay", "on": "2024-04-01", "amount": 1, "colour": "red"}'),
    (8, '{"type": "repay", "on": "2024-04-01", "amount": "x"}'),
    (9, '{"type": "repeat", "on": "2024-04-01"}'),
    (10, '{"on": "2024-04-01"}'),
    (11, '{"type": "pay_off"}'),
    (12, '[]')
) as given (number, operation)
cross join lateral test.refusal(format(
    'select loan_engine.fold(%L, %L)', terms, operations || jsonb_build_array(operation))) as refused
order by number;

select refused.*
from loan
cross join lateral test.refusal(format(
    'select loan_engine.fold(%L, %L)',
    terms || '{"currency": "EUR", "overpayment": "reject"}',
    jsonb_build_array(
        operations -> 0,
        '{"type": "repay", "on": "2024-02-01", "amount": 1, "currency": "USD"}'::jsonb))) as refused;

select refused.*
from loan
cross join lateral test.refusal(format(
    'select loan_engine.fold(%L, %L)', terms || '{"overpayment": "reject"}',
    operations || '[{"type": "repay", "on": "2024-04-01", "amount": 1000}]')) as refused;

select refused.*
from loan
cross join unnest(array[
    'select loan_engine.payoff_quote(loan_engine.fold(%L, %L), ''2024-01-15'')',
    'select loan_engine.explain(loan_engine.fold(%L, %L), ''lines[9].paid.interest'')',
    'select loan_engine.apply(loan_engine.fold(%L, %L) - ''version'', ''{}'')',
    'select loan_engine.apply(loan_engine.fold(%L, %L) || ''{"lines": [[]]}'', ''{}'')'
]) as statement
cross join lateral test.refusal(format(statement, terms, operations)) as refused;

drop table loan;
