-- Loans that fall behind: their status follows what is paid and what time brings, cases are opened,
-- moved and ended, promises are decided by what was received, disputes have their course.
\set VERBOSITY terse
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-01');
set search_path = lending;
select add_legal_entity('ONE', 'First Lender', 'DE', 'EUR') as one \gset
insert into product (legal_entity_id, code, name) values (:'one', 'PLAIN', 'Without interest') returning id as product \gset
insert into product_version (product_id, version, validity, currency, terms) values (:'product', 1, '[2024-01-01,)', 'EUR',
    '{"method": "equal_principal", "frequency": "monthly", "annual_rate": 0, "overpayment": "hold"}');
insert into party (legal_entity_id, party_no, kind, name) values (:'one', '1', 'individual', 'Bo') returning id as party \gset
select count(*) from (
    select agree_loan('PLAIN', :'party', 'L' || n, '{"principal": 300, "instalments": 3, "disbursed_on": "2024-01-01"}')
    from generate_series(1, 5) as n) as agreed;
select count(*) from (select disburse('L' || n) from generate_series(1, 5) as n) as lent;
create function pg_temp.pay(loan_no text, amount numeric, name text) returns void language sql as $$
    insert into lending.payment (legal_entity_id, provider, reference, loan_no, amount, currency)
    select l.legal_entity_id, 'bank', name, l.loan_no, amount, 'EUR' from lending.loan as l where l.loan_no = pay.loan_no
$$;
create view pg_temp.standing as
select l.loan_no, l.status, (select k.state from v_status_current as k where k.machine = 'risk_level' and k.subject_id = l.id) as risk,
    c.status as case_status, b.oldest_unpaid, b.overdue
from loan as l join loan_balance as b on b.loan_id = l.id
left join collections_case as c on c.loan_id = l.id
order by l.loan_no, c.id;
create function pg_temp.case_of(loan_no text) returns uuid language sql as $$
    select c.id from lending.collections_case as c join lending.loan as l on l.id = c.loan_id
    where l.loan_no = case_of.loan_no order by c.id desc limit 1
$$;

-- On the day something falls due it is not late; at the end of the next it is.
call run_end_of_day('2024-02-01');
select * from pg_temp.standing;
call run_end_of_day('2024-02-02');
select * from pg_temp.standing;

-- A payment moves the loan at once, its reversal, too; the case ends with the day.
select pg_temp.pay('L1', 100, 'one');
select * from pg_temp.standing where loan_no = 'L1';
select reverse_payment(id, 'bounced') from payment where reference = 'one';
select * from pg_temp.standing where loan_no = 'L1';
select pg_temp.pay('L1', 100, 'two');

-- Promises, an arrangement, contacts.
select promise_to_pay(pg_temp.case_of('L2'), 100, '2024-02-07') is not null as promised;
select promise_to_pay(pg_temp.case_of('L3'), 100, '2024-02-07') is not null as promised;
select arrange_payments(pg_temp.case_of('L4'), '{50,50,60}', '{2024-02-10,2024-02-17,2024-02-24}') is not null as arranged;
select record_collections_event(pg_temp.case_of('L3'), 'call_attempt', 'phone', 'no answer') is not null as recorded;
select code, message, hint from test.refusal($$ select lending.record_collections_event(pg_temp.case_of('L3'), 'promise_kept') $$);
select code, message, detail from test.refusal($$ select lending.promise_to_pay(pg_temp.case_of('L5'), 10.005, '2024-02-07') $$);
select code, message, detail from test.refusal($$ select lending.promise_to_pay(pg_temp.case_of('L5'), 10, '2024-02-02') $$);
select code, message from test.refusal($$ select lending.promise_to_pay(pg_temp.case_of('L3'), 10, '2024-02-20') $$);
select code, message from test.refusal($$ select lending.arrange_payments(pg_temp.case_of('L5'), '{5,5}', '{2024-02-20}') $$);
select code, message from test.refusal($$ select lending.arrange_payments(pg_temp.case_of('L5'), '{}', '{}') $$);
select code, message from test.refusal($$ select lending.promise_to_pay('00000000-0000-7000-8000-000000000001', 10, '2024-02-20') $$);

-- Kept ahead of time; kept by what came in parts; reversed before it was due, and so broken.
call run_end_of_day('2024-02-04');
select pg_temp.pay('L2', 100, 'three');
select pg_temp.pay('L3', 100, 'four');
select reverse_payment(id, 'bounced') from payment where reference = 'four';
select pg_temp.pay('L4', 90, 'five');
call run_end_of_day('2024-02-12');
select pg_temp.pay('L4', 10, 'six');
call run_end_of_day('2024-02-26');
select l.loan_no, p.amount, p.due_on, p.status, p.paid, p.settled_on
from promise as p join loan as l on l.id = p.loan_id order by l.loan_no, p.due_on;
select promises, open, kept, broken, round(kept_rate::numeric, 4) as kept_rate, round(kept_amount_rate::numeric, 4) as kept_amount_rate
from promise_kept_rate;
select * from pg_temp.standing;
select code, regexp_replace(message, '[0-9a-f-]{36}', '…') as message
from test.refusal($$ select lending.promise_to_pay(pg_temp.case_of('L2'), 10, '2024-03-20') $$);

-- The ladder up to default; what is before a court stays there until it is cured.
call run_end_of_day('2024-05-03');
select * from pg_temp.standing;
select code, regexp_replace(message, '[0-9a-f-]{36}', '…') as message, hint
from test.refusal($$ select lending.take_legal_step(pg_temp.case_of('L3'), 'court_filing') $$);
select take_legal_step(pg_temp.case_of('L3'), 'legal_notice', note => 'by post') is not null as taken;
select take_legal_step(pg_temp.case_of('L3'), 'court_filing', 'Amtsgericht', '1 C 1/24', 35) is not null as taken;
select s.before, s.reference, s.costs, e.type, e.stage, e.days_past_due
from legal_step as s join collections_event as e on e.id = s.event_id order by e.id;
select pg_temp.pay('L3', 200, 'seven');
call run_end_of_day('2024-05-04');
select * from pg_temp.standing where loan_no = 'L3';
select pg_temp.pay('L3', 100, 'eight');
select * from pg_temp.standing where loan_no = 'L3';
call run_end_of_day('2024-05-05');
select * from pg_temp.standing where loan_no = 'L3';
select reverse_payment(id, 'bounced') from payment where reference = 'eight';
select * from pg_temp.standing where loan_no = 'L3';
call run_end_of_day('2024-05-06');
select * from pg_temp.standing where loan_no = 'L3';
select h.dimension, h.version, h.status, h.event, h.business_date
from loan_status_history as h join loan as l on l.id = h.loan_id where l.loan_no = 'L3' order by h.dimension, h.version;

-- Running it again changes nothing.
select * from run_collections('2024-05-06');

-- Charged off is a dimension of its own; written off ends the case.
select _record(id, 'charge_off', '2024-05-07') from loan where loan_no = 'L5';
select pg_temp.standing.status, (select k.state from v_status_current as k where k.machine = 'charge_off' and k.subject_id = l.id) as charge_off
from pg_temp.standing join loan as l using (loan_no) where loan_no = 'L5';
select _record(id, 'undo_charge_off', '2024-05-07') from loan where loan_no = 'L5';
select _record(id, 'write_off', '2024-05-07') from loan where loan_no = 'L5';
call run_end_of_day('2024-05-07');
select h.dimension, h.status, h.event from loan_status_history as h join loan as l on l.id = h.loan_id
where l.loan_no = 'L5' order by h.dimension, h.version;
select * from pg_temp.standing where loan_no = 'L5';

-- A loan that is cancelled is not lent.
select code, regexp_replace(message, '[0-9a-f-]{36}', '…') as message, detail
from test.refusal($$ select lending.transition('loan', id, 'cancel') from lending.loan where loan_no = 'L5' $$);
begin;
select agree_loan('PLAIN', :'party', 'L6', '{"principal": 300, "instalments": 3, "disbursed_on": "2024-05-08"}') is not null as agreed;
select transition('loan', id, 'cancel', reason => 'changed their mind') from loan where loan_no = 'L6';
select code, regexp_replace(message, '[0-9a-f-]{36}', '…') as message from test.refusal($$ select lending.disburse('L6') $$);
rollback;
-- Nor is a status taken that the fold does not bear out.
select code, regexp_replace(message, '[0-9a-f-]{36}', '…') as message, detail from test.refusal(
    $$ select lending.transition('loan', id, 'settle') from lending.loan where loan_no = 'L3' $$);
select code, regexp_replace(message, '[0-9a-f-]{36}', '…') as message, detail from test.refusal(
    $$ update lending.loan set status = 'closed' where loan_no = 'L3' $$);

select c.status, e.business_date, e.type, e.stage, e.days_past_due, e.amount
from collections_event as e join collections_case as c on c.id = e.case_id join loan as l on l.id = c.loan_id
where l.loan_no in ('L2', 'L5') order by l.loan_no, e.business_date, e.id;
select stage, cases, overdue, principal from v_collections_funnel order by from_days;
select count(*) from (select from collections_case where status not in ('cured', 'closed') group by loan_id having count(*) > 1) as doubled;

-- Disputes.
select open_dispute(l.id, 'amount_mismatch', 'I paid more', 100, 90, p.id) as dispute
from loan as l, payment as p where l.loan_no = 'L4' and p.reference = 'five' \gset
select code, regexp_replace(message, '[0-9a-f-]{36}', '…') as message from test.refusal($$
    select lending.open_dispute(l.id, 'duplicate_payment', 'not mine', payment_id => p.id)
    from lending.loan as l, lending.payment as p where l.loan_no = 'L4' and p.reference = 'seven' $$);
select code, detail from test.refusal(format($$ select lending.transition('dispute', '%s', 'investigate') $$, :'dispute'));
select assign_dispute(:'dispute', 'ann');
select code, detail from test.refusal(format($$ select lending.transition('dispute', '%s', 'resolve') $$, :'dispute'));
select code, detail from test.refusal(format($$ select lending.resolve_dispute('%s', 'upheld', 'so it was', 1) $$, :'dispute'));
select resolve_dispute(:'dispute', 'upheld', 'so it was', 2);
select code, hint from test.refusal(format($$ select lending.resolve_dispute('%s', 'rejected', 'no') $$, :'dispute'));
select status, status_version, difference, assignee, outcome, resolution from dispute;
-- Nobody contradicts for thirty days; and what nobody takes up is escalated after ten.
select open_dispute(id, 'timing_issue', 'too late') is not null as opened from loan where loan_no = 'L1';
call run_end_of_day('2024-06-07');
select type, status from dispute order by id;
select state, event, business_date, reason from status_history where machine = 'dispute' order by lower(validity), subject_id;

select * from check_book() where faults > 0;
reset search_path;
select loan_engine.drop_book('lending', with_postings => true);
