-- Events: the one door to a loan, what it refuses, what it proves, and who follows it.
set client_min_messages = warning;
select loan_engine.create_book('events_test', 'EUR', 'UTC', '2024-01-02');
set search_path = events_test, public;
select add_legal_entity('ACME', 'Acme Lending', 'DE', 'EUR') as acme \gset
insert into product (legal_entity_id, code, name) values (:'acme', 'ANY', 'Loan');
insert into product_version (product_id, version, validity, currency, terms) select id, 1, '[2020-01-01,)', 'EUR', '{}' from product;
insert into party (legal_entity_id, party_no, kind, name) values (:'acme', '1', 'individual', 'Borrower');
select count(*) as agreed from party as p, agree_loans((
    select jsonb_agg(jsonb_build_object('product_code', 'ANY', 'borrower_id', p.id, 'loan_no', k.loan_no,
        'terms', k.terms || '{"principal": 1200, "instalments": 6, "disbursed_on": "2024-01-02"}'))
    from (values
        ('plain', '{"annual_rate": "0.12"}'::jsonb),
        ('daily', '{"annual_rate": "0.12", "interest": {"day_count": "ACT/365F"}, "recalculation": {"interest": "daily"}}'),
        ('late', '{"annual_rate": "0.12", "penalties": [{"name": "late", "value": 5, "grace_days": 3}]}')) as k (loan_no, terms)));
select disburse_loans(array(select id from loan));
create function test.pay(loan_no text, amount numeric, valid_on date) returns void language sql as $$
    insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date)
    select l.legal_entity_id, 'bank', concat_ws(' ', l.loan_no, pay.amount, pay.valid_on), l.loan_no, pay.amount, 'EUR', pay.valid_on
    from loan as l where l.loan_no = pay.loan_no
$$;
-- What the book said at the end of each day.
create table test.told (loan_no text, on_date date, status text, principal numeric, interest numeric, fees numeric, penalties numeric,
    overpaid numeric, oldest_unpaid date, overdue numeric, next_due date, next_due_amount numeric, maturity date);
create procedure test.run_days(through date) language plpgsql as $$
begin
    while business_date() <= through loop
        call run_end_of_day();
        insert into test.told
        select l.loan_no, business_date() - 1, b.status, b.principal, b.interest, b.fees, b.penalties, b.overpaid, b.oldest_unpaid, b.overdue,
            b.next_due, b.next_due_amount, b.maturity
        from loan as l join loan_balance as b on b.loan_id = l.id;
    end loop;
end $$;

-- A life with payments recorded late and taken back.
call test.run_days('2024-02-01');
select test.pay(l.loan_no, 207.06, '2024-02-02') from loan as l where loan_no <> 'late';
call test.run_days('2024-02-19');
select test.pay(l.loan_no, 300, '2024-02-10') from loan as l;
call test.run_days('2024-03-04');
select reverse_payment(id, 'never made') from payment where amount = 300;
select test.pay(l.loan_no, 150, '2024-03-02') from loan as l;
select service('plain', 'charge', '{"name": "letter", "value": 5, "timing": "on_date", "due_on": "2024-03-20"}') > 0 as charged;
call test.run_days('2024-04-12');
select loan_no, version, type, valid_on, business_date, operation from loan_event as e join loan as l on l.id = e.loan_id order by 1, 2;

-- What was recorded is neither changed nor removed, and versions follow one another.
create function test.record(loan text, gap integer, type text, operation text, valid_on date default '2024-04-13') returns text language sql as $$
    select format('insert into events_test.loan_event (loan_id, version, type, valid_on, business_date, operation, previous_hash, hash)
        select l.id, b.version + %s, %L, %L, %L, %L, b.hash, %L
        from events_test.loan as l join events_test.loan_balance as b on b.loan_id = l.id where l.loan_no = %L',
        gap, type, valid_on, date '2024-04-13', operation, '\x00', loan)
$$;
select what, code, regexp_replace(message, '[0-9a-f-]{36}', '…') as message, regexp_replace(detail, '[0-9a-f-]{36}', '…') as detail, hint
from (values
    ('change', $$update events_test.loan_event set valid_on = valid_on - 1 where version = 2$$),
    ('remove', $$delete from events_test.loan_event where version = 99$$),
    ('empty', $$truncate events_test.loan_event$$),
    ('gap', test.record('plain', 2, 'repay', '{"amount": 10}')),
    ('repeated', test.record('plain', 0, 'repay', '{"amount": 10}')),
    ('first again', test.record('plain', -4, 'repay', '{"amount": 10}')),
    ('unknown type', test.record('plain', 1, 'forget', '{}')),
    ('missing member', test.record('plain', 1, 'repay', '{}')),
    ('unknown member', test.record('plain', 1, 'repay', '{"amount": 10, "colour": "red"}')),
    ('wrong member', test.record('plain', 1, 'repay', '{"amount": "ten"}')),
    ('below zero', test.record('plain', 1, 'repay', '{"amount": -10}')),
    ('nothing to reverse', test.record('plain', 1, 'reverse', '{"of": "99"}')),
    ('before it was lent', test.record('plain', 1, 'repay', '{"amount": 10}', '2023-12-01'))
) as s (what, statement)
cross join lateral test.refusal(s.statement) as r;

-- The same rows by hand: an amount of the fold, its hash computed as the book does.
insert into loan_event (loan_id, version, type, valid_on, business_date, operation, previous_hash, hash)
select b.loan_id, b.version + 1, 'repay', '2024-04-13', '2024-04-13', '{"amount": 10}', b.hash,
    loan_engine._hash_link(null, b.hash, _event_text(b.loan_id, b.version + 1, 'repay', '2024-04-13', '2024-04-13', actor(), '{"amount": 10}', null))
from loan_balance as b join loan as l on l.id = b.loan_id;
select check_name, faults from check_book() where faults > 0;

-- A loan on any day, by what was known on any day: as the engine tells it of terms and operations, and
-- as the book told it then.
select count(*) as looks, count(*) filter (where (a.status, a.principal, a.interest, a.fees, a.penalties, a.outstanding, a.overpaid, a.maturity)
    is distinct from (f.status, f.principal, f.interest, f.fees, f.penalties, f.outstanding, f.overpaid, f.maturity)) as differences
from loan as l
cross join generate_series('2024-01-02'::date, '2024-04-13', '5 days') as v (day)
cross join generate_series('2024-01-02'::date, '2024-04-13', '9 days') as k (day)
cross join lateral loan_as_of(l.id, v.day::date, k.day::date) as a
cross join lateral (
    select jsonb_agg(e.operation || jsonb_build_object('type', e.type, 'on', e.valid_on, 'recorded_on', e.business_date,
        'id', e.version::text) order by e.version) as operations
    from loan_event as e where e.loan_id = l.id) as o
cross join lateral loan_engine.fold_balances(loan_engine.loan_at(l.terms, o.operations, v.day::date, k.day::date)) as f;
select count(*) as days, count(*) filter (where to_jsonb(t) - 'on_date' - 'loan_no' is distinct from
    jsonb_build_object('status', a.status, 'principal', a.principal, 'interest', a.interest, 'fees', a.fees, 'penalties', a.penalties,
        'overpaid', a.overpaid, 'oldest_unpaid', a.oldest_unpaid, 'overdue', a.overdue, 'next_due', a.next_due,
        'next_due_amount', a.next_due_amount, 'maturity', a.maturity)) as differences
from test.told as t
join loan as l using (loan_no)
cross join lateral loan_as_of(l.id, t.on_date, t.on_date) as a;
select l.loan_no, d.valid_on, d.known_on, a.principal, a.interest, a.fees, a.penalties, a.overdue, a.days_past_due
from (values ('2024-02-12'::date, '2024-02-12'::date), ('2024-02-12', '2024-02-25'), ('2024-02-12', '2024-03-10'), (null, null)) as d (valid_on, known_on)
cross join loan as l
cross join lateral loan_as_of(l.id, d.valid_on, d.known_on) as a
where l.loan_no = 'plain';
select count(*) as unknown from loan_as_of(gen_random_uuid());
select count(*) as instalments, count(*) filter (where to_jsonb(a) - 'loan_id' is distinct from to_jsonb(f)) as differences
from loan as l
cross join lateral loan_engine.fold_schedule(loan_state_as_of(l.id)) as f
full join amortisation_line as a on a.loan_id = l.id and a.instalment = f.instalment;

-- The chain shows who meddled behind its back.
create table test.kept as select * from loan_event;
create procedure test.restore() language sql as $$
    delete from events_test.loan_event;
    insert into events_test.loan_event overriding system value select * from test.kept
$$;
create view test.found as
select check_name, faults, regexp_replace(example, '[0-9a-f-]{36}', '…') as example
from events_test.check_book() where faults > 0 order by check_name;
set session_replication_role = replica;
select id as plain from loan where loan_no = 'plain' \gset
update loan_event set operation = '{"amount": 200.06}' where loan_id = :'plain' and version = 2;
select * from test.found;
call test.restore();
update loan_event set actor = 'someone' where loan_id = :'plain' and version = 2;
select * from test.found;
call test.restore();
delete from loan_event where loan_id = :'plain' and version = (select max(version) from loan_event where loan_id = :'plain');
select * from test.found;
call test.restore();
delete from loan_event where loan_id = :'plain' and version = 3;
select * from test.found;
call test.restore();
update loan_event as e set type = o.type, valid_on = o.valid_on, operation = o.operation, payment_id = o.payment_id
from test.kept as o where e.loan_id = :'plain' and o.loan_id = e.loan_id and (e.version, o.version) in ((2, 3), (3, 2));
select * from test.found;
call test.restore();
-- Even with the last hash computed anew.
update loan_event as e set operation = '{"amount": 11}', hash = loan_engine._hash_link(null, e.previous_hash, _event_text(
    e.loan_id, e.version, e.type, e.valid_on, e.business_date, e.actor, '{"amount": 11}', e.payment_id))
where loan_id = :'plain' and version = (select max(version) from loan_event where loan_id = :'plain');
select * from test.found;
call test.restore();
set session_replication_role = origin;
select * from test.found;

-- Consumers take every event once, in the order of transactions.
insert into event_consumer (name) values ('mail'), ('warehouse');
create table test.taken (consumer text, turn integer generated always as identity, loan_no text, version integer);
create procedure test.take(consumer text, most integer) language sql as $$
    insert into test.taken (consumer, loan_no, version)
    select take.consumer, l.loan_no, t.version
    from events_test.take_events(take.consumer, take.most) with ordinality as t
    join events_test.loan as l on l.id = t.loan_id order by t.ordinality
$$;
call test.take('mail', 3);
call test.take('mail', 4);
call test.take('warehouse', 1000);
select consumer, count(*), count(distinct (loan_no, version)) as different from test.taken group by consumer order by consumer;
select consumer, backlog, waiting from event_lag order by consumer;
begin;
select test.pay('plain', 20, '2024-04-13');
call test.take('warehouse', 1000);
select count(*) as of_a_transaction_that_runs from test.taken where consumer = 'warehouse' and turn > 7 + (select count(*) from test.kept);
commit;
call test.take('warehouse', 1000);
select count(*) as after_it_ended from test.taken where consumer = 'warehouse' and turn > 7 + (select count(*) from test.kept);
select r.* from test.refusal('select events_test.take_events(''nobody'')') as r;
select r.* from test.refusal('select events_test.take_events(''mail'', 0)') as r;

-- In a restored database transactions are numbered from the beginning, below those of its events.
set session_replication_role = replica;
update loan_event set xid = (xid::text::bigint + 4000000000)::text::xid8;
update event_consumer set xid = (xid::text::bigint + 4000000000)::text::xid8;
set session_replication_role = origin;
select resume_after_restore() = max(position) as resumed from loan_event;
select consumer, backlog, waiting from event_lag order by consumer;
select test.pay('late', 30, '2024-04-13');
call test.take('mail', 5);
call test.take('mail', 1000);
call test.take('warehouse', 1000);
call test.take('warehouse', 1000);
select consumer, count(*), count(distinct (loan_no, version)) as different,
    string_agg(loan_no || ' ' || version, ', ' order by turn) filter (where loan_no = 'plain') as of_one_loan
from test.taken group by consumer order by consumer;
select count(*) as events from loan_event;
select consumer, backlog, waiting from event_lag order by consumer;
select * from test.found;

reset search_path;
select loan_engine.drop_book('events_test', true);
drop table test.told, test.kept, test.taken cascade;
