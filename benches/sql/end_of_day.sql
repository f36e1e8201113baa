-- The end of a day of a million loans: one on which 200,000 have an instalment due, the one on which these
-- are overdue, so that loans, risk levels and collections move, and a quiet one. Beside it plain SQL that
-- computes the day's interest of each loan, and writes it, the balance and the double entry of each.
-- With -v loans=100000 a tenth of it.

\ir many_loans.sql

create schema plain;
create table plain.loan_balance (like lending.loan_balance including all) with (fillfactor = 50);
create table plain.accrual (loan_id uuid, on_date date, interest numeric);
create table plain.ledger_entry (loan_id uuid, on_date date, account text, amount numeric);
insert into plain.loan_balance select * from lending.loan_balance;
update plain.loan_balance set receivable_through = '2024-02-01', interest_receivable = round(principal * 0.12 * 30 / 366, 2);
vacuum analyze;
checkpoint;

create table bench.day (position integer generated always as identity, name text, seconds double precision);
do $$
declare
    started timestamptz := clock_timestamp();
begin
    with brought as (
        update plain.loan_balance as b
        set receivable_through = b.receivable_through + 1,
            interest_receivable = b.interest_receivable + round(b.principal * 0.12 / 366, 2),
            oldest_unpaid = case when b.holds_until <= '2024-02-02' then b.next_due else b.oldest_unpaid end
        returning b.loan_id, b.receivable_through, round(b.principal * 0.12 / 366, 2) as interest
    ), detailed as (
        insert into plain.accrual select * from brought
    )
    insert into plain.ledger_entry
    select b.loan_id, b.receivable_through, a.account, a.sign * b.interest
    from brought as b cross join (values ('interest receivable', 1), ('interest income', -1)) as a (account, sign);
    insert into bench.day (name, seconds)
    values ('plain SQL: balance, detail and double entry of each loan', extract(epoch from clock_timestamp() - started));
end $$;

create procedure bench.end_day(day date, name text) language plpgsql as $$
declare
    started timestamptz := clock_timestamp();
begin
    call lending.run_end_of_day(day);
    insert into bench.day (name, seconds) values (end_day.name, extract(epoch from clock_timestamp() - started));
end $$;
checkpoint;
call bench.end_day('2024-02-02', 'the book, a fifth have an instalment due');
vacuum analyze;
checkpoint;
call bench.end_day('2024-02-03', 'the book, these fall overdue');
vacuum analyze;
checkpoint;
call bench.end_day('2024-02-04', 'the book, a quiet day');
reset client_min_messages;
select name as "end of day", :loans as loans, round(seconds::numeric, 2) as seconds, round(:loans / seconds) as loans_per_second,
    round((first_value(seconds) over (order by position) / seconds)::numeric, 2) as times_plain_sql
from bench.day order by position;
