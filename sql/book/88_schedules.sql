-- What is to be done when: schedules, their slots, and what became of each.
--
-- A slot is a moment that a schedule names. It is begun by one session, once, whoever else is looking, for its run
-- is a row of which there can be one.

create function @book@.calendar_date(at timestamptz default clock_timestamp()) returns date language plpgsql stable as $$
begin
    return (select (at at time zone b.time_zone)::date from @book@.book as b);
end $$;
comment on function @book@.calendar_date(timestamptz) is 'The day it is in the time zone of the book, whatever day is being served.';

create table @book@.job_schedule (
    name text collate "C" primary key check (name ~ '^[a-z][a-z0-9 _-]{0,62}$'),
    description text not null,
    call text,
    cron text,
    on_event text,
    time_zone text,
    calendar_code text references @book@.calendar,
    missed text not null default 'once' check (missed in ('skip', 'once', 'all')),
    grace interval not null default '1 minute' check (grace between '1 second' and '31 days'),
    jitter interval not null default '0' check (jitter between '0' and '1 day'),
    attempts integer not null default 3 check (attempts between 1 and 100),
    retry_from interval not null default '1 minute' check (retry_from between '0' and '1 day'),
    retry_up_to interval not null default '1 hour' check (retry_up_to between '0' and '30 days'),
    time_limit interval not null default '6 hours' check (time_limit between '1 second' and '7 days'),
    expected_within interval not null default '1 hour' check (expected_within between '1 second' and '31 days'),
    is_active boolean not null default true,
    waits_for text,
    check ((cron is null) <> (on_event is null)),
    check (not is_active or cron is null or call is not null),
    check (is_active or waits_for is not null)
);
comment on table @book@.job_schedule is 'What is to be done when. What is not active says what it waits for.';
comment on column @book@.job_schedule.name is 'Its name.';
comment on column @book@.job_schedule.description is 'What it does.';
comment on column @book@.job_schedule.call is 'The statement that does it: CALL of a procedure, which may commit, or SELECT from a function, whose first column is the number of rows when it is one. $1 is not replaced: it is a statement as it stands.';
comment on column @book@.job_schedule.cron is 'When: minute, hour, day of month, month, day of week; L, W and # as in loan_engine.cron_slots.';
comment on column @book@.job_schedule.on_event is 'Where no clock says when: what has it done, within the transaction of that.';
comment on column @book@.job_schedule.time_zone is 'By which clock; that of the book when NULL.';
comment on column @book@.job_schedule.calendar_code is 'Only on business days of this calendar; on all days when NULL.';
comment on column @book@.job_schedule.missed is 'What becomes of slots that nobody began in time: none is done (skip), the last of them (once), or each in its order (all).';
comment on column @book@.job_schedule.grace is 'After how long a slot that was not begun is missed.';
comment on column @book@.job_schedule.jitter is 'Each slot is begun up to so much later, by a number that follows from its name and time.';
comment on column @book@.job_schedule.attempts is 'How often a slot is tried.';
comment on column @book@.job_schedule.retry_from is 'Up to how long is waited after the first failure; twice as long after each further one. How long it is, chance says.';
comment on column @book@.job_schedule.retry_up_to is 'The longest that is waited before a further attempt.';
comment on column @book@.job_schedule.time_limit is 'How long an attempt may take.';
comment on column @book@.job_schedule.expected_within is 'How long after a slot job_status expects it to be done.';
comment on column @book@.job_schedule.is_active is 'Whether it is done.';
comment on column @book@.job_schedule.waits_for is 'If it is not: what it waits for.';

create table @book@.job_schedule_state (
    name text collate "C" primary key references @book@.job_schedule on update cascade on delete cascade,
    last_slot timestamptz not null default clock_timestamp(),
    next_at timestamptz not null default 'infinity',
    retry_slot timestamptz,
    attempt integer not null default 0,
    check ((retry_slot is null) = (attempt = 0))
);
comment on table @book@.job_schedule_state is 'Where each schedule stands.';
comment on column @book@.job_schedule_state.name is 'The schedule.';
comment on column @book@.job_schedule_state.last_slot is 'The last slot that was begun or passed over.';
comment on column @book@.job_schedule_state.next_at is 'When something is to be done next.';
comment on column @book@.job_schedule_state.retry_slot is 'The slot that failed and is tried again then.';
comment on column @book@.job_schedule_state.attempt is 'How often that slot was tried.';

create table @book@.job_run (
    id uuid primary key default loan_engine.uuid_v7(),
    schedule text collate "C" not null,
    slot timestamptz not null,
    attempt integer not null default 1,
    state text not null default 'running' check (state in ('running', 'done', 'failed')),
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    rows bigint,
    per_cent numeric check (per_cent between 0 and 100),
    note text,
    error jsonb,
    slots_left_out integer not null default 0,
    session integer not null default pg_backend_pid(),
    statement_at timestamptz not null default statement_timestamp(),
    actor text not null default @book@.actor(),
    unique (schedule, slot, attempt),
    check ((state = 'running') = (finished_at is null)),
    check ((state = 'failed') = (error is not null))
);
create index on @book@.job_run (schedule, started_at);
create index on @book@.job_run (schedule) where state = 'running';
comment on table @book@.job_run is 'Every attempt at a slot of a schedule, and what became of it.';
comment on column @book@.job_run.id is 'Key.';
comment on column @book@.job_run.schedule is 'The schedule.';
comment on column @book@.job_run.slot is 'The moment that was due.';
comment on column @book@.job_run.attempt is 'The how-manieth attempt at it.';
comment on column @book@.job_run.state is 'running, done or failed.';
comment on column @book@.job_run.started_at is 'When it was begun.';
comment on column @book@.job_run.finished_at is 'When it was over.';
comment on column @book@.job_run.rows is 'How many rows it did, where it says so.';
comment on column @book@.job_run.per_cent is 'How far it is, where it says so.';
comment on column @book@.job_run.note is 'What it says of itself.';
comment on column @book@.job_run.error is 'What went wrong: code, message, detail and hint.';
comment on column @book@.job_run.slots_left_out is 'How many missed slots before it were left out.';
comment on column @book@.job_run.session is 'The process of the server that did it.';
comment on column @book@.job_run.statement_at is 'When the statement began that did it; with the process, what tells whether it is still at it.';
comment on column @book@.job_run.actor is 'Who had it done.';

create function @book@._zone_of(time_zone text) returns text language sql stable as $$
    select coalesce(_zone_of.time_zone, (select b.time_zone from @book@.book as b))
$$;
comment on function @book@._zone_of(text) is 'A time zone, or that of the book.';

-- Days off may be many in a row, so slots are looked for a thousand at a time.
create function @book@._next_slot(s @book@.job_schedule, after timestamptz) returns timestamptz language plpgsql stable as $$
declare
    zone constant text := @book@._zone_of(s.time_zone);
    slots timestamptz[];
    slot timestamptz;
begin
    for tries in 1..1000 loop
        slots := array(select loan_engine.cron_slots(s.cron, zone, after, after + interval '10 years',
            case when s.calendar_code is null then 1 else 1000 end));
        select min(n) into slot
        from unnest(slots) as n
        where @book@._is_business_day(s.calendar_code, (n at time zone zone)::date);
        exit when slot is not null or cardinality(slots) < 1000;
        after := slots[cardinality(slots)];
    end loop;
    return slot;
end $$;
comment on function @book@._next_slot(@book@.job_schedule, timestamptz) is
'The first slot of a schedule after a moment that falls on a business day of its calendar; NULL when there is none in ten years.';

create function @book@._last_slot(s @book@.job_schedule, after timestamptz, through timestamptz, out slot timestamptz, out passed integer)
    language plpgsql stable as $$
declare
    zone constant text := @book@._zone_of(s.time_zone);
    slots timestamptz[];
begin
    passed := 0;
    loop
        slots := array(select loan_engine.cron_slots(s.cron, zone, after, through, 1000));
        select coalesce(max(n), slot), passed + count(n)::integer into slot, passed
        from unnest(slots) as n
        where @book@._is_business_day(s.calendar_code, (n at time zone zone)::date);
        exit when cardinality(slots) < 1000;
        after := slots[1000];
    end loop;
end $$;
comment on function @book@._last_slot(@book@.job_schedule, timestamptz, timestamptz) is
'The last slot of a schedule after one moment through another, and how many there are.';

-- Chance that is the same for whoever looks.
create function @book@._jittered(s @book@.job_schedule, slot timestamptz) returns timestamptz language sql stable as $$
    select slot + s.jitter * ((hashtextextended(s.name || extract(epoch from slot), 0) & 1048575) / 1048576.0)::float8
$$;
comment on function @book@._jittered(@book@.job_schedule, timestamptz) is 'When a slot of a schedule is begun.';

create function @book@._check_schedule() returns trigger language plpgsql as $$
begin
    if new.cron is not null then
        perform loan_engine.cron_slots(new.cron, @book@._zone_of(coalesce(new.time_zone, 'UTC')), now(), now(), 1);
    end if;
    if new.time_zone is not null and not exists (select from pg_timezone_names as z where z.name = new.time_zone) then
        raise exception using errcode = '22023', message = format('unknown time zone: "%s"', new.time_zone),
            hint = 'The view pg_timezone_names lists those the server knows.';
    end if;
    return new;
end $$;
comment on function @book@._check_schedule() is 'Refuses a schedule whose expression or time zone is not understood, with 22023.';
create trigger checked before insert or update on @book@.job_schedule for each row execute function @book@._check_schedule();

-- What was not active, or had other slots, has missed none.
create function @book@._follow_schedule() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' or (new.cron, new.time_zone, new.calendar_code, new.is_active, new.jitter)
            is distinct from (old.cron, old.time_zone, old.calendar_code, old.is_active, old.jitter) then
        insert into @book@.job_schedule_state (name, last_slot, next_at)
        select new.name, m.moment, case when new.is_active and new.cron is not null
            then coalesce(@book@._jittered(new, @book@._next_slot(new, m.moment)), 'infinity') else 'infinity' end
        from (select clock_timestamp() as moment) as m
        on conflict (name) do update
        set last_slot = excluded.last_slot, next_at = excluded.next_at, retry_slot = null, attempt = 0;
    end if;
    return null;
end $$;
comment on function @book@._follow_schedule() is 'Gives a schedule the row that says where it stands, from now on.';
create trigger followed after insert or update on @book@.job_schedule for each row execute function @book@._follow_schedule();

create function @book@.report_progress(per_cent numeric, note text default null) returns void language sql volatile as $$
    update @book@.job_run as r
    set per_cent = report_progress.per_cent, note = coalesce(report_progress.note, r.note)
    where r.state = 'running' and r.session = pg_backend_pid() and r.statement_at = statement_timestamp()
$$;
comment on function @book@.report_progress(numeric, text) is
'Says how far the run of a schedule is that calls it. Others see it when the run commits; without a run it does nothing.';
