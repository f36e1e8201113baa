-- What a lender does to a loan: who may, what it does, and what is refused.
\set SHOW_CONTEXT never
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-02');
set search_path = lending;
select add_legal_entity('ACME', 'Acme Lending', 'DE', 'EUR') as acme \gset
insert into party (legal_entity_id, party_no, kind, name) values (:'acme', 'P1', 'individual', 'Borrower');
insert into product (legal_entity_id, code, name)
select :'acme', p.code, p.code from (values ('PLAIN'), ('YEARLY'), ('DUAL')) as p (code);
insert into product_version (product_id, version, validity, currency, disbursement_approvals, terms)
select id, 1, '[2020-01-01,)', 'EUR', case code when 'DUAL' then 2 else 1 end,
    case code when 'YEARLY' then '{"annual_rate": "0.12", "recalculation": {"interest": "daily"}}' else '{"annual_rate": 0}' end::jsonb
from product;
select count(agree_loan(p.code, b.id, p.code || n, '{"principal": 1200, "instalments": 12, "disbursed_on": "2024-01-02"}'))
from product as p, party as b, generate_series(1, 9) as n;

create function pg_temp.pay(loan_no text, amount numeric, reference text, on_day date default lending.business_date(), kind text default 'repayment')
returns void language sql as $$
    insert into lending.payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date, kind)
    select e.id, 'bank', pay.reference, pay.loan_no, pay.amount, 'EUR', pay.on_day, pay.kind from lending.legal_entity as e
$$;
create view pg_temp.balance as
select l.loan_no, l.status, b.status as folded, b.principal, b.interest, b.fees, b.overpaid, b.charged_off_on
from loan as l join loan_balance as b on b.loan_id = l.id;
create view pg_temp.booked as
select l.loan_no, t.kind, string_agg(format('%s %s', a.code, e.amount), ', ' order by a.code, e.amount) as entries
from ledger_entry as e
join ledger_transaction as t on t.id = e.transaction_id
join ledger_account as a on a.id = e.account_id
join loan as l on l.id = t.loan_id
group by l.loan_no, t.kind, t.loan_version;
create function pg_temp.refuses(statement text) returns text language sql as $$
    select coalesce((
        select format('%s %s', r.code, regexp_replace(r.message, '[0-9a-f]{8}-[0-9a-f-]{27}', '…', 'g'))
        from test.refusal(statement) as r), 'accepted')
$$;
create function pg_temp.request(loan_no text, out request_id uuid) language sql as $$
    select r.id from lending.action_request as r join lending.loan as l on l.id = r.loan_id
    where l.loan_no = $1 and r.status = 'open'
$$;

-- Roles: a clerk asks, chiefs agree, each within limits.
create role book_clerk;
create role book_chief;
create role book_chief_too;
create role book_nobody;
grant usage on schema lending, loan_engine, test to book_clerk, book_chief, book_chief_too, book_nobody;
grant select, insert, update on all tables in schema lending to book_clerk, book_chief, book_chief_too, book_nobody;
insert into member (actor, role) values ('book_clerk', 'clerk'), ('book_chief', 'chief'), ('book_chief_too', 'chief');
insert into authority (role, action, up_to) values
    ('clerk', 'disburse', 500), ('clerk', 'disburse_request', 2000), ('clerk', 'waive_request', 20), ('clerk', 'write_off_request', null),
    ('clerk', 'payment_holiday', 1500), ('chief', 'disburse', 2000), ('chief', 'disburse_request', null), ('chief', 'waive', 10),
    ('chief', 'write_off', 1250), ('chief', 'change_rate', null);
insert into authority (role, action, within_days) values ('chief', 'backdate', 5);

-- Lending, in tranches.
set role book_clerk;
select disburse('PLAIN1', 500) is not null as lent;
select pg_temp.refuses($$select disburse('PLAIN1')$$);
select pg_temp.refuses($$select disburse('PLAIN1', 100, '2024-01-01')$$);
set role book_chief;
select disburse('PLAIN1') is not null as lent;
select pg_temp.refuses($$select disburse('PLAIN1')$$);
reset role;
select amount, status, requested_by from disbursement order by id;
select v.what, pg_temp.refuses(v.statement)
from (values
    ('too much', $$select disburse('PLAIN2', 1200.01)$$),
    ('nothing', $$select disburse('PLAIN2', 0)$$),
    ('negative', $$select disburse('PLAIN2', -1)$$),
    ('NaN', $$select disburse('PLAIN2', 'NaN')$$),
    ('half a cent', $$select disburse('PLAIN2', 1.005)$$),
    ('to come', $$select disburse('PLAIN2', 1, '2024-01-03')$$),
    ('no day', $$select disburse('PLAIN2', 1, null)$$),
    ('no loan', $$select disburse('NONE', 1)$$),
    ('no loan of that lender', $$select disburse('PLAIN2', 1, legal_entity_id => loan_engine.uuid_v7())$$),
    ('two must agree', $$select disburse_loans(array(select id from loan where loan_no ~ 'DUAL'))$$)) as v (what, statement);
select count(*) from loan_event;

-- Two must agree: who asks does not approve, nobody signs for another, and it is done once.
set role book_clerk;
select disburse('DUAL1') is not null as asked;
select pg_temp.refuses($$select disburse('DUAL1')$$);
select pg_temp.refuses($$select approve(pg_temp.request('DUAL1'))$$);
select pg_temp.refuses($$set local loan_engine.actor = 'book_chief'; select approve(pg_temp.request('DUAL1'))$$);
select pg_temp.refuses($$insert into action_approval (request_id, actor) select pg_temp.request('DUAL1'), 'book_chief'$$);
select pg_temp.refuses($$insert into action_request (loan_id, action, valid_on, operation, reason, approvals_needed, requested_by)
    select id, 'write_off', '2024-01-02', '{"type": "write_off"}', 'x', 1, 'book_chief_too' from loan where loan_no = 'PLAIN1'$$);
select pg_temp.refuses($$update action_request set approvals_needed = 2 where status = 'open'$$);
set role book_nobody;
select pg_temp.refuses($$select approve(pg_temp.request('DUAL1'))$$);
select pg_temp.refuses($$select withdraw_request(pg_temp.request('DUAL1'))$$);
set role book_chief;
select pg_temp.request('DUAL1') as request_id \gset
select approve(:'request_id');
select pg_temp.refuses(format('select approve(%L)', :'request_id'));
select disburse('DUAL2') is not null as asked;
select pg_temp.refuses($$select approve(pg_temp.request('DUAL2'))$$);
select withdraw_request(pg_temp.request('DUAL2'));
select pg_temp.refuses('select approve(loan_engine.uuid_v7())');
select disburse('DUAL2') is not null as asked_again;
set role book_chief_too;
select approve(pg_temp.request('DUAL2'));
reset role;
select * from pg_temp.balance where loan_no like 'DUAL_' and status <> 'approved' order by 1;
-- The owner is not excused when asking, but may administer for others.
select disburse('DUAL3') is not null as asked;
select pg_temp.refuses($$select approve(pg_temp.request('DUAL3'))$$);
begin;
set local loan_engine.actor = 'book_chief';
select approve(pg_temp.request('DUAL3'));
commit;
select string_agg(a.actor, ', ') as approved_by from action_approval as a join action_request as r on r.id = a.request_id join loan as l on l.id = r.loan_id where l.loan_no = 'DUAL3';
-- Three must agree where a request says so.
insert into action_request (loan_id, action, valid_on, amount, operation, reason, approvals_needed)
select id, 'disburse', business_date(), 1200, '{"type": "disburse", "amount": 1200}', 'large', 2 from loan where loan_no = 'DUAL4';
set role book_chief;
select approve(pg_temp.request('DUAL4'));
select pg_temp.refuses($$select approve(pg_temp.request('DUAL4'))$$);
set role book_chief_too;
select approve(pg_temp.request('DUAL4'));
reset role;
select * from check_book() where faults > 0;

select disburse_loans(array(select id from loan where loan_no ~ '(PLAIN|YEARLY)[2-8]'));
-- A day that has ended is corrected by the next one: a payment that comes late leaves what it would have in time.
call run_end_of_day('2024-02-19');
select pg_temp.pay('YEARLY2', 107, 'in time', '2024-02-20'), pg_temp.pay('YEARLY3', 107, 'in time too', '2024-02-20');
select pg_temp.pay('YEARLY2', 50, 'on the day');
call run_end_of_day('2024-03-09');
select pg_temp.pay('YEARLY3', 50, 'late', '2024-02-20'), pg_temp.pay('YEARLY4', 107, 'later', '2024-02-20'), pg_temp.pay('YEARLY4', 50, 'latest', '2024-02-20');
call run_end_of_day('2024-03-10');
select array_agg(l.loan_no order by l.loan_no) as loans, b.principal, b.oldest_unpaid, b.overdue_principal, r.interest as interest_receivable, b.interest_settled
from loan as l join loan_balance as b on b.loan_id = l.id join receivable as r on r.loan_id = l.id where l.loan_no in ('YEARLY2', 'YEARLY3', 'YEARLY4') group by 2, 3, 4, 5, 6;
select array_agg(distinct t.loan_no order by t.loan_no) as loans, t.interest
from (select l.loan_no, sum(a.interest) as interest from accrual as a join loan as l on l.id = a.loan_id group by 1) as t
where t.loan_no in ('YEARLY2', 'YEARLY3', 'YEARLY4') group by 2;
select * from check_book() where faults > 0;

-- Forgiving takes two, and no more than was asked for.
set role book_clerk;
select waive('YEARLY2', 3, 'kindness') is not null as asked, waive('YEARLY3', 15, 'kindness') is not null as asked_much;
select v.what, pg_temp.refuses(v.statement)
from (values
    ('over the limit', $$select waive('YEARLY2', 21, 'x')$$),
    ('negative', $$select waive('YEARLY2', -1, 'x')$$),
    ('NaN', $$select waive('YEARLY2', 'NaN', 'x')$$),
    ('no amount', $$select waive('YEARLY2', null, 'x')$$),
    ('no reason', $$select waive('YEARLY2', 1, '')$$),
    ('not lent', $$select waive('PLAIN9', 1, 'x')$$),
    ('nothing to forgive', $$select waive('PLAIN2', 1, 'x')$$),
    ('no such charge', $$select waive('YEARLY2', 1, 'x', 7)$$),
    ('approved by who asked', $$select approve(pg_temp.request('YEARLY2'))$$)) as v (what, statement);
set role book_chief;
select approve(pg_temp.request('YEARLY2')) is not null as approved;
select pg_temp.refuses($$select approve(pg_temp.request('YEARLY3'))$$);
reset role;
select service('PLAIN3', 'charge', '{"name": "visit", "value": 20, "timing": "on_date", "due_on": "2024-03-11"}') as charge \gset
select pg_temp.refuses(format($$select waive('PLAIN3', 1, 'x', %s)$$, :'charge'));
select waive('PLAIN3', 20, 'not at home', :'charge') is not null as asked;
select fees from pg_temp.balance where loan_no = 'PLAIN3';
begin;
set local loan_engine.actor = 'book_chief';
select pg_temp.refuses($$select approve(pg_temp.request('PLAIN3'))$$);
update authority set up_to = 20 where role = 'chief' and action = 'waive';
select approve(pg_temp.request('PLAIN3')) is not null as approved;
commit;
select fees from pg_temp.balance where loan_no = 'PLAIN3';
-- What was asked for and is paid in the meantime is not forgiven again; what has grown is asked for anew.
select service('PLAIN4', 'charge', '{"name": "visit", "value": 20, "timing": "on_date", "due_on": "2024-03-11"}') as charge \gset
select waive('PLAIN4', 20, 'x', :'charge') is not null as asked;
select service('PLAIN4', 'pay_charge', jsonb_build_object('charge', :'charge', 'amount', 15)) > 0 as paid;
begin;
set local loan_engine.actor = 'book_chief';
select approve(pg_temp.request('PLAIN4')) is not null as approved;
commit;
select l.loan_no, w.kind, w.amount, w.status, w.approved_by from waiver as w join loan as l on l.id = w.loan_id order by w.id;
select * from check_book() where faults > 0;

-- Given up, and what comes back.
select write_off('PLAIN5', 'gone abroad') is not null as asked, write_off('YEARLY5', 'gone abroad') is not null as asked_too;
select pg_temp.refuses($$select write_off('PLAIN9', 'x')$$);
select pg_temp.refuses($$select write_off('PLAIN5', '')$$);
set role book_chief;
select approve(pg_temp.request('PLAIN5')) is not null as approved;
select pg_temp.refuses($$select approve(pg_temp.request('YEARLY5'))$$);
reset role;
select pg_temp.refuses($$select write_off('PLAIN5', 'again')$$);
select pg_temp.pay('PLAIN5', 50, 'from abroad', kind => 'recovery');
select * from pg_temp.balance where loan_no = 'PLAIN5';
select * from pg_temp.booked where loan_no = 'PLAIN5' order by 2;
select loan_no, written_off, recovered, last_recovered_on from v_recovery;
select * from check_book() where faults > 0;
select reverse_payment(id, 'bounced') from payment where reference = 'from abroad';
select loan_no, written_off, recovered from v_recovery;
select service('YEARLY6', 'charge_off') > 0 as done;
select * from pg_temp.balance where loan_no = 'YEARLY6';
select pg_temp.refuses($$select service('YEARLY6', 'charge_off')$$);
select service('YEARLY6', 'undo_charge_off') > 0 as done;
select * from pg_temp.balance where loan_no = 'YEARLY6';
select service('YEARLY6', 'charge_off') > 0 as done;
select pg_temp.pay('YEARLY6', 60, 'after all');
select pg_temp.refuses($$select service('YEARLY6', 'undo_charge_off')$$);
select reverse_payment(id, 'bounced') from payment where reference = 'after all';
select * from check_book() where faults > 0;

-- Changes of the contract, each with the authority of its name.
select service('YEARLY7', 'change_rate', '{"annual_rate": "0.08"}') as version;
select service('YEARLY7', 'reschedule', '{"extra_instalments": 3}') as version;
select service('YEARLY7', 'payment_holiday', '{"to": "2024-05-02"}') as version;
select count(*), max(due_date) from amortisation_line as s join loan as l on l.id = s.loan_id where l.loan_no = 'YEARLY7' and s.kind = 'instalment';
select service('YEARLY7', 'terminate') as version;
select b.maturity, b.holds_until from loan_balance as b join loan as l on l.id = b.loan_id where l.loan_no = 'YEARLY7';
select v.what, pg_temp.refuses(v.statement)
from (values
    ('a command of its own', $$select service('YEARLY8', 'repay', '{"amount": 1}')$$),
    ('unknown', $$select service('YEARLY8', 'dance')$$),
    ('no members', $$select service('YEARLY8', 'change_rate')$$),
    ('members are no object', $$select service('YEARLY8', 'change_rate', '[]')$$),
    ('rate of NaN', $$select service('YEARLY8', 'change_rate', '{"annual_rate": "NaN"}')$$),
    ('negative rate', $$select service('YEARLY8', 'change_rate', '{"annual_rate": "-1"}')$$),
    ('to come', $$select service('YEARLY8', 'charge_off', valid_on => '2024-12-01')$$),
    ('not lent', $$select service('YEARLY9', 'payment_holiday', '{"to": "2024-05-02"}')$$),
    ('terminated', $$select service('YEARLY7', 'terminate')$$),
    ('no loan', $$select service('NONE', 'charge_off')$$)) as v (what, statement);
set role book_clerk;
select service('YEARLY8', 'payment_holiday', '{"to": "2024-05-02"}') as version;
select pg_temp.refuses($$select service('YEARLY8', 'change_rate', '{"annual_rate": "0.08"}')$$);
set role book_chief;
select service('YEARLY8', 'change_rate', '{"annual_rate": "0.08"}', '2024-03-08') as version;
select pg_temp.refuses($$select service('YEARLY8', 'change_rate', '{"annual_rate": "0.07"}', '2024-03-01')$$);
reset role;
select * from check_book() where faults > 0;

-- What was not lent after all can be lent again.
select service('PLAIN2', 'undo_disbursement') as version;
select * from pg_temp.balance where loan_no = 'PLAIN2';
select disburse('PLAIN2', 200) is not null as lent;
select disburse('PLAIN2') is not null as lent;
select loan_no, status, principal from pg_temp.balance where loan_no = 'PLAIN2';
select sum(e.amount) from ledger_entry as e join ledger_account as a on a.id = e.account_id and a.code = '1210'
join ledger_transaction as t on t.id = e.transaction_id join loan as l on l.id = t.loan_id where l.loan_no = 'PLAIN2';

-- The payer's bank takes a payment back: that is owed again.
select pg_temp.pay('PLAIN2', 150, 'disputed');
select service('PLAIN2', 'chargeback', jsonb_build_object('of', max(e.version)::text, 'amount', 100)) as version
from loan_event as e join loan as l on l.id = e.loan_id where l.loan_no = 'PLAIN2';
select loan_no, status, principal from pg_temp.balance where loan_no = 'PLAIN2';
select r.amount, r.principal, r.held, r.days_late from repayment as r where r.reference = 'disputed';
select * from check_book() where faults > 0;

-- One loan takes the place of others.
select count(agree_loan('PLAIN', b.id, 'NEW' || n, jsonb_build_object('principal', 2000 + n, 'instalments', 12, 'disbursed_on', business_date())))
from party as b, generate_series(1, 3) as n;
select v.what, pg_temp.refuses(v.statement)
from (values
    ('too small', $$select refinance('NEW1', '{PLAIN6,YEARLY2}')$$),
    ('not lent', $$select refinance('NEW1', '{PLAIN9}')$$),
    ('given up', $$select refinance('NEW1', '{PLAIN5}')$$),
    ('not there', $$select refinance('NEW1', '{PLAIN6,NONE}')$$),
    ('none', $$select refinance('NEW1', '{}')$$),
    ('twice', $$select refinance('NEW1', '{PLAIN6,PLAIN6}')$$),
    ('itself', $$select refinance('NEW1', '{NEW1}')$$),
    ('lent already', $$select refinance('PLAIN7', '{PLAIN6}')$$),
    ('two must agree', $$select refinance('DUAL5', '{PLAIN6}')$$),
    ('unknown kind', $$select refinance('NEW1', '{PLAIN6}', 'barter')$$),
    ('to come', $$select refinance('NEW1', '{PLAIN6}', valid_on => '2024-12-01')$$),
    ('sold to nobody', $$select transfer_loan('PLAIN6', null)$$),
    ('sold before it was lent', $$select transfer_loan('NEW1', 'Bank')$$)) as v (what, statement);
select (select count(*) from transfer) as transfers, (select string_agg(status, ', ') from loan where loan_no like 'NEW_') as new_loans;
select pg_temp.pay('PLAIN7', 700, 'most of it');
select refinance('NEW1', '{PLAIN6,PLAIN7}', 'consolidation') as left_for_borrower;
select * from pg_temp.balance where loan_no in ('PLAIN6', 'PLAIN7', 'NEW1') order by 1;
select * from pg_temp.booked where loan_no in ('PLAIN6', 'PLAIN7', 'NEW1') order by 1, 2, 3;
select x.kind, s.loan_no as source, t.loan_no as target, x.amount
from transfer as x join loan as s on s.id = x.source_loan_id join loan as t on t.id = x.target_loan_id order by 2;
-- A payment of a loan that was replaced is taken back: it is owed again, and the loan is open.
select reverse_payment(id, 'bounced') from payment where reference = 'most of it';
select loan_no, status, principal from pg_temp.balance where loan_no in ('PLAIN7', 'NEW1') order by 1;
select * from check_book() where faults > 0;
-- Interest and fees, too, are paid to the last minor unit.
select service('YEARLY3', 'charge', '{"name": "visit", "value": 12.34, "timing": "on_date", "due_on": "2024-03-11"}') as version;
select refinance('NEW3', '{YEARLY3}') as left_for_borrower;
select loan_no, status, principal, interest, fees, overpaid from pg_temp.balance where loan_no = 'YEARLY3';
select * from check_book() where faults > 0;
set role book_clerk;
select pg_temp.refuses($$select refinance('NEW2', '{PLAIN8}')$$);
select pg_temp.refuses($$select transfer_loan('PLAIN8', 'Bank')$$);
reset role;
select transfer_loan('PLAIN8', 'Bank') is not null as sold;
select kind, owner, amount from transfer where kind = 'sale';
select pg_temp.pay('PLAIN8', 100, 'after the sale');
select * from pg_temp.balance where loan_no = 'PLAIN8';
select pg_temp.refuses('update transfer set amount = 0');
select pg_temp.refuses('delete from action_request');
select * from check_book() where faults > 0;

reset search_path;
select loan_engine.drop_book('lending', with_postings => true);
drop owned by book_clerk, book_chief, book_chief_too, book_nobody;
drop role book_clerk;
drop role book_chief;
drop role book_chief_too;
drop role book_nobody;
