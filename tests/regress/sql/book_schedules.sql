-- Schedules: slots, what was missed, what failed, and what a book does by the clock.
\set VERBOSITY terse
set client_min_messages = warning;
select loan_engine.create_book('clocks', 'EUR', 'Europe/Berlin', '2024-03-01') \g /dev/null
set search_path = clocks, public;

-- Everything that a book does is there, and what is not there yet says what it waits for.
select name, status, reason from job_status order by status, name;
select name from job_schedule where cron is not null and is_active
    and name not in (select s.name from job_schedule_state as s where s.next_at between clock_timestamp() and clock_timestamp() + interval '8 days');

-- Slots fall on business days, by the clock of the place, whatever it does on its two odd days.
select _next_slot(s, '2024-03-30 12:00Z') as friday_and_monday_are_holidays
from jsonb_populate_record(null::job_schedule, '{"name": "x", "cron": "30 9 * * *", "time_zone": "Europe/Berlin", "calendar_code": "TARGET"}') as s;
select n at time zone 'Europe/Berlin' as local, n as slot
from loan_engine.cron_slots('30 2 * * *', 'Europe/Berlin', '2024-03-29 12:00Z', '2024-04-01 12:00Z') as n;
select count(*) as half_hours_of_a_day_of_25_hours
from loan_engine.cron_slots('*/30 * * * *', 'Europe/Berlin', '2024-10-26 21:59Z', '2024-10-27 22:59Z') as n;
select code, message, detail from test.refusal('select loan_engine.cron_slots(''61 * * * *'', ''UTC'', now(), now())');
select code, message from test.refusal('select loan_engine.cron_slots(''1 * * * *'', ''Mars'', now(), now())');
select code, message from test.refusal('insert into clocks.job_schedule (name, description, call, cron) values (''bad'', ''bad'', ''select 1'', ''never'')');
select code, message from test.refusal('insert into clocks.job_schedule (name, description, call, cron, time_zone) values (''bad'', ''bad'', ''select 1'', ''@daily'', ''Mars'')');
select code from test.refusal('insert into clocks.job_schedule (name, description, cron, is_active) values (''bad'', ''bad'', ''@daily'', false)');

-- From here only what the test schedules.
delete from job_schedule;
create table did (what text, at timestamptz default clock_timestamp());
create function does(what text) returns integer language plpgsql as $$
begin
    insert into did (what) values (what);
    if what like 'fail%' then
        raise exception 'it fails' using errcode = 'P0001', detail = 'As it should.', hint = 'Nothing.';
    end if;
    return 42;
end $$;
create procedure commits(what text) language plpgsql as $$
begin
    insert into clocks.did (what) values (what || ' 1');
    commit;
    perform clocks.report_progress(50, 'half of it');
    commit;
    insert into clocks.did (what) values (what || ' 2');
end $$;
-- Minutes that none of the next is among.
select (60 + m - 5) % 60 as minute, concat_ws(',', (60 + m - 5) % 60, (60 + m - 25) % 60, (60 + m - 45) % 60) as minutes
from cast(extract(minute from clock_timestamp()) as integer) as m \gset
insert into job_schedule (name, description, call, cron, missed) values
    ('skips', 'Skips what it missed', 'select clocks.does(''skips'')', :'minute' || ' * * * *', 'skip'),
    ('once', 'Does the last of what it missed', 'select clocks.does(''once'')', :'minute' || ' * * * *', 'once'),
    ('all', 'Does all it missed', 'select clocks.does(''all'')', :'minutes' || ' * * * *', 'all'),
    ('commits', 'Commits on its way', 'call clocks.commits(''commits'')', '0 0 1 1 *', 'once');
call tick();
select count(*) from job_run;

-- The server was away for an hour. Slots are done as each schedule says, each once.
create procedure away(hours integer) language sql as $$
    update clocks.job_schedule_state set last_slot = date_trunc('hour', clock_timestamp()) - make_interval(hours => hours) - interval '1 second',
        next_at = clock_timestamp()
$$;
call away(2);
update job_schedule_state set last_slot = clock_timestamp() - interval '400 days' where name = 'commits';
call tick() \g /dev/null
select what, count(*) > 0 as any, count(*) >= 4 as each, count(*) = 1 as one from did group by what order by what;
select schedule, state, attempt, rows, per_cent, note, slots_left_out > 0 as left_out, count(*) > 3 as many
from job_run group by 1, 2, 3, 4, 5, 6, 7 order by schedule;
select bool_and(finished_at > started_at and took > '0' and waits_for is null) as told from v_job_run;
truncate did;
call tick();
select what from did;
select name, status, reason, last_success <= last_slot as has_succeeded, next_at > clock_timestamp() as is_due_later from job_status order by name;

-- Clocks that are put back do no slot twice.
create table slots as select schedule, slot from job_run where schedule = 'all';
update job_schedule_state set last_slot = (select min(slot) - interval '1 second' from slots), next_at = clock_timestamp() where name = 'all';
truncate did;
call tick();
select what from did where what = 'all';
update job_schedule_state set last_slot = clock_timestamp() + interval '2 days', next_at = clock_timestamp() where name = 'all';
call tick();
select last_slot <= clock_timestamp() as is_mended from job_schedule_state where name = 'all';

-- What fails leaves nothing behind, is told, and is tried again; what cannot tell is noticed.
delete from job_schedule;
truncate job_run, did;
insert into job_schedule (name, description, call, cron, attempts, retry_from, retry_up_to) values
    ('fails', 'Fails', 'select clocks.does(''fails'')', '0 0 1 1 *', 2, '0', '0'),
    ('fails by itself', 'Fails after a commit', 'call clocks.nothing_of_the_kind()', '0 0 1 1 *', 1, '0', '0'),
    ('is late', 'Takes too long', 'select pg_sleep(20)', '0 0 1 1 *', 1, '0', '0');
update job_schedule set time_limit = '1 second' where name = 'is late';
update job_schedule_state set last_slot = clock_timestamp() - interval '400 days', next_at = clock_timestamp() - interval '1 minute' where name <> 'fails by itself';
call tick();
call tick();
select schedule, attempt, state, code, error from v_job_run order by schedule, attempt;
select count(*) from did;
select name, status, reason from job_status where name <> 'fails by itself' order by name;
update job_schedule_state set last_slot = clock_timestamp() - interval '400 days', next_at = clock_timestamp() where name = 'fails by itself';
call tick();
call tick();
select state, code, error ~ '^the run did not come to its end' as is_told from v_job_run where schedule = 'fails by itself';

-- Who may, and how the clock is wound up.
select code, message from test.refusal('call clocks.tick(-1)');
select kind, line from install_schedules() where kind <> 'pg_cron';
select kind, line from install_schedules('other', through => 'crontab');
select code, message from test.refusal('select * from clocks.install_schedules(through => ''sundial'')');
select check_name, faults, example from check_book() where faults > 0;
reset search_path;
select loan_engine.drop_book('clocks', with_postings => true) \g /dev/null
