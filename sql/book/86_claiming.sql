-- Who gets which job, and what becomes of it.

-- What a key may do now follows from its jobs, its rate and its breaker. Who comes here has changed one of
-- these. A key is removed, or left to wait for long, only by who can see that nobody is about to add to it.
create function @book@._settle_key(q @book@.queue, the_key text) returns void language plpgsql as $$
declare
    k @book@.job_key;
    head @book@.job;
    running integer := 0;
    may integer;
    due timestamptz;
    moment timestamptz;
    is_alone boolean;
begin
    select t.* into k from @book@.job_key as t where t.queue = q.name and t.key = the_key for no key update;
    if not found then
        return;
    end if;
    perform from @book@.job_key as t where t.queue = q.name and t.key = the_key for update skip locked;
    is_alone := found;
    moment := clock_timestamp();
    if q.on_failed_head in ('block', 'dead') then
        select j.* into head
        from @book@.job as j
        where j.queue = q.name and j.key = the_key and j.state in ('queued', 'blocked') and j.id >= k.head_from
        order by j.id limit 1;
    else
        select j.* into head
        from @book@.job as j
        where j.queue = q.name and j.key = the_key and j.state = 'queued'
        order by j.run_at, j.id limit 1;
    end if;
    if q.handler is null then
        running := (
            select count(*) from @book@.job as j where j.queue = q.name and j.key = the_key and j.state = 'running');
    end if;
    may := case when q.on_failed_head is not null then 1 else coalesce(q.key_concurrency, 1000000) end;
    if k.failures >= q.breaker_failures then
        may := least(may, q.breaker_trials);
    end if;
    due := greatest(
        coalesce(head.run_at, '-infinity'),
        case when k.failures >= q.breaker_failures then k.open_until end,
        case when q.rate_jobs is not null and k.next_arrival is not null then
            (select g.allowed_at from loan_engine.gcra(k.next_arrival, moment, q.rate_jobs, q.rate_per, q.rate_burst) as g) end);
    if head.id is null then
        -- What is to be remembered of a key without jobs is remembered for as long as it matters.
        due := greatest(due, k.next_arrival, case when k.failures > 0 then k.failed_at + q.breaker_open_for + interval '1 hour' end);
        if is_alone and running = 0 and due <= moment then
            delete from @book@.job_key as t where t.queue = q.name and t.key = the_key;
            return;
        end if;
        k.state := 'waiting';
        k.run_at := greatest(due, moment + case when is_alone then interval '1 minute' else interval '1 second' end);
    elsif head.state = 'blocked' then
        k.state := 'blocked';
    elsif running >= may then
        k.state := 'busy';
    elsif due > moment then
        k.state := 'waiting';
        k.run_at := case when is_alone then due else least(due, moment + interval '1 second') end;
    else
        k.place := nextval('@book@.job_place');
        k.state := 'ready';
        k.priority := head.priority;
        k.run_at := head.run_at;
    end if;
    if q.on_failed_head in ('block', 'dead') and head.id > k.head_from then
        k.head_from := greatest(k.head_from, least(head.id, 1 + (
            select t.settled from @book@.queue_tending as t where t.queue = q.name order by t.tended_at desc limit 1)));
    end if;
    update @book@.job_key as t
    set state = k.state, priority = k.priority, place = k.place, run_at = k.run_at, head_from = k.head_from
    where t.queue = q.name and t.key = the_key;
end $$;
comment on function @book@._settle_key(@book@.queue, text) is 'Brings a key to the list that its jobs, its rate and its breaker say.';

-- The priorities in which jobs are due, as ageing orders them: to have waited for so long is worth a step of
-- priority, so that of two heads the one comes first whose time and steps add up to less, whenever one looks.
create function @book@._priorities(q @book@.queue, t @book@.queue_tending) returns integer[] language plpgsql as $$
begin
    return array(
        select p.p
        from unnest(t.filled) as p (p)
        left join lateral (
            select h.run_at
            from (
                (select j.run_at, j.place from @book@.job as j
                where not q.is_keyed and j.queue = q.name and j.priority = p.p and j.state = 'ready' and j.place >= t.starts[p.p + 1]
                order by j.place limit 1)
                union all
                (select k.run_at, k.place from @book@.job_key as k
                where q.is_keyed and k.queue = q.name and k.priority = p.p and k.state = 'ready' and k.place >= t.starts[p.p + 1]
                order by k.place limit 1)
            ) as h
        ) as h on true
        order by h.run_at + p.p * q.ageing, p.p) || t.others;
end $$;
comment on function @book@._priorities(@book@.queue, @book@.queue_tending) is
'All priorities in the order in which their first jobs come; last those that had none a moment ago.';

create function @book@._take_plain(q @book@.queue, t @book@.queue_tending) returns @book@.job language plpgsql as $$
declare
    j @book@.job;
    priorities integer[];
    p integer;
begin
    if cardinality(t.passed) > 0 then
        select o.* into j
        from unnest(t.passed) as p (code)
        cross join lateral (
            select n.* from @book@.job as n
            where n.queue = q.name and n.priority = (p.code % 10)::smallint and n.place = p.code / 10 and n.state = 'ready'
            for update skip locked
        ) as o
        limit 1;
        if found then
            return j;
        end if;
    end if;
    priorities := case when cardinality(t.filled) < 2 then t.filled || t.others else @book@._priorities(q, t) end;
    foreach p in array priorities loop
        select n.* into j
        from @book@.job as n
        where n.queue = q.name and n.priority = p and n.state = 'ready' and n.place >= t.starts[p + 1]
        order by n.place limit 1 for update skip locked;
        if found then
            return j;
        end if;
    end loop;
    return null;
end $$;
comment on function @book@._take_plain(@book@.queue, @book@.queue_tending) is 'Locks the next job of a plain queue; NULL when there is none that nobody has.';

create function @book@._take_key(q @book@.queue, t @book@.queue_tending) returns @book@.job_key language plpgsql as $$
declare
    k @book@.job_key;
    priorities integer[];
    p integer;
begin
    if cardinality(t.passed) > 0 then
        select o.* into k
        from unnest(t.passed) as p (code)
        cross join lateral (
            select n.* from @book@.job_key as n
            where n.queue = q.name and n.priority = (p.code % 10)::smallint and n.place = p.code / 10 and n.state = 'ready'
            for no key update skip locked
        ) as o
        limit 1;
        if found then
            return k;
        end if;
    end if;
    priorities := case when cardinality(t.filled) < 2 then t.filled || t.others else @book@._priorities(q, t) end;
    foreach p in array priorities loop
        select n.* into k
        from @book@.job_key as n
        where n.queue = q.name and n.priority = p and n.state = 'ready' and n.place >= t.starts[p + 1]
        order by n.place limit 1 for no key update skip locked;
        if found then
            return k;
        end if;
    end loop;
    return null;
end $$;
comment on function @book@._take_key(@book@.queue, @book@.queue_tending) is 'Locks the next key of a keyed queue; NULL when there is none that nobody has.';

-- The first job of the next key. A key that turns out to have nothing to do is put where it belongs.
create function @book@._take_keyed(q @book@.queue, t @book@.queue_tending) returns @book@.job language plpgsql as $$
declare
    k @book@.job_key;
    j @book@.job;
begin
    for tries in 1..100 loop
        k := @book@._take_key(q, t);
        if k.key is null then
            return null;
        end if;
        if q.on_failed_head in ('block', 'dead') then
            select n.* into j
            from @book@.job as n
            where n.queue = q.name and n.key = k.key and n.state in ('queued', 'blocked') and n.id >= k.head_from
            order by n.id limit 1;
        else
            select n.* into j
            from @book@.job as n
            where n.queue = q.name and n.key = k.key and n.state = 'queued'
            order by n.run_at, n.id limit 1;
        end if;
        if j.state = 'queued' and j.run_at <= clock_timestamp() then
            -- Whoever is about to cancel it has it; nothing of its key may pass it meanwhile.
            select n.* into j from @book@.job as n where n.id = j.id and n.state = 'queued' for update skip locked;
            if found then
                if q.rate_jobs is not null then
                    update @book@.job_key as u
                    set next_arrival = (
                        select g.next_arrival
                        from loan_engine.gcra(coalesce(k.next_arrival, clock_timestamp()), clock_timestamp(), q.rate_jobs, q.rate_per, q.rate_burst) as g)
                    where u.queue = q.name and u.key = k.key;
                end if;
                return j;
            end if;
        end if;
        perform @book@._settle_key(q, k.key);
        t := @book@._tended(q);
    end loop;
    return null;
end $$;
comment on function @book@._take_keyed(@book@.queue, @book@.queue_tending) is
'Locks the next key of a queue and its first job, and takes its token where a rate is kept; NULL when there is none.';

-- The customary case, of a plain queue whose jobs are of one priority, takes one look. What was passed, as it was
-- being worked on, is mostly done by now; who looks now and then finds what is not.
create function @book@._take(q @book@.queue, t @book@.queue_tending) returns @book@.job language plpgsql as $$
declare
    j @book@.job;
    p integer;
begin
    if q.is_keyed then
        return @book@._take_keyed(q, t);
    elsif cardinality(t.filled) = 1 and (cardinality(t.passed) = 0 or random() < 0.9) then
        p := t.filled[1];
        select n.* into j
        from @book@.job as n
        where n.queue = q.name and n.priority = p and n.state = 'ready' and n.place >= t.starts[p + 1]
        order by n.place limit 1 for update skip locked;
        if found then
            return j;
        end if;
    end if;
    return @book@._take_plain(q, t);
end $$;
comment on function @book@._take(@book@.queue, @book@.queue_tending) is 'Locks the next job of a queue; NULL when there is none.';

create function @book@._check_isolation() returns void language plpgsql as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception using errcode = '25001', message = 'jobs are taken in read committed transactions only',
            detail = format('This one is %s and does not see what others did meanwhile.', current_setting('transaction_isolation')),
            hint = 'Take the job in a transaction of its own.';
    end if;
end $$;
comment on function @book@._check_isolation() is 'Refuses with 25001 transactions that do not see what others did meanwhile.';

create function @book@.claim(queue text, worker text, most integer default 1)
    returns table (job_id bigint, fence integer, attempt integer, key text, payload jsonb, lease_until timestamptz, end_by timestamptz)
    language plpgsql as $$
#variable_conflict use_column
declare
    q constant @book@.queue := @book@._queue(claim.queue);
    t @book@.queue_tending;
    j @book@.job;
    moment timestamptz;
    left_over integer := claim.most;
begin
    perform @book@._check_isolation();
    if claim.worker is null or claim.most is null or claim.most not between 1 and 10000 then
        raise exception using errcode = '22023', message = format('"%s" cannot claim %s jobs', claim.worker, claim.most),
            hint = 'Say who claims, and from 1 to 10,000 jobs.';
    elsif q.handler is not null then
        raise exception using errcode = 'LN214', message = format('jobs of queue "%s" are not claimed', q.name),
            detail = format('Its handler %s does them.', q.handler), hint = 'call work(queue) works them.';
    elsif q.is_paused then
        return;
    end if;
    if q.concurrency is not null then
        -- Leases that live are counted by one at a time.
        perform pg_advisory_xact_lock(hashtextextended('@book@ leases ' || q.name, 0));
        left_over := least(left_over, q.concurrency - (
            select count(*)::integer from @book@.job as n
            where n.queue = q.name and n.state = 'running' and n.lease_until > clock_timestamp()));
    end if;
    t := @book@._tended(q);
    while left_over > 0 loop
        j := @book@._take(q, t);
        exit when j.id is null;
        moment := clock_timestamp();
        return query
        update @book@.job as u
        set state = 'running', fence = u.fence + 1, attempt = u.attempt + 1, worker = claim.worker,
            end_by = moment + q.time_limit, lease_until = moment + least(q.lease, q.time_limit)
        where u.id = j.id
        returning u.id, u.fence, u.attempt, u.key, u.payload, u.lease_until, u.end_by;
        if q.is_keyed then
            perform @book@._settle_key(q, j.key);
        end if;
        left_over := left_over - 1;
    end loop;
end $$;
comment on function @book@.claim(text, text, integer) is
'Leases up to so many of the next jobs of a queue to a worker, which commits, works, and says complete, fail, extend or snooze with the fence it was given. A lease that is not extended ends, and the job goes to another.';
