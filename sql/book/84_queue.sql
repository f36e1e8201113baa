-- Work that is asked for in one transaction and done in another: queues, their jobs and what became of them.
--
-- A queue is plain or keyed. In a plain one every job that is due stands in the ready list itself. In a keyed
-- one, where order, rate, concurrency or a breaker are of a key, the keys stand there, each for its jobs: so
-- nothing is passed over that may not be taken.

create sequence @book@.job_place;
comment on sequence @book@.job_place is 'Numbers jobs, and the places of the ready lists. Who drew a number holds a lock of it until the transaction ends.';

create table @book@.queue (
    name text collate "C" primary key check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    description text not null default '',
    handler text check (handler ~ '^[^.]+\.[^.]+$'),
    attempts integer not null default 10 check (attempts between 1 and 1000),
    retry_from interval not null default '1 second' check (retry_from between '0' and '1 day'),
    retry_up_to interval not null default '1 hour' check (retry_up_to between '0' and '30 days'),
    lease interval not null default '1 minute' check (lease between '1 second' and '1 day'),
    time_limit interval not null default '15 minutes' check (time_limit between '1 second' and '7 days'),
    ageing interval not null default '1 minute' check (ageing between '0' and '1 day'),
    concurrency integer check (concurrency between 1 and 10000),
    on_failed_head text check (on_failed_head in ('block', 'skip', 'dead')),
    key_concurrency integer check (key_concurrency between 1 and 10000),
    rate_jobs integer check (rate_jobs between 1 and 1000000),
    rate_per interval check (rate_per between '1 millisecond' and '31 days'),
    rate_burst integer not null default 1 check (rate_burst between 1 and 1000000),
    breaker_failures integer check (breaker_failures between 1 and 10000),
    breaker_open_for interval not null default '1 minute' check (breaker_open_for between '1 second' and '7 days'),
    breaker_trials integer not null default 1 check (breaker_trials between 1 and 10000),
    unique_for interval not null default '0' check (unique_for between '0' and '366 days'),
    keep_done interval not null default '7 days' check (keep_done between '0' and '366 days'),
    is_paused boolean not null default false,
    is_keyed boolean not null generated always as (
        on_failed_head is not null or key_concurrency is not null or rate_jobs is not null
            or breaker_failures is not null) stored,
    check ((rate_jobs is null) = (rate_per is null)),
    check (on_failed_head is null or key_concurrency is null)
);
comment on table @book@.queue is 'Queues of jobs, and how their jobs are worked.';
comment on column @book@.queue.name is 'Its name.';
comment on column @book@.queue.description is 'What its jobs are.';
comment on column @book@.queue.handler is 'The function, as schema.name, of (job_id bigint, payload jsonb) that does its jobs within the transaction that takes them, and returns jsonb; NULL where workers claim them.';
comment on column @book@.queue.attempts is 'How often a job is tried before it is given up.';
comment on column @book@.queue.retry_from is 'Up to how long is waited after the first failure; twice as long after each further one. How long it is, chance says.';
comment on column @book@.queue.retry_up_to is 'The longest that is waited before a further attempt.';
comment on column @book@.queue.lease is 'How long a claimed job is left to its worker without word from it.';
comment on column @book@.queue.time_limit is 'How long an attempt may take, whatever its worker says.';
comment on column @book@.queue.ageing is 'How long a job of one priority less must have waited to come before one that is just due.';
comment on column @book@.queue.concurrency is 'How many of its jobs may be worked on at once; any number when NULL.';
comment on column @book@.queue.on_failed_head is 'Where jobs of a key are worked strictly in order, what a failed one does: it blocks its key until a person decides once its attempts are used up (block), lets others pass while it waits for its next attempt (skip), or has them wait until it succeeds or is given up (dead). NULL where order is not strict.';
comment on column @book@.queue.key_concurrency is 'How many jobs of one key may be worked on at once; any number when NULL.';
comment on column @book@.queue.rate_jobs is 'How many jobs of a key may be begun in rate_per; any number when NULL.';
comment on column @book@.queue.rate_per is 'In which time rate_jobs jobs may be begun.';
comment on column @book@.queue.rate_burst is 'How many jobs of a key that rested may be begun at once.';
comment on column @book@.queue.breaker_failures is 'After how many failures in a row the breaker of a key opens; never when NULL. Keys are then the targets that may fail.';
comment on column @book@.queue.breaker_open_for is 'How long no job of a key is begun when its breaker opens.';
comment on column @book@.queue.breaker_trials is 'How many jobs are begun at once after that, until one succeeds.';
comment on column @book@.queue.unique_for is 'How long a unique key is kept after its job has come to its end.';
comment on column @book@.queue.keep_done is 'How long jobs that are done are kept, at least; not at all when 0.';
comment on column @book@.queue.is_paused is 'Whether no job is begun at present.';
comment on column @book@.queue.is_keyed is 'Whether keys stand in the ready list for their jobs.';

-- A payload of more than a few hundred bytes lies apart from the row, where updates leave it.
create table @book@.job (
    id bigint primary key,
    queue text collate "C" not null,
    priority smallint not null default 5 check (priority between 0 and 9),
    state text collate "C" not null
        check (state in ('ready', 'scheduled', 'retry', 'running', 'queued', 'blocked')),
    place bigint not null,
    run_at timestamptz not null,
    attempt integer not null default 0,
    interruptions integer not null default 0,
    fence integer not null default 0,
    lease_until timestamptz,
    end_by timestamptz,
    worker text,
    key text collate "C",
    unique_key text collate "C",
    unique_for interval,
    legal_entity_id uuid,
    enqueued_at timestamptz not null default clock_timestamp(),
    enqueued_by text not null default @book@.actor(),
    errors jsonb,
    payload jsonb not null,
    check ((state = 'running') = (lease_until is not null))
) with (fillfactor = 80, toast_tuple_target = 512, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
create index job_ready on @book@.job (queue, priority, place) where state = 'ready';
create index job_due on @book@.job (queue, run_at) where state in ('scheduled', 'retry');
create index job_leased on @book@.job (queue, lease_until) where state = 'running';
create index job_leased_of_key on @book@.job (queue, key) where state = 'running' and key is not null;
create index job_of_key on @book@.job (queue, key, id) where state in ('queued', 'blocked');
create index job_of_key_due on @book@.job (queue, key, run_at, id) where state = 'queued';
comment on table @book@.job is 'Jobs that have not come to their end.';
comment on column @book@.job.id is 'Its number, in the order in which jobs were asked for.';
comment on column @book@.job.queue is 'Its queue.';
comment on column @book@.job.priority is 'How urgent it is, from 0, the most, to 9.';
comment on column @book@.job.state is 'ready, scheduled for later, waiting for a retry, running (leased to a worker), queued behind its key, or blocked: at the head of its key, until a person decides.';
comment on column @book@.job.place is 'Its place in the ready list of its queue and priority.';
comment on column @book@.job.run_at is 'When it is due.';
comment on column @book@.job.attempt is 'How often it was begun, without interruptions.';
comment on column @book@.job.interruptions is 'How often it was interrupted by what was no fault of its own.';
comment on column @book@.job.fence is 'The number of its last claim; who names another is told that the job is no longer theirs.';
comment on column @book@.job.lease_until is 'Until when it is left to its worker without word from it.';
comment on column @book@.job.end_by is 'When its attempt ends, whatever its worker says.';
comment on column @book@.job.worker is 'Who works on it, or did last.';
comment on column @book@.job.key is 'What it belongs to: a borrower, an account, a target. Order, rate and the like are of a key.';
comment on column @book@.job.unique_key is 'What there may be one job of in the queue.';
comment on column @book@.job.unique_for is 'How long its unique key is kept after its end; as long as the queue says when NULL.';
comment on column @book@.job.legal_entity_id is 'The legal entity it is of, where it is of one.';
comment on column @book@.job.enqueued_at is 'When it was asked for.';
comment on column @book@.job.enqueued_by is 'Who asked for it.';
comment on column @book@.job.errors is 'What went wrong so far: a list of time, attempt, code, message and worker.';
comment on column @book@.job.payload is 'What it is about.';

create table @book@.job_key (
    queue text collate "C" not null,
    key text collate "C" not null,
    state text collate "C" not null check (state in ('ready', 'waiting', 'busy', 'blocked')),
    priority smallint not null,
    place bigint not null,
    run_at timestamptz not null,
    head_from bigint not null default 0,
    next_arrival timestamptz,
    failures integer not null default 0,
    failed_at timestamptz,
    open_until timestamptz,
    primary key (queue, key)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index job_key_ready on @book@.job_key (queue, priority, place) where state = 'ready';
create index job_key_due on @book@.job_key (queue, run_at) where state = 'waiting';
comment on table @book@.job_key is 'Keys that have jobs, or a rate or breaker to remember, of queues in which they matter.';
comment on column @book@.job_key.queue is 'The queue.';
comment on column @book@.job_key.key is 'The key; empty for jobs without one.';
comment on column @book@.job_key.state is 'ready, waiting for a time, busy with as many jobs as it may have, or blocked by a failed one.';
comment on column @book@.job_key.priority is 'That of its first job.';
comment on column @book@.job_key.place is 'Its place in the ready list.';
comment on column @book@.job_key.run_at is 'Until when it waits.';
comment on column @book@.job_key.head_from is 'No job of the key that waits has a lower number.';
comment on column @book@.job_key.next_arrival is 'When its next job would arrive, were they evenly spaced; those before it are a burst.';
comment on column @book@.job_key.failures is 'Failures in a row.';
comment on column @book@.job_key.failed_at is 'When the last of them was.';
comment on column @book@.job_key.open_until is 'Until when its breaker is open; then it is half open, until a job succeeds.';

create table @book@.job_unique (
    queue text collate "C" not null,
    unique_key text collate "C" not null,
    job_id bigint not null,
    free_from timestamptz not null,
    primary key (queue, unique_key)
);
create index on @book@.job_unique (free_from) where free_from < 'infinity';
comment on table @book@.job_unique is 'Unique keys that are taken.';
comment on column @book@.job_unique.queue is 'The queue.';
comment on column @book@.job_unique.unique_key is 'What there may be one job of.';
comment on column @book@.job_unique.job_id is 'The job that took it.';
comment on column @book@.job_unique.free_from is 'From when another may take it: infinity until the job has come to its end.';

create table @book@.job_cancel (
    job_id bigint primary key,
    asked_at timestamptz not null default clock_timestamp(),
    asked_by text not null default @book@.actor()
);
comment on table @book@.job_cancel is 'Jobs that are worked on and were asked to stop.';
comment on column @book@.job_cancel.job_id is 'The job.';
comment on column @book@.job_cancel.asked_at is 'When.';
comment on column @book@.job_cancel.asked_by is 'By whom.';

-- What is done lies in a partition a day, which is dropped as a whole.
create table @book@.job_done (
    id bigint not null,
    queue text collate "C" not null,
    outcome text collate "C" not null check (outcome in ('done', 'cancelled')),
    finished_at timestamptz not null,
    enqueued_at timestamptz not null,
    enqueued_by text not null,
    attempt integer not null,
    key text collate "C",
    unique_key text collate "C",
    legal_entity_id uuid,
    worker text,
    errors jsonb,
    payload jsonb not null,
    result jsonb
) partition by range (finished_at);
create index on @book@.job_done (id);
comment on table @book@.job_done is 'Jobs that are done or were cancelled, a partition a day.';
comment on column @book@.job_done.id is 'Its number.';
comment on column @book@.job_done.queue is 'Its queue.';
comment on column @book@.job_done.outcome is 'done or cancelled.';
comment on column @book@.job_done.finished_at is 'When.';
comment on column @book@.job_done.enqueued_at is 'When it was asked for.';
comment on column @book@.job_done.enqueued_by is 'Who asked for it.';
comment on column @book@.job_done.attempt is 'At which attempt.';
comment on column @book@.job_done.key is 'What it belongs to.';
comment on column @book@.job_done.unique_key is 'Its unique key.';
comment on column @book@.job_done.legal_entity_id is 'The legal entity it is of, where it is of one.';
comment on column @book@.job_done.worker is 'Who did it.';
comment on column @book@.job_done.errors is 'What went wrong before.';
comment on column @book@.job_done.payload is 'What it was about.';
comment on column @book@.job_done.result is 'What came of it.';

-- Rows of days for which no partition was made in time are not lost.
create table @book@.job_done_other partition of @book@.job_done default;
comment on table @book@.job_done_other is 'Jobs done on days that have no partition.';

create table @book@.job_dead (
    id bigint primary key,
    queue text collate "C" not null,
    died_at timestamptz not null default clock_timestamp(),
    code text,
    reason text not null,
    attempt integer not null,
    priority smallint not null,
    key text collate "C",
    unique_key text collate "C",
    unique_for interval,
    legal_entity_id uuid,
    enqueued_at timestamptz not null,
    enqueued_by text not null,
    errors jsonb not null,
    payload jsonb not null
);
create index on @book@.job_dead (queue, died_at);
comment on table @book@.job_dead is 'Jobs that were given up, with everything that went wrong.';
comment on column @book@.job_dead.id is 'Its number.';
comment on column @book@.job_dead.queue is 'Its queue.';
comment on column @book@.job_dead.died_at is 'When it was given up.';
comment on column @book@.job_dead.code is 'The code of its last error.';
comment on column @book@.job_dead.reason is 'Its last error.';
comment on column @book@.job_dead.attempt is 'How often it was begun.';
comment on column @book@.job_dead.priority is 'How urgent it was.';
comment on column @book@.job_dead.key is 'What it belongs to.';
comment on column @book@.job_dead.unique_key is 'Its unique key.';
comment on column @book@.job_dead.unique_for is 'How long its unique key is kept after its end; as long as the queue says when NULL.';
comment on column @book@.job_dead.legal_entity_id is 'The legal entity it is of, where it is of one.';
comment on column @book@.job_dead.enqueued_at is 'When it was asked for.';
comment on column @book@.job_dead.enqueued_by is 'Who asked for it.';
comment on column @book@.job_dead.errors is 'Everything that went wrong: a list of time, attempt, code, message and worker.';
comment on column @book@.job_dead.payload is 'What it is about.';

-- What an error means for the job that made it.
create table @book@.job_error_class (
    id uuid primary key default loan_engine.uuid_v7(),
    queue text collate "C",
    code_like text not null,
    outcome text not null check (outcome in ('retry', 'interrupted', 'dead')),
    attempts integer check (attempts between 1 and 1000),
    retry_from interval check (retry_from between '0' and '1 day'),
    retry_up_to interval check (retry_up_to between '0' and '30 days'),
    reason text not null,
    unique nulls not distinct (queue, code_like)
);
comment on table @book@.job_error_class is 'What an error means for the job that made it. The line of the queue and of the longest pattern applies; without one the job is tried again as its queue says.';
comment on column @book@.job_error_class.id is 'Key.';
comment on column @book@.job_error_class.queue is 'The queue; all when NULL.';
comment on column @book@.job_error_class.code_like is 'A pattern of LIKE for the code of the error.';
comment on column @book@.job_error_class.outcome is 'The job is tried again (retry), is tried again and the attempt not counted (interrupted), or is given up (dead).';
comment on column @book@.job_error_class.attempts is 'How often it is tried; as often as the queue says when NULL.';
comment on column @book@.job_error_class.retry_from is 'Up to how long is waited after the first failure; as the queue says when NULL.';
comment on column @book@.job_error_class.retry_up_to is 'The longest that is waited; as the queue says when NULL.';
comment on column @book@.job_error_class.reason is 'Why.';

insert into @book@.job_error_class (code_like, outcome, retry_from, retry_up_to, reason) values
    ('interrupted', 'interrupted', '0', '1 second', 'The worker was told to stop.'),
    ('40%', 'interrupted', '50 milliseconds', '5 seconds', 'Lost a race or a deadlock.'),
    ('55P03', 'interrupted', '50 milliseconds', '5 seconds', 'A lock could not be had in time.'),
    ('57P%', 'interrupted', '1 second', '1 minute', 'The server was stopped.'),
    ('53%', 'retry', '10 seconds', '10 minutes', 'Space, memory or connections are short.'),
    ('22%', 'dead', null, null, 'The data will not do; another attempt will find the same.'),
    ('23%', 'dead', null, null, 'The data break a constraint; another attempt will find the same.'),
    ('42%', 'dead', null, null, 'The handler is not there, or is in error.'),
    ('LN2%', 'dead', null, null, 'The book refuses it.');

-- Where the ready lists of a queue begin. Rows are added and the old ones removed, never updated: the newest is
-- found at once, however many dead ones an old snapshot has the server keep.
create table @book@.queue_tending (
    queue text collate "C" not null,
    tended_at timestamptz not null,
    swept_at timestamptz not null,
    settled bigint not null,
    mark bigint not null,
    holders text[] not null,
    starts bigint[] not null,
    passed bigint[] not null,
    filled integer[] not null,
    others integer[] not null,
    primary key (queue, tended_at)
);
comment on table @book@.queue_tending is 'Where the ready lists of each queue begin: the newest row counts.';
comment on column @book@.queue_tending.queue is 'The queue.';
comment on column @book@.queue_tending.tended_at is 'When it was looked at.';
comment on column @book@.queue_tending.swept_at is 'When everything that is due was last looked for from the beginning of time.';
comment on column @book@.queue_tending.settled is 'Whoever drew a number up to this one has committed or given up.';
comment on column @book@.queue_tending.mark is 'The last number drawn when those who hold numbers were last written down.';
comment on column @book@.queue_tending.holders is 'Virtual transactions that had drawn numbers then and had not ended.';
comment on column @book@.queue_tending.starts is 'For each priority, where its ready list begins.';
comment on column @book@.queue_tending.passed is 'Places before these that are not done, as they are being worked on: ten times the place, and the priority.';
comment on column @book@.queue_tending.filled is 'Priorities that had jobs.';
comment on column @book@.queue_tending.others is 'Priorities that had none.';

create function @book@._check_queue() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' and (tg_op = 'DELETE' or new.is_keyed <> old.is_keyed or new.name <> old.name
            or (new.on_failed_head is null) <> (old.on_failed_head is null))
            and exists (select from @book@.job as j where j.queue = old.name) then
        raise exception using errcode = 'LN214', message = format('queue "%s" has jobs', old.name),
            hint = 'Let them be done, or cancel them, before it is removed or its shape is changed.';
    end if;
    return null;
end $$;
comment on function @book@._check_queue() is 'Refuses with LN214 to remove a queue, or to change whether keys matter in it, while it has jobs.';
create trigger checked after update or delete on @book@.queue for each row execute function @book@._check_queue();

-- Partitions of days: made ahead, dropped when their days are over for every queue.
create function @book@._keep_job_days(today date, ahead integer default 7) returns integer language plpgsql as $$
declare
    oldest constant date := today - coalesce((select ceil(extract(epoch from max(q.keep_done)) / 86400)::integer from @book@.queue as q), 7) - 1;
    found_day record;
    changed integer := 0;
begin
    for found_day in
        select c.relname, to_date(right(c.relname, 8), 'YYYYMMDD') as day
        from pg_inherits as i
        join pg_class as c on c.oid = i.inhrelid
        where i.inhparent = '@book@.job_done'::regclass and c.relname ~ '^job_done_[0-9]{8}$'
    loop
        if found_day.day < oldest then
            execute format('drop table @book@.%I', found_day.relname);
            changed := changed + 1;
        end if;
    end loop;
    delete from @book@.job_done_other as d where d.finished_at < oldest;
    for found_day in
        select format('job_done_%s', to_char(d.day, 'YYYYMMDD')) as relname, d.day::date as day
        from generate_series(today::timestamp, today::timestamp + make_interval(days => ahead), '1 day') as d (day)
        where to_regclass(format('@book@.%I', format('job_done_%s', to_char(d.day, 'YYYYMMDD')))) is null
            and not exists (
                select from @book@.job_done_other as o
                where o.finished_at >= d.day at time zone 'UTC' and o.finished_at < (d.day + interval '1 day') at time zone 'UTC')
    loop
        execute format('create table @book@.%I partition of @book@.job_done for values from (%L) to (%L)', found_day.relname,
            found_day.day::timestamp at time zone 'UTC', (found_day.day + 1)::timestamp at time zone 'UTC');
        execute format('comment on table @book@.%I is %L', found_day.relname, format('Jobs done on %s, by UTC.', found_day.day));
        changed := changed + 1;
    end loop;
    return changed;
end $$;
comment on function @book@._keep_job_days(date, integer) is
'Makes the partitions of job_done from a day on and drops those that no queue keeps any more; returns how many it made or dropped.';

select @book@._keep_job_days((clock_timestamp() at time zone 'UTC')::date);
