-- Payments: what an insert does, one by one and in bulk, and what taking it back leaves.
\set SHOW_CONTEXT never
\set VERBOSITY default
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-02');
set search_path = lending;
select add_legal_entity('ACME', 'Acme Lending', 'DE', 'EUR') as acme \gset
select add_ledger_currency('ACME', 'USD') > 0 as in_dollars;
insert into party (legal_entity_id, party_no, kind, name) values (:'acme', 'P1', 'individual', 'Borrower');
insert into fx_rate (base, quote, on_date, source, rate) values ('EUR', 'USD', '2024-02-01', 'ECB', 1.1);
insert into product (legal_entity_id, code, name)
select :'acme', p.code, p.code from (values ('HOLD'), ('BACK'), ('STRICT'), ('YEARLY'), ('DOLLAR')) as p (code);
insert into product_version (product_id, version, validity, currency, terms)
select id, 1, '[2020-01-01,)', case code when 'DOLLAR' then 'USD' else 'EUR' end,
    case code
        when 'BACK' then '{"annual_rate": 0, "overpayment": "refund"}'
        when 'STRICT' then '{"annual_rate": 0, "overpayment": "reject"}'
        when 'YEARLY' then '{"annual_rate": "0.12", "recalculation": {"interest": "daily"}}'
        else '{"annual_rate": 0}'
    end::jsonb
from product;
select count(agree_loan(p.code, b.id, p.code || n, '{"principal": 1200, "instalments": 12, "disbursed_on": "2024-01-02"}'))
from product as p, party as b, generate_series(1, 6) as n;
-- Loans of number 6 are agreed and not lent.
select disburse_loans(array(select id from loan where loan_no !~ '6$'));
update book set business_date = '2024-02-01';

create function pg_temp.pay(
    loan_no text, amount numeric, reference text, on_day date default lending.business_date(), currency text default 'EUR',
    kind text default 'repayment', direction text default 'in'
) returns void language sql as $$
    insert into lending.payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date, kind, direction)
    select e.id, 'bank', pay.reference, pay.loan_no, pay.amount, pay.currency, pay.on_day, pay.kind, pay.direction from lending.legal_entity as e where e.code = 'ACME'
$$;
create function pg_temp.reverse(reference text) returns void language sql as $$
    select lending.reverse_payment(p.id, 'it did not happen') from lending.payment as p where p.reference = $1
$$;
create view pg_temp.balance as
select l.loan_no, l.status, b.principal, b.interest, b.overpaid
from loan as l join loan_balance as b on b.loan_id = l.id;
-- What the ledger says of a loan, whatever the order in which it was told.
create view pg_temp.booked as
select l.loan_no, a.code, e.currency, sum(e.amount) as amount
from ledger_entry as e
join ledger_transaction as t on t.id = e.transaction_id
join ledger_account as a on a.id = e.account_id
join loan as l on l.id = t.loan_id
group by l.loan_no, a.code, e.currency having sum(e.amount) <> 0;
create view pg_temp.paid as
select l.loan_no, right(p.reference, 1) as nth, a.instalment, sum(a.principal) as principal, sum(a.interest) as interest, sum(a.held) as held
from payment_allocation as a
join payment as p on p.id = a.payment_id
join loan as l on l.id = a.loan_id
group by 1, 2, 3
having (sum(a.principal), sum(a.interest), sum(a.held)) <> (0, 0, 0);
create function pg_temp.refuses(statement text) returns text language sql as $$
    select coalesce((
        select format('%s %s', r.code, regexp_replace(r.message, '[0-9a-f]{8}-[0-9a-f-]{27}', '…', 'g'))
        from test.refusal(statement) as r), 'accepted')
$$;

-- One by one and in bulk, in order and backdated, come to the same.
select pg_temp.pay('YEARLY1', 107 - n, 'one' || n, date '2024-01-20' + n) from generate_series(1, 4) as n;
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date)
select :'acme', 'bank', 'many' || n, 'YEARLY2', 107 - n, 'EUR', date '2024-01-20' + n from generate_series(1, 4) as n;
select pg_temp.pay('YEARLY3', 107 - n, 'back' || n, date '2024-01-20' + n) from generate_series(4, 1, -1) as n;
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date)
select :'acme', 'bank', 'late' || n, 'YEARLY4', 107 - n, 'EUR', date '2024-01-20' + n from (values (3), (1), (4), (2)) as v (n);
select * from pg_temp.balance where loan_no like 'YEARLY%' order by 1;
select array_agg(distinct loan_no) as loans, code, currency, amount from pg_temp.booked where loan_no like 'YEARLY_' group by 2, 3, 4 order by 2;
select array_agg(distinct loan_no) as loans, nth, instalment, principal, interest from pg_temp.paid where loan_no like 'YEARLY_' group by 2, 3, 4, 5 order by 2, 3;
-- Many on one loan in one statement, most of them backdated.
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date)
select :'acme', 'bank', 'mass' || n, 'HOLD5', 1, 'EUR', date '2024-02-01' - n % 3 from generate_series(1, 150) as n;
select loan_no, principal from pg_temp.balance where loan_no = 'HOLD5';
select * from check_book() where faults > 0;

-- The same again does nothing; the same name for something else is refused.
select pg_temp.pay('YEARLY1', 106, 'one1', '2024-01-21');
select count(*) from payment where reference = 'one1';
select v.what, pg_temp.refuses(v.statement)
from (values
    ('other amount', $$select pg_temp.pay('YEARLY1', 105, 'one1', '2024-01-21')$$),
    ('other day', $$select pg_temp.pay('YEARLY1', 106, 'one1', '2024-01-22')$$),
    ('other loan', $$select pg_temp.pay('YEARLY2', 106, 'one1', '2024-01-21')$$),
    ('other currency', $$select pg_temp.pay('YEARLY1', 106, 'one1', '2024-01-21', 'USD')$$),
    ('twice in a set', $$insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency)
        select legal_entity_id, 'bank', 'set', 'HOLD1', n, 'EUR' from party, generate_series(1, 2) as n$$),
    ('no reference', $$select pg_temp.pay('HOLD1', 1, '')$$),
    ('long reference', $$select pg_temp.pay('HOLD1', 1, repeat('x', 256))$$),
    ('negative', $$select pg_temp.pay('HOLD1', -1, 'x')$$),
    ('zero', $$select pg_temp.pay('HOLD1', 0, 'x')$$),
    ('NaN', $$select pg_temp.pay('HOLD1', 'NaN', 'x')$$),
    ('infinite', $$select pg_temp.pay('HOLD1', 'Infinity', 'x')$$),
    ('half a cent', $$select pg_temp.pay('HOLD1', 1.005, 'x')$$),
    ('half a cent for no loan', $$select pg_temp.pay(null, 1.005, 'x')$$),
    ('no such currency', $$select pg_temp.pay('HOLD1', 1, 'x', currency => 'XXQ')$$),
    ('no rate', $$select pg_temp.pay('DOLLAR1', 1, 'x', '2024-01-31')$$),
    ('unknown kind', $$select pg_temp.pay('HOLD1', 1, 'x', kind => 'gift')$$),
    ('to come', $$select pg_temp.pay('HOLD1', 1, 'x', '2024-02-02')$$),
    ('before it was lent', $$select pg_temp.pay('HOLD1', 1, 'x', '2024-01-01')$$),
    ('not lent', $$select pg_temp.pay('HOLD6', 1, 'x')$$),
    ('out, for no loan', $$select pg_temp.pay('nope', 1, 'x', direction => 'out')$$),
    ('out, nothing held', $$select pg_temp.pay('HOLD1', 1, 'x', direction => 'out')$$),
    ('credit for no loan', $$select pg_temp.pay('nope', 1, 'x', kind => 'goodwill_credit')$$),
    ('credit in another currency', $$select pg_temp.pay('DOLLAR1', 1, 'x', kind => 'goodwill_credit')$$),
    ('recovery of what is not lost', $$select pg_temp.pay('HOLD1', 1, 'x', kind => 'recovery')$$),
    ('no such loan', $$insert into payment (legal_entity_id, provider, reference, loan_id, amount, currency)
        select legal_entity_id, 'bank', 'x', '00000000-0000-0000-0000-000000000001', 1, 'EUR' from party limit 1$$),
    ('no such loan, and waiting', $$insert into payment (legal_entity_id, provider, reference, loan_id, amount, currency, status)
        select legal_entity_id, 'bank', 'x', '00000000-0000-0000-0000-000000000001', 1, 'EUR', 'pending' from party limit 1$$),
    ('changed', $$update payment set amount = 1 where reference = 'one1'$$),
    ('completed again', $$update payment set status = 'completed' where reference = 'one1'$$),
    ('deleted', $$delete from payment where reference = 'one1'$$),
    ('truncated', $$truncate payment cascade$$)) as v (what, statement);
select * from check_book() where faults > 0;

-- Several loans: what is not divided waits.
insert into payment (legal_entity_id, provider, reference, amount, currency, splits)
values (:'acme', 'payroll', 'split', 100, 'EUR', '[{"loan_no": "HOLD1", "amount": 30}, {"loan_no": "DOLLAR1", "amount": 20}, {"loan_no": "who", "amount": 10}]');
select * from pg_temp.balance where loan_no in ('HOLD1', 'DOLLAR1') order by 1;
select u.amount, u.currency, u.reason from unmatched_payment as u;
select v.what, pg_temp.refuses(format($$insert into payment (legal_entity_id, provider, reference, amount, currency, splits)
    select legal_entity_id, 'payroll', 'x', 100, 'EUR', %L from party$$, v.splits))
from (values
    ('too much', '[{"loan_no": "HOLD1", "amount": 60}, {"loan_no": "HOLD2", "amount": 40.01}]'),
    ('twice', '[{"loan_no": "HOLD1", "amount": 30}, {"loan_no": "HOLD1", "amount": 40}]'),
    ('negative', '[{"loan_no": "HOLD1", "amount": 130}, {"loan_no": "HOLD2", "amount": -40}]'),
    ('NaN', '[{"loan_no": "HOLD1", "amount": "NaN"}]'),
    ('half a cent', '[{"loan_no": "HOLD1", "amount": 1.005}]'),
    ('for nobody', '[{"amount": 30}]'),
    ('nothing', '[]'),
    ('no list', '{}')) as v (what, splits);
select pg_temp.refuses($$insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, splits)
    select legal_entity_id, 'payroll', 'x', 'HOLD1', 100, 'EUR', '[{"loan_no": "HOLD1", "amount": 100}]' from party$$);
select * from check_book() where faults > 0;

-- Money without a loan is assigned; a loan may be paid twice by one payment, and all of it is taken back.
select pg_temp.refuses(format('select assign_payment(%L, %L)', payment_id, 'nope')) from unmatched_payment;
select pg_temp.refuses(format('select assign_payment(%L, %L)', payment_id, 'HOLD6')) from unmatched_payment;
select assign_payment(payment_id, 'HOLD1') from unmatched_payment;
select pg_temp.refuses(format('select assign_payment(%L, %L)', payment_id, 'HOLD1')) from unmatched_payment;
select * from pg_temp.balance where loan_no in ('HOLD1', 'DOLLAR1') order by 1;
select * from check_book() where faults > 0;
select pg_temp.reverse('split');
select pg_temp.refuses($$select pg_temp.reverse('split')$$);
select * from pg_temp.balance where loan_no in ('HOLD1', 'DOLLAR1') order by 1;
select * from pg_temp.booked where loan_no in ('HOLD1', 'DOLLAR1') order by 1, 2;
select * from check_book() where faults > 0;
-- In a foreign currency, assigned; and what was never assigned, reversed.
select pg_temp.pay('nobody', 50, 'astray'), pg_temp.pay(null, 60, 'astray2');
select assign_payment(payment_id, 'DOLLAR2') from unmatched_payment where reason = 'no loan "nobody"';
select pg_temp.reverse('astray2');
select pg_temp.refuses(format('select assign_payment(%L, %L)', payment_id, 'HOLD1')) from unmatched_payment where reason = 'no loan named';
select * from pg_temp.balance where loan_no = 'DOLLAR2';
select * from check_book() where faults > 0;
select pg_temp.reverse('astray');
select * from pg_temp.balance where loan_no = 'DOLLAR2';
select a.code, e.currency, sum(e.amount)
from ledger_entry as e join ledger_account as a on a.id = e.account_id
where a.code in ('1700', '2120') group by 1, 2 having sum(e.amount) <> 0;
select pg_temp.refuses($$select reverse_payment(loan_engine.uuid_v7(), 'x')$$);
select pg_temp.refuses($$select reverse_payment(id, '') from payment where reference = 'one1'$$);
select * from check_book() where faults > 0;

-- A backdated payment that is taken back leaves what was there without it.
select pg_temp.pay('YEARLY1', 50, 'undone', '2024-01-10');
select pg_temp.reverse('undone');
select array_agg(loan_no order by loan_no) as loans, code, currency, amount from pg_temp.booked where loan_no like 'YEARLY_' group by 2, 3, 4 order by 2;
select array_agg(loan_no order by loan_no) as loans, nth, instalment, principal, interest from pg_temp.paid where loan_no like 'YEARLY_' group by 2, 3, 4, 5 order by 2, 3;
select * from check_book() where faults > 0;

-- More than is owed: held, given back, refused. What is held can be paid out, and a paid loan paid again.
select pg_temp.pay('HOLD2', 1300, 'over1'), pg_temp.pay('BACK2', 1300, 'over2');
select pg_temp.refuses($$select pg_temp.pay('STRICT2', 1200.01, 'over3')$$);
select pg_temp.refuses($$select pg_temp.pay('HOLD2', 100.01, 'refund1', direction => 'out')$$);
select pg_temp.pay('HOLD2', 60, 'refund1', direction => 'out');
select pg_temp.pay('HOLD2', 10, 'again1'), pg_temp.pay('BACK2', 10, 'again2'), pg_temp.pay('STRICT2', 1200, 'all');
select pg_temp.refuses($$select pg_temp.pay('STRICT2', 1, 'again3')$$);
select * from pg_temp.balance where loan_no in ('HOLD2', 'BACK2', 'STRICT2') order by 1;
select * from check_book() where faults > 0;
select pg_temp.reverse('refund1'), pg_temp.reverse('over2');
select * from pg_temp.balance where loan_no in ('HOLD2', 'BACK2', 'STRICT2') order by 1;
select * from check_book() where faults > 0;
select pg_temp.reverse('over1'), pg_temp.reverse('again2'), pg_temp.reverse('all');
select * from pg_temp.balance where loan_no in ('HOLD2', 'BACK2', 'STRICT2') order by 1;
select * from check_book() where faults > 0;

-- What waits is posted when it is completed, once; what failed never is.
insert into payment (legal_entity_id, provider, reference, status, loan_no, amount, currency)
select :'acme', 'card', n, 'pending', 'HOLD3', 10, 'EUR' from generate_series(1, 3) as n;
select principal from pg_temp.balance where loan_no = 'HOLD3';
update payment set status = 'processing' where provider = 'card';
update payment set status = case reference when '1' then 'completed' else 'failed' end where reference in ('1', '2') and provider = 'card';
select pg_temp.refuses($$update payment set status = 'completed' where reference = '2' and provider = 'card'$$);
select pg_temp.refuses($$update payment set status = 'pending' where reference = '3' and provider = 'card'$$);
select pg_temp.refuses($$select reverse_payment(id, 'x') from payment where reference = '3' and provider = 'card'$$);
select principal from pg_temp.balance where loan_no = 'HOLD3';
select * from check_book() where faults > 0;

-- What is of a day to come waits for it.
insert into payment (legal_entity_id, provider, reference, status, loan_no, amount, currency, value_date)
values (:'acme', 'card', '4', 'pending', 'HOLD3', 10, 'EUR', '2024-02-02');
select pg_temp.refuses($$update payment set status = 'completed' where reference = '4' and provider = 'card'$$);
begin;
update book set business_date = '2024-02-02';
update payment set status = 'completed' where reference = '4' and provider = 'card';
select principal from pg_temp.balance where loan_no = 'HOLD3';
rollback;

-- Copied in, with one that is known.
alter table payment alter column legal_entity_id set default :'acme';
insert into payment (provider, reference, loan_no, amount, currency) values ('copy', '2', 'HOLD3', 10, 'EUR');
copy payment (provider, reference, loan_no, amount, currency) from stdin;
copy	1	HOLD3	10	EUR
copy	2	HOLD3	10	EUR
copy	3	HOLD3	10	EUR
\.
select principal from pg_temp.balance where loan_no = 'HOLD3';
select count(*) from payment where provider = 'copy';

-- A credit costs the lender, and is no money.
select pg_temp.pay('HOLD4', 50, 'kind', kind => 'goodwill_credit');
select * from pg_temp.booked where loan_no = 'HOLD4' order by 2;
select * from check_book() where faults > 0;

-- The checks see what is not applied.
select pg_temp.refuses('update unmatched_payment set assigned_at = null');
begin;
alter table unmatched_payment disable trigger user;
update unmatched_payment set assigned_at = null where reason in ('no loan named', 'no loan "nobody"');
select check_name, faults, regexp_replace(example, '[0-9a-f]{8}-[0-9a-f-]{27}', '…') as example from check_book() where faults > 0;
rollback;
begin;
alter table payment_allocation disable trigger user;
insert into payment_allocation (loan_id, loan_version, transaction_no, instalment, booked_on, payment_id, principal, interest, fees, penalties)
select l.id, 9, 9, 1, '2024-02-01', p.id, 0.01, 0, 0, 0 from loan as l, payment as p where l.loan_no = 'DOLLAR1' and p.reference = 'kind';
select check_name, faults, regexp_replace(example, '[0-9a-f]{8}-[0-9a-f-]{27}', '…') as example from check_book() where faults > 0;
rollback;

-- The inbox takes whatever comes; what cannot be posted is kept with the reason.
insert into payment_inbox (provider, reference, legal_entity, loan_no, amount, currency, value_date, splits) values
    ('file', '1', 'ACME', 'HOLD1', '100', 'EUR', '2024-02-01', null),
    ('file', '2', 'ACME', 'HOLD1', 'hundred', 'EUR', '2024-02-01', null),
    ('file', '3', 'NONE', 'HOLD1', '100', 'EUR', '2024-02-01', null),
    ('file', '4', 'ACME', 'HOLD6', '100', 'EUR', '2024-02-01', null),
    ('file', '5', 'ACME', 'STRICT1', '10000', 'EUR', '2024-02-01', null),
    ('file', '6', 'ACME', 'DOLLAR3', '100', 'EUR', '2024-01-31', null),
    ('file', '1', 'ACME', 'HOLD1', '100', 'EUR', '2024-02-01', null),
    ('file', '1', 'ACME', 'HOLD1', '101', 'EUR', '2024-02-01', null),
    ('file', '7', 'ACME', null, '100', 'EUR', null, '[{"loan_no": "HOLD1", "amount": 60}]'),
    ('file', '8', null, 'HOLD1', '1', null, null, null),
    ('file', '', 'ACME', 'HOLD1', '1', 'EUR', '2024-02-01', null),
    ('file', '9', 'ACME', 'HOLD1', '1', 'EUR', 'tomorrow', null),
    ('file', '10', 'ACME', 'HOLD1', null, 'EUR', null, null),
    ('file', '12', 'ACME', 'HOLD1', '1', 'EUR', '2024-02-30', null),
    ('file', '13', 'ACME', 'HOLD1', 'NaN', 'EUR', '2024-02-01', null),
    ('file', '11', 'ACME', 'astray', '1e2', 'EUR', '2024-02-01', null);
select * from post_inbox(1);
select * from post_inbox();
select * from post_inbox();
select id, reference, attempts, tried_by = current_user as tried_here, code, message from rejected_payment order by id;
select i.reference, i.status, p.reference = i.reference as is_named from payment_inbox as i join payment as p on p.id = i.payment_id order by i.id;
select * from pg_temp.balance where loan_no = 'HOLD1';
insert into fx_rate (base, quote, on_date, source, rate) values ('EUR', 'USD', '2024-01-31', 'ECB', 1.2);
select retry_inbox('LN207');
select * from post_inbox();
select retry_inbox(provider => 'file');
select * from post_inbox();
select count(*), min(attempts), max(attempts) from rejected_payment;
select pg_temp.refuses('update payment_inbox set amount = 5');
select pg_temp.refuses('delete from payment_inbox');
select pg_temp.refuses('select post_inbox(0)');
select * from check_book() where faults > 0;

-- Who may. A teller posts small amounts of the last days; others post nothing, and turn no inbox down.
create role book_teller;
create role book_guest;
grant usage on schema lending, loan_engine, test to book_teller, book_guest;
grant select, insert, update on all tables in schema lending to book_teller, book_guest;
insert into member (actor, role) values ('book_teller', 'teller');
insert into authority (role, action, currency, up_to, within_days) values
    ('teller', 'post_payment', 'EUR', 500, 10), ('teller', 'backdate', null, null, 5), ('teller', 'reverse_payment', null, 100, 0);
insert into payment_inbox (provider, reference, legal_entity, loan_no, amount) values
    ('till', '1', 'ACME', 'HOLD4', '500'), ('till', '2', 'ACME', 'HOLD4', '500.01');
set role book_teller;
select pg_temp.pay('HOLD4', 10, 'till1'), pg_temp.pay('HOLD4', 5, 'till2', '2024-01-28');
select v.what, pg_temp.refuses(v.statement)
from (values
    ('too much', $$select pg_temp.pay('HOLD4', 501, 'x')$$),
    ('too far back', $$select pg_temp.pay('HOLD4', 1, 'x', '2024-01-26')$$),
    ('a credit', $$select pg_temp.pay('HOLD4', 1, 'x', kind => 'goodwill_credit')$$),
    ('money out', $$select pg_temp.pay('HOLD2', 1, 'x', direction => 'out')$$),
    ('reversal of an earlier day', $$select pg_temp.reverse('till2')$$),
    ('in another name', $$set local loan_engine.actor = 'boss'; select pg_temp.pay('HOLD4', 1, 'x')$$)) as v (what, statement);
select pg_temp.reverse('till1');
set role book_guest;
select pg_temp.refuses($$select pg_temp.pay('HOLD4', 1, 'x')$$);
select pg_temp.refuses('select post_inbox()');
select pg_temp.refuses('select retry_inbox()');
set role book_teller;
select * from post_inbox();
reset role;
select code, message, tried_by from rejected_payment where provider = 'till';
select * from pg_temp.balance where loan_no = 'HOLD4';
select * from check_book() where faults > 0;

-- An application names who acts, if it is a member that may.
insert into member (actor, role, acts_for_others) values ('book_guest', 'application', true);
insert into member (actor, role) values ('maria', 'teller');
set role book_guest;
select pg_temp.refuses($$select pg_temp.pay('HOLD4', 1, 'x')$$);
select pg_temp.refuses($$set local loan_engine.actor = 'nobody'; select pg_temp.pay('HOLD4', 1, 'x')$$);
begin;
set local loan_engine.actor = 'maria';
select pg_temp.pay('HOLD4', 1, 'by maria');
commit;
reset role;
select e.actor, t.posted_by from loan_event as e join payment as p on p.id = e.payment_id
join ledger_transaction as t on t.payment_id = p.id where p.reference = 'by maria';

-- Money out in another currency than the loan's, and taken back.
select pg_temp.pay('DOLLAR5', 1300, 'too much', currency => 'USD');
select pg_temp.pay('DOLLAR5', 50, 'some back', currency => 'EUR', direction => 'out');
select * from pg_temp.balance where loan_no = 'DOLLAR5';
select t.kind, a.code, e.currency, e.amount
from ledger_entry as e
join ledger_transaction as t on t.id = e.transaction_id
join ledger_account as a on a.id = e.account_id
join payment as p on p.id = t.payment_id
where p.reference = 'some back' order by 1, 2, 3, 4;
select * from check_book() where faults > 0;
select pg_temp.reverse('some back');
select * from pg_temp.balance where loan_no = 'DOLLAR5';
select * from check_book() where faults > 0;

-- What was paid, when, how late, and what became of it.
update book set business_date = '2024-02-10';
select pg_temp.pay('HOLD3', 100, 'tardy1'), pg_temp.pay('HOLD3', 50, 'tardy2', '2024-02-05');
select pg_temp.reverse('tardy1');
select r.reference, r.value_date, r.recorded_on, r.is_backdated, r.amount, r.principal, r.days_late, r.is_reversed, r.reversed_on, r.reversal_reason
from repayment as r where r.reference like 'tardy_' order by 1;
select count(*), sum(amount), sum(principal + interest + fees + penalties + held) from repayment where not is_reversed and kind <> 'recovery';
select * from check_book() where faults > 0;

-- A loan of another legal entity is none of this one's: what is paid to it waits.
select add_legal_entity('OTHER', 'Other Lending', 'DE', 'EUR') as other \gset
insert into payment (legal_entity_id, provider, reference, loan_id, amount, currency)
select :'other', 'bank', 'misdirected', id, 1, 'EUR' from loan where loan_no = 'HOLD1';
select p.reference, u.amount, u.reason from unmatched_payment as u join payment as p on p.id = u.payment_id
where p.reference = 'misdirected';
select * from check_book() where faults > 0;

reset search_path;
select loan_engine.drop_book('lending', with_postings => true);
drop owned by book_teller, book_guest;
drop role book_teller;
drop role book_guest;
