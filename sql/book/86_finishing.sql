-- How jobs end, or do not.

create function @book@._free_unique(q @book@.queue, j @book@.job, is_done boolean) returns void language plpgsql as $$
declare
    kept constant interval := case when is_done then coalesce(j.unique_for, q.unique_for) else '0' end;
begin
    if kept > '0' then
        update @book@.job_unique as u set free_from = clock_timestamp() + kept
        where u.queue = j.queue and u.unique_key = j.unique_key and u.job_id = j.id;
    else
        delete from @book@.job_unique as u where u.queue = j.queue and u.unique_key = j.unique_key and u.job_id = j.id;
    end if;
end $$;
comment on function @book@._free_unique(@book@.queue, @book@.job, boolean) is
'Gives the unique key of a job back: after the time it is kept for when the job was done, at once when it was not.';

create function @book@._job_left(q @book@.queue, j @book@.job, outcome text) returns void language plpgsql as $$
begin
    if j.unique_key is not null then
        perform @book@._free_unique(q, j, outcome = 'done');
    end if;
    if q.is_keyed then
        if outcome = 'done' and q.breaker_failures is not null then
            update @book@.job_key as k set failures = 0, open_until = null, failed_at = null
            where k.queue = q.name and k.key = j.key and k.failures > 0;
        end if;
        perform @book@._settle_key(q, j.key);
    end if;
end $$;
comment on function @book@._job_left(@book@.queue, @book@.job, text) is
'Gives back what a job held that is gone from its queue: its unique key, and its turn.';

-- The row of the job is gone already.
create function @book@._job_ended(q @book@.queue, j @book@.job, outcome text, result jsonb) returns void language plpgsql as $$
begin
    if q.keep_done > '0' then
        insert into @book@.job_done (id, queue, outcome, finished_at, enqueued_at, enqueued_by, attempt, key, unique_key,
            legal_entity_id, worker, errors, payload, result)
        values (j.id, j.queue, outcome, clock_timestamp(), j.enqueued_at, j.enqueued_by, j.attempt, j.key, j.unique_key,
            j.legal_entity_id, j.worker, j.errors, j.payload, result);
    end if;
    perform @book@._job_left(q, j, outcome);
end $$;
comment on function @book@._job_ended(@book@.queue, @book@.job, text, jsonb) is 'Writes down what became of a job that is gone from its queue.';

-- A job back in line stands where it stood: its key does not begin behind it.
create function @book@._requeue(q @book@.queue, j @book@.job, due timestamptz) returns void language plpgsql as $$
begin
    update @book@.job as u
    set state = case when q.is_keyed then 'queued' else 'retry' end, run_at = due, attempt = j.attempt,
        interruptions = j.interruptions, errors = j.errors, lease_until = null, end_by = null
    where u.id = j.id;
    if q.is_keyed then
        update @book@.job_key as k set head_from = least(k.head_from, j.id)
        where k.queue = q.name and k.key = j.key and k.head_from > j.id;
        perform @book@._settle_key(q, j.key);
    end if;
end $$;
comment on function @book@._requeue(@book@.queue, @book@.job, timestamptz) is 'Puts a job that was begun back into its queue, due at a time.';

create function @book@._bury(q @book@.queue, j @book@.job, code text, message text) returns void language plpgsql as $$
begin
    delete from @book@.job as d where d.id = j.id;
    insert into @book@.job_dead (id, queue, code, reason, attempt, priority, key, unique_key, unique_for, legal_entity_id,
        enqueued_at, enqueued_by, errors, payload)
    values (j.id, j.queue, code, message, j.attempt, j.priority, j.key, j.unique_key, j.unique_for, j.legal_entity_id,
        j.enqueued_at, j.enqueued_by, coalesce(j.errors, '[]'), j.payload);
    if j.unique_key is not null then
        perform @book@._free_unique(q, j, false);
    end if;
    if q.is_keyed then
        perform @book@._settle_key(q, j.key);
    end if;
end $$;
comment on function @book@._bury(@book@.queue, @book@.job, text, text) is 'Moves a job to the dead ones.';

-- The first error and the last hundred are kept.
create function @book@._with_error(errors jsonb, attempt integer, worker text, code text, message text) returns jsonb
    language sql volatile as $$
    select case when jsonb_array_length(coalesce(errors, '[]')) > 100 then errors - 1 else coalesce(errors, '[]') end
        || jsonb_build_object('at', clock_timestamp(), 'attempt', attempt, 'worker', worker, 'code', code, 'message', message)
$$;
comment on function @book@._with_error(jsonb, integer, text, text, text) is 'A list of errors with one more.';

create function @book@._job_failed(q @book@.queue, j @book@.job, code text, message text) returns text language plpgsql as $$
declare
    class @book@.job_error_class;
    is_over boolean;
begin
    select c.* into class
    from @book@.job_error_class as c
    where (c.queue = q.name or c.queue is null) and code like c.code_like
    order by c.queue is null, length(c.code_like) desc
    limit 1;
    j.errors := @book@._with_error(j.errors, j.attempt, j.worker, code, message);
    -- What is interrupted all the time is not without a fault of its own.
    if class.outcome = 'interrupted' and j.interruptions >= 100 then
        class.outcome := 'retry';
    end if;
    if q.breaker_failures is not null and class.outcome is distinct from 'interrupted' then
        update @book@.job_key as k
        set failures = k.failures + 1, failed_at = clock_timestamp(),
            open_until = case when k.failures + 1 >= q.breaker_failures then clock_timestamp() + q.breaker_open_for end
        where k.queue = q.name and k.key = j.key;
    end if;
    if exists (select from @book@.job_cancel as c where c.job_id = j.id) then
        delete from @book@.job as d where d.id = j.id;
        delete from @book@.job_cancel as c where c.job_id = j.id;
        perform @book@._job_ended(q, j, 'cancelled', null);
        return 'cancelled';
    elsif class.outcome = 'interrupted' then
        j.attempt := j.attempt - 1;
        j.interruptions := j.interruptions + 1;
        perform @book@._requeue(q, j, clock_timestamp() + make_interval(secs => loan_engine.retry_delay(
            j.interruptions, extract(epoch from coalesce(class.retry_from, q.retry_from))::float8,
            extract(epoch from coalesce(class.retry_up_to, q.retry_up_to))::float8, random())));
        return 'interrupted';
    end if;
    is_over := class.outcome = 'dead' or j.attempt >= coalesce(class.attempts, q.attempts);
    if is_over is not true then
        perform @book@._requeue(q, j, clock_timestamp() + make_interval(secs => loan_engine.retry_delay(
            j.attempt, extract(epoch from coalesce(class.retry_from, q.retry_from))::float8,
            extract(epoch from coalesce(class.retry_up_to, q.retry_up_to))::float8, random())));
        return 'retry';
    elsif q.on_failed_head = 'block' then
        update @book@.job as u
        set state = 'blocked', attempt = j.attempt, errors = j.errors, lease_until = null, end_by = null
        where u.id = j.id;
        update @book@.job_key as k set head_from = least(k.head_from, j.id) where k.queue = q.name and k.key = j.key;
        perform @book@._settle_key(q, j.key);
        return 'blocked';
    end if;
    perform @book@._bury(q, j, code, message);
    return 'dead';
end $$;
comment on function @book@._job_failed(@book@.queue, @book@.job, text, text) is
'Says what becomes of a job whose attempt failed, and does it: retry, interrupted, dead, blocked or cancelled.';

create function @book@._mine(job_id bigint, fence integer) returns @book@.job language plpgsql as $$
declare
    j @book@.job;
begin
    select n.* into j from @book@.job as n where n.id = job_id for update;
    if j.state is distinct from 'running' or j.fence is distinct from _mine.fence then
        raise exception using errcode = 'LN409', message = format('job %s is not yours any more', job_id),
            detail = case when j.id is null then 'It has come to its end.'
                else format('Its state is %s, and its last claim was number %s; yours is number %s.', j.state, j.fence, _mine.fence) end,
            hint = 'Stop working on it, and undo what was done outside the database if that matters.';
    end if;
    return j;
end $$;
comment on function @book@._mine(bigint, integer) is 'Locks a job that is leased under a fence; LN409 when it is not any more.';

create function @book@.complete(job_id bigint, fence integer, result jsonb default null) returns void language plpgsql as $$
declare
    j constant @book@.job := @book@._mine(job_id, fence);
begin
    delete from @book@.job as d where d.id = j.id;
    delete from @book@.job_cancel as c where c.job_id = j.id;
    perform @book@._job_ended(@book@._queue(j.queue), j, 'done', result);
end $$;
comment on function @book@.complete(bigint, integer, jsonb) is 'Says that a claimed job is done. Refuses with LN409 when the lease was lost.';

create function @book@.fail(job_id bigint, fence integer, message text, code text default 'failed') returns text language plpgsql as $$
declare
    j constant @book@.job := @book@._mine(job_id, fence);
begin
    return @book@._job_failed(@book@._queue(j.queue), j, coalesce(code, 'failed'), coalesce(message, ''));
end $$;
comment on function @book@.fail(bigint, integer, text, text) is
'Says that the attempt of a claimed job failed, with a code that job_error_class knows or does not; tells what becomes of it: retry, interrupted, dead, blocked or cancelled. Refuses with LN409 when the lease was lost.';

create function @book@.extend(job_id bigint, fence integer, lease interval default null, out lease_until timestamptz, out is_cancelled boolean)
    language plpgsql as $$
declare
    j constant @book@.job := @book@._mine(job_id, fence);
begin
    if lease not between '0' and '1 day' then
        raise exception using errcode = '22023', message = format('a lease of %s', lease), hint = 'Give up to a day.';
    end if;
    update @book@.job as u
    set lease_until = least(u.end_by, clock_timestamp() + coalesce(lease, (@book@._queue(j.queue)).lease))
    where u.id = j.id
    returning u.lease_until into lease_until;
    is_cancelled := exists (select from @book@.job_cancel as c where c.job_id = j.id);
end $$;
comment on function @book@.extend(bigint, integer, interval) is
'Says that a worker is at its job, and prolongs its lease, never beyond the time an attempt may take; tells whether the job was asked to stop. Refuses with LN409 when the lease was lost.';

create function @book@.snooze(job_id bigint, fence integer, until timestamptz) returns void language plpgsql as $$
declare
    j @book@.job := @book@._mine(job_id, fence);
begin
    if until is null or not isfinite(until) then
        raise exception using errcode = '22023', message = 'a job cannot be put off without end', hint = 'Give a time that comes.';
    end if;
    j.attempt := j.attempt - 1;
    perform @book@._requeue(@book@._queue(j.queue), j, until);
end $$;
comment on function @book@.snooze(bigint, integer, timestamptz) is
'Puts a claimed job back until a time, the attempt not counted. Refuses with LN409 when the lease was lost.';

create function @book@.is_cancelled(job_id bigint) returns boolean language sql volatile as $$
    select exists (select from @book@.job_cancel as c where c.job_id = is_cancelled.job_id)
$$;
comment on function @book@.is_cancelled(bigint) is 'Whether a job that is being worked on was asked to stop. Handlers that take long ask now and then.';

create function @book@.cancel(job_id bigint) returns text language plpgsql as $$
declare
    j @book@.job;
begin
    perform @book@._authorise('manage_jobs');
    select n.* into j from @book@.job as n where n.id = job_id for update skip locked;
    if found and j.state <> 'running' then
        delete from @book@.job as d where d.id = j.id;
        perform @book@._job_ended(@book@._queue(j.queue), j, 'cancelled', null);
        return 'cancelled';
    elsif not exists (select from @book@.job as n where n.id = job_id) then
        return 'gone';
    end if;
    insert into @book@.job_cancel (job_id) values (cancel.job_id) on conflict do nothing;
    return 'asked';
end $$;
comment on function @book@.cancel(bigint) is
'Cancels a job: at once while nobody works on it (cancelled), else by asking who does (asked). gone when it has come to its end.';

create function @book@.cancel(queue text, unique_key text) returns text language plpgsql as $$
declare
    holder bigint;
begin
    select u.job_id into holder
    from @book@.job_unique as u
    where u.queue = cancel.queue and u.unique_key = cancel.unique_key and u.free_from = 'infinity';
    return case when found then @book@.cancel(holder) else 'gone' end;
end $$;
comment on function @book@.cancel(text, text) is 'Cancels the job that has a unique key, as by its number.';

create function @book@.blocked_keys(queue text default null)
    returns table (queue text, key text, job_id bigint, enqueued_at timestamptz, attempt integer, error text, waiting bigint)
    language sql stable as $$
    select j.queue, j.key, j.id, j.enqueued_at, j.attempt, j.errors -> -1 ->> 'message',
        (select count(*) from @book@.job as w where w.queue = j.queue and w.key = j.key and w.state = 'queued')
    from @book@.job as j
    where j.state = 'blocked' and (blocked_keys.queue is null or j.queue = blocked_keys.queue)
    order by j.queue, j.id
$$;
comment on function @book@.blocked_keys(text) is 'Keys whose first job failed for good and blocks those behind it, until a person says unblock.';

create function @book@.unblock(queue text, key text, discard boolean default false) returns text language plpgsql as $$
declare
    q constant @book@.queue := @book@._queue(unblock.queue);
    j @book@.job;
begin
    perform @book@._authorise('manage_jobs');
    select n.* into j
    from @book@.job as n
    where n.queue = q.name and n.key = unblock.key and n.state = 'blocked'
    order by n.id limit 1 for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('key "%s" of queue "%s" is not blocked', unblock.key, q.name),
            hint = 'blocked_keys() lists those that are.';
    end if;
    if discard then
        perform @book@._bury(q, j, j.errors -> -1 ->> 'code', coalesce(j.errors -> -1 ->> 'message', ''));
        return 'dead';
    end if;
    j.attempt := 0;
    j.interruptions := 0;
    perform @book@._requeue(q, j, clock_timestamp());
    return 'retry';
end $$;
comment on function @book@.unblock(text, text, boolean) is
'Has the failed job that blocks a key tried again, or, when it is discarded, moved to the dead ones, so that those behind it come.';

create function @book@.redrive(
    queue text, code_like text default '%', key text default null, since timestamptz default '-infinity',
    until timestamptz default 'infinity', most integer default 1000, per_second numeric default null
) returns integer language plpgsql as $$
declare
    q constant @book@.queue := @book@._queue(redrive.queue);
    d @book@.job_dead;
    driven integer := 0;
    due timestamptz := clock_timestamp();
begin
    perform @book@._authorise('manage_jobs');
    if most is null or most < 0 or per_second <= 0 then
        raise exception using errcode = '22023', message = format('%s jobs, %s a second', most, per_second),
            hint = 'Give how many jobs at most, and a positive rate or none.';
    end if;
    for d in
        select n.* from @book@.job_dead as n
        where n.queue = q.name and coalesce(n.code, '') like code_like and (redrive.key is null or n.key = redrive.key)
            and n.died_at between since and until
        order by n.died_at, n.id
        limit most
        for update skip locked
    loop
        -- Another job that took the unique key meanwhile stands for this one.
        continue when d.unique_key is not null and @book@._take_unique(q.name, d.unique_key, d.id) <> d.id;
        delete from @book@.job_dead as n where n.id = d.id;
        insert into @book@.job (id, queue, priority, state, place, run_at, key, unique_key, unique_for, legal_entity_id,
            enqueued_at, enqueued_by, errors, payload)
        values (d.id, d.queue, d.priority, case when q.is_keyed then 'queued' else 'scheduled' end, d.id, due,
            case when q.is_keyed then coalesce(d.key, '') else d.key end, d.unique_key, d.unique_for, d.legal_entity_id,
            d.enqueued_at, d.enqueued_by, d.errors, d.payload);
        if q.is_keyed then
            perform @book@._join_key(q, coalesce(d.key, ''), d.priority, due);
            update @book@.job_key as k set head_from = d.id
            where k.queue = q.name and k.key = coalesce(d.key, '') and k.head_from > d.id;
        end if;
        driven := driven + 1;
        due := due + make_interval(secs => coalesce(1 / per_second, 0)::float8);
    end loop;
    return driven;
end $$;
comment on function @book@.redrive(text, text, text, timestamptz, timestamptz, integer, numeric) is
'Puts dead jobs of a queue back into it with all their attempts before them, so many a second; returns how many. Filters by the code of the last error, the key, and when they died.';
