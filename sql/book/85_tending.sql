-- Where the ready lists of a queue begin, and what of it has become due.
--
-- Rows that are done stay in the indexes for as long as anybody's snapshot may see them, and who looks for the
-- first that is not passes over all of them. So every tenth of a second somebody who takes jobs writes down
-- where the lists begin. A list never begins after a number whose transaction has not ended: who draws a
-- number of job_place holds a lock of the sequence until then, so those who do are known.

create function @book@._drawn() returns bigint language sql volatile as $$
    select case when s.is_called then s.last_value else 0 end from @book@.job_place as s
$$;
comment on function @book@._drawn() is 'The last number of job_place that was drawn.';

create function @book@._holders() returns text[] language sql volatile as $$
    select coalesce(array_agg(distinct l.virtualtransaction), '{}')
    from pg_locks as l
    where l.locktype = 'relation' and l.relation = '@book@.job_place'::regclass and l.pid is distinct from pg_backend_pid()
        and l.database = (select d.oid from pg_database as d where d.datname = current_database())
$$;
comment on function @book@._holders() is 'The virtual transactions of others that have drawn a number and have not ended.';

-- The beginning of one ready list. Rows that are locked are being worked on: they are passed and remembered.
create function @book@._tend_list(
    q @book@.queue, of_priority integer, begins bigint, settled bigint,
    out start bigint, out passed bigint[], out is_empty boolean
) language plpgsql as $$
declare
    head bigint;
begin
    if q.is_keyed then
        select k.place into head
        from @book@.job_key as k
        where k.queue = q.name and k.priority = of_priority and k.state = 'ready' and k.place >= begins
        order by k.place limit 1 for no key update skip locked;
    else
        select j.place into head
        from @book@.job as j
        where j.queue = q.name and j.priority = of_priority and j.state = 'ready' and j.place >= begins
        order by j.place limit 1 for no key update skip locked;
    end if;
    is_empty := head is null;
    start := greatest(begins, least(coalesce(head, settled + 1), settled + 1));
    passed := '{}';
    if start > begins and q.is_keyed then
        passed := array(
            select k.place * 10 + of_priority from @book@.job_key as k
            where k.queue = q.name and k.priority = of_priority and k.state = 'ready' and k.place >= begins and k.place < start
            order by k.place limit 65);
    elsif start > begins then
        passed := array(
            select j.place * 10 + of_priority from @book@.job as j
            where j.queue = q.name and j.priority = of_priority and j.state = 'ready' and j.place >= begins and j.place < start
            order by j.place limit 65);
    end if;
    if cardinality(passed) > 64 then
        start := passed[65] / 10;
        passed := passed[:64];
    end if;
end $$;
comment on function @book@._tend_list(@book@.queue, integer, bigint, bigint) is
'Where the ready list of a priority begins, which places before that are being worked on, and whether nothing is left.';

create function @book@._passed(q @book@.queue, passed bigint[]) returns bigint[] language sql volatile as $$
    select array(
        select p.code
        from unnest(passed) as p (code)
        where case when q.is_keyed then exists (
                select from @book@.job_key as k
                where k.queue = q.name and k.priority = (p.code % 10)::smallint and k.place = p.code / 10 and k.state = 'ready')
            else exists (
                select from @book@.job as j
                where j.queue = q.name and j.priority = (p.code % 10)::smallint and j.place = p.code / 10 and j.state = 'ready')
            end)
$$;
comment on function @book@._passed(@book@.queue, bigint[]) is 'Those of the places passed that are still in a ready list.';

-- Jobs that have become due, in the order in which they did.
create function @book@._promote(q @book@.queue, since timestamptz, moment timestamptz) returns void language plpgsql as $$
begin
    if q.is_keyed then
        perform @book@._settle_key(q, d.key)
        from (
            select k.key from @book@.job_key as k
            where k.queue = q.name and k.state = 'waiting' and k.run_at > since and k.run_at <= moment
            order by k.run_at limit 1000 for no key update skip locked
        ) as d;
    else
        with due as materialized (
            select j.id, j.run_at
            from @book@.job as j
            where j.queue = q.name and j.state in ('scheduled', 'retry') and j.run_at > since and j.run_at <= moment
            order by j.run_at limit 5000 for no key update skip locked
        ), placed as materialized (
            select o.id, nextval('@book@.job_place') as place from (select d.id from due as d order by d.run_at, d.id) as o
        )
        update @book@.job as j set state = 'ready', place = p.place from placed as p where j.id = p.id;
    end if;
end $$;
comment on function @book@._promote(@book@.queue, timestamptz, timestamptz) is 'Puts what has become due into the ready lists of a queue.';

create function @book@._reap(q @book@.queue, since timestamptz, moment timestamptz) returns void language plpgsql as $$
declare
    lost @book@.job;
begin
    for lost in
        select j.* from @book@.job as j
        where j.queue = q.name and j.state = 'running' and j.lease_until > since and j.lease_until <= moment
        order by j.lease_until limit 1000 for update skip locked
    loop
        perform @book@._job_failed(q, lost,
            case when lost.end_by <= moment then 'time_limit' else 'lease_expired' end,
            case when lost.end_by <= moment then format('the attempt took longer than %s', q.time_limit)
                else format('worker "%s" was not heard of in time', lost.worker) end);
    end loop;
end $$;
comment on function @book@._reap(@book@.queue, timestamptz, timestamptz) is
'Takes jobs away from workers whose lease has ended, as a failure of the attempt.';

-- Who worked on them has lost them since they were asked to stop.
create function @book@._end_cancelled(q @book@.queue) returns void language plpgsql as $$
declare
    j @book@.job;
begin
    for j in
        select n.*
        from @book@.job_cancel as c
        join @book@.job as n on n.id = c.job_id
        where n.queue = q.name and n.state <> 'running'
        for update of n skip locked
    loop
        delete from @book@.job as d where d.id = j.id;
        delete from @book@.job_cancel as c where c.job_id = j.id;
        perform @book@._job_ended(q, j, 'cancelled', null);
    end loop;
end $$;
comment on function @book@._end_cancelled(@book@.queue) is 'Ends jobs that were asked to stop and that nobody works on any more.';

create function @book@._tend_queue(q @book@.queue) returns void language plpgsql as $$
declare
    moment constant timestamptz := clock_timestamp();
    was @book@.queue_tending;
    becomes @book@.queue_tending;
    drawn bigint;
    holders text[];
    since timestamptz;
    list record;
begin
    if not pg_try_advisory_xact_lock(hashtextextended('@book@ queue ' || q.name, 0)) then
        return;
    end if;
    select t.* into was from @book@.queue_tending as t where t.queue = q.name order by t.tended_at desc limit 1;
    if found and was.tended_at > moment - interval '50 milliseconds' and was.tended_at <= moment then
        return;
    end if;
    becomes.queue := q.name;
    becomes.tended_at := greatest(moment, was.tended_at + interval '1 microsecond');
    becomes.swept_at := case when was.swept_at between moment - interval '10 seconds' and moment then was.swept_at else moment end;
    since := case when becomes.swept_at = moment then '-infinity' else was.tended_at - interval '15 seconds' end;
    perform @book@._promote(q, since, moment);
    perform @book@._reap(q, since, moment);
    perform @book@._end_cancelled(q);
    -- In this order, each in a snapshot of its own: numbers, who holds some, then the rows.
    drawn := @book@._drawn();
    holders := @book@._holders();
    becomes.settled := coalesce(was.settled, 0);
    becomes.mark := coalesce(was.mark, 0);
    becomes.holders := coalesce(was.holders, '{}');
    if not holders && becomes.holders then
        becomes.settled := becomes.mark;
        becomes.mark := drawn;
        becomes.holders := holders;
    end if;
    if cardinality(becomes.holders) = 0 then
        becomes.settled := becomes.mark;
    end if;
    becomes.starts := '{}';
    becomes.filled := '{}';
    becomes.others := '{}';
    becomes.passed := @book@._passed(q, coalesce(was.passed, '{}'));
    for of_priority in 0..9 loop
        list := @book@._tend_list(q, of_priority, coalesce(was.starts[of_priority + 1], 0), becomes.settled);
        -- A list of which too many rows are being worked on begins where it did.
        if cardinality(becomes.passed) + cardinality(list.passed) > 256 then
            list.start := coalesce(was.starts[of_priority + 1], 0);
        else
            becomes.passed := becomes.passed || list.passed;
        end if;
        becomes.starts := becomes.starts || list.start;
        if list.is_empty then
            becomes.others := becomes.others || of_priority;
        else
            becomes.filled := becomes.filled || of_priority;
        end if;
    end loop;
    insert into @book@.queue_tending select becomes.*;
    delete from @book@.queue_tending as t where t.queue = q.name and t.tended_at < becomes.tended_at;
    if since = '-infinity' then
        delete from @book@.job_unique as u where u.queue = q.name and u.free_from <= moment;
        delete from @book@.job_cancel as c
        where c.asked_at < moment - interval '1 hour' and not exists (select from @book@.job as j where j.id = c.job_id);
    end if;
end $$;
comment on function @book@._tend_queue(@book@.queue) is
'Puts what has become due into the ready lists, takes jobs from workers that are lost, and writes down where the lists begin; does nothing while another does so.';

create function @book@._tended(q @book@.queue) returns @book@.queue_tending language plpgsql as $$
declare
    t @book@.queue_tending;
begin
    select n.* into t from @book@.queue_tending as n where n.queue = q.name order by n.tended_at desc limit 1;
    if t.queue is null or clock_timestamp() not between t.tended_at and t.tended_at + interval '100 milliseconds' then
        perform @book@._tend_queue(q);
        select n.* into t from @book@.queue_tending as n where n.queue = q.name order by n.tended_at desc limit 1;
    end if;
    return t;
end $$;
comment on function @book@._tended(@book@.queue) is 'Where the ready lists of a queue begin, by what was written down no more than a tenth of a second ago.';

create function @book@.tend_queues() returns void language sql volatile as $$
    select count(@book@._tend_queue(q)) from @book@.queue as q
$$;
comment on function @book@.tend_queues() is
'Puts what has become due into the ready lists of all queues and takes jobs from workers that are lost. Whoever takes jobs does so for their queue; a scheduler does it for queues of which nobody does.';
