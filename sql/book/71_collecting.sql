-- What agents do in collections cases, and what the end of a day does with all of them.

create function @book@._open_case(case_id uuid) returns @book@.collections_case language plpgsql as $$
declare
    found_case @book@.collections_case;
begin
    select c.* into found_case from @book@.collections_case as c where c.id = case_id for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no collections case %s', case_id),
            hint = 'The table collections_case lists cases by loan.';
    elsif found_case.status in ('cured', 'closed') then
        raise exception using errcode = 'LN214',
            message = format('collections case %s is %s', case_id, found_case.status),
            hint = 'A loan that is past due again has a new case.';
    end if;
    perform @book@._authorise('collect', legal_entity_id => found_case.legal_entity_id);
    return found_case;
end $$;
comment on function @book@._open_case(uuid) is
'Locks an open case for who may collect; refuses with LN208, LN214 and LN201.';

create function @book@._note_in_case(
    c @book@.collections_case, type text, amount numeric default null,
    channel text default null, outcome text default null, note text default null
) returns uuid language sql as $$
    insert into @book@.collections_event (case_id, type, stage, days_past_due, amount, channel, outcome, note)
    select c.id, _note_in_case.type, c.status, greatest(coalesce(d.business_date - b.oldest_unpaid, 0), 0),
        _note_in_case.amount, _note_in_case.channel, _note_in_case.outcome, _note_in_case.note
    from @book@.loan_balance as b cross join @book@.book as d
    where b.loan_id = c.loan_id
    returning id
$$;
comment on function @book@._note_in_case(@book@.collections_case, text, numeric, text, text, text) is
'Notes what was done in a case.';

create function @book@.record_collections_event(
    case_id uuid, type text, channel text default null, outcome text default null,
    amount numeric default null, note text default null
) returns uuid language plpgsql as $$
declare
    found_case @book@.collections_case := @book@._open_case(case_id);
begin
    if not exists (
        select from @book@.collections_event_type as t
        where t.type = record_collections_event.type and t.kind in ('contact', 'offer')
    ) then
        raise exception using errcode = '22023', message = format('"%s" is not recorded by hand', type),
            hint = (select 'Known: ' || string_agg(t.type, ', ' order by t.type) || '.'
                from @book@.collections_event_type as t where t.kind in ('contact', 'offer'));
    end if;
    return @book@._note_in_case(found_case, type, amount, channel, outcome, note);
end $$;
comment on function @book@.record_collections_event(uuid, text, text, text, numeric, text) is
'Records a contact with the borrower of a case, or an offer, and returns its key. Refuses with LN208, LN214, LN201, and 22023 what is not recorded by hand.';

create function @book@.assign_case(case_id uuid, assignee text) returns void language plpgsql as $$
declare
    found_case @book@.collections_case := @book@._open_case(case_id);
begin
    update @book@.collections_case as c set assignee = assign_case.assignee where c.id = found_case.id;
end $$;
comment on function @book@.assign_case(uuid, text) is
'Says who looks after a case; nobody when NULL. Refuses with LN208, LN214 and LN201.';

-- Promises of one case; several are an arrangement.
create function @book@._promise(
    found_case @book@.collections_case, amounts numeric[], due_dates date[], arrangement_id uuid
) returns uuid language plpgsql as $$
declare
    fault record;
    made uuid;
begin
    select p.amount, p.due_on, l.currency, d.business_date into fault
    from unnest(amounts, due_dates) as p (amount, due_on)
    cross join @book@.book as d
    join @book@.loan as l on l.id = found_case.loan_id
    where p.amount is null or p.due_on is null or p.amount <= 0 or p.due_on < d.business_date
        or p.amount <> loan_engine.round_money(p.amount, l.currency)
    limit 1;
    if found and fault.due_on < fault.business_date then
        raise exception using errcode = 'LN210', message = 'a promise is for a day that has passed',
            detail = format('It is for %s; the business date is %s.', fault.due_on, fault.business_date),
            hint = 'Give a day to come.';
    elsif found then
        raise exception using errcode = 'LN105', message = 'a promise needs an amount in whole minor units and a day',
            detail = format('The amount is %s %s, the day %s.', fault.amount, fault.currency, fault.due_on),
            hint = 'Give as many amounts as days, each above zero.';
    end if;
    if arrangement_id is null and exists (
        select from @book@.promise as p
        where p.loan_id = found_case.loan_id and p.status = 'open' and p.arrangement_id is null
    ) then
        raise exception using errcode = 'LN214', message = 'the loan has an open promise',
            hint = 'Wait until run_collections has decided it, or arrange several payments together.';
    end if;
    with made_now as (
        insert into @book@.promise (case_id, loan_id, arrangement_id, amount, due_on, loan_version)
        select found_case.id, found_case.loan_id, _promise.arrangement_id, p.amount, p.due_on, s.version
        from unnest(amounts, due_dates) as p (amount, due_on)
        join @book@.loan_snapshot as s on s.loan_id = found_case.loan_id
        returning id
    )
    select n.id into made from made_now as n limit 1;
    return made;
end $$;
comment on function @book@._promise(@book@.collections_case, numeric[], date[], uuid) is
'Keeps promises of one case; refuses with LN105, LN210 and LN214.';

create function @book@.promise_to_pay(case_id uuid, amount numeric, due_on date, note text default null)
    returns uuid language plpgsql as $$
declare
    found_case @book@.collections_case := @book@._open_case(case_id);
    made uuid := @book@._promise(found_case, array[amount], array[due_on], null);
begin
    perform @book@._note_in_case(found_case, 'promise_made', amount, note => note);
    return made;
end $$;
comment on function @book@.promise_to_pay(uuid, numeric, date, text) is
'Keeps a promise of a borrower to pay an amount by a day, and returns its key. Refuses with LN208, LN214, LN201, LN105 and LN210.';

create function @book@.arrange_payments(case_id uuid, amounts numeric[], due_dates date[], note text default null)
    returns uuid language plpgsql as $$
declare
    found_case @book@.collections_case := @book@._open_case(case_id);
    made uuid;
begin
    if coalesce(cardinality(amounts), 0) = 0 then
        raise exception using errcode = '22023', message = 'an arrangement needs payments',
            hint = 'Give amounts and due_dates, as many of one as of the other.';
    end if;
    insert into @book@.payment_arrangement (case_id, note) values (found_case.id, arrange_payments.note)
    returning id into made;
    perform @book@._promise(found_case, amounts, due_dates, made);
    perform @book@._note_in_case(found_case, 'payment_arrangement',
        (select sum(a.amount) from unnest(amounts) as a (amount)), note => note);
    return made;
end $$;
comment on function @book@.arrange_payments(uuid, numeric[], date[], text) is
'Keeps several promises together and returns the key of the arrangement. Refuses with LN208, LN214, LN201, LN105, LN210 and 22023.';

create function @book@.take_legal_step(
    case_id uuid, type text, before text default null, reference text default null,
    costs numeric default null, note text default null
) returns uuid language plpgsql as $$
declare
    found_case @book@.collections_case := @book@._open_case(case_id);
    made uuid;
begin
    perform @book@.transition('legal_action', found_case.loan_id, type, reason => note);
    made := @book@._note_in_case(found_case, type, note => note);
    insert into @book@.legal_step (event_id, before, reference, costs)
    values (made, take_legal_step.before, take_legal_step.reference, take_legal_step.costs);
    return made;
end $$;
comment on function @book@.take_legal_step(uuid, text, text, text, numeric, text) is
'Records a legal step of a case and moves its loan in the machine legal_action; returns the key of the event. Refuses with LN208, LN214, LN201 and as transition does.';

-- The end of a day, each step for all cases at once.

create function @book@._late_loans(on_date date, first_loan uuid, next_loan uuid)
    returns table (loan_id uuid, legal_entity_id uuid, days integer, stage text)
    language sql stable as $$
    select b.loan_id, b.legal_entity_id, on_date - b.oldest_unpaid, r.state
    from @book@.loan_balance as b
    join @book@._rung_span as r on r.machine = 'collections' and on_date - b.oldest_unpaid between r.from_days and r.through_days
    where b.status = 'active' and b.oldest_unpaid < on_date
        and b.loan_id >= first_loan and (next_loan is null or b.loan_id < next_loan)
$$;
comment on function @book@._late_loans(date, uuid, uuid) is
'Loans of a range past due on a day, their days past due and the stage of collections these lead to.';

create function @book@._open_cases(on_date date, first_loan uuid, next_loan uuid) returns bigint language plpgsql as $$
declare
    opened bigint;
begin
    with opened as (
        insert into @book@.collections_case (legal_entity_id, loan_id, status, opened_on)
        select t.legal_entity_id, t.loan_id, t.stage, on_date
        from @book@._late_loans(on_date, first_loan, next_loan) as t
        where not exists (
            select from @book@.collections_case as c
            where c.loan_id = t.loan_id and c.status not in ('cured', 'closed')
                and c.loan_id >= first_loan and (next_loan is null or c.loan_id < next_loan))
        returning id, loan_id, status
    ), noted as (
        insert into @book@.collections_event (case_id, type, business_date, stage, days_past_due)
        select o.id, 'first_overdue', on_date, o.status, on_date - b.oldest_unpaid
        from opened as o join @book@.loan_balance as b using (loan_id)
        where b.loan_id >= first_loan and (next_loan is null or b.loan_id < next_loan)
    )
    select count(*) into opened from opened as o;
    return opened;
end $$;
comment on function @book@._open_cases(date, uuid, uuid) is
'Opens a case for each loan of a range past due that has none, in the stage of its days past due; returns how many.';

-- What the machine does not let go, such as a case before a court, stays.
create function @book@._move_cases(on_date date, first_loan uuid, next_loan uuid) returns bigint language plpgsql as $$
declare
    moves record;
begin
    with behind as materialized (
        select c.id, c.status, t.days, t.stage
        from @book@._late_loans(on_date, first_loan, next_loan) as t
        join @book@.collections_case as c on c.loan_id = t.loan_id and c.status not in ('cured', 'closed')
        where c.status <> t.stage and c.loan_id >= first_loan and (next_loan is null or c.loan_id < next_loan)
    )
    select array_agg(b.id) as ids, array_agg(x.event) as events, array_agg(b.days) as days, array_agg(b.stage) as stages
    into moves
    from behind as b
    join @book@.state_transition as x
        on x.machine = 'collections' and x.version = @book@._machine_version('collections')
        and x.from_state = b.status and x.to_state = b.stage and x.event = 'reach_' || b.stage;
    if moves.ids is null then
        return 0;
    end if;
    perform @book@._move('collections', moves.ids, moves.events, is_guarded => false);
    insert into @book@.collections_event (case_id, type, business_date, stage, days_past_due)
    select m.id, 'stage_changed', on_date, m.stage, m.days
    from unnest(moves.ids, moves.stages, moves.days) as m (id, stage, days);
    return cardinality(moves.ids);
end $$;
comment on function @book@._move_cases(date, uuid, uuid) is 'Moves cases of a range of loans to the stage of their days past due; returns how many.';

create function @book@._end_cases(on_date date, first_loan uuid, next_loan uuid) returns bigint language plpgsql as $$
declare
    moves record;
begin
    select array_agg(c.id) as ids,
        array_agg(case when b.status in ('active', 'closed', 'overpaid') then 'cure' else 'close' end) as events,
        array_agg(c.status) as stages
    into moves
    from @book@.collections_case as c
    join @book@.loan_balance as b using (loan_id)
    where c.status not in ('cured', 'closed') and (b.status <> 'active' or coalesce(b.oldest_unpaid >= on_date, true))
        and c.loan_id >= first_loan and (next_loan is null or c.loan_id < next_loan)
        and b.loan_id >= first_loan and (next_loan is null or b.loan_id < next_loan);
    if moves.ids is null then
        return 0;
    end if;
    perform @book@._move('collections', moves.ids, moves.events, is_guarded => false);
    insert into @book@.collections_event (case_id, type, business_date, stage, days_past_due)
    select m.id, case m.event when 'cure' then 'cured' else 'write_off' end, on_date, m.stage, 0
    from unnest(moves.ids, moves.events, moves.stages) as m (id, event, stage);
    return cardinality(moves.ids);
end $$;
comment on function @book@._end_cases(date, uuid, uuid) is
'Ends cases of loans of a range that are not past due any more, or have ended; returns how many.';

create function @book@._settle_promises(on_date date, first_loan uuid, next_loan uuid) returns bigint language plpgsql as $$
declare
    decided bigint;
begin
    -- What was received lies in a partition a month: where nothing is promised, none of them is opened.
    if not exists (
        select from @book@.promise as p
        where p.status = 'open' and p.loan_id >= first_loan and (next_loan is null or p.loan_id < next_loan))
    then
        return 0;
    end if;
    with asked as (
        -- Under an arrangement each due date asks for all that was promised by then.
        select p.id, p.case_id, p.loan_id, p.loan_version, p.due_on, p.status,
            sum(p.amount) over (partition by coalesce(p.arrangement_id, p.id) order by p.due_on, p.id) as amount
        from @book@.promise as p
        where p.loan_id >= first_loan and (next_loan is null or p.loan_id < next_loan)
            and (p.status = 'open' or p.arrangement_id in (
                select o.arrangement_id from @book@.promise as o where o.status = 'open'))
    ), received as (
        select a.id, a.case_id, a.due_on, a.amount,
            coalesce(sum(n.principal + n.interest + n.fees + n.penalties + n.held)
                filter (where p.value_date <= a.due_on), 0) as paid
        from asked as a
        left join (
            @book@.payment_allocation as n
            join @book@.payment as p on p.id = n.payment_id
        ) on n.loan_id = a.loan_id and n.loan_version > a.loan_version
        where a.status = 'open'
        group by a.id, a.case_id, a.due_on, a.amount
    ), settled as (
        update @book@.promise as t
        set status = case when r.paid >= r.amount then 'kept' else 'broken' end, paid = r.paid, settled_on = on_date
        from received as r
        where t.id = r.id and t.status = 'open' and (r.paid >= r.amount or r.due_on < on_date)
        returning t.case_id, t.status, t.amount
    ), noted as (
        insert into @book@.collections_event (case_id, type, business_date, stage, days_past_due, amount)
        select s.case_id, 'promise_' || s.status, on_date, c.status,
            greatest(coalesce(on_date - b.oldest_unpaid, 0), 0), s.amount
        from settled as s
        join @book@.collections_case as c on c.id = s.case_id
        join @book@.loan_balance as b on b.loan_id = c.loan_id
    )
    select count(*) into decided from settled;
    return decided;
end $$;
comment on function @book@._settle_promises(date, uuid, uuid) is
'Decides promises of a range of loans by what was received since they were made; returns how many.';

create function @book@._follow_risk(on_date date, first_loan uuid, next_loan uuid) returns bigint language plpgsql as $$
declare
    moves record;
begin
    select array_agg(loan_id) as ids, array_agg('reach_' || r.state) as events into moves
    from (
        select b.loan_id, on_date - b.oldest_unpaid as days
        from @book@.loan_balance as b
        where b.status in ('active', 'closed', 'overpaid') and b.oldest_unpaid < on_date
            and b.loan_id >= first_loan and (next_loan is null or b.loan_id < next_loan)
    ) as late
    full join (
        select h.subject_id as loan_id, h.state
        from @book@._rung_span as s
        join @book@.status_history as h on h.machine = s.machine and h.state = s.state and upper_inf(h.validity)
        where s.machine = 'risk_level' and s.from_days > 0
            and h.subject_id >= first_loan and (next_loan is null or h.subject_id < next_loan)
    ) as known using (loan_id)
    join @book@._rung_span as r on r.machine = 'risk_level' and coalesce(late.days, 0) between r.from_days and r.through_days
    where r.state <> coalesce(known.state, 'normal') and (late.loan_id is not null or exists (
        select from @book@.loan_balance as b
        where b.loan_id = known.loan_id and b.status in ('active', 'closed', 'overpaid')));
    if moves.ids is null then
        return 0;
    end if;
    perform @book@._move('risk_level', moves.ids, moves.events, is_guarded => false);
    return cardinality(moves.ids);
end $$;
comment on function @book@._follow_risk(date, uuid, uuid) is
'Moves loans to the risk level of their days past due; returns how many.';

-- Ranges of loans have nothing in common, so that several sessions may each take some.
create function @book@.run_collections(
    on_date date default null, first_loan uuid default '00000000-0000-0000-0000-000000000000', next_loan uuid default null
) returns table (step text, subjects bigint) language plpgsql as $$
declare
    today date := coalesce(on_date, @book@.business_date());
begin
    perform @book@._authorise('run_end_of_day');
    return query select 'loans moved', @book@.run_loan_status(first_loan, next_loan);
    return query select 'risk levels moved', @book@._follow_risk(today, first_loan, next_loan);
    return query select 'promises settled', @book@._settle_promises(today, first_loan, next_loan);
    return query select 'cases ended', @book@._end_cases(today, first_loan, next_loan);
    return query select 'cases moved', @book@._move_cases(today, first_loan, next_loan);
    return query select 'cases opened', @book@._open_cases(today, first_loan, next_loan);
end $$;
comment on function @book@.run_collections(date, uuid, uuid) is
'The collections of a day, that of the book unless given, for all loans or a range of keys from one, included, to another, excluded: statuses and risk levels follow the days past due, promises are decided, cases end, move and open. Running it again changes nothing.';
