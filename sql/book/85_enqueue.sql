-- How jobs come into a queue: in the transaction that asks for them, and never twice under one unique key.

create function @book@._queue(name text) returns @book@.queue language plpgsql stable as $$
declare
    q @book@.queue;
begin
    select t.* into q from @book@.queue as t where t.name = _queue.name;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no queue "%s"', name),
            hint = 'The table queue lists them; add a row for a new one.';
    end if;
    return q;
end $$;
comment on function @book@._queue(text) is 'The queue of a name; LN208 if there is none.';

-- A key is taken by who inserts it. Nobody is kept waiting by those who find it taken.
create function @book@._take_unique(queue_name text, wanted text, new_job bigint) returns bigint language plpgsql as $$
declare
    holder bigint;
begin
    loop
        select u.job_id into holder
        from @book@.job_unique as u
        where u.queue = queue_name and u.unique_key = wanted and u.free_from > clock_timestamp();
        if found then
            return holder;
        end if;
        insert into @book@.job_unique as u (queue, unique_key, job_id, free_from)
        values (queue_name, wanted, new_job, 'infinity')
        on conflict (queue, unique_key) do update
        set job_id = excluded.job_id, free_from = 'infinity'
        where u.free_from <= clock_timestamp();
        if found then
            return new_job;
        end if;
    end loop;
end $$;
comment on function @book@._take_unique(text, text, bigint) is
'Takes a unique key for a job; returns the job that has it.';

-- A key that is there is held by a lock that keeps it from being removed, or put off for long, by who does
-- not see the job yet. One that waits is looked at anew, for the job may be due before what it waits for.
create function @book@._join_key(q @book@.queue, the_key text, priority smallint, run_at timestamptz) returns void
    language plpgsql as $$
declare
    k @book@.job_key;
begin
    loop
        insert into @book@.job_key (queue, key, state, priority, place, run_at)
        values (q.name, the_key, case when run_at <= clock_timestamp() then 'ready' else 'waiting' end, priority,
            nextval('@book@.job_place'), run_at)
        on conflict (queue, key) do nothing;
        if found then
            return;
        end if;
        select t.* into k from @book@.job_key as t where t.queue = q.name and t.key = the_key for key share;
        exit when found;
    end loop;
    if k.state = 'waiting' and k.run_at > run_at then
        perform @book@._settle_key(q, the_key);
    end if;
end $$;
comment on function @book@._join_key(@book@.queue, text, smallint, timestamptz) is
'Sees to it that the key of a new job stands in its list, and stays there until the transaction ends.';

create function @book@.enqueue(
    queue text, payload jsonb default '{}', key text default null, priority integer default 5,
    run_at timestamptz default null, unique_key text default null, unique_for interval default null,
    legal_entity_id uuid default null, out job_id bigint, out created boolean
) language plpgsql as $$
declare
    q @book@.queue;
    due constant timestamptz := coalesce(enqueue.run_at, clock_timestamp());
    holder bigint;
begin
    select t.* into q from @book@.queue as t where t.name = enqueue.queue;
    if not found then
        q := @book@._queue(enqueue.queue);
    end if;
    if payload is null or priority is null or priority not between 0 and 9 or not isfinite(due) then
        raise exception using errcode = '22023', message = 'a job that cannot be enqueued',
            detail = format('Priority: %s, due at %s, payload: %s.', priority, due, coalesce(left(payload::text, 100), 'NULL')),
            hint = 'Give a payload, a priority from 0 to 9, and a time that comes.';
    end if;
    job_id := nextval('@book@.job_place');
    created := true;
    if enqueue.unique_key is not null then
        holder := @book@._take_unique(q.name, enqueue.unique_key, job_id);
        if holder <> job_id then
            job_id := holder;
            created := false;
            return;
        end if;
    end if;
    insert into @book@.job as j
        (id, queue, priority, state, place, run_at, key, unique_key, unique_for, legal_entity_id, payload)
    values (job_id, q.name, priority,
        case when q.is_keyed then 'queued' when due <= clock_timestamp() then 'ready' else 'scheduled' end,
        job_id, due, case when q.is_keyed then coalesce(enqueue.key, '') else enqueue.key end,
        enqueue.unique_key, enqueue.unique_for, enqueue.legal_entity_id, payload);
    if q.is_keyed then
        perform @book@._join_key(q, coalesce(enqueue.key, ''), priority::smallint, due);
    end if;
end $$;
comment on function @book@.enqueue(text, jsonb, text, integer, timestamptz, text, interval, uuid) is
'Asks for a job: it is there when the transaction commits, and was never if it does not. Where another job has the unique key, tells that one''s number and that none was created.';

-- Many at once are one statement each for keys, jobs and lists. Keys are taken in their order, so that two who
-- ask for the same wait for one another and never both.
create function @book@.enqueue_many(queue text, jobs jsonb)
    returns table ("position" integer, job_id bigint, created boolean)
    language plpgsql as $$
#variable_conflict use_column
declare
    q constant @book@.queue := @book@._queue(enqueue_many.queue);
    moment constant timestamptz := clock_timestamp();
    wanted @book@.job[];
    took bigint[];
begin
    if jobs is null or jsonb_typeof(jobs) <> 'array' or exists (
        select from jsonb_array_elements(jobs) as l (job)
        where jsonb_typeof(job) <> 'object' or job ->> 'priority' !~ '^[0-9]$' or job -> 'payload' = 'null'
            or exists (select from jsonb_object_keys(case jsonb_typeof(job) when 'object' then job else '{}' end) as m (name)
                where m.name not in ('payload', 'key', 'priority', 'run_at', 'unique_key', 'unique_for', 'legal_entity_id'))
    ) then
        raise exception using errcode = '22023', message = 'jobs that cannot be enqueued',
            detail = coalesce('Given: ' || left(jobs::text, 200), 'NULL was given.'),
            hint = 'Give an array of objects of payload, key, priority (0 to 9), run_at, unique_key, unique_for and legal_entity_id.';
    end if;
    select array_agg((r.id, q.name, r.priority,
            case when q.is_keyed then 'queued' when r.run_at <= moment then 'ready' else 'scheduled' end, r.id, r.run_at,
            0, 0, 0, null, null, null, case when q.is_keyed then coalesce(r.key, '') else r.key end, r.unique_key, r.unique_for,
            r.legal_entity_id, moment, @book@.actor(), null, r.payload)::@book@.job order by r.place)
    into wanted
    from (
        select nextval('@book@.job_place') as id, l.place, coalesce((l.job ->> 'priority')::smallint, 5) as priority,
            coalesce((l.job ->> 'run_at')::timestamptz, moment) as run_at, l.job ->> 'key' as key,
            l.job ->> 'unique_key' as unique_key, (l.job ->> 'unique_for')::interval as unique_for,
            (l.job ->> 'legal_entity_id')::uuid as legal_entity_id, coalesce(l.job -> 'payload', '{}') as payload
        from jsonb_array_elements(jobs) with ordinality as l (job, place)
        offset 0
    ) as r;
    with taken as (
        insert into @book@.job_unique as u (queue, unique_key, job_id, free_from)
        select q.name, f.unique_key, f.id, 'infinity'
        from (
            select distinct on (t.unique_key) t.unique_key, t.id
            from unnest(wanted) as t
            where t.unique_key is not null
            order by t.unique_key, t.id
        ) as f
        where not exists (
            select from @book@.job_unique as h
            where h.queue = q.name and h.unique_key = f.unique_key and h.free_from > moment)
        order by f.unique_key
        on conflict (queue, unique_key) do update
        set job_id = excluded.job_id, free_from = 'infinity'
        where u.free_from <= moment
        returning u.job_id
    )
    select coalesce(array_agg(t.job_id), '{}') into took from taken as t;
    insert into @book@.job
    select t.*
    from unnest(wanted) as t
    where t.unique_key is null or t.id in (select unnest(took));
    if q.is_keyed then
        perform @book@._join_key(q, f.key, f.priority, f.run_at)
        from (
            select t.key, (array_agg(t.priority order by t.id))[1] as priority, min(t.run_at) as run_at
            from unnest(wanted) as t
            where t.unique_key is null or t.id in (select unnest(took))
            group by t.key
            order by t.key
            offset 0
        ) as f;
    end if;
    return query
    select t.place::integer, case when c.is_new then t.id else h.job_id end, c.is_new
    from unnest(wanted) with ordinality as t (id, queue, priority, state, at_place, run_at, attempt, interruptions, fence,
        lease_until, end_by, worker, key, unique_key, unique_for, legal_entity_id, enqueued_at, enqueued_by, errors, payload, place)
    cross join lateral (select t.unique_key is null or t.id in (select unnest(took)) as is_new) as c
    left join @book@.job_unique as h on not c.is_new and h.queue = q.name and h.unique_key = t.unique_key
    order by t.place;
end $$;
comment on function @book@.enqueue_many(text, jsonb) is
'Asks for many jobs, an array of objects of payload, key, priority, run_at, unique_key, unique_for and legal_entity_id; tells for each its number and whether it was created.';
