-- A book: payments in bulk, loans lent, and a loan as it was. Payments stand beside plain SQL that writes the
-- same rows into the same tables: those of a second book, in a session whose triggers and foreign keys
-- are off, so that nothing is computed and nothing is checked but what the tables themselves declare.

\set loans 100000
\i tests/book/small.sql
analyze;

select loan_engine.create_book('plain', 'EUR', 'UTC', '2024-01-02') \g (format=unaligned tuples_only) /dev/null
set session_replication_role = replica;
insert into plain.loan_snapshot select * from lending.loan_snapshot;
insert into plain.loan_balance select * from lending.loan_balance;
reset session_replication_role;
analyze plain.loan_snapshot, plain.loan_balance;

create sequence bench.payment_round;

create procedure bench.pay() language plpgsql as $$
declare
    this text := nextval('bench.payment_round')::text;
begin
    insert into lending.payment (legal_entity_id, provider, reference, loan_id, amount, currency, value_date)
    select legal_entity_id, 'bench ' || this, loan_no, id, 10, currency, '2024-01-02' from lending.loan;
end $$;

-- What the last run of ours wrote, for plain SQL to write again.
create procedure bench.capture() language plpgsql set client_min_messages = warning as $$
declare
    this text := 'bench ' || currval('bench.payment_round');
begin
    drop table if exists bench.payment, bench.loan_event, bench.payment_allocation, bench.ledger_transaction,
        bench.ledger_entry, bench.loan_snapshot, bench.loan_balance;
    create table bench.payment as select * from lending.payment where provider = this;
    create table bench.loan_event as select e.* from lending.loan_event as e join bench.payment as p on p.id = e.payment_id;
    create table bench.payment_allocation as select a.* from lending.payment_allocation as a join bench.payment as p on p.id = a.payment_id;
    create table bench.ledger_transaction as select t.* from lending.ledger_transaction as t join bench.payment as p on p.id = t.payment_id;
    create table bench.ledger_entry as select e.* from lending.ledger_entry as e join bench.ledger_transaction as t on t.id = e.transaction_id;
    create table bench.loan_snapshot as select * from lending.loan_snapshot;
    create table bench.loan_balance as select * from lending.loan_balance;
    perform set_config('session_replication_role', 'replica', true);
    truncate plain.payment, plain.loan_event, plain.payment_allocation, plain.ledger_transaction, plain.ledger_entry cascade;
    perform set_config('session_replication_role', 'origin', true);
    analyze bench.payment, bench.loan_event, bench.payment_allocation, bench.ledger_transaction, bench.ledger_entry,
        bench.loan_snapshot, bench.loan_balance;
end $$;

create procedure bench.write_plainly() language plpgsql as $$
begin
    perform set_config('session_replication_role', 'replica', true);
    insert into plain.payment select * from bench.payment;
    insert into plain.loan_event overriding system value select * from bench.loan_event;
    insert into plain.payment_allocation select * from bench.payment_allocation;
    insert into plain.ledger_transaction select * from bench.ledger_transaction;
    insert into plain.ledger_entry select * from bench.ledger_entry;
    update plain.loan_snapshot as t set version = s.version, state = s.state
    from bench.loan_snapshot as s where s.loan_id = t.loan_id;
    update plain.loan_balance as t
    set version = s.version, hash = s.hash, latest_on = s.latest_on, status = s.status, principal = s.principal,
        interest = s.interest, earned_base = s.earned_base, earned_per_day = s.earned_per_day,
        next_due_amount = s.next_due_amount, interest_settled = s.interest_settled,
        interest_receivable = s.interest_receivable
    from bench.loan_balance as s where s.loan_id = t.loan_id;
    perform set_config('session_replication_role', 'origin', true);
end $$;

call bench.pair(
    '100,000 payments, one INSERT', 'the same rows, no triggers', 0.5,
    array['call bench.pay()'],
    array['call bench.capture()', 'call bench.write_plainly()'], 3);

create table bench.rate (name text, measured numeric);
insert into bench.rate
select 'payments a second, one INSERT (floor 15,000)', round(100000 / (r.ours_ms / 1000))
from bench.report as r where r.benchmark = '100,000 payments, one INSERT';

-- Lending: a list of loans agreed and lent.
do $$
declare
    started timestamptz := clock_timestamp();
begin
    insert into lending.party (legal_entity_id, party_no, kind, name)
    select id, 'new ' || n, 'individual', 'New borrower ' || n from lending.legal_entity, generate_series(1, 5000) as n;
    perform lending.disburse_loans(array(select loan_id from lending.agree_loans((
        select jsonb_agg(jsonb_build_object('product_code', 'YEARLY', 'borrower_id', p.id, 'loan_no', p.party_no,
            'terms', '{"principal": 1200, "instalments": 12, "disbursed_on": "2024-01-02"}'::jsonb))
        from lending.party as p where p.party_no like 'new %'))));
    insert into bench.rate values ('loans agreed and lent in bulk, a second (floor 500)',
        round(5000 / extract(epoch from clock_timestamp() - started)));
end $$;

-- One loan with 60 events as it was.
do $$
declare
    busy uuid := (select id from lending.loan where loan_no = '2');
    started timestamptz;
begin
    for n in 1 .. 58 loop
        insert into lending.payment (legal_entity_id, provider, reference, loan_id, amount, currency)
        select legal_entity_id, 'busy', n::text, id, 1, currency from lending.loan where id = busy;
    end loop;
    perform from lending.loan_as_of(busy);
    started := clock_timestamp();
    for n in 1 .. 200 loop
        perform from lending.loan_as_of(busy);
    end loop;
    insert into bench.rate values ('microseconds for a loan with 60 events as it was (limit 1,000)',
        round(extract(epoch from clock_timestamp() - started) * 1000000 / 200));
end $$;

-- For clients who pay one by one.
create sequence bench.version start 1000;
create table bench.numbered as
select row_number() over (order by id) as n, id as loan_id, legal_entity_id from lending.loan;
alter table bench.numbered add primary key (n);
analyze;
