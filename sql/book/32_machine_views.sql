-- What is seen of machines: their picture, their faults, what history tells.

-- As text an interval reads as the session's intervalstyle says; a drawing does not change with that.
create function @book@._interval_text(length interval) returns text language sql immutable parallel safe
    return nullif(concat_ws(' ',
        nullif(extract(year from length), 0)::text || ' years',
        nullif(extract(month from length), 0)::text || ' months',
        nullif(extract(day from length), 0)::text || ' days',
        nullif(to_char(length - date_trunc('day', length), 'HH24:MI:SS'), '00:00:00')), '');
comment on function @book@._interval_text(interval) is 'An interval in words, whatever the settings of the session.';

create function @book@.draw_state_machine(name text, version integer default null) returns text
    language plpgsql stable as $$
declare
    drawn integer := coalesce(version, @book@._machine_version(name));
begin
    if not exists (
        select from @book@.state_machine as m where m.name = draw_state_machine.name and m.version = drawn
    ) then
        raise exception using errcode = 'LN208', message = format('there is no state machine "%s"', name),
            hint = 'The table state_machine lists machines and their versions.';
    end if;
    return (
        with line as (
            select 1 as part, format('    [*] --> %s', s.name) as words
            from @book@.state as s where s.machine = draw_state_machine.name and s.is_initial
            union all
            select 2, format('    %s --> %s : %s%s%s%s', x.from_state, x.to_state, x.event, ' [' || x.guard || ']',
                ' (' || x.role || ')', ' after ' || @book@._interval_text(x.after_interval))
            from @book@.state_transition as x where x.machine = draw_state_machine.name and x.version = drawn
            union all
            select 3, format('    %s --> [*]', s.name)
            from @book@.state as s where s.machine = draw_state_machine.name and s.is_final
        )
        select E'stateDiagram-v2\n' || string_agg(l.words, E'\n' order by l.part, l.words) from line as l
    );
end $$;
comment on function @book@.draw_state_machine(text, integer) is
'A machine as a state diagram of mermaid, in the version that holds now unless given; LN208 when there is none.';

create function @book@.check_state_machine(name text default null)
    returns table (machine text, fault text, place text)
    language sql stable as $$
    with recursive checked as (
        select m.name as machine, m.version
        from @book@.state_machine as m
        where m.validity @> now() and (check_state_machine.name is null or m.name = check_state_machine.name)
    ), way as (
        select x.* from @book@.state_transition as x join checked using (machine, version)
    ), reached (machine, name) as (
        select s.machine, s.name from @book@.state as s join checked as c using (machine) where s.is_initial
        union
        select w.machine, w.to_state from reached as r join way as w on w.machine = r.machine and w.from_state = r.name
    ), ending (machine, name) as (
        select s.machine, s.name from @book@.state as s join checked as c using (machine) where s.is_final
        union
        select w.machine, w.from_state from ending as e join way as w on w.machine = e.machine and w.to_state = e.name
    )
    select c.machine, 'no beginning', 'no state is initial'
    from checked as c
    where not exists (select from @book@.state as s where s.machine = c.machine and s.is_initial)
    union all
    select c.machine, 'no one beginning', 'its state is in history alone, and needs one initial state'
    from checked as c
    join @book@.state_subject as j using (machine)
    where not j.keeps_status
        and (select count(*) from @book@.state as s where s.machine = c.machine and s.is_initial) > 1
    union all
    select s.machine, 'unreachable', s.name
    from @book@.state as s join checked as c using (machine)
    where (s.machine, s.name) not in (select r.machine, r.name from reached as r)
    union all
    select s.machine, case when exists (select from way as w where w.machine = s.machine and w.from_state = s.name)
        then 'no way to an end' else 'dead end' end, s.name
    from @book@.state as s join checked as c using (machine)
    where (s.machine, s.name) not in (select e.machine, e.name from ending as e)
    union all
    select w.machine, 'ambiguous', format('%s in %s', w.event, w.from_state)
    from way as w
    group by w.machine, w.from_state, w.event
    having count(*) - count(w.guard) > 1
        or min(w.position) filter (where w.guard is null) < max(w.position)
        or count(w.guard) > count(distinct w.guard)
    union all
    select w.machine, 'ambiguous timer', format('%s after %s', w.from_state, @book@._interval_text(w.after_interval))
    from way as w
    where w.after_interval is not null
    group by w.machine, w.from_state, w.after_interval
    having count(distinct w.event) > 1
    union all
    select distinct w.machine, 'missing guard', format('%s(uuid) returns text', w.guard)
    from way as w
    where w.guard is not null and not exists (
        select from pg_proc as p
        where p.oid = to_regprocedure(format('@book@.%I(uuid)', w.guard)) and p.prorettype = 'text'::regtype)
    union all
    select c.machine, 'stranded', format('%s in %s', count(*), h.state)
    from checked as c
    join @book@.status_history as h on h.machine = c.machine and upper_inf(h.validity)
    join @book@.state as s on s.machine = h.machine and s.name = h.state and not s.is_final
    where not exists (select from way as w where w.machine = h.machine and w.from_state = h.state)
    group by c.machine, h.state
$$;
comment on function @book@.check_state_machine(text) is
'Faults of a machine, or of all, in the version that holds now: states that cannot be reached or left, events that are ambiguous, guards that are missing, subjects that are stranded.';

-- Replays events from the beginning, without guards: the states a subject may be in, and the first
-- event that was not possible.
create function @book@._replay_event(replayed jsonb, machine text, event text) returns jsonb
    language sql stable as $$
    select case when replayed ? 'refused' then replayed else coalesce((
        select jsonb_build_object(
            'states', jsonb_agg(distinct x.to_state), 'events', coalesce((replayed -> 'events')::integer, 0) + 1)
        from @book@.state_transition as x
        where x.machine = _replay_event.machine and x.version = @book@._machine_version(_replay_event.machine)
            and x.event = _replay_event.event
            and (replayed -> 'states' ? x.from_state or not replayed ? 'states' and exists (
                select from @book@.state as s where s.machine = x.machine and s.name = x.from_state and s.is_initial))
        having count(*) > 0
    ), replayed || jsonb_build_object('refused', _replay_event.event)) end
$$;
comment on function @book@._replay_event(jsonb, text, text) is 'One more event of a history that is replayed.';

create function @book@._replay_end(replayed jsonb) returns jsonb
    language sql immutable parallel safe
    return jsonb_build_object(
        'conforms', not replayed ? 'refused', 'events', coalesce((replayed -> 'events')::integer, 0),
        'states', coalesce(replayed -> 'states', '[]'), 'refused', replayed -> 'refused');
comment on function @book@._replay_end(jsonb) is 'What is said of a history that was replayed.';

create aggregate @book@.conformance(machine text, event text) (
    sfunc = @book@._replay_event, stype = jsonb, initcond = '{}', finalfunc = @book@._replay_end
);
comment on aggregate @book@.conformance(text, text) is
'Replays events in the order given, as conformance(machine, event order by …), by the version of the machine that holds now and without guards: whether they conform, how many did, the states they may end in, and the first that was refused.';

create view @book@.v_status_current as
select h.machine, s.table_name, h.subject_id, h.state, h.version, lower(h.validity) as since, h.business_date,
    h.event, h.reason, h.actor
from @book@.status_history as h
join @book@.state_subject as s using (machine)
where upper_inf(h.validity);
comment on view @book@.v_status_current is 'The present state of every subject of every machine.';
comment on column @book@.v_status_current.machine is 'The machine.';
comment on column @book@.v_status_current.table_name is 'The table of the subject.';
comment on column @book@.v_status_current.subject_id is 'The key of the subject.';
comment on column @book@.v_status_current.state is 'The state.';
comment on column @book@.v_status_current.version is 'How many states it was in with this one.';
comment on column @book@.v_status_current.since is 'When it entered it.';
comment on column @book@.v_status_current.business_date is 'The business date on which it entered it.';
comment on column @book@.v_status_current.event is 'What led there.';
comment on column @book@.v_status_current.reason is 'Why.';
comment on column @book@.v_status_current.actor is 'Who did it.';

create view @book@.loan_status_history as
select h.subject_id as loan_id, h.machine as dimension, h.state as status, h.version, h.validity, h.business_date,
    h.event, h.reason, h.actor
from @book@.status_history as h
join @book@.state_subject as s using (machine)
where s.table_name = 'loan';
comment on view @book@.loan_status_history is 'Where loans stood, and when: their status, and each further dimension.';
comment on column @book@.loan_status_history.loan_id is 'The loan.';
comment on column @book@.loan_status_history.dimension is 'The machine: loan for the status itself.';
comment on column @book@.loan_status_history.status is 'The state.';
comment on column @book@.loan_status_history.version is 'Its number in the dimension.';
comment on column @book@.loan_status_history.validity is 'From when to when.';
comment on column @book@.loan_status_history.business_date is 'The business date on which it began.';
comment on column @book@.loan_status_history.event is 'What led there.';
comment on column @book@.loan_status_history.reason is 'Why.';
comment on column @book@.loan_status_history.actor is 'Who did it.';

create view @book@.time_in_state as
with stay as (
    select h.machine, h.state, lead(h.business_date) over by_subject - h.business_date as days
    from @book@.status_history as h
    window by_subject as (partition by h.machine, h.subject_id order by h.version)
)
select s.machine, s.state, count(*) as stays, count(*) - count(s.days) as present,
    percentile_cont(0.5) within group (order by s.days) as median_days,
    percentile_cont(0.9) within group (order by s.days) as p90_days,
    percentile_cont(0.99) within group (order by s.days) as p99_days,
    max(s.days) as most_days
from stay as s
group by s.machine, s.state;
comment on view @book@.time_in_state is
'How long subjects stayed in each state, in days of the business date, of those that left it.';
comment on column @book@.time_in_state.machine is 'The machine.';
comment on column @book@.time_in_state.state is 'The state.';
comment on column @book@.time_in_state.stays is 'How often it was entered.';
comment on column @book@.time_in_state.present is 'How many are in it now.';
comment on column @book@.time_in_state.median_days is 'Half of those that left had left by then; NULL when none did.';
comment on column @book@.time_in_state.p90_days is 'Nine of ten had left by then.';
comment on column @book@.time_in_state.p99_days is 'All but one of a hundred had left by then.';
comment on column @book@.time_in_state.most_days is 'The longest stay that ended.';

create view @book@.v_funnel as
select s.machine, s.name as state, count(distinct h.subject_id) as subjects,
    count(distinct h.subject_id)::float8 / nullif(t.subjects, 0) as share
from @book@.state as s
left join @book@.status_history as h on h.machine = s.machine and h.state = s.name
left join (
    select machine, count(distinct subject_id) as subjects from @book@.status_history group by machine
) as t on t.machine = s.machine
group by s.machine, s.name, t.subjects;
comment on view @book@.v_funnel is 'How many subjects of each machine ever came to each state.';
comment on column @book@.v_funnel.machine is 'The machine.';
comment on column @book@.v_funnel.state is 'The state.';
comment on column @book@.v_funnel.subjects is 'How many were ever in it.';
comment on column @book@.v_funnel.share is 'Their share of all that began, a fraction; NULL when none did.';

create function @book@._status_faults() returns setof text language plpgsql stable as $$
declare
    subject record;
begin
    for subject in select s.machine, s.table_name from @book@.state_subject as s
        where s.keeps_status and to_regclass(format('@book@.%I', s.table_name)) is not null
    loop
        return query execute format(
            'select format(''%%s %%s is %%s at version %%s, its history says %%s'',
                %L, t.id, t.status, t.status_version, coalesce(h.state, ''nothing''))
            from @book@.%I as t
            left join @book@.status_history as h on h.machine = %L and h.subject_id = t.id and upper_inf(h.validity)
            where h.state is distinct from t.status or h.version is distinct from t.status_version',
            subject.table_name, subject.table_name, subject.machine);
    end loop;
end $$;
comment on function @book@._status_faults() is 'Subjects whose status is not that of their history.';

insert into @book@.check_definition values
    ('state machines are sound',
    'Every state can be reached and left, every event has one meaning, every guard is there.',
    'select format(''%s: %s, %s'', machine, fault, place) from @book@.check_state_machine()'),
    ('status is that of history', 'The status of every subject is the present state of its history.',
    'select * from @book@._status_faults()'),
    ('history is of transitions',
    'Every state in history followed from the one before by a transition of its machine, without a gap.',
    'select format(''%s %s, version %s: %s'', h.machine, h.subject_id, h.version, h.state)
        from @book@.status_history as h
        left join @book@.status_history as b
            on b.machine = h.machine and b.subject_id = h.subject_id and b.version = h.version - 1
        where (h.version > 1) <> (b.version is not null)
            or b.version is not null and upper(b.validity) is distinct from lower(h.validity)
            or h.event is null and (h.version > 1 or not exists (
                select from @book@.state as s where s.machine = h.machine and s.name = h.state and s.is_initial))
            or h.event is not null and not exists (
                select from @book@.state_transition as x
                where x.machine = h.machine and x.version = h.machine_version and x.event = h.event
                    and x.to_state = h.state and (x.from_state = b.state or b.state is null and exists (
                        select from @book@.state as s
                        where s.machine = x.machine and s.name = x.from_state and s.is_initial)))');
