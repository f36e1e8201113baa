-- Notifications and the outbox: who is told what, once, in which words, and what becomes of it.
set client_min_messages = warning;
\set loans 6
\i tests/book/small.sql
set search_path = lending, public;

insert into party_contact (party_id, kind, value, is_preferred)
select p.id, k.kind, k.value, k.is_preferred
from party as p
cross join lateral (values
    ('email', format('old.%s@example.org', p.party_no), false), ('email', format('%s@example.org', p.party_no), true),
    ('phone', '+49 30 555 ' || p.party_no, false)) as k (kind, value, is_preferred)
where p.party_no <> '6';
insert into party_language select id, case party_no when '2' then 'de-AT' when '3' then 'fr' end from party where party_no in ('2', '3');
insert into notification_preference (party_id, topic, channel, is_wanted)
select p.id, w.topic, w.channel, w.is_wanted
from party as p
join (values ('4', null, 'sms', false), ('4', 'payment_overdue', 'sms', true), ('5', 'payment_due', 'email', false)) as w (party_no, topic, channel, is_wanted)
    using (party_no);

create view sent as
select p.party_no, n.topic, n.business_date as told_on, n.title, n.body,
    array(select o.channel || ' ' || o.address from outbox as o where o.notification_id = n.id order by 1) as sent_to
from notification as n join party as p on p.id = n.party_id
order by p.party_no, n.id;

-- Nobody is reminded of what is due in a month.
call run_reminders();
-- The end of a day is not a reminder; a run that was missed is made up for, one that is repeated tells nothing.
call run_end_of_day('2024-01-30');
call run_reminders();
call run_reminders();
call run_reminders('2024-01-31', 2);
select party_no, told_on, title, sent_to from sent;
call run_end_of_day('2024-01-31');
call run_reminders(chunk_size => 1);
-- Who pays is not reminded; who promised to pay is not dunned until that is decided.
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency)
select id, 'bank', '1', '1', 100, 'EUR' from legal_entity;
call run_end_of_day('2024-02-03');
select promise_to_pay(c.id, 50, '2024-02-06') is not null as promised from collections_case as c join loan as l on l.id = c.loan_id where l.loan_no = '3';
call run_reminders();
select party_no, told_on, title, body, sent_to from sent where told_on >= '2024-02-01';
-- A fortnight in which nobody reminded: what holds now is told, and not what would have.
call run_end_of_day('2024-02-17');
call run_reminders();
select party_no, told_on, title, sent_to from sent where told_on > '2024-02-17';
-- Any partition of days into runs tells each step of the ladder at most once.
select count(*), count(distinct (topic, unique_key, party_id)) = count(*) as are_once from notification;
select * from test.refusal('call lending.run_reminders(chunk_size => 0)');

-- Words: what is filled in is not filled in again, and what nobody gives is not named.
select _fill('{{a}} and {{ b }}{{a}}', '{"a": "{{b}}", "b": "\\1"}');
select * from test.refusal($$insert into lending.message_template (topic, channel, language, subject, body) values ('payment_due', 'app', 'fr', '', '{{iban}}')$$);
select * from test.refusal($$insert into lending.message_template (topic, channel, language, subject, body) values ('payment_due', 'app', 'fr', '', '{{amount')$$);
select * from test.refusal($$insert into lending.message_template (topic, channel, language, subject, body) values ('payment_due', 'app', 'fr', '', '}}amount{{')$$);
select code from test.refusal($$insert into lending.message_template (topic, channel, language, subject, body) values ('payment_due', 'app', 'de', '', 'noch einmal')$$);
select * from test.refusal($$select lending.notify_party(id, 'payment_due', 'k', '{"name": "x"}') from lending.party limit 1$$);
select * from test.refusal($$select lending.notify_party(id, 'weather', 'k', '{"name": "x"}') from lending.party limit 1$$);
update message_template set validity = tstzrange(lower(validity), clock_timestamp()) where topic = 'loan_disbursed' and channel = 'email' and language = 'en';
select * from test.refusal($$select lending.notify_party(id, 'loan_disbursed', 'k', '{"name": "x", "loan_no": "1", "amount": 1, "currency": "EUR", "on_date": "2024-01-01"}') from lending.party limit 1$$);
select check_name, faults, example from check_book() where faults > 0;
insert into message_template (topic, channel, language, subject, body) values ('loan_disbursed', 'email', 'en', 'Paid out', '{{amount}} {{currency}}');

-- The list of an officer and of a borrower, and marks of what was read.
update party set actor = 'borrower two' where party_no = '2';
insert into notification_topic (code, channels, fields, description) values ('file_missing', '{app}', '{application_no}', 'a document is missing');
insert into message_template (topic, channel, language, subject, body) values ('file_missing', 'app', 'en', 'A file is missing', 'Application {{application_no}}.');
select notify_actor('officer one', 'file_missing', 'A-1', 'ACME', '{"application_no": "A-1"}'), notify_actor('officer one', 'file_missing', 'A-1', 'ACME', '{"application_no": "A-1"}');
set loan_engine.actor = 'officer one';
select title, body, read_at is not null as is_read from my_notifications;
select mark_read(), mark_read();
set loan_engine.actor = 'borrower two';
select count(*), count(read_at) from my_notifications;
select mark_read(array(select id from my_notifications order by id limit 1)), mark_read(array(select id from notification where recipient is not null));
select count(*), count(read_at) from my_notifications;
reset loan_engine.actor;

-- Borrowers are told of payments after the fact, in the transaction that takes the events.
select notify_of_events();
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency) select id, 'bank', '2', '2', 55.50, 'EUR' from legal_entity;
select notify_of_events(), notify_of_events();
select party_no, title, body from sent where topic = 'payment_received';

-- Whom no way takes is told of.
select p.party_no, u.topic, u.messages from unreached_notification as u join party as p on p.id = u.party_id order by u.id;

-- Sending: a message belongs to its taker for a while, and a failure is only of who has it.
select send_message('email', 'desk@example.org', 'Body', 'Subject', unique_key => 'one') = send_message('email', 'desk@example.org', 'Another', unique_key => 'one') as is_one;
delete from outbox_pending as p using outbox as o where o.id = p.message_id and o.topic is not null;
select attempt, channel, address, subject, body, legal_entity from take_messages('{email}', 10);
select count(*) from take_messages('{email}', 10);
select id as message from outbox where unique_key = 'one' \gset
select fail_message(:'message', 2, 'not mine'), fail_message(:'message', 1, '451 greylisted', retry_after => '1 hour');
select status, attempts, due_at > now() + interval '59 minutes' as is_later, last_error from outbox_status where message_id = :'message';
update outbox_pending set due_at = now();
select attempt from take_messages('{email,sms}', 10, '1 hour');
select fail_message(:'message', 1, 'the first, late'), fail_message(:'message', 2, '550 unknown', is_final => true), fail_message(:'message', 2, 'again');
select status, attempts, last_error from outbox_status where message_id = :'message';
select resend_messages(), resend_messages();
select attempt from take_messages('{email}', 10);
-- The second sender succeeds after the first was taken for dead, and so does the first.
update outbox_pending set due_at = now();
select attempt from take_messages('{email}', 10);
select confirm_message(:'message', 4, 'queued as 1'), confirm_message(:'message', 3, 'queued as 0');
select record_receipt(:'message', 'delivered'), record_receipt(:'message', 'delivered'), record_receipt(:'message', 'bounced', '550 mailbox full');
select status from outbox_status where message_id = :'message';
select kind, attempt, reference, detail from receipt where message_id = :'message' order by id;
select * from test.refusal(format('select lending.record_receipt(%L, %L)', :'message', 'lost'));
select * from test.refusal($$select lending.record_receipt('00000000-0000-0000-0000-000000000000', 'opened')$$);
select * from test.refusal($$select * from lending.take_messages('{email}', 0)$$);
select * from test.refusal($$update lending.outbox set body = 'else'$$);
select send_message('sms', '+49 30 1', 'Code') as text \gset
select cancel_message(:'text', 'not needed'), cancel_message(:'text', 'not needed');
-- Waits double at most, are never longer than the longest, and the last failure gives up.
update channel set attempts_max = 6, first_wait = '10 seconds', longest_wait = '60 seconds' where code = 'sms';
do $$
declare
    made uuid := lending.send_message('sms', '+49 30 2', 'Code');
    was text;
    waited interval;
begin
    for n in 1 .. 6 loop
        update lending.outbox_pending set due_at = clock_timestamp() where message_id = made;
        perform from lending.take_messages('{sms}', 10);
        was := lending.fail_message(made, n, 'no answer');
        select due_at - clock_timestamp() into waited from lending.outbox_pending where message_id = made;
        if was <> (case n when 6 then 'gave_up' else 'waiting' end) or waited > least(interval '10 seconds' * 2 ^ (n - 1), '60 seconds') then
            raise exception 'attempt %: %, waits %', n, was, waited;
        end if;
    end loop;
end $$;
select status, count(*) from outbox_status where channel = 'sms' and topic is null group by 1 order by 1;

-- Who may send is not who may write.
create role sender_role;
grant usage on schema lending, test to sender_role;
grant all on all tables in schema lending to sender_role;
insert into member (actor, role) values ('sender_role', 'postman');
insert into authority (role, action) values ('postman', 'send_messages');
set role sender_role;
select count(*) from take_messages('{sms}', 10);
select * from test.refusal($$select lending.send_message('sms', '+49 30 3', 'Code')$$);
reset role;
drop owned by sender_role;
drop role sender_role;

-- The bell is rung once a statement, and only while somebody listens.
select count(*) from (select attend_outbox('tester')) as t;
select retire_notifications('infinity') > 0 as retired;
select count(*) from notification;
select check_name, faults, example from check_book() where faults > 0 and check_name <> 'messages are pending or settled';
-- Messages that were taken from the pending above are found.
select faults > 0 as found from check_book() where check_name = 'messages are pending or settled';
reset search_path;
set client_min_messages = warning;
select loan_engine.drop_book('lending', with_postings => true);
