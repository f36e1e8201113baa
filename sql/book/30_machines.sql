-- State machines as data: which states there are, and which event leads from one to another.
--
-- A status is a column of the row it is of, and a row of status_history from when to when. The only
-- writer of both is transition. Whoever writes to them otherwise is refused: the history takes only
-- what a machine allows, and the column only what the history says.

create table @book@.state_subject (
    machine text primary key check (machine ~ '^[a-z_][a-z0-9_]*$'),
    table_name text not null,
    keeps_status boolean not null,
    description text not null
);
comment on table @book@.state_subject is 'What each state machine is the machine of.';
comment on column @book@.state_subject.machine is 'The machine.';
comment on column @book@.state_subject.table_name is
'The table of the book whose rows are in a state; it has columns id and legal_entity_id.';
comment on column @book@.state_subject.keeps_status is
'Whether the table has columns status and status_version for it; a further machine of the same rows has its state in status_history alone.';
comment on column @book@.state_subject.description is 'What the states are of.';

create table @book@.state_machine (
    name text not null references @book@.state_subject,
    version integer not null check (version > 0),
    validity tstzrange not null default tstzrange(now(), null),
    description text not null,
    primary key (name, version),
    exclude using gist (name with =, validity with &&)
);
comment on table @book@.state_machine is
'A version of a state machine: the transitions that are possible while it holds.';
comment on column @book@.state_machine.name is 'The machine.';
comment on column @book@.state_machine.version is 'The number of the version.';
comment on column @book@.state_machine.validity is 'When it holds; versions of one machine do not overlap.';
comment on column @book@.state_machine.description is 'What is particular to it.';

create table @book@.state (
    machine text not null references @book@.state_subject,
    name text not null check (name ~ '^[a-z_][a-z0-9_]*$'),
    is_initial boolean not null default false,
    is_final boolean not null default false,
    description text not null,
    primary key (machine, name)
);
comment on table @book@.state is 'A state of a machine.';
comment on column @book@.state.machine is 'The machine.';
comment on column @book@.state.name is 'What the state is called.';
comment on column @book@.state.is_initial is 'Whether a subject may begin in it.';
comment on column @book@.state.is_final is
'Whether a subject may end in it; there may be a way out of it all the same.';
comment on column @book@.state.description is 'What is so in this state.';

create table @book@.state_transition (
    machine text not null,
    version integer not null,
    from_state text not null,
    event text not null check (event ~ '^[a-z_][a-z0-9_]*$'),
    position smallint not null default 1 check (position > 0),
    to_state text not null,
    guard text check (guard ~ '^[a-z_][a-z0-9_]*$'),
    role text,
    after_interval interval check (after_interval > interval '0'),
    description text not null,
    primary key (machine, version, from_state, event, position),
    foreign key (machine, version) references @book@.state_machine,
    foreign key (machine, from_state) references @book@.state,
    foreign key (machine, to_state) references @book@.state
);
comment on table @book@.state_transition is 'What an event does to a subject in a state.';
comment on column @book@.state_transition.machine is 'The machine.';
comment on column @book@.state_transition.version is 'Its version.';
comment on column @book@.state_transition.from_state is 'The state in which the event is possible.';
comment on column @book@.state_transition.event is 'The event.';
comment on column @book@.state_transition.position is 'Where guards tell several apart: which is tried first.';
comment on column @book@.state_transition.to_state is 'The state it leads to.';
comment on column @book@.state_transition.guard is
'A function of the book, (subject_id uuid) returns text, that gives the reason against it, or NULL.';
comment on column @book@.state_transition.role is 'The role whose members may do it; everyone when NULL.';
comment on column @book@.state_transition.after_interval is
'It happens by itself after so long in the state, counted in business dates.';
comment on column @book@.state_transition.description is 'What happened, in words.';

create table @book@.status_history (
    machine text not null,
    subject_id uuid not null,
    version integer not null check (version > 0),
    state text not null,
    validity tstzrange not null check (not isempty(validity) and not lower_inf(validity)),
    business_date date not null default @book@.business_date(),
    event text,
    reason text,
    machine_version integer not null,
    actor text not null default @book@.actor(),
    primary key (machine, subject_id, version)
);
create index on @book@.status_history (machine, state, subject_id) where upper_inf(validity);
comment on table @book@.status_history is 'Which state a subject was in, and when: a row for each time it entered one.';
comment on column @book@.status_history.machine is 'The machine.';
comment on column @book@.status_history.subject_id is 'The key of the subject: of a loan, an application and so on.';
comment on column @book@.status_history.version is 'How many states it was in with this one.';
comment on column @book@.status_history.state is 'The state.';
comment on column @book@.status_history.validity is
'From when to when; without end for the present one. Those of one subject leave no gap and do not overlap.';
comment on column @book@.status_history.business_date is 'The business date on which it entered the state.';
comment on column @book@.status_history.event is 'What led there; nothing for the state it began in.';
comment on column @book@.status_history.reason is 'Why, as given.';
comment on column @book@.status_history.machine_version is 'The version of the machine that allowed it.';
comment on column @book@.status_history.actor is 'Who did it.';

create function @book@._machine_version(machine text) returns integer
    language sql stable as $$
    select m.version from @book@.state_machine as m where m.name = _machine_version.machine and m.validity @> now()
$$;
comment on function @book@._machine_version(text) is 'The version of a machine that holds now; NULL when none does.';

-- The history takes only what its machines allow. Each state begins where the one before ends and is
-- never changed afterwards, so that those of a subject cannot overlap: an exclusion constraint would
-- say the same and cost most of the time that moving takes.
create function @book@._check_history() returns trigger language plpgsql as $$
declare
    fault record;
begin
    select n.machine, n.subject_id, n.version, n.state, n.event, b.state as before into fault
    from begun as n
    left join @book@.status_history as b
        on b.machine = n.machine and b.subject_id = n.subject_id and b.version = n.version - 1
    left join @book@.state as s on s.machine = n.machine and s.name = n.state and s.is_initial
    left join (
        select machine, name from @book@.state where is_initial
    ) as first on first.machine = n.machine and n.version = 1 and n.event is not null
    left join @book@.state_transition as x
        on x.machine = n.machine and x.version = n.machine_version and x.event = n.event and x.to_state = n.state
        and x.from_state = coalesce(b.state, first.name)
    where (n.version > 1) <> (b.version is not null)
        or case when n.event is null then n.version > 1 or s.name is null else x.event is null end
        or b.version is not null and upper(b.validity) is distinct from lower(n.validity)
    limit 1;
    if found then
        raise exception using errcode = 'LN211',
            message = format('machine "%s" does not let %s become %s', fault.machine, fault.subject_id, fault.state),
            detail = format('The history has %s before version %s; the event is %s.',
                coalesce(fault.before, 'nothing'), fault.version, coalesce(fault.event, 'none')),
            hint = 'Let transition write the history.';
    end if;
    return null;
end $$;
comment on function @book@._check_history() is 'Refuses with LN211 a row of history that its machine does not allow.';
create trigger allowed after insert on @book@.status_history
    referencing new table as begun for each statement execute function @book@._check_history();

create function @book@._keep_history() returns trigger language plpgsql as $$
begin
    if exists (
        select
        from replaced as o
        full join changed as n using (machine, subject_id, version)
        where (o.state, o.business_date, o.event, o.reason, o.machine_version, o.actor)
                is distinct from (n.state, n.business_date, n.event, n.reason, n.machine_version, n.actor)
            or not upper_inf(o.validity) or lower(o.validity) <> lower(n.validity)
    ) or exists (
        select
        from changed as n
        where not exists (
            select from @book@.status_history as h
            where h.machine = n.machine and h.subject_id = n.subject_id and h.version = n.version + 1
                and lower(h.validity) = upper(n.validity))
    ) then
        raise exception using errcode = 'LN205', message = 'update of status_history is refused',
            detail = 'What was is not changed; only the end of a present state is set, once, as the next begins.',
            hint = 'Record what corrects it by a transition.';
    end if;
    return null;
end $$;
comment on function @book@._keep_history() is
'Refuses with LN205 to change what is in the history, but for the end of a present state.';
create trigger kept after update on @book@.status_history
    referencing old table as replaced new table as changed for each statement execute function @book@._keep_history();
create trigger append_only before delete or truncate on @book@.status_history
    for each statement execute function @book@._refuse_change();

-- The status columns say only what the history says.
create function @book@._begin_status() returns trigger language plpgsql as $$
declare
    fault record;
    started_at constant timestamptz := clock_timestamp();
    today constant date := @book@.business_date();
    holds_now constant integer := @book@._machine_version(tg_argv[0]);
begin
    select n.id, n.status, n.status_version into fault
    from begun as n
    left join @book@.state as s on s.machine = tg_argv[0] and s.name = n.status and s.is_initial
    where s.name is null or n.status_version <> 1
    limit 1;
    if found then
        raise exception using errcode = 'LN211',
            message = format('%s %s cannot begin as %s', tg_table_name, fault.id, fault.status),
            detail = format('It begins as %s, at version 1.', (
                select string_agg(s.name, ' or ' order by s.name)
                from @book@.state as s where s.machine = tg_argv[0] and s.is_initial)),
            hint = 'Leave status and status_version out; transition changes them.';
    end if;
    insert into @book@.status_history (machine, subject_id, version, state, validity, business_date, machine_version)
    select tg_argv[0], n.id, 1, n.status, tstzrange(started_at, null), today, holds_now
    from begun as n;
    return null;
end $$;
comment on function @book@._begin_status() is
'Begins the history of new subjects, and refuses with LN211 those that are not in an initial state.';

create function @book@._check_status() returns trigger language plpgsql as $$
declare
    fault record;
begin
    -- The rows before and after have no index: joined, they would take the square of their number.
    select n.id, (select o.status from replaced as o where o.id = n.id) as before, n.status into fault
    from (
        select c.id, c.status, c.status_version from changed as c
        except
        select o.id, o.status, o.status_version from replaced as o
    ) as n
    left join @book@.status_history as h
        on h.machine = tg_argv[0] and h.subject_id = n.id and h.version = n.status_version and upper_inf(h.validity)
    where h.state is distinct from n.status
    order by n.id
    limit 1;
    if found then
        raise exception using errcode = 'LN211',
            message = format('the status of %s %s is not set directly', tg_table_name, fault.id),
            detail = format('It is %s; the update says %s.', fault.before, fault.status),
            hint = format('Call transition(''%s'', ''%s'', event => …).', tg_argv[0], fault.id);
    end if;
    return null;
end $$;
comment on function @book@._check_status() is 'Refuses with LN211 a status that was not set by a transition.';

create function @book@._guard_status(guarded regclass, machine text default null) returns void language plpgsql as $$
declare
    name text := (select c.relname from pg_class as c where c.oid = guarded);
begin
    if not exists (
        select from @book@.state_subject as s
        where s.machine = coalesce(_guard_status.machine, name) and s.table_name = name and s.keeps_status
    ) then
        raise exception using errcode = 'LN208',
            message = format('no state machine keeps its status in table "%s"', name),
            hint = 'Insert the machine into state_subject, state_machine, state and state_transition first.';
    end if;
    execute format('create trigger status_begun after insert on %s referencing new table as begun
        for each statement execute function @book@._begin_status(%L)', guarded, coalesce(machine, name));
    execute format('create trigger status_guarded after update on %s
        referencing old table as replaced new table as changed
        for each statement execute function @book@._check_status(%L)', guarded, coalesce(machine, name));
end $$;
comment on function @book@._guard_status(regclass, text) is
'Lets the columns status and status_version of a table be written by transition alone; the table has columns id and legal_entity_id, too. The machine is that of the name of the table unless named.';
