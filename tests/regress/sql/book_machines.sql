-- State machines: what transition allows and refuses, whoever writes; what checks find.
\set VERBOSITY terse
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-01');

-- The machines of a book are sound, and everything of them is described.
select * from lending.check_state_machine();
select machine, count(*) as transitions from lending.state_transition group by machine order by machine;
select lending.draw_state_machine('dispute');
select loan_engine.drop_book('lending');

-- A machine of its own: doors that open when nobody leans on them, and are sealed by wardens.
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-01');
create table lending.door (
    id uuid primary key, legal_entity_id uuid, status text default 'shut', status_version integer default 1,
    leaning integer default 0, colour text);
insert into lending.state_subject values ('door', 'door', true, 'doors'), ('paint', 'door', false, 'their paint');
insert into lending.state_machine (name, version, validity, description)
values ('door', 1, '(,)', 'first'), ('paint', 1, '(,)', 'first');
insert into lending.state values
    ('door', 'shut', true, false, 'shut'), ('door', 'open', false, true, 'open'), ('door', 'ajar', false, false, 'ajar'),
    ('door', 'sealed', false, true, 'sealed'),
    ('paint', 'fresh', true, false, 'fresh'), ('paint', 'worn', false, true, 'worn');
insert into lending.state_transition (machine, version, from_state, event, position, to_state, guard, role, after_interval, description) values
    ('door', 1, 'shut', 'push', 1, 'open', 'nobody_leans', null, null, 'it opens'),
    ('door', 1, 'shut', 'push', 2, 'ajar', 'one_leans', null, null, 'it gives a little'),
    ('door', 1, 'ajar', 'push', 1, 'open', 'nobody_leans', null, null, 'it opens'),
    ('door', 1, 'open', 'shut', 1, 'shut', null, null, '10 days', 'the wind shuts it'),
    ('door', 1, 'shut', 'seal', 1, 'sealed', null, 'warden', null, 'a seal is put on'),
    ('paint', 1, 'fresh', 'weather', 1, 'worn', null, null, '1 year', 'the weather wears it');
create function lending.nobody_leans(subject_id uuid) returns text language sql stable as
    $$ select format('%s lean on it', leaning) from lending.door where id = subject_id and leaning > 0 $$;
create function lending.one_leans(subject_id uuid) returns text language sql stable as
    $$ select 'too many lean on it' from lending.door where id = subject_id and leaning > 1 $$;
select lending._guard_status('lending.door');
select * from lending.check_state_machine();

-- Beginnings.
insert into lending.door (id, leaning)
select format('00000000-0000-7000-8000-%s', lpad(n::text, 12, '0'))::uuid, case n when 2 then 1 when 3 then 2 else 0 end
from generate_series(1, 6) as n;
select version, state, event, count(*) from lending.status_history group by 1, 2, 3;
\set one '00000000-0000-7000-8000-000000000001'
\set two '00000000-0000-7000-8000-000000000002'
\set three '00000000-0000-7000-8000-000000000003'
\set four '00000000-0000-7000-8000-000000000004'
\set five '00000000-0000-7000-8000-000000000005'
select * from test.refusal($$ insert into lending.door (id, status) values ('00000000-0000-7000-8000-000000000008', 'open') $$) \gx
select code, message from test.refusal(
    $$ insert into lending.door (id, status_version) values ('00000000-0000-7000-8000-000000000009', 2) $$);

-- Events, and guards that choose among targets.
select lending.transition('door', :'one', 'push', reason => 'to air');
select lending.transition('door', :'two', 'push');
select * from test.refusal(format($$ select lending.transition('door', '%s', 'push') $$, :'three')) \gx
select * from test.refusal(format($$ select lending.transition('door', '%s', 'seal') $$, :'one')) \gx
select * from test.refusal(format($$ select lending.transition('door', '%s', 'explode') $$, :'one')) \gx
select code, message from test.refusal($$ select lending.transition('door', '00000000-0000-7000-8000-00000000000f', 'push') $$);
select code, message from test.refusal($$ select lending.transition('window', '00000000-0000-7000-8000-00000000000f', 'push') $$);
select code, message from test.refusal($$ select lending.transition('door', null, 'push') $$);

-- The version that was seen.
select * from test.refusal(format($$ select lending.transition('door', '%s', 'shut', expected_version => 1) $$, :'one')) \gx
select lending.transition('door', :'one', 'shut', expected_version => 2);

-- Roles: the owner has all; another actor those of a member, in its time.
set loan_engine.actor = 'ann';
select * from test.refusal(format($$ select lending.transition('door', '%s', 'seal') $$, :'one')) \gx
insert into lending.member (actor, role, validity) values ('ann', 'warden', '[2023-01-01,2023-12-31]');
select code, message from test.refusal(format($$ select lending.transition('door', '%s', 'seal') $$, :'one'));
insert into lending.member (actor, role, validity) values ('ann', 'warden', '[2024-01-01,2024-12-31]');
select lending.transition('door', :'one', 'seal');
reset loan_engine.actor;
create role machines_clerk;
grant usage on schema lending, test to machines_clerk;
grant select, update on all tables in schema lending to machines_clerk;
grant insert on lending.status_history to machines_clerk;
set role machines_clerk;
set loan_engine.actor = 'ann';
select code, message from test.refusal(format($$ select lending.transition('door', '%s', 'seal') $$, :'five'));
reset loan_engine.actor;
select code, message from test.refusal(format($$ select lending.transition('door', '%s', 'seal') $$, :'five'));
select lending.transition('door', :'five', 'push');
reset role;
select subject_id, version, state, event, reason, actor from lending.status_history where subject_id in (:'one', :'five')
order by subject_id, version;

-- Many at once, all or none.
select lending._transition_many('door', 'push', '{}');
select code, message, detail from test.refusal($$
    select lending._transition_many('door', 'push', array_agg(id)) from lending.door where status = 'shut' $$);
select lending._transition_many('door', 'push', array[:'four', '00000000-0000-7000-8000-000000000006', :'four']::uuid[]);
select status, status_version, count(*) from lending.door group by 1, 2 order by 1, 2;

-- Nothing else writes: not the columns, not the history.
select * from test.refusal(format($$ update lending.door set status = 'shut' where id = '%s' $$, :'four')) \gx
select code, message from test.refusal($$ update lending.door set status_version = status_version + 1 $$);
update lending.door set colour = 'green';
select code, message from test.refusal($$ update lending.status_history set state = 'open' $$);
select code, message from test.refusal($$
    update lending.status_history set validity = tstzrange(lower(validity) - interval '1 day', upper(validity)) $$);
select code, message from test.refusal($$
    update lending.status_history set validity = tstzrange(lower(validity), clock_timestamp()) where upper_inf(validity) $$);
select code, message from test.refusal($$ delete from lending.status_history $$);
select code, message from test.refusal($$ truncate lending.status_history $$);
-- A forged history is looked at as a whole: what was before must lead to it by an event of the machine.
select code, message, detail from test.refusal(format($$
    with ended as (
        update lending.status_history set validity = tstzrange(lower(validity), clock_timestamp())
        where subject_id = '%1$s' and upper_inf(validity) returning subject_id, version, upper(validity) as ended_at
    )
    insert into lending.status_history (machine, subject_id, version, state, validity, event, machine_version)
    select 'door', subject_id, version + 1, 'sealed', tstzrange(ended_at, null), 'seal', 1 from ended $$, :'four'));
select code, message, detail from test.refusal(format($$
    insert into lending.status_history (machine, subject_id, version, state, validity, event, machine_version)
    values ('door', '%s', 3, 'shut', tstzrange(clock_timestamp(), null), 'shut', 1) $$, :'four'));
select code, message from test.refusal(format($$
    insert into lending.status_history (machine, subject_id, version, state, validity, event, machine_version)
    values ('door', '%s', 9, 'shut', tstzrange('1999-01-01', '1999-01-02'), 'shut', 1) $$, :'four'));

-- A further dimension has no column; its first row is of its first event.
select lending.transition('paint', :'one', 'weather');
select code, message from test.refusal(format($$ select lending.transition('paint', '%s', 'weather') $$, :'one'));
select machine, state, version, event from lending.v_status_current where subject_id = :'one' order by machine;

-- Two transitions of one transaction leave no gap and do not overlap.
begin;
select lending.transition('door', :'four', 'shut');
select lending.transition('door', :'four', 'push');
commit;
select h.version, h.state, lower(h.validity) = lag(upper(h.validity)) over (order by h.version) as follows,
    upper_inf(h.validity) as is_present
from lending.status_history as h where h.machine = 'door' and h.subject_id = :'four' order by h.version;

-- Time brings events.
update lending.book set business_date = '2024-01-10';
select * from lending.due_timers();
update lending.book set business_date = '2024-01-11';
select machine, subject_id, state, event, due_on from lending.due_timers();
select * from lending.run_timers();
select * from lending.run_timers();
select machine, state, stays, present, median_days, p90_days from lending.time_in_state order by 1, 2;
select machine, state, subjects, round(share::numeric, 2) as share from lending.v_funnel where machine in ('door', 'paint') order by 1, 2;

-- What happened elsewhere is replayed.
select lending.conformance('door', event order by at)
from (values (1, 'push'), (2, 'shut'), (3, 'seal')) as h (at, event);
select lending.conformance('door', event order by at)
from (values (1, 'push'), (2, 'seal'), (3, 'shut')) as h (at, event);
select lending.conformance('door', event order by at) from (values (1, 'push')) as h (at, event);
select lending.conformance('door', event) from (values ('push')) as h (event) where false;

-- The checks of the book find what was planted past the triggers.
select check_name, faults from lending.check_book() where check_name in (
    'state machines are sound', 'status is that of history', 'history is of transitions') order by 1;
begin;
alter table lending.door disable trigger status_guarded;
update lending.door set status = 'sealed' where id = :'four';
select check_name, faults, example from lending.check_book() where faults > 0;
rollback;
begin;
alter table lending.status_history disable trigger kept;
update lending.status_history set state = 'sealed' where subject_id = :'four' and version = 2 and machine = 'door';
select check_name, faults from lending.check_book() where faults > 0 order by 1;
rollback;

-- The check of machines finds each kind of fault, by a planted one.
begin;
insert into lending.state values ('door', 'lost', false, false, 'cannot be reached and has no way out');
select * from lending.check_state_machine('door') order by fault, place;
rollback;
begin;
insert into lending.state values ('door', 'loop', false, false, 'turns in circles'), ('door', 'pool', false, false, 'turns in circles');
insert into lending.state_transition (machine, version, from_state, event, to_state, description) values
    ('door', 1, 'shut', 'turn', 'loop', 'turns'), ('door', 1, 'loop', 'turn', 'pool', 'turns'), ('door', 1, 'pool', 'turn', 'loop', 'turns');
select * from lending.check_state_machine('door') order by fault, place;
rollback;
begin;
insert into lending.state_transition (machine, version, from_state, event, position, to_state, description) values
    ('door', 1, 'open', 'shut', 2, 'sealed', 'which?');
select * from lending.check_state_machine('door');
rollback;
begin;
update lending.state_transition set guard = 'nobody_leans' where machine = 'door' and event = 'push' and position = 2;
select * from lending.check_state_machine('door');
rollback;
begin;
insert into lending.state_transition (machine, version, from_state, event, to_state, after_interval, description) values
    ('door', 1, 'open', 'warp', 'sealed', '10 days', 'which?');
select * from lending.check_state_machine('door');
rollback;
begin;
drop function lending.one_leans(uuid);
select * from lending.check_state_machine('door');
rollback;
begin;
update lending.state set is_initial = false where machine = 'door';
select * from lending.check_state_machine('door') order by fault, place;
rollback;
begin;
update lending.state set is_initial = true where machine = 'paint';
select * from lending.check_state_machine('paint');
rollback;

-- A new version holds from then on; who is where it knows no way is stranded, and found.
begin;
update lending.state_machine set validity = tstzrange(null, now() - interval '1 second') where name = 'door';
insert into lending.state_machine values ('door', 2, tstzrange(now() - interval '1 second', null), 'doors stay ajar');
insert into lending.state_transition (machine, version, from_state, event, position, to_state, guard, role, after_interval, description)
select machine, 2, from_state, event, position, to_state, guard, role, after_interval, description
from lending.state_transition where machine = 'door' and from_state <> 'ajar';
select * from lending.check_state_machine('door') order by fault, place;
select code, message, hint from test.refusal(format($$ select lending.transition('door', '%s', 'push') $$, :'two'));
select lending.transition('door', :'four', 'push');
select version, state, machine_version from lending.status_history where subject_id = :'four' order by version desc limit 1;
rollback;

-- Words of other systems, both ways: what is read back is a state of the same word.
select lending.status_word('lending_platform', 'collections', 'intensive'),
    lending.status_of_word('lending_platform', 'collections', 'in_progress'),
    lending.status_of_word('loan_tracker', 'loan', 'OVERDUE'), lending.status_word('officer_metrics', 'loan', 'written_off');
select v.* from lending.status_vocabulary as v
where lending.status_word(v.system, v.machine, lending.status_of_word(v.system, v.machine, v.word)) <> v.word;
select v.system, v.machine, v.word from lending.status_vocabulary as v
group by 1, 2, 3 having count(*) filter (where v.is_read) <> 1;
select code, message from test.refusal($$ select lending.status_word('loan_tracker', 'loan', 'written_off') $$);
select code, message from test.refusal($$ select lending.status_of_word('loan_tracker', 'loan', 'Paid') $$);

drop owned by machines_clerk;
drop role machines_clerk;
select loan_engine.drop_book('lending');
