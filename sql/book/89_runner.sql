-- Doing what is due: in any session, in several at once, with nothing but rows between them.

-- A run whose session does not do the same statement any more came to no end of its own.
create function @book@._is_running(r @book@.job_run) returns boolean language sql volatile as $$
    select exists (
        select from pg_stat_activity as a
        where a.pid = r.session and (a.query_start is null or a.query_start = r.statement_at and a.state = 'active'))
$$;
comment on function @book@._is_running(@book@.job_run) is
'Whether the session that began a run is still at it; true as well where one may not look.';

create function @book@._run_failed(r @book@.job_run, error jsonb) returns void language plpgsql as $$
declare
    s @book@.job_schedule;
begin
    update @book@.job_run as u
    set state = 'failed', finished_at = clock_timestamp(), error = _run_failed.error
    where u.id = r.id and u.state = 'running';
    select n.* into s from @book@.job_schedule as n where n.name = r.schedule;
    -- A later slot that was begun meanwhile stands for this one.
    if found and r.attempt < s.attempts then
        update @book@.job_schedule_state as t
        set retry_slot = r.slot, attempt = r.attempt, next_at = least(t.next_at, clock_timestamp() + make_interval(secs =>
            loan_engine.retry_delay(r.attempt, extract(epoch from s.retry_from)::float8, extract(epoch from s.retry_up_to)::float8, random())))
        where t.name = r.schedule and t.last_slot = r.slot;
    end if;
end $$;
comment on function @book@._run_failed(@book@.job_run, jsonb) is 'Writes down that a run failed, and when its slot is tried again.';

create function @book@._end_lost_runs() returns void language plpgsql as $$
declare
    r @book@.job_run;
begin
    for r in
        select n.* from @book@.job_run as n
        where n.state = 'running' and not @book@._is_running(n)
        for update skip locked
    loop
        perform @book@._run_failed(r, jsonb_build_object('code', 'LN216', 'message', 'the run did not come to its end',
            'detail', format('The statement that process %s began at %s has ended.', r.session, r.statement_at),
            'hint', 'What whoever called tick was told, and the log of the server, say why.'));
    end loop;
end $$;
comment on function @book@._end_lost_runs() is 'Writes down that runs failed whose sessions are gone, or gone on to something else.';

-- What is due, the longest due first. Who takes it moves the schedule on in the same transaction, so that who
-- comes after finds the next slot; the run is a row of which there can be one, should clocks be put back.
create function @book@._begin_run() returns @book@.job_run language plpgsql as $$
declare
    moment constant timestamptz := clock_timestamp();
    s @book@.job_schedule;
    t @book@.job_schedule_state;
    r @book@.job_run;
    due record;
    next_slot timestamptz;
begin
    loop
        select n.* into t
        from @book@.job_schedule_state as n
        where n.next_at <= moment
            and not exists (select from @book@.job_run as b where b.schedule = n.name and b.state = 'running')
        order by n.next_at, n.name
        limit 1 for update skip locked;
        if not found then
            return null;
        end if;
        select n.* into s from @book@.job_schedule as n where n.name = t.name;
        r := null;
        if t.retry_slot is not null then
            r.slot := t.retry_slot;
            r.attempt := t.attempt + 1;
            r.slots_left_out := 0;
        else
            -- A clock that was ahead has not used up the slots that come now.
            t.last_slot := least(t.last_slot, moment);
            r.attempt := 1;
            r.slots_left_out := 0;
            if s.missed = 'all' then
                r.slot := @book@._next_slot(s, t.last_slot);
                if r.slot > moment then
                    r.slot := null;
                end if;
            else
                select l.slot, l.passed into due from @book@._last_slot(s, t.last_slot, moment) as l;
                r.slot := due.slot;
                r.slots_left_out := greatest(due.passed - 1, 0);
                if s.missed = 'skip' and moment > @book@._jittered(s, r.slot) + s.grace then
                    t.last_slot := r.slot;
                    r.slot := null;
                end if;
            end if;
        end if;
        t.last_slot := coalesce(r.slot, t.last_slot);
        next_slot := @book@._next_slot(s, t.last_slot);
        update @book@.job_schedule_state as u
        set last_slot = t.last_slot, retry_slot = null, attempt = 0,
            next_at = coalesce(@book@._jittered(s, next_slot), 'infinity')
        where u.name = t.name;
        continue when r.slot is null;
        insert into @book@.job_run (schedule, slot, attempt, slots_left_out)
        values (t.name, r.slot, r.attempt, r.slots_left_out)
        on conflict (schedule, slot, attempt) do nothing
        returning * into r;
        continue when r.id is null;
        return r;
    end loop;
end $$;
comment on function @book@._begin_run() is 'Begins the slot that is longest due; NULL when none is.';

create function @book@._do_run(s @book@.job_schedule, r @book@.job_run) returns void language plpgsql as $$
declare
    came_of_it text;
    code text;
    message text;
    detail text;
    hint text;
begin
    begin
        execute s.call into came_of_it;
    exception when query_canceled or others then
        perform loan_engine._limit_time(null);
        get stacked diagnostics code = returned_sqlstate, message = message_text, detail = pg_exception_detail, hint = pg_exception_hint;
        if code = '57014' and clock_timestamp() < r.started_at + s.time_limit then
            raise;
        end if;
        perform @book@._run_failed(r, jsonb_strip_nulls(jsonb_build_object('code', code, 'message', message,
            'detail', nullif(detail, ''), 'hint', nullif(hint, ''))));
        return;
    end;
    update @book@.job_run as u
    set rows = case when came_of_it ~ '^[0-9]{1,18}$' then came_of_it::bigint end
    where u.id = r.id;
end $$;
comment on function @book@._do_run(@book@.job_schedule, @book@.job_run) is 'Runs the statement of a schedule, and writes down if it fails.';

create procedure @book@.tick(most integer default 100, inout ran integer default 0) language plpgsql as $$
declare
    r @book@.job_run;
    s @book@.job_schedule;
begin
    perform @book@._authorise('run_schedules');
    if most is null or most < 0 then
        raise exception using errcode = '22023', message = format('%s runs', most), hint = 'Give how many at most.';
    end if;
    ran := 0;
    -- What others did meanwhile must be seen, whatever the session is set to.
    commit;
    set transaction isolation level read committed;
    perform @book@._end_lost_runs();
    commit;
    set transaction isolation level read committed;
    perform @book@.tend_queues();
    commit;
    while ran < most loop
        set transaction isolation level read committed;
        r := @book@._begin_run();
        commit;
        exit when r.id is null;
        set transaction isolation level read committed;
        select n.* into s from @book@.job_schedule as n where n.name = r.schedule;
        perform loan_engine._limit_time(extract(epoch from s.time_limit)::float8);
        if s.call ~* '^\s*call\s' then
            call loan_engine._call(s.call);
            commit;
            set transaction isolation level read committed;
        else
            perform @book@._do_run(s, r);
        end if;
        perform loan_engine._limit_time(null);
        update @book@.job_run as u set state = 'done', finished_at = clock_timestamp(), per_cent = 100
        where u.id = r.id and u.state = 'running';
        commit;
        ran := ran + 1;
    end loop;
end $$;
comment on procedure @book@.tick(integer, integer) is
'Does what is due by job_schedule: begins each slot once, whoever else calls it, commits after each, and goes on until nothing is due or so many are done. Call it every minute, from any scheduler and in several sessions.';

create view @book@.v_job_run as
select r.id, r.schedule, r.slot, r.attempt, r.state, r.started_at, coalesce(r.finished_at, clock_timestamp()) - r.started_at as took,
    r.finished_at, r.rows, r.per_cent, r.note, r.slots_left_out, r.error ->> 'code' as code,
    concat_ws(' ', r.error ->> 'message', r.error ->> 'detail') as error, r.session,
    case when r.state = 'running' then (
        select concat_ws(': ', a.wait_event_type, a.wait_event) from pg_stat_activity as a
        where a.pid = r.session and a.query_start = r.statement_at) end as waits_for,
    case when r.state = 'running' then pg_blocking_pids(r.session) end as blocked_by
from @book@.job_run as r;
comment on view @book@.v_job_run is 'Runs of schedules: what became of them, and what those wait for that are running.';
comment on column @book@.v_job_run.id is 'Key.';
comment on column @book@.v_job_run.schedule is 'The schedule.';
comment on column @book@.v_job_run.slot is 'The moment that was due.';
comment on column @book@.v_job_run.attempt is 'The how-manieth attempt at it.';
comment on column @book@.v_job_run.state is 'running, done or failed.';
comment on column @book@.v_job_run.started_at is 'When it was begun.';
comment on column @book@.v_job_run.took is 'How long it took, or has taken so far.';
comment on column @book@.v_job_run.finished_at is 'When it was over.';
comment on column @book@.v_job_run.rows is 'How many rows it did, where it says so.';
comment on column @book@.v_job_run.per_cent is 'How far it is, where it says so.';
comment on column @book@.v_job_run.note is 'What it says of itself.';
comment on column @book@.v_job_run.slots_left_out is 'How many missed slots before it were left out.';
comment on column @book@.v_job_run.code is 'The code of what went wrong.';
comment on column @book@.v_job_run.error is 'What went wrong.';
comment on column @book@.v_job_run.session is 'The process of the server that did it.';
comment on column @book@.v_job_run.waits_for is 'What it is waiting for, as pg_stat_activity has it.';
comment on column @book@.v_job_run.blocked_by is 'Processes that hold a lock it waits for.';

create view @book@.job_status as
select s.name,
    case when s.cron is null then 'on event'
        when not s.is_active then 'waiting'
        when r.state = 'running' and r.started_at + s.time_limit < clock_timestamp() then 'overdue'
        when r.state = 'running' then 'running'
        when t.next_at + s.grace + s.expected_within < clock_timestamp() then 'late'
        when r.state = 'failed' and t.retry_slot is not null then 'to be retried'
        when r.state = 'failed' then 'failed'
        when r.state is null then 'not yet due'
        else 'ok' end as status,
    coalesce(s.waits_for, s.on_event, case when r.state = 'failed' then concat_ws(' ', r.error ->> 'code', r.error ->> 'message') end) as reason,
    d.slot as last_success, d.finished_at as last_success_at, t.next_at, r.slot as last_slot, r.rows
from @book@.job_schedule as s
join @book@.job_schedule_state as t on t.name = s.name
left join lateral (
    select n.* from @book@.job_run as n where n.schedule = s.name order by n.started_at desc limit 1
) as r on true
left join lateral (
    select n.slot, n.finished_at from @book@.job_run as n
    where n.schedule = s.name and n.state = 'done' order by n.started_at desc limit 1
) as d on true;
comment on view @book@.job_status is 'Each schedule in a line: how it does, when it last succeeded, and when it is due next.';
comment on column @book@.job_status.name is 'The schedule.';
comment on column @book@.job_status.status is 'ok, running, late (due and begun by nobody), overdue (takes longer than it may), failed, to be retried, not yet due, waiting (not active), or on event.';
comment on column @book@.job_status.reason is 'What it waits for, what has it done, or why it failed.';
comment on column @book@.job_status.last_success is 'The last slot that was done.';
comment on column @book@.job_status.last_success_at is 'When that was.';
comment on column @book@.job_status.next_at is 'When it is due next.';
comment on column @book@.job_status.last_slot is 'The last slot that was begun.';
comment on column @book@.job_status.rows is 'How many rows that did, where it says so.';

-- Any scheduler will do: whoever calls tick every minute. pg_cron is asked where it is installed.
create function @book@.install_schedules(database name default current_database(), through text default null)
    returns table (kind text, line text) language plpgsql as $$
declare
    book constant text := (select b.name from @book@.book as b);
    call constant text := format('call %I.tick()', book);
    job constant text := format('%s tick', book);
begin
    perform @book@._authorise('run_schedules');
    if through is not null and through not in ('pg_cron', 'crontab', 'systemd', 'kubernetes') then
        raise exception using errcode = '22023', message = format('no way to schedule through "%s"', through),
            hint = 'pg_cron, crontab, systemd, kubernetes; or none, for pg_cron where it is installed and all lines else.';
    end if;
    if coalesce(through, 'pg_cron') = 'pg_cron' and exists (select from pg_extension as e where e.extname = 'pg_cron') then
        if install_schedules.database = current_database() then
            execute 'select cron.schedule($1, $2, $3)' using job, '* * * * *', call;
        else
            execute 'select cron.schedule_in_database($1, $2, $3, $4)' using job, '* * * * *', call, install_schedules.database::text;
        end if;
        return query select 'pg_cron', format('job "%s" calls tick every minute in database %s', job, install_schedules.database);
        return;
    elsif through = 'pg_cron' then
        raise exception using errcode = '0A000', message = 'pg_cron is not installed in this database',
            hint = 'Create it where cron.database_name says and name this database there, or use one of the other lines.';
    end if;
    return query
    select l.kind, l.line
    from (values
        ('crontab', 1, format('* * * * * psql -X -q -d %s -c "%s"', quote_ident(install_schedules.database), call)),
        ('systemd', 1, format('# /etc/systemd/system/%s-tick.service', book)),
        ('systemd', 2, '[Service]'),
        ('systemd', 3, 'Type=oneshot'),
        ('systemd', 4, 'User=postgres'),
        ('systemd', 5, format('ExecStart=/usr/bin/psql -X -q -d %s -c "%s"', quote_ident(install_schedules.database), call)),
        ('systemd', 6, format('# /etc/systemd/system/%s-tick.timer', book)),
        ('systemd', 7, '[Timer]'),
        ('systemd', 8, 'OnCalendar=minutely'),
        ('systemd', 9, 'AccuracySec=1s'),
        ('systemd', 10, '[Install]'),
        ('systemd', 11, 'WantedBy=timers.target'),
        ('kubernetes', 1, 'apiVersion: batch/v1'),
        ('kubernetes', 2, 'kind: CronJob'),
        ('kubernetes', 3, format('metadata: {name: %s-tick}', replace(book, '_', '-'))),
        ('kubernetes', 4, 'spec:'),
        ('kubernetes', 5, '  schedule: "* * * * *"'),
        ('kubernetes', 6, '  concurrencyPolicy: Allow'),
        ('kubernetes', 7, '  jobTemplate: {spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: ['),
        ('kubernetes', 8, format('    {name: tick, image: "postgres:%s", envFrom: [{secretRef: {name: %s-connection}},],',
            current_setting('server_version_num')::integer / 10000, replace(book, '_', '-'))),
        ('kubernetes', 9, format('     command: [psql, -X, -q, -d, %s, -c, "%s"]}]}}}}', install_schedules.database, call))
    ) as l (kind, place, line)
    where coalesce(install_schedules.through, l.kind) = l.kind
    order by array_position(array['crontab', 'systemd', 'kubernetes'], l.kind), l.place;
end $$;
comment on function @book@.install_schedules(name, text) is
'Has tick called every minute: by pg_cron, where it is installed here, in this database or the one named; else tells the lines for crontab, systemd and Kubernetes, or for one of them.';
