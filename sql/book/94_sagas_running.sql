-- How sagas go on: what is due is looked at, one saga in each transaction, by any number of sessions.

create function @book@._ask_others(held @book@.saga, at_step @book@.saga_step, message jsonb) returns void language plpgsql as $$
declare
    message_id uuid;
    asked_with constant uuid := coalesce(held.token, gen_random_uuid());
begin
    insert into @book@.outbox (legal_entity_id, channel, address, topic, subject, body, details)
    values (held.legal_entity_id, coalesce(message ->> 'channel', 'http'), message ->> 'address', coalesce(message ->> 'topic', held.name),
        message ->> 'subject', coalesce(message ->> 'body', ''),
        coalesce(message -> 'details', '{}') || jsonb_build_object(
            'token', asked_with, 'saga', held.id, 'step', at_step.step, 'subject', held.subject_id))
    returning id into message_id;
    insert into @book@.outbox_pending (message_id, channel) select o.id, o.channel from @book@.outbox as o where o.id = message_id;
    perform @book@._note_saga(held.id, at_step.step, 'asked', held.attempt,
        jsonb_build_object('token', asked_with, 'message', message_id));
    update @book@.saga as s
    set status = 'waiting', attempt = held.attempt, token = asked_with, answer_by = clock_timestamp() + at_step.answer_within,
        due_at = clock_timestamp() + least(at_step.look_every, at_step.answer_within)
    where s.id = held.id;
end $$;
comment on function @book@._ask_others(@book@.saga, @book@.saga_step, jsonb) is
'Writes a message that asks others to do a step, with the token that their answer needs: the same however often they are asked.';

-- NULL while it has not come.
create function @book@._what_came(held @book@.saga, at_step @book@.saga_step) returns jsonb language plpgsql as $$
begin
    if at_step.kind = 'timer' then
        return case when @book@.business_date() >= held.entered_on + at_step.within_days then '{}' end;
    elsif at_step.call is not null then
        return @book@._run_query(at_step.call, held);
    end if;
    return (select e.details from @book@.saga_event as e where e.saga_id = held.id and e.event = at_step.step);
end $$;
comment on function @book@._what_came(@book@.saga, @book@.saga_step) is 'What a saga waits for, once it has come.';

create function @book@._why_unanswered(held @book@.saga, at_step @book@.saga_step) returns text language sql stable as $$
    select coalesce((
        select format('the message was given up: %s', r.detail)
        from @book@.saga_note as n
        join @book@.receipt as r on r.message_id = (n.result ->> 'message')::uuid and r.kind in ('gave_up', 'cancelled')
        where n.saga_id = held.id and n.step = at_step.step and n.what = 'asked' and n.attempt = held.attempt
        order by n.position desc limit 1),
        case when held.answer_by <= clock_timestamp() then format('no answer within %s', at_step.answer_within) end)
$$;
comment on function @book@._why_unanswered(@book@.saga, @book@.saga_step) is 'Why no answer is waited for any longer; NULL while it is.';

create function @book@._wait_on(held @book@.saga, at_step @book@.saga_step) returns void language plpgsql as $$
declare
    result jsonb;
    refusal text;
begin
    if at_step.kind = 'external' then
        refusal := @book@._why_unanswered(held, at_step);
        if refusal is not null then
            perform @book@._step_failed(held, at_step, refusal, false);
            return;
        end if;
    else
        result := @book@._what_came(held, at_step);
        if result is not null then
            perform @book@._step_done(held, at_step, result);
            return;
        end if;
    end if;
    if at_step.kind <> 'timer' and @book@.business_date() > held.entered_on + at_step.within_days then
        if at_step.when_late is null then
            perform @book@._step_failed(held, at_step, format('not within %s days', at_step.within_days), true);
        else
            perform @book@._note_saga(held.id, at_step.step, 'late', held.attempt);
            at_step.leads_to := array[at_step.when_late];
            perform @book@._step_done(held, at_step, jsonb_build_object('next', at_step.when_late));
        end if;
        return;
    end if;
    update @book@.saga as s
    set status = 'waiting', attempt = case at_step.kind when 'external' then held.attempt else 0 end,
        due_at = clock_timestamp() + at_step.look_every
    where s.id = held.id;
end $$;
comment on function @book@._wait_on(@book@.saga, @book@.saga_step) is 'Looks whether what a saga waits for has come, or is late.';

create function @book@._take_step(held @book@.saga, at_step @book@.saga_step) returns void language plpgsql as $$
declare
    result jsonb;
begin
    if held.status = 'undoing' then
        perform @book@._run_query(at_step.compensation, held);
        perform @book@._note_saga(held.id, at_step.step, 'undone', held.attempt);
        perform @book@._begin_undoing(held.id, held.failure);
    elsif held.status = 'waiting' or at_step.kind in ('wait', 'timer') then
        perform @book@._wait_on(held, at_step);
    else
        result := @book@._run_query(at_step.call, held);
        if at_step.kind = 'external' and result is not null then
            perform @book@._ask_others(held, at_step, result);
        else
            perform @book@._step_done(held, at_step, coalesce(result, '{}'));
        end if;
    end if;
end $$;
comment on function @book@._take_step(@book@.saga, @book@.saga_step) is 'Does, undoes or waits for the step a saga is at.';

create function @book@._undo_failed(held @book@.saga, at_step @book@.saga_step, failure text) returns void language plpgsql as $$
begin
    perform @book@._note_saga(held.id, at_step.step, 'undo_failed', held.attempt, failure => _undo_failed.failure);
    update @book@.saga as s
    set attempt = held.attempt, status = case when held.attempt >= at_step.attempts_max then 'stuck' else 'undoing' end,
        due_at = case when held.attempt < at_step.attempts_max then clock_timestamp() + @book@._wait_of(at_step, held.attempt) end
    where s.id = held.id;
end $$;
comment on function @book@._undo_failed(@book@.saga, @book@.saga_step, text) is
'Notes that a step could not be undone: it is tried again after a while, and at last the saga is stuck.';

create function @book@._advance_saga(held @book@.saga) returns void language plpgsql as $$
declare
    at_step @book@.saga_step;
    code text;
    words text;
begin
    select t.* into at_step
    from @book@.saga_step as t where t.name = held.name and t.version = held.version and t.step = held.step;
    if held.status <> 'undoing' and held.must_end_on < @book@.business_date() then
        perform @book@._note_saga(held.id, held.step, 'late', held.attempt);
        perform @book@._begin_undoing(held.id, format('%s: not done by %s', held.step, held.must_end_on));
        return;
    end if;
    if held.status <> 'waiting' or at_step.kind = 'wait' then
        held.attempt := held.attempt + 1;
    end if;
    -- What a step did goes with its failure; the note of it stays.
    begin
        perform @book@._take_step(held, at_step);
    exception when others then
        get stacked diagnostics code = returned_sqlstate, words = message_text;
        -- Who stops the server, or the session, is not at fault.
        if code like '57%' then
            raise;
        elsif held.status = 'undoing' then
            perform @book@._undo_failed(held, at_step, words);
        else
            perform @book@._step_failed(held, at_step, words, false);
        end if;
    end;
end $$;
comment on function @book@._advance_saga(@book@.saga) is 'Has a saga, whose row the caller holds, do what is next.';

create procedure @book@.run_sagas(most integer default null, inout advanced integer default 0) language plpgsql as $$
declare
    held @book@.saga;
begin
    perform @book@._authorise('run_sagas');
    advanced := 0;
    commit;
    set transaction isolation level read committed;
    while most is null or advanced < most loop
        select s.* into held from @book@.saga as s
        where s.due_at <= clock_timestamp()
        order by s.due_at limit 1 for update skip locked;
        exit when not found;
        perform @book@._advance_saga(held);
        commit;
        set transaction isolation level read committed;
        advanced := advanced + 1;
    end loop;
end $$;
comment on procedure @book@.run_sagas(integer, integer) is
'Has sagas that are due do what is next, each step in a transaction of its own, until none is due or so many steps are done; tells how many. May run in several sessions at once.';

-- Answers of others.

create function @book@._answer(token uuid, result jsonb, failure text, is_final boolean) returns text language plpgsql as $$
declare
    held @book@.saga;
    at_step @book@.saga_step;
    asked @book@.saga_note;
begin
    select s.* into held from @book@.saga as s where s.token = _answer.token for update;
    if not found then
        select n.* into asked from @book@.saga_note as n
        where n.what = 'asked' and n.result ->> 'token' = _answer.token::text limit 1;
        if not found then
            raise exception using errcode = 'LN208', message = format('nobody was asked with the token %s', token),
                hint = 'Give the token that came with the message.';
        end if;
        perform @book@._authorise('answer_saga');
        perform from @book@.saga as s where s.id = asked.saga_id for update;
        -- The first answer is the one that counts. What came after the saga turned round must be seen.
        if not exists (select from @book@.saga_note as n where n.saga_id = asked.saga_id and n.step = asked.step
            and n.what in ('done', 'late_answer')) then
            perform @book@._note_saga(asked.saga_id, asked.step, 'late_answer', asked.attempt, _answer.result, _answer.failure);
        end if;
        return 'late';
    end if;
    perform @book@._authorise('answer_saga', legal_entity_id => held.legal_entity_id);
    select t.* into at_step
    from @book@.saga_step as t where t.name = held.name and t.version = held.version and t.step = held.step;
    if failure is null then
        perform @book@._step_done(held, at_step, _answer.result);
        return 'taken';
    end if;
    perform @book@._step_failed(held, at_step, failure, is_final);
    return 'taken';
end $$;
comment on function @book@._answer(uuid, jsonb, text, boolean) is 'Takes an answer to what a saga asked others.';

create function @book@.complete_saga_step(token uuid, result jsonb default '{}') returns text language plpgsql as $$
begin
    if result is null or jsonb_typeof(result) <> 'object' then
        raise exception using errcode = '22023', message = 'the result of a step is no object',
            detail = format('It is %s.', coalesce(result::text, 'NULL')), hint = 'Give what is to be known from now on, such as {}.';
    end if;
    return @book@._answer(token, result, null, false);
end $$;
comment on function @book@.complete_saga_step(uuid, jsonb) is
'Answers what a saga asked: it was done, with this result. Returns taken, or late when another answer was first or the saga has turned round. Refuses with LN201, LN208 and 22023.';

create function @book@.fail_saga_step(token uuid, failure text, is_final boolean default false) returns text language plpgsql as $$
begin
    if coalesce(failure, '') = '' then
        raise exception using errcode = '22004', message = 'a failure has no reason', hint = 'Say what went wrong.';
    end if;
    return @book@._answer(token, null, failure, is_final);
end $$;
comment on function @book@.fail_saga_step(uuid, text, boolean) is
'Answers what a saga asked: it was not done, and, if that is final, never will be. Returns taken or late. Refuses with LN201, LN208 and 22004.';

create function @book@.signal_saga(saga_id uuid, event text, details jsonb default '{}') returns boolean language plpgsql as $$
declare
    held @book@.saga;
begin
    select s.* into held from @book@.saga as s where s.id = signal_saga.saga_id for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no saga %s', saga_id),
            hint = 'start_saga returns its key.';
    end if;
    perform @book@._authorise('answer_saga', legal_entity_id => held.legal_entity_id);
    insert into @book@.saga_event (saga_id, event, details)
    values (held.id, signal_saga.event, signal_saga.details) on conflict do nothing;
    if not found then
        return false;
    end if;
    update @book@.saga as s set due_at = clock_timestamp() where s.id = held.id and s.status = 'waiting';
    return true;
end $$;
comment on function @book@.signal_saga(uuid, text, jsonb) is
'Tells a saga that something happened, before it waits for it or while it does; returns false if that was known. Refuses with LN201 and LN208.';

-- What people do about sagas.

create function @book@._held_saga(saga_id uuid, statuses text[]) returns @book@.saga language plpgsql as $$
declare
    held @book@.saga;
begin
    select s.* into held from @book@.saga as s where s.id = saga_id for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no saga %s', saga_id),
            hint = 'start_saga returns its key.';
    elsif held.status <> all (statuses) then
        raise exception using errcode = 'LN214', message = format('saga %s is %s', saga_id, held.status),
            detail = format('It would have to be %s.', array_to_string(statuses, ' or ')), hint = 'Look at its notes.';
    end if;
    perform @book@._authorise('mend_saga', legal_entity_id => held.legal_entity_id);
    return held;
end $$;
comment on function @book@._held_saga(uuid, text[]) is 'Locks a saga for who may mend it; refuses with LN201, LN208 and LN214.';

create function @book@.cancel_saga(saga_id uuid, reason text) returns text language plpgsql as $$
declare
    held @book@.saga := @book@._held_saga(saga_id, '{running,waiting}');
begin
    perform @book@._begin_undoing(held.id, coalesce(nullif(reason, ''), 'cancelled'));
    return (select s.status from @book@.saga as s where s.id = held.id);
end $$;
comment on function @book@.cancel_saga(uuid, text) is
'Has what a saga did undone, and returns its status. Refuses with LN201, LN208 and LN214.';

create function @book@.resume_saga(saga_id uuid, undone_by_hand boolean default false, note text default null) returns text
    language plpgsql as $$
declare
    held @book@.saga := @book@._held_saga(saga_id, '{stuck}');
begin
    if undone_by_hand then
        if coalesce(note, '') = '' then
            raise exception using errcode = '22004', message = 'what was undone by hand has no note', hint = 'Say what was done.';
        end if;
        perform @book@._note_saga(held.id, held.step, 'undone_by_hand', held.attempt, failure => note);
    else
        perform @book@._note_saga(held.id, held.step, 'resumed', held.attempt, failure => note);
    end if;
    perform @book@._begin_undoing(held.id, held.failure);
    return (select s.status from @book@.saga as s where s.id = held.id);
end $$;
comment on function @book@.resume_saga(uuid, boolean, text) is
'Has a stuck saga try again to undo its step, or go on behind it when somebody has undone it by hand. Returns its status. Refuses with LN201, LN208, LN214 and 22004.';

create view @book@.stuck_saga as
select s.id, s.name, s.subject_id, s.status, s.step, s.failure, s.due_at,
    case when s.status = 'stuck' then 'cannot be undone'
        when l.saga_id is not null then 'answered after it had turned round'
        else 'nobody runs it' end as why,
    coalesce(l.result::text, l.failure, (
        select n.failure from @book@.saga_note as n
        where n.saga_id = s.id and n.failure is not null order by n.position desc limit 1)) as last_failure
from @book@.saga as s
left join @book@.saga_note as l on l.saga_id = s.id and l.what = 'late_answer' and l.result is not null
where s.status = 'stuck' or s.due_at < clock_timestamp() - interval '1 hour' or l.saga_id is not null;
comment on view @book@.stuck_saga is 'Sagas that somebody must look at.';
comment on column @book@.stuck_saga.id is 'The saga.';
comment on column @book@.stuck_saga.name is 'Which undertaking.';
comment on column @book@.stuck_saga.subject_id is 'What it is about.';
comment on column @book@.stuck_saga.status is 'How far it is.';
comment on column @book@.stuck_saga.step is 'At which step.';
comment on column @book@.stuck_saga.failure is 'Why it is undone.';
comment on column @book@.stuck_saga.due_at is 'When it was to be looked at.';
comment on column @book@.stuck_saga.why is
'A step cannot be undone; others did what they were asked after the saga had given up on them; or it is due for an hour.';
comment on column @book@.stuck_saga.last_failure is 'What the last failure was, or the answer that came late.';

create function @book@.draw_saga(name text, version integer default null) returns text language plpgsql stable as $$
declare
    drawn integer := coalesce(version, (
        select d.version from @book@.saga_definition as d where d.name = draw_saga.name and d.validity @> now()));
begin
    if not exists (
        select from @book@.saga_definition as d where d.name = draw_saga.name and d.version = drawn) then
        raise exception using errcode = 'LN208', message = format('there is no saga "%s"', name),
            hint = 'The table saga_definition lists them and their versions.';
    end if;
    return (
        with step as (
            select s.*, replace(s.step, '_', ' ') as label,
                coalesce(s.leads_to, array[coalesce(lead(s.step) over (order by s.position), 'end')]) as following,
                case s.kind when 'sql' then '["%s"]' when 'external' then '[["%s"]]' when 'wait' then '{{"%s"}}' else '(["%s"])' end as shape
            from @book@.saga_step as s where s.name = draw_saga.name and s.version = drawn
        ), line as (
            select 1 as part, s.position, format('    %s' || s.shape, s.step, concat_ws(', ', s.label, s.within_days || ' days')) as words
            from step as s
            union all
            select 2, s.position, format('    %s --> %s', s.step, case f.step when 'end' then 'ended((ended))' else f.step end)
            from step as s cross join unnest(s.following) as f (step)
            union all
            select 3, s.position, format('    %s -- late --> %s', s.step, s.when_late) from step as s where s.when_late is not null
            union all
            select 4, -s.position, format('    %s -. undone by .-> undo_%1$s["undo %s"]', s.step, s.label)
            from step as s where s.compensation is not null
        )
        select E'flowchart TD\n' || string_agg(l.words, E'\n' order by l.part, l.position, l.words) from line as l
    );
end $$;
comment on function @book@.draw_saga(text, integer) is
'A saga as a mermaid diagram: steps of SQL in boxes, those of others in double ones, waits in hexagons, timers rounded. LN208 for an unknown one.';

insert into @book@.check_definition values
    ('sagas are sound', 'Every step that a saga may lead to is there.',
    'select format(''%s %s: %s leads to %s'', s.name, s.version, s.step, f.step)
        from @book@.saga_step as s cross join unnest(s.leads_to) as f (step)
        where f.step <> ''end'' and not exists (
            select from @book@.saga_step as t where t.name = s.name and t.version = s.version and t.step = f.step)'),
    ('no saga is stuck', 'Every saga can go on, or has come to its end.',
    'select format(''%s %s at %s: %s'', name, id, step, last_failure) from @book@.stuck_saga where why <> ''nobody runs it'''),
    ('what a saga did is kept or undone', 'Of a saga that was undone nothing is left that can be undone.',
    'select format(''saga %s left %s'', s.id, @book@._last_done(s.id)) from @book@.saga as s
        where s.status = ''undone'' and @book@._last_done(s.id) is not null');
