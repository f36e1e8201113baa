-- Sagas: undertakings of several steps that take days, some of them done by others, as data.
--
-- A saga is a row that says at which step it is. A step of SQL is done in one transaction with the note that it
-- was, so it is done once; a step that others do is a message with a token, and their answer is another
-- transaction. When a step fails for good, what was done is undone in reverse, each step in a transaction of
-- its own, too. So whatever dies, a saga goes on from its last note, in any session.

create table @book@.saga_definition (
    name text not null check (name ~ '^[a-z_][a-z0-9_]*$'),
    version integer not null check (version > 0),
    validity tstzrange not null default tstzrange(now(), null),
    within_days integer check (within_days > 0),
    description text not null,
    primary key (name, version),
    exclude using gist (name with =, validity with &&)
);
comment on table @book@.saga_definition is 'A version of an undertaking. Sagas that were started go on by the version they began with.';
comment on column @book@.saga_definition.name is 'What it is called.';
comment on column @book@.saga_definition.version is 'The number of the version.';
comment on column @book@.saga_definition.validity is 'When sagas are started by it.';
comment on column @book@.saga_definition.within_days is 'In how many days of the business date it must be done, or it is undone.';
comment on column @book@.saga_definition.description is 'What it comes to.';

create table @book@.saga_step (
    name text not null,
    version integer not null,
    position integer not null check (position > 0),
    step text not null check (step ~ '^[a-z_][a-z0-9_]*$' and step not in ('end', 'ended')),
    kind text not null check (kind in ('sql', 'external', 'wait', 'timer')),
    call text,
    compensation text,
    attempts_max integer not null default 5 check (attempts_max > 0),
    first_wait interval not null default '5 seconds' check (first_wait >= '0'),
    longest_wait interval not null default '1 hour' check (longest_wait >= first_wait),
    answer_within interval not null default '1 day' check (answer_within > '0'),
    look_every interval not null default '1 minute' check (look_every > '0'),
    within_days integer check (within_days > 0),
    when_late text,
    leads_to text[] check (cardinality(leads_to) > 0),
    description text not null,
    primary key (name, version, position),
    unique (name, version, step),
    foreign key (name, version) references @book@.saga_definition,
    foreign key (name, version, when_late) references @book@.saga_step (name, version, step) deferrable initially deferred,
    check (kind not in ('sql', 'external') or call is not null),
    check (kind <> 'timer' or within_days is not null)
);
comment on table @book@.saga_step is 'What a saga does, one after the other.';
comment on column @book@.saga_step.name is 'The undertaking.';
comment on column @book@.saga_step.version is 'Its version.';
comment on column @book@.saga_step.position is 'Its place.';
comment on column @book@.saga_step.step is 'What it is called.';
comment on column @book@.saga_step.kind is
'SQL, done here; external, done by others who are sent a message; wait, for something to happen; timer, for days of the business date to pass.';
comment on column @book@.saga_step.call is
'A query of one jsonb with $1 for the saga, $2 for its subject and $3 for what it knows. SQL: what it does; what it returns is known from then on, and a member next names the step to go to, or end. External: a message, as {"channel": "http", "address": …, "body": …}, or NULL if nothing is to be asked. Wait: NULL until it has happened; without a query, an event of the name of the step is waited for.';
comment on column @book@.saga_step.compensation is 'A query that undoes it, with the same parameters; what has none need not be undone.';
comment on column @book@.saga_step.attempts_max is 'How often it is tried, and how often it is tried to undo it.';
comment on column @book@.saga_step.first_wait is 'The longest wait after the first failure; each further one doubles it.';
comment on column @book@.saga_step.longest_wait is 'The longest wait of all.';
comment on column @book@.saga_step.answer_within is 'How long an answer from others is waited for, before they are asked again.';
comment on column @book@.saga_step.look_every is 'How often it is looked whether what is waited for has happened.';
comment on column @book@.saga_step.within_days is 'How many days of the business date it may take, or a timer takes.';
comment on column @book@.saga_step.when_late is 'The step to go to when these have passed; the saga fails when NULL. A timer goes on to the next step.';
comment on column @book@.saga_step.leads_to is 'The steps it may lead to, where its result names one, and end for the end; that behind it when NULL.';
comment on column @book@.saga_step.description is 'What it does, in words.';

create table @book@.saga (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    name text not null,
    version integer not null,
    subject_id uuid not null,
    unique_key text not null,
    known jsonb not null check (jsonb_typeof(known) = 'object'),
    status text not null default 'running'
        check (status in ('running', 'waiting', 'undoing', 'stuck', 'done', 'undone')),
    step text,
    attempt integer not null default 0,
    token uuid,
    due_at timestamptz default clock_timestamp(),
    answer_by timestamptz,
    entered_on date not null default @book@.business_date(),
    must_end_on date,
    started_on date not null default @book@.business_date(),
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    failure text,
    unique (name, unique_key),
    foreign key (name, version) references @book@.saga_definition,
    check ((status in ('done', 'undone')) = (ended_at is not null)),
    check ((status in ('running', 'waiting', 'undoing')) = (due_at is not null))
) with (fillfactor = 70);
create index on @book@.saga (due_at) where due_at is not null;
create index on @book@.saga (subject_id);
create unique index saga_token on @book@.saga (token) where token is not null;
comment on table @book@.saga is 'Undertakings that were started, and how far each is.';
comment on column @book@.saga.id is 'Key.';
comment on column @book@.saga.legal_entity_id is 'Whose it is.';
comment on column @book@.saga.name is 'Which undertaking.';
comment on column @book@.saga.version is 'By which version.';
comment on column @book@.saga.subject_id is 'What it is about: an application, a margin call.';
comment on column @book@.saga.unique_key is 'What there is but one of it for; the subject unless told.';
comment on column @book@.saga.known is 'What it was told and what its steps returned.';
comment on column @book@.saga.status is
'Running; waiting for others or for time; undoing what was done; stuck, as something cannot be undone; done; undone.';
comment on column @book@.saga.step is 'The step it is at.';
comment on column @book@.saga.attempt is 'How often that was tried.';
comment on column @book@.saga.token is 'What others give with their answer; the same however often they are asked to do the step.';
comment on column @book@.saga.due_at is 'When it is to be looked at next.';
comment on column @book@.saga.answer_by is 'Until when an answer is waited for.';
comment on column @book@.saga.entered_on is 'The business date on which it came to its step.';
comment on column @book@.saga.must_end_on is 'The last business date it may take.';
comment on column @book@.saga.started_on is 'The business date it was started on.';
comment on column @book@.saga.started_at is 'When it was started.';
comment on column @book@.saga.ended_at is 'When it was done or undone.';
comment on column @book@.saga.failure is 'Why it is undone.';

create table @book@.saga_note (
    saga_id uuid not null references @book@.saga,
    position integer not null,
    step text not null,
    what text not null
        check (what in ('done', 'asked', 'failed', 'late', 'undone', 'undo_failed', 'undone_by_hand', 'resumed', 'late_answer')),
    attempt integer not null,
    result jsonb,
    failure text,
    noted_at timestamptz not null default clock_timestamp(),
    actor text not null default @book@.actor(),
    primary key (saga_id, position)
);
create index on @book@.saga_note ((result ->> 'token')) where what = 'asked';
select @book@._make_append_only('@book@.saga_note');
comment on table @book@.saga_note is 'What happened in each saga.';
comment on column @book@.saga_note.saga_id is 'The saga.';
comment on column @book@.saga_note.position is 'Its place.';
comment on column @book@.saga_note.step is 'At which step.';
comment on column @book@.saga_note.what is 'What happened.';
comment on column @book@.saga_note.attempt is 'At which attempt.';
comment on column @book@.saga_note.result is 'What came of it.';
comment on column @book@.saga_note.failure is 'What was wrong.';
comment on column @book@.saga_note.noted_at is 'When.';
comment on column @book@.saga_note.actor is 'Who did it.';

create table @book@.saga_event (
    saga_id uuid not null references @book@.saga,
    event text not null,
    details jsonb not null default '{}' check (jsonb_typeof(details) = 'object'),
    happened_at timestamptz not null default clock_timestamp(),
    actor text not null default @book@.actor(),
    primary key (saga_id, event)
);
comment on table @book@.saga_event is 'Events that sagas wait for; the first of a name is the one that counts, also when it comes before it is waited for.';
comment on column @book@.saga_event.saga_id is 'The saga.';
comment on column @book@.saga_event.event is 'What happened: the name of a step that waits.';
comment on column @book@.saga_event.details is 'What there is to know of it.';
comment on column @book@.saga_event.happened_at is 'When it was told.';
comment on column @book@.saga_event.actor is 'By whom.';

create function @book@.start_saga(
    name text, subject_id uuid, known jsonb default '{}', unique_key text default null, legal_entity text default null
) returns uuid language plpgsql as $$
declare
    chosen @book@.saga_definition;
    entity uuid := case when legal_entity is not null then @book@._legal_entity(legal_entity)
        else (select (array_agg(e.id))[1] from @book@.legal_entity as e having count(*) = 1) end;
    made uuid;
begin
    select d.* into chosen from @book@.saga_definition as d where d.name = start_saga.name and d.validity @> now();
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no saga "%s"', name),
            hint = 'The table saga_definition lists them, with the time each version holds.';
    elsif entity is null then
        raise exception using errcode = '22004', message = 'a saga needs a legal entity',
            hint = 'Give legal_entity: the book has several, or none.';
    end if;
    perform @book@._authorise('start_saga', legal_entity_id => entity);
    insert into @book@.saga (legal_entity_id, name, version, subject_id, unique_key, known, step, must_end_on)
    select entity, chosen.name, chosen.version, start_saga.subject_id,
        coalesce(start_saga.unique_key, start_saga.subject_id::text), start_saga.known, s.step,
        @book@.business_date() + chosen.within_days
    from @book@.saga_step as s
    where s.name = chosen.name and s.version = chosen.version
    order by s.position limit 1
    on conflict do nothing
    returning id into made;
    return coalesce(made, (
        select s.id from @book@.saga as s
        where s.name = start_saga.name
            and s.unique_key = coalesce(start_saga.unique_key, start_saga.subject_id::text)));
end $$;
comment on function @book@.start_saga(text, uuid, jsonb, text, text) is
'Starts an undertaking by the version that holds, with what is known, and returns its key: that of the one there is for the subject, or the unique_key, where it was started before. Refuses with LN201 and LN208.';

create function @book@._note_saga(
    saga_id uuid, step text, what text, attempt integer, result jsonb default null, failure text default null
) returns void language sql as $$
    insert into @book@.saga_note (saga_id, position, step, what, attempt, result, failure)
    select _note_saga.saga_id, coalesce(max(n.position), 0) + 1, _note_saga.step, _note_saga.what, _note_saga.attempt,
        _note_saga.result, _note_saga.failure
    from @book@.saga_note as n where n.saga_id = _note_saga.saga_id
$$;
comment on function @book@._note_saga(uuid, text, text, integer, jsonb, text) is 'Notes what happened in a saga, whose row the caller holds.';

create function @book@._wait_of(at_step @book@.saga_step, attempt integer) returns interval language sql volatile as $$
    select random() * least(at_step.longest_wait, at_step.first_wait * 2 ^ least(attempt - 1, 30))
$$;
comment on function @book@._wait_of(@book@.saga_step, integer) is
'How long to wait after a failure: all waits up to one that doubles are as likely, so that what failed together comes apart.';

-- Goes on behind a step that is done: to the next, or to the one that its result names.
create function @book@._step_done(held @book@.saga, at_step @book@.saga_step, result jsonb) returns void language plpgsql as $$
declare
    next_step text := coalesce(result ->> 'next', (
        select t.step from @book@.saga_step as t
        where t.name = held.name and t.version = held.version and t.position > at_step.position
        order by t.position limit 1), 'end');
    is_end constant boolean := next_step = 'end';
begin
    if next_step <> all (at_step.leads_to) or at_step.leads_to is null and result ->> 'next' is not null then
        raise exception using errcode = 'LN211',
            message = format('step "%s" of saga "%s" does not lead to "%s"', at_step.step, held.name, next_step),
            detail = format('It leads to %s.', coalesce(array_to_string(at_step.leads_to, ', '), 'the one behind it')),
            hint = 'Say so in leads_to, in another version of the saga.';
    end if;
    perform @book@._note_saga(held.id, at_step.step, 'done', held.attempt, result);
    update @book@.saga as s
    set known = s.known || (coalesce(result, '{}') - 'next'), step = case when not is_end then next_step end, attempt = 0,
        token = null, answer_by = null, entered_on = @book@.business_date(), status = case when is_end then 'done' else 'running' end,
        ended_at = case when is_end then clock_timestamp() end, due_at = case when not is_end then clock_timestamp() end
    where s.id = held.id;
end $$;
comment on function @book@._step_done(@book@.saga, @book@.saga_step, jsonb) is
'Notes that a step is done, and goes on to the next, or to the one that its result names. Refuses with LN211 one it does not lead to.';

-- The last step that was done and is not undone, of those that can be.
create function @book@._last_done(saga_id uuid) returns text language sql stable as $$
    select n.step
    from @book@.saga as g
    join @book@.saga_note as n on n.saga_id = g.id and n.what = 'done'
    join @book@.saga_step as s on s.name = g.name and s.version = g.version and s.step = n.step
    where g.id = _last_done.saga_id and s.compensation is not null and (
        select count(*) filter (where m.what = 'done') > count(*) filter (where m.what in ('undone', 'undone_by_hand'))
        from @book@.saga_note as m where m.saga_id = g.id and m.step = n.step)
    order by n.position desc limit 1
$$;
comment on function @book@._last_done(uuid) is 'The step of a saga that is to be undone next; NULL when none is.';

create function @book@._begin_undoing(saga_id uuid, failure text) returns void language sql as $$
    update @book@.saga as s
    set failure = coalesce(s.failure, _begin_undoing.failure), token = null, attempt = 0, step = l.step,
        status = case when l.step is null then 'undone' else 'undoing' end,
        ended_at = case when l.step is null then clock_timestamp() end,
        due_at = case when l.step is null then null else clock_timestamp() end
    from (select @book@._last_done(_begin_undoing.saga_id) as step) as l
    where s.id = _begin_undoing.saga_id
$$;
comment on function @book@._begin_undoing(uuid, text) is 'Turns a saga round: to the last step that can be undone, or to its end.';

create function @book@._step_failed(held @book@.saga, at_step @book@.saga_step, failure text, is_final boolean) returns void
    language plpgsql as $$
begin
    perform @book@._note_saga(held.id, at_step.step, 'failed', held.attempt, failure => _step_failed.failure);
    if is_final or held.attempt >= at_step.attempts_max then
        perform @book@._begin_undoing(held.id, format('%s: %s', at_step.step, failure));
    else
        update @book@.saga as s
        set status = 'running', attempt = held.attempt, token = held.token,
            due_at = clock_timestamp() + @book@._wait_of(at_step, held.attempt)
        where s.id = held.id;
    end if;
end $$;
comment on function @book@._step_failed(@book@.saga, @book@.saga_step, text, boolean) is
'Notes that a step failed: it is tried again after a while, or what was done is undone.';

create function @book@._run_query(query text, held @book@.saga) returns jsonb language plpgsql as $$
declare
    result jsonb;
begin
    execute query into result using held.id, held.subject_id, held.known;
    return result;
end $$;
comment on function @book@._run_query(text, @book@.saga) is 'What a query of a step returns for a saga.';
