-- How a state changes: by an event, of one subject or of many, in one statement.

-- The statement that moves subjects. $1 to $3: keys, events, expected versions; $4 and $5: machine and
-- its version; $6: the time; $7: the reason; $8: whether guards and roles are asked. Of several
-- transitions of one event the first counts whose guard passes.
create function @book@._move_statement(subject @book@.state_subject, refusal text) returns text
    language sql immutable as $$
    select format($statement$
        with asked as materialized (
            -- A state ends as the next begins, and lasts for a microsecond at least.
            select a.subject_id, a.event, a.expected, t.id is not null as is_known, t.legal_entity_id,
                %2$s as state, %3$s as version, greatest($6, lower(h.validity) + interval '1 microsecond') as moved_at,
                h.place
            from unnest($1, $2, $3) as a (subject_id, event, expected)
            -- Each is looked up by key, whatever is known of a machine that has just begun to move.
            left join lateral (select t.* from @book@.%1$I as t where t.id = a.subject_id limit 1) as t on true
            left join lateral (
                select h.*, h.ctid as place from @book@.status_history as h
                where h.machine = $4 and h.subject_id = a.subject_id and %4$s
                order by h.version desc limit 1
            ) as h on true
        ), possible as materialized (
            select a.*, x.position, x.to_state, x.role,
                not $8 or x.role is null or @book@._has_role(x.role, a.legal_entity_id) as may, %5$s as refusal
            from asked as a
            left join @book@.state_transition as x
                on x.machine = $4 and x.version = $5 and x.from_state = a.state and x.event = a.event
        ), chosen as materialized (
            select distinct on (p.subject_id) p.subject_id, p.event, p.version, p.to_state, p.moved_at, p.place
            from possible as p
            where p.to_state is not null and p.may and p.refusal is null
                and (p.expected is null or p.expected = p.version)
            order by p.subject_id, p.position
        ), marked as (
            %6$s
        ), ended as (
            update @book@.status_history as h
            set validity = tstzrange(lower(h.validity), c.moved_at)
            from chosen as c
            where h.ctid = c.place and h.subject_id = c.subject_id
        ), begun as (
            insert into @book@.status_history
                (machine, subject_id, version, state, validity, business_date, event, reason, machine_version)
            select $4, c.subject_id, c.version + 1, c.to_state, tstzrange(c.moved_at, null),
                b.business_date, c.event, $7, $5
            from chosen as c
            cross join @book@.book as b
        )
        select (select count(*) from chosen), (select min(c.to_state) from chosen as c), (
            select to_jsonb(p) from possible as p
            where p.subject_id not in (select c.subject_id from chosen as c)
            order by p.may desc, p.position limit 1)
        $statement$,
        subject.table_name,
        case when subject.keeps_status then 't.status' else format(
            'coalesce(h.state, (select s.name from @book@.state as s where s.machine = %L and s.is_initial))',
            subject.machine) end,
        case when subject.keeps_status then 't.status_version' else 'coalesce(h.version, 0)' end,
        case when subject.keeps_status then 'h.version = t.status_version' else 'upper_inf(h.validity)' end,
        refusal,
        case when subject.keeps_status then format(
            'update @book@.%I as t set status = c.to_state, status_version = c.version + 1
            from chosen as c where t.id = c.subject_id', subject.table_name)
        else 'select' end)
$$;
comment on function @book@._move_statement(@book@.state_subject, text) is
'The statement that moves subjects of a machine, with the expression that tells why a guard refuses.';

-- Who has decided from the same facts already, as what follows the fold does, asks no guard and no
-- role. The rows are locked by a statement of its own, so that the next sees them as they are then.
create function @book@._move(
    machine text, subject_ids uuid[], events text[], expected_versions integer[] default null,
    reason text default null, is_guarded boolean default true, skips_refused boolean default false,
    out moved integer, out state text
) language plpgsql as $$
declare
    subject @book@.state_subject;
    current_version integer := @book@._machine_version(machine);
    refusal text;
    fault jsonb;
begin
    select s.* into subject from @book@.state_subject as s where s.machine = _move.machine;
    if subject.machine is null or current_version is null then
        raise exception using errcode = 'LN208', message = format('there is no state machine "%s"', machine),
            hint = 'The table state_machine lists machines, with the time each version holds.';
    end if;
    perform @book@._check_actor();
    execute format(
        'select from @book@.%I as t where t.id = any ($1) order by t.id for no key update', subject.table_name)
        using subject_ids;
    select 'case x.guard '
        || string_agg(format('when %L then @book@.%I(a.subject_id)', g.guard, g.guard), ' ') || ' end'
    into refusal
    from (
        select distinct x.guard
        from @book@.state_transition as x
        where x.machine = _move.machine and x.version = current_version and x.event = any (events)
            and x.guard is not null and is_guarded
    ) as g;
    execute @book@._move_statement(subject, coalesce(refusal, 'null::text')) into moved, state, fault
        using subject_ids, events, expected_versions, machine, current_version, clock_timestamp(), reason, is_guarded;
    if fault is not null and not skips_refused then
        perform @book@._refuse_move(machine, current_version, fault);
    end if;
end $$;
comment on function @book@._move(text, uuid[], text[], integer[], text, boolean, boolean) is
'Moves subjects, each named once, by an event each; refuses as transition does, or passes over what is refused. Returns how many moved, and the state of one.';

create function @book@._refuse_move(machine text, machine_version integer, fault jsonb) returns void
    language plpgsql stable as $$
declare
    subject text := format('%s %s', (select s.table_name from @book@.state_subject as s where s.machine = _refuse_move.machine),
        fault ->> 'subject_id');
    possible text;
begin
    if not (fault ->> 'is_known')::boolean then
        raise exception using errcode = 'LN208', message = format('there is no %s', subject),
            hint = 'Give the key of a row of the table.';
    elsif fault ->> 'expected' <> fault ->> 'version' then
        raise exception using errcode = 'LN409', message = format('%s was changed by another', subject),
            detail = format('It is %s at version %s; version %s was expected.',
                fault ->> 'state', fault ->> 'version', fault ->> 'expected'),
            hint = 'Look at it again and decide anew.';
    elsif fault ->> 'to_state' is null then
        select string_agg(distinct x.event, ', ') into possible
        from @book@.state_transition as x
        where x.machine = _refuse_move.machine and x.version = machine_version and x.from_state = fault ->> 'state';
        raise exception using errcode = 'LN211',
            message = format('"%s" is not possible for %s', fault ->> 'event', subject),
            detail = format('It is %s.', fault ->> 'state'),
            hint = coalesce('Possible: ' || possible || '.', 'Nothing is possible any more.');
    elsif not (fault ->> 'may')::boolean then
        raise exception using errcode = 'LN201',
            message = format('"%s" may not %s', @book@.actor(), replace(fault ->> 'event', '_', ' ')),
            detail = format('%s is %s; the role needed is %s.', subject, fault ->> 'state', fault ->> 'role'),
            hint = 'Ask a member who has the role.';
    end if;
    raise exception using errcode = 'LN212',
        message = format('"%s" is refused for %s', fault ->> 'event', subject),
        detail = fault ->> 'refusal',
        hint = 'Remedy the reason given, then try again.';
end $$;
comment on function @book@._refuse_move(text, integer, jsonb) is 'Says why a transition is refused.';

create function @book@._status(machine text, subject_id uuid, out state text, out version integer)
    language sql stable as $$
    select h.state, h.version
    from @book@.status_history as h
    where h.machine = _status.machine and h.subject_id = _status.subject_id
    order by h.version desc
    limit 1
$$;
comment on function @book@._status(text, uuid) is 'The present state of a subject and its version; NULL when it has no history.';

create function @book@.transition(
    machine text, subject_id uuid, event text, expected_version integer default null, reason text default null
) returns text language plpgsql as $$
declare
    -- What is there before the row is locked: whoever was faster in between is the winner.
    seen_version integer := coalesce(expected_version, (select s.version from @book@._status(machine, subject_id) as s));
begin
    if machine is null or subject_id is null or event is null then
        raise exception using errcode = '22004', message = 'an argument of transition that must be given is NULL',
            hint = 'Give the machine, the key of the subject and the event.';
    end if;
    return (
        select m.state
        from @book@._move(machine, array[subject_id], array[event], array[seen_version], reason) as m);
end $$;
comment on function @book@.transition(text, uuid, text, integer, text) is
'Moves one subject by an event and returns its new state. Refuses with LN208 what is unknown, LN409 the loser of a race or another version than expected, LN211 what is not possible, LN201 a missing role, LN212 what a guard is against.';

create function @book@._transition_many(machine text, event text, subject_ids uuid[], reason text default null)
    returns integer language sql as $$
    select coalesce(sum(m.moved), 0)::integer
    from (select array_agg(distinct i.id) as ids from unnest(subject_ids) as i (id) where i.id is not null) as given
    cross join lateral @book@._move(machine, given.ids, array_fill(event, array[cardinality(given.ids)]), null, reason) as m
    where given.ids is not null
$$;
comment on function @book@._transition_many(text, text, uuid[], text) is
'Moves many subjects by one event in one statement, all or none, and returns how many; refuses as transition does.';

-- Transitions that time brings.

create function @book@.due_timers(on_date date default null)
    returns table (machine text, subject_id uuid, state text, event text, due_on date)
    language sql stable as $$
    with timer as materialized (
        select x.machine, x.from_state, x.event, x.after_interval
        from @book@.state_machine as m
        join @book@.state_transition as x on x.machine = m.name and x.version = m.version
        where m.validity @> now() and x.after_interval is not null
    )
    select h.machine, h.subject_id, h.state, t.event, (h.business_date + t.after_interval)::date
    from timer as t
    join @book@.status_history as h on h.machine = t.machine and h.state = t.from_state and upper_inf(h.validity)
    where h.business_date + t.after_interval <= coalesce(on_date, @book@.business_date())
    order by 5, 1, 2
$$;
comment on function @book@.due_timers(date) is
'Subjects whose time in their state is over on a day, that of the book unless given, and the event that follows.';

create function @book@.run_timers(on_date date default null)
    returns table (machine text, event text, due bigint, moved integer)
    language sql as $$
    select t.machine, t.event, count(*),
        (@book@._move(t.machine, array_agg(t.subject_id), array_agg(t.event),
            reason => 'time in the state is over', is_guarded => true, skips_refused => true)).moved
    from (
        -- The first event that comes due is the one that happens.
        select distinct on (d.machine, d.subject_id) d.machine, d.subject_id, d.event
        from @book@.due_timers(on_date) as d
        order by d.machine, d.subject_id, d.due_on, d.event
    ) as t
    group by t.machine, t.event
$$;
comment on function @book@.run_timers(date) is
'Moves subjects whose time in their state is over: how many were due by machine and event, and how many moved; those that a guard or a role is against stay.';
