-- The end of a day of a million loans, 200,000 of them with something due, beside plain SQL that
-- computes a day's interest and writes the double entry of each loan; and beside plain SQL that writes
-- the same rows as the book does and computes nothing.

set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-02') \g /dev/null
select lending.add_legal_entity('ACME', 'Acme Lending', 'DE', 'EUR') \g /dev/null
insert into lending.product (legal_entity_id, code, name) select id, 'YEARLY', 'Loan at 12 %' from lending.legal_entity;
insert into lending.product_version (product_id, version, validity, currency, terms)
select id, 1, daterange('2020-01-01', null), 'EUR', '{"annual_rate": "0.12"}' from lending.product;
insert into lending.party (legal_entity_id, party_no, kind, name)
select id, 'all', 'individual', 'Borrower' from lending.legal_entity;

-- Ten loans, two of which have an instalment on 2 February, are the pattern of a million.
select lending.agree_loans((
    select jsonb_agg(jsonb_build_object('product_code', 'YEARLY', 'borrower_id', p.id, 'loan_no', n::text,
        'terms', jsonb_build_object('principal', 1000 + n, 'instalments', 36, 'disbursed_on', '2024-01-02',
            'first_due_on', case when n <= 2 then '2024-02-02' else '2024-02-15' end)))
    from lending.party as p, generate_series(1, 10) as n)) \g /dev/null
select lending.disburse_loans(array(select id from lending.loan)) \g /dev/null
call lending.run_end_of_day('2024-01-31');

set session_replication_role = replica;
create temporary table pattern as
select l.id, (row_number() over (order by l.loan_no::integer) - 1) as place from lending.loan as l;
create temporary table copy as
select loan_engine.uuid_v7() as id, p.id as pattern, n
from generate_series(11, 1000000) as n join pattern as p on p.place = n % 10;
insert into lending.loan (id, legal_entity_id, loan_no, product_id, product_version_id, borrower_id, currency, principal, terms, agreed_on, status, status_version)
select c.id, l.legal_entity_id, c.n::text, l.product_id, l.product_version_id, l.borrower_id, l.currency, l.principal, l.terms, l.agreed_on, l.status, l.status_version
from copy as c join lending.loan as l on l.id = c.pattern;
insert into lending.loan_snapshot (loan_id, version, state)
select c.id, s.version, s.state from copy as c join lending.loan_snapshot as s on s.loan_id = c.pattern;
create temporary table balance as select * from lending.loan_balance;
insert into lending.loan_balance
select (jsonb_populate_record(b, jsonb_build_object('loan_id', c.id))).* from copy as c join balance as b on b.loan_id = c.pattern;
insert into lending.status_history (machine, subject_id, version, state, validity, business_date, event, reason, machine_version, actor)
select h.machine, c.id, h.version, h.state, h.validity, h.business_date, h.event, h.reason, h.machine_version, h.actor
from copy as c join lending.status_history as h on h.subject_id = c.pattern;
reset session_replication_role;
call lending.run_end_of_day('2024-02-01');
vacuum analyze lending.loan_balance;
vacuum analyze lending.loan_snapshot;
analyze;

create schema plain;
create table plain.loan_balance (like lending.loan_balance including all) with (fillfactor = 50);
create table plain.accrual (loan_id uuid, on_date date, interest numeric);
create table plain.ledger_entry (loan_id uuid, on_date date, account text, amount numeric);
insert into plain.loan_balance select * from lending.loan_balance;
vacuum analyze plain.loan_balance;
checkpoint;

create table bench.day (name text, seconds double precision);
do $$
declare
    started timestamptz := clock_timestamp();
begin
    with brought as (
        update plain.loan_balance as b
        set accrued_through = accrued_through + 1,
            interest_accrued = round(b.principal * 0.12 / 366, 2),
            interest_receivable = interest_receivable + round(b.principal * 0.12 / 366, 2),
            oldest_unpaid = case when b.holds_until <= '2024-02-02' then b.next_due else b.oldest_unpaid end
        returning b.loan_id, b.accrued_through, b.interest_accrued
    ), detailed as (
        insert into plain.accrual select * from brought
    )
    insert into plain.ledger_entry
    select b.loan_id, b.accrued_through, a.account, a.sign * b.interest_accrued
    from brought as b cross join (values ('interest receivable', 1), ('interest income', -1)) as a (account, sign);
    insert into bench.day values ('plain SQL, double entry of each loan', extract(epoch from clock_timestamp() - started));
end $$;
checkpoint;
select clock_timestamp() as started \gset
call lending.run_end_of_day('2024-02-02');
insert into bench.day values ('the book, 200,000 looked at', extract(epoch from clock_timestamp() - :'started'::timestamptz));
checkpoint;
select clock_timestamp() as started \gset
call lending.run_end_of_day('2024-02-03');
insert into bench.day values ('the book, a quiet day', extract(epoch from clock_timestamp() - :'started'::timestamptz));
reset client_min_messages;
select name as "end of day of 1,000,000 loans", round(seconds::numeric, 2) as seconds, round(1000000 / seconds) as loans_per_second,
    round((first_value(seconds) over (order by name like 'plain%' desc) / seconds)::numeric, 2) as times_plain_sql
from bench.day order by name like 'plain%' desc, seconds desc;
