-- Jobs that the database does itself. Claim, work and completion are one transaction: what holds the job is the
-- lock of its row, which a session that dies gives back with everything it did.

create function @book@._work_slot(q @book@.queue) returns boolean language plpgsql as $$
begin
    for slot in 1..q.concurrency loop
        if pg_try_advisory_xact_lock(hashtextextended('@book@ slot ' || q.name, slot)) then
            return true;
        end if;
    end loop;
    return q.concurrency is null;
end $$;
comment on function @book@._work_slot(@book@.queue) is
'Takes one of the places that a queue has for jobs at once, until the transaction ends; false when none is free.';

create function @book@._handle(q @book@.queue, j @book@.job) returns text language plpgsql as $$
declare
    started constant timestamptz := clock_timestamp();
    result jsonb;
    code text;
    message text;
    detail text;
    nothing text;
begin
    j.attempt := j.attempt + 1;
    j.worker := 'session ' || pg_backend_pid();
    begin
        nothing := loan_engine._limit_time(extract(epoch from q.time_limit)::float8);
        execute format('select %I.%I($1, $2)', split_part(q.handler, '.', 1), split_part(q.handler, '.', 2))
            into result using j.id, j.payload;
        nothing := loan_engine._limit_time(null);
    exception when query_canceled or others then
        nothing := loan_engine._limit_time(null);
        get stacked diagnostics code = returned_sqlstate, message = message_text, detail = pg_exception_detail;
        if code = '57014' then
            if clock_timestamp() < started + q.time_limit then
                raise;
            end if;
            code := 'time_limit';
        end if;
        return @book@._job_failed(q, j, code, concat_ws(' ', message, nullif(detail, '')));
    end;
    if q.keep_done > '0' then
        with gone as (
            delete from @book@.job as d where d.id = j.id
        )
        insert into @book@.job_done (id, queue, outcome, finished_at, enqueued_at, enqueued_by, attempt, key, unique_key,
            legal_entity_id, worker, errors, payload, result)
        values (j.id, j.queue, 'done', clock_timestamp(), j.enqueued_at, j.enqueued_by, j.attempt, j.key, j.unique_key,
            j.legal_entity_id, j.worker, j.errors, j.payload, result);
    else
        delete from @book@.job as d where d.id = j.id;
    end if;
    if q.is_keyed or j.unique_key is not null then
        nothing := @book@._job_left(q, j, 'done');
    end if;
    return 'done';
end $$;
comment on function @book@._handle(@book@.queue, @book@.job) is
'Has the handler of a queue do a job, and writes down what became of it. What a handler that fails has done is undone.';

create function @book@._work_one(q @book@.queue) returns text language plpgsql as $$
declare
    t @book@.queue_tending;
    j @book@.job;
begin
    if q.concurrency is not null and not @book@._work_slot(q) then
        return null;
    end if;
    select n.* into t from @book@.queue_tending as n where n.queue = q.name order by n.tended_at desc limit 1;
    if t.queue is null or clock_timestamp() not between t.tended_at and t.tended_at + interval '100 milliseconds' then
        t := @book@._tended(q);
    end if;
    j := @book@._take(q, t);
    if j.id is null then
        return null;
    end if;
    return @book@._handle(q, j);
end $$;
comment on function @book@._work_one(@book@.queue) is 'Does the next job of a queue with its handler; NULL when there is none.';

create function @book@.work_one(queue text) returns text language plpgsql as $$
declare
    q @book@.queue;
begin
    select t.* into q from @book@.queue as t where t.name = work_one.queue;
    if q.name is null then
        q := @book@._queue(work_one.queue);
    elsif q.handler is null then
        raise exception using errcode = 'LN214', message = format('queue "%s" has no handler', q.name),
            hint = 'Workers claim its jobs; or set queue.handler.';
    elsif current_setting('transaction_isolation') <> 'read committed' then
        perform @book@._check_isolation();
    elsif q.is_paused then
        return null;
    end if;
    return @book@._work_one(q);
end $$;
comment on function @book@.work_one(text) is
'Takes the next job of a queue, has its handler do it, and completes it, in the transaction of the caller; tells what became of it: done, retry, interrupted, dead, blocked, cancelled, or NULL when there is no job.';

create procedure @book@.work(queue text default null, most integer default 1000, batch integer default 1, inout worked integer default 0)
    language plpgsql as $$
declare
    q @book@.queue;
    in_batch integer;
    was text;
begin
    if most is null or batch is null or most < 0 or batch < 1 then
        raise exception using errcode = '22023', message = format('%s jobs, %s in a transaction', most, batch),
            hint = 'Give how many at most, and at least one for each transaction.';
    elsif work.queue is not null and (@book@._queue(work.queue)).handler is null then
        raise exception using errcode = 'LN214', message = format('queue "%s" has no handler', work.queue),
            hint = 'Workers claim its jobs; or set queue.handler.';
    end if;
    worked := 0;
    -- What others did meanwhile must be seen, whatever the session is set to.
    commit;
    set transaction isolation level read committed;
    for q in
        select t.* from @book@.queue as t
        where t.handler is not null and not t.is_paused and (work.queue is null or t.name = work.queue)
        order by t.name
    loop
        in_batch := 0;
        while worked < most loop
            perform @book@._tended(q);
            if in_batch = 0 then
                commit;
                set transaction isolation level read committed;
            end if;
            was := @book@._work_one(q);
            exit when was is null;
            worked := worked + 1;
            in_batch := in_batch + 1;
            if in_batch >= batch then
                in_batch := 0;
            end if;
        end loop;
        commit;
        set transaction isolation level read committed;
    end loop;
end $$;
comment on procedure @book@.work(text, integer, integer, integer) is
'Does jobs of a queue, or of all queues that have handlers, until none is due or so many are done. Commits after every batch; any number of sessions may call it at once.';

create view @book@.v_job as
select j.id, j.queue, j.state, j.priority, j.key, j.unique_key, j.run_at, j.attempt, j.worker, j.lease_until, j.enqueued_at,
    null::timestamptz as finished_at, j.errors -> -1 ->> 'message' as error, j.payload, null::jsonb as result
from @book@.job as j
union all
select d.id, d.queue, d.outcome, null, d.key, d.unique_key, null, d.attempt, d.worker, null, d.enqueued_at, d.finished_at,
    d.errors -> -1 ->> 'message', d.payload, d.result
from @book@.job_done as d
union all
select d.id, d.queue, 'dead', d.priority, d.key, d.unique_key, null, d.attempt, null, null, d.enqueued_at, d.died_at,
    d.reason, d.payload, null
from @book@.job_dead as d;
comment on view @book@.v_job is 'Every job, wherever it stands.';
comment on column @book@.v_job.id is 'Its number.';
comment on column @book@.v_job.queue is 'Its queue.';
comment on column @book@.v_job.state is 'ready, scheduled, retry, running, queued, blocked, done, cancelled or dead.';
comment on column @book@.v_job.priority is 'How urgent it is, from 0, the most, to 9.';
comment on column @book@.v_job.key is 'What it belongs to.';
comment on column @book@.v_job.unique_key is 'What there may be one job of.';
comment on column @book@.v_job.run_at is 'When it is due.';
comment on column @book@.v_job.attempt is 'How often it was begun, without interruptions.';
comment on column @book@.v_job.worker is 'Who works on it, or did last.';
comment on column @book@.v_job.lease_until is 'Until when it is leased.';
comment on column @book@.v_job.enqueued_at is 'When it was asked for.';
comment on column @book@.v_job.finished_at is 'When it came to its end.';
comment on column @book@.v_job.error is 'What went wrong last.';
comment on column @book@.v_job.payload is 'What it is about.';
comment on column @book@.v_job.result is 'What came of it.';

create view @book@.v_queue as
select q.name as queue, q.is_paused, q.handler, c.ready, c.waiting, c.running, c.blocked, c.oldest_due,
    (select count(*) from @book@.job_dead as d where d.queue = q.name) as dead
from @book@.queue as q
cross join lateral (
    select count(*) filter (where j.state = 'ready' or j.state = 'queued' and j.run_at <= clock_timestamp()) as ready,
        count(*) filter (where j.state in ('scheduled', 'retry') or j.state = 'queued' and j.run_at > clock_timestamp()) as waiting,
        count(*) filter (where j.state = 'running') as running,
        count(*) filter (where j.state = 'blocked') as blocked,
        min(j.run_at) filter (where j.state in ('ready', 'queued') and j.run_at <= clock_timestamp()) as oldest_due
    from @book@.job as j
    where j.queue = q.name
) as c;
comment on view @book@.v_queue is 'The queues and what stands in them.';
comment on column @book@.v_queue.queue is 'The queue.';
comment on column @book@.v_queue.is_paused is 'Whether no job is begun at present.';
comment on column @book@.v_queue.handler is 'The function that does its jobs; NULL where workers claim them.';
comment on column @book@.v_queue.ready is 'Jobs that are due.';
comment on column @book@.v_queue.waiting is 'Jobs that wait for their time.';
comment on column @book@.v_queue.running is 'Jobs that are leased.';
comment on column @book@.v_queue.blocked is 'Jobs that block their key.';
comment on column @book@.v_queue.oldest_due is 'Since when the oldest job that is due waits.';
comment on column @book@.v_queue.dead is 'Jobs that were given up.';

insert into @book@.check_definition values
    ('jobs end once', 'No job is alive, done or dead at the same time or twice.',
    'select format(''job %s'', id) from @book@.v_job group by id having count(*) > 1'),
    ('keys have their jobs', 'In queues where keys matter every job that waits has its key in the list.',
    'select format(''job %s of queue %s'', j.id, j.queue) from @book@.job as j join @book@.queue as q on q.name = j.queue
    where q.is_keyed and not exists (select from @book@.job_key as k where k.queue = j.queue and k.key = j.key)'),
    ('unique keys have their jobs', 'A unique key is taken by the job that has it.',
    'select format(''key %s of queue %s'', u.unique_key, u.queue) from @book@.job_unique as u
    where u.free_from = ''infinity'' and not exists (select from @book@.job as j where j.id = u.job_id and j.unique_key = u.unique_key)
    union all
    select format(''job %s'', j.id) from @book@.job as j
    where j.unique_key is not null and not exists (select from @book@.job_unique as u
        where u.queue = j.queue and u.unique_key = j.unique_key and u.job_id = j.id)'),
    ('ready lists begin at their first job', 'No job that may be taken stands before the beginning of its list.',
    'select format(''place %s of queue %s'', r.place, r.queue)
    from (select queue, priority, place from @book@.job where state = ''ready''
        union all select queue, priority, place from @book@.job_key where state = ''ready'') as r
    cross join lateral (select t.* from @book@.queue_tending as t where t.queue = r.queue order by t.tended_at desc limit 1) as t
    where r.place < t.starts[r.priority + 1] and r.place * 10 + r.priority <> all (t.passed)');

-- Jobs are found by their place. A plan made while a queue was short reads all of it, which is a disaster once it
-- is not. A setting takes some microseconds a call, so they stand where most else is called from. Handlers are
-- called from elsewhere, and planned as they would be. A sort that is only discouraged is dear enough to be
-- compiled, which takes a tenth of a second each time: so nothing is.
alter function @book@._take(@book@.queue, @book@.queue_tending) set enable_seqscan = off set enable_sort = off set jit = off;
alter function @book@._tend_queue(@book@.queue) set enable_seqscan = off set jit = off;
alter function @book@._settle_key(@book@.queue, text) set enable_seqscan = off set enable_sort = off set jit = off;
