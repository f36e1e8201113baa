-- Recording: what happens to loans, and all that follows from it.
--
-- Whoever adds rows to loan_event, whatever they call, has them folded and posted by the trigger here, in
-- the same transaction; an operation the loan does not take refuses the statement. Commands and
-- payments record through _record.

-- An event as loan_engine.fold takes it.
create function @book@._operation(type text, valid_on date, business_date date, version integer, operation jsonb)
    returns jsonb language sql stable parallel safe
    return operation || jsonb_build_object(
        'type', type, 'on', valid_on, 'recorded_on', business_date, 'id', version::text);
comment on function @book@._operation(text, date, date, integer, jsonb) is
'An event as an operation of loan_engine.fold: what it says, with its type, its days and its version as name.';

create function @book@._operations(loan_id uuid, before_version integer default null, known_on date default null)
    returns jsonb language sql stable parallel safe
    begin atomic
        select coalesce(jsonb_agg(
            @book@._operation(e.type, e.valid_on, e.business_date, e.version, e.operation) order by e.version), '[]')
        from @book@.loan_event as e
        where e.loan_id = _operations.loan_id and (before_version is null or e.version < before_version)
            and (known_on is null or e.business_date <= known_on);
    end;
comment on function @book@._operations(uuid, integer, date) is
'The operations of a loan as loan_engine.fold takes them: those before a version, and known by a day.';

-- What events mean: states, balances, allocations and postings of all loans they are of. The engine answers
-- for each loan with one value, and these, one behind the other, are read as the rows of each table: so no
-- statement carries more than the columns it writes. What is booked or paid is nearly always of the
-- last event; only where earlier ones were folded anew are these looked up.
do $make$
declare
    earlier constant text := $sql$
        left join lateral (
            select k.type, k.valid_on, k.payment_id from @book@.loan_event as k
            where k.loan_id = p.loan_id and k.version = nullif(p.operation, p.version) limit 1) as e on true$sql$;
    payment_id constant text := 'case when p.operation = p.version then p.payment_id else e.payment_id end';
    keep constant text := $sql$
create function @book@.<name>(served bytea, today date, out loans integer, out moved uuid[])
    language plpgsql as $body$
begin
    with in_ledger as (
        insert into @book@.ledger_transaction
            (id, legal_entity_id, kind, booking_date, value_date, loan_id, loan_version, payment_id)
        select p.id, p.legal_entity_id, <kind>, today, <valid_on>, p.loan_id, p.operation, <payment_id>
        from loan_engine._served_transactions(served) as p<earlier>
    ), entered as (
        insert into @book@.ledger_entry (transaction_id, position, booking_date, account_id, currency, amount)
        select p.transaction_id, p.position, today, coalesce((
                select a.ledger_account_id from @book@.posting_account as a
                where a.product_id = p.product_id and a.account = p.account and a.currency = p.currency),
            @book@._account(p.legal_entity_id, p.account, p.currency, p.product_id)), p.currency, p.amount
        from loan_engine._served_entries(served) as p
    ), allocated as (
        -- What a payment brought in too much and was given back at once is not of the payment.
        insert into @book@.payment_allocation (
            loan_id, loan_version, transaction_no, instalment, booked_on, payment_id, due_date,
            principal, interest, fees, penalties, held)
        select p.loan_id, p.version, p.transaction, p.instalment, today,
            case when not p.is_given_back or <kind> <> 'repay' then <payment_id> end, p.due_date,
            p.principal, p.interest, p.fees, p.penalties, p.held
        from loan_engine._served_portions(served) as p<earlier>
    ), snapped as (
        update @book@.loan_snapshot as t set version = s.version, state = s.state
        from loan_engine._served_states(served) as s where t.loan_id = s.loan_id
    ), replaced as (
        insert into @book@.accrual_line
        select l.*
        from loan_engine._served_lines(served) as s
        join @book@.loan_balance as b on b.loan_id = s.loan_id
        cross join lateral @book@._line(b, s.through, s.interest, s.fees, s.penalties) as l
    ), balanced as (
        update @book@.loan_balance as t
        set version = s.version, latest_on = s.latest_on, hash = s.hash,
            status = s.status, principal = s.principal, interest = s.interest, fees = s.fees, penalties = s.penalties,
            overpaid = s.overpaid, oldest_unpaid = s.oldest_unpaid, overdue = s.overdue,
            overdue_principal = s.overdue_principal, next_due = s.next_due, next_due_amount = s.next_due_amount,
            maturity = s.maturity, earned_from = today, earned_base = s.earned_base, earned_per_day = s.earned_per_day,
            holds_until = s.holds_until, charged_off_on = s.charged_off_on, fees_earned = s.fees_earned,
            penalties_earned = s.penalties_earned, interest_settled = s.interest_settled,
            fees_settled = s.fees_settled, penalties_settled = s.penalties_settled,
            receivable_through = s.receivable_through, interest_receivable = s.interest_receivable,
            fee_receivable = s.fee_receivable, penalty_receivable = s.penalty_receivable
        from loan_engine._served_balances(served) as s
        where t.loan_id = s.loan_id
        returning case when t.status <> s.status_before or (t.oldest_unpaid is null) <> s.was_on_time
            or t.charged_off_on is distinct from s.charged_off_before then t.loan_id end as moved
    )
    select count(*), array_agg(b.moved) filter (where b.moved is not null) into loans, moved from balanced as b;
end $body$$sql$;
begin
    execute replace(replace(replace(replace(replace(keep, '<name>', '_keep_served'), '<earlier>', ''),
        '<kind>', 'p.kind'), '<valid_on>', 'p.valid_on'), '<payment_id>', 'p.payment_id');
    execute replace(replace(replace(replace(replace(keep, '<name>', '_keep_folded'), '<earlier>', earlier),
        '<kind>', 'coalesce(e.type, p.kind)'), '<valid_on>', 'coalesce(e.valid_on, p.valid_on)'), '<payment_id>', payment_id);
end $make$;
comment on function @book@._keep_served(bytea, date) is
'Writes what the engine answered for loans with one event each; returns how many they are, and those whose status may have to follow.';
comment on function @book@._keep_folded(bytea, date) is
'Writes what the engine answered for loans, also where it is of earlier events; returns how many they are, and those whose status may have to follow.';

-- Loans with one event each, which is what payments bring, are served row by row, from their state; those
-- with several, and those that look back, by their list, and from all that was recorded. A subquery with a limit
-- is not turned into a join: its plan, which is kept, looks up by key for ever. A statement with any number of
-- events takes the memory of a thousand or two.
do $make$
declare
    each constant text := $sql$
        select loan_engine._loan_serve(
            b.state, r.operation, $today$, null, null, r.loan_id, r.version, r.type, r.valid_on, r.business_date, r.payment_id,
            r.hash, greatest(b.latest_on, r.valid_on), b.legal_entity_id, b.product_id, b.currency, b.status,
            b.oldest_unpaid is null, b.charged_off_on, b.receivable_through, b.through, b.interest, b.fees, b.penalties
            ) as answer
        from recorded as r
        cross join lateral (
            select k.legal_entity_id, k.product_id, k.currency, k.latest_on, k.status, k.oldest_unpaid, k.charged_off_on,
                k.receivable_through, s.state, d.through, p.interest, p.fees, p.penalties
            from @book@.loan_balance as k
            join @book@.loan_snapshot as s on s.loan_id = k.loan_id and s.version = k.version
            cross join lateral (select $through$ as through offset 0) as d
            cross join lateral (select * from @book@._receivable(k, d.through) offset 0) as p
            where k.loan_id = r.loan_id and k.version = r.version - 1 limit 1
        ) as b
    $sql$;
    several constant text := $sql$
        select f.answer
        from (
            select r.*, greatest(b.latest_on, r.latest) as latest_on, b.legal_entity_id, b.product_id, b.currency,
                b.status, b.oldest_unpaid is null as was_on_time, b.charged_off_on, b.receivable_through, s.state,
                p.through, p.interest, p.fees, p.penalties
            from (
                select r.loan_id, min(r.version) as first_version, max(r.version) as last_version, count(*) as events,
                    (array_agg(r.hash order by r.version desc))[1] as hash,
                    (array_agg(r.type order by r.version desc))[1] as type,
                    (array_agg(r.valid_on order by r.version desc))[1] as valid_on,
                    (array_agg(r.payment_id order by r.version desc))[1] as payment_id, max(r.valid_on) as latest,
                    jsonb_agg(@book@._operation(r.type, r.valid_on, r.business_date, r.version, r.operation)
                        order by r.version) as operations
                from recorded as r group by r.loan_id
            ) as r
            join @book@.loan_balance as b on b.loan_id = r.loan_id
                and b.version = r.first_version - 1 and b.version = r.last_version - r.events
            join @book@.loan_snapshot as s on s.loan_id = b.loan_id and s.version = b.version
            cross join lateral @book@._present(b) as p
        ) as t
        cross join lateral (
            -- What looks back is answered by nothing, and is folded from all that was recorded.
            select coalesce(loan_engine._loan_serve(t.state, t.operations, $today$, null, null, $told$), (
                select loan_engine._loan_serve(
                    null, t.operations, $today$, l.terms, @book@._operations(t.loan_id, t.first_version), $told$)
                from @book@.loan as l where l.id = t.loan_id)) as answer
        ) as f
    $sql$;
    told constant text := 't.loan_id, t.last_version, t.type, t.valid_on, null, t.payment_id, t.hash, t.latest_on,
                    t.legal_entity_id, t.product_id, t.currency, t.status, t.was_on_time, t.charged_off_on,
                    t.receivable_through, t.through, t.interest, t.fees, t.penalties';
    same_day constant text := 'greatest(k.receivable_through, seen.ended)';
    own_day constant text := '(select e.through from @book@._ended(k) as e)';
    at_once constant text := $sql$select string_agg(a.answer, '') from ($answers$) as a$sql$;
    sliced constant text := $sql$
        select string_agg(a.answer, '')
        from (
            select a.answer, (row_number() over () - 1) / 1000 as slice from ($answers$) as a where a.answer is not null
        ) as a
        group by a.slice order by a.slice
    $sql$;
    answers constant text := replace(replace(at_once, '$answers$', each), '$today$', 'today');
    of_each constant text := replace(replace(replace(sliced, '$answers$', each), '$today$', '$1'), '$through$', own_day);
    of_several constant text := replace(replace(replace(sliced, '$answers$', several), '$told$', told), '$today$', '$1');
begin
    execute replace(replace(replace(replace($function$
create function @book@._project_events() returns trigger language plpgsql as $body$
declare
    entered constant record := @book@._enter_day();
    today constant date := entered.day;
    seen record;
    served bytea;
    kept record;
    loans bigint := 0;
    moved uuid[];
begin
    if entered.is_ending then
        perform @book@._enter_ranges(today, array(select r.loan_id from recorded as r));
    end if;
    -- The last day that was ended, where it is the same for all loans.
    select count(*) as events, count(distinct r.loan_id) as loans, (
        select coalesce((select max(e.on_date) from @book@.end_of_day as e), '-infinity') where not exists (
            select from @book@.end_of_day as e where e.finished_at is null union all select from @book@.end_of_day_fault)
        ) as ended
    into seen from recorded as r;
    if seen.loans = seen.events and seen.events <= 2000 then
        if seen.ended is not null then
            served := (<each where the day is the same>);
        else
            served := (<each where it is not>);
        end if;
        if served is not null then
            kept := @book@._keep_served(served, today);
            loans := kept.loans;
            moved := kept.moved;
        end if;
    elsif seen.loans = seen.events then
        for served in execute <each in slices> using today loop
            kept := @book@._keep_served(served, today);
            loans := loans + kept.loans;
            moved := moved || kept.moved;
        end loop;
    end if;
    if loans < seen.loans then
        for served in execute <several> using today loop
            kept := @book@._keep_folded(served, today);
            loans := loans + kept.loans;
            moved := moved || kept.moved;
        end loop;
    end if;
    if loans < seen.loans then
        perform @book@._refuse_stale_events(array(select distinct r.loan_id from recorded as r));
    end if;
    if moved is not null then
        perform @book@._follow_status(moved);
    end if;
    return null;
end $body$
$function$, '<each where the day is the same>', replace(answers, '$through$', same_day)),
        '<each where it is not>', replace(answers, '$through$', own_day)),
        '<each in slices>', quote_literal(of_each)), '<several>', quote_literal(of_several));
end $make$;
comment on function @book@._project_events() is
'Folds the events a statement recorded into states, balances, allocations and ledger entries.';

create function @book@._refuse_stale_events(loans uuid[]) returns void language plpgsql as $$
declare
    fault record;
begin
    select s.loan_id, s.version, count(e.version) as recorded, max(e.version) as latest into fault
    from @book@.loan_snapshot as s join @book@.loan_event as e using (loan_id)
    where s.loan_id = any (loans)
    group by s.loan_id, s.version
    having max(e.version) <> s.version
    limit 1;
    raise exception using errcode = 'LN409',
        message = format('loan %s was changed by another', coalesce(fault.loan_id, loans[1])),
        detail = format('Its state is of version %s; the events recorded reach version %s.', fault.version, fault.latest),
        hint = 'Try again: the versions of events continue those of the loan without a gap.';
end $$;
comment on function @book@._refuse_stale_events(uuid[]) is 'Says which loan was changed by another.';

create trigger projected after insert on @book@.loan_event
    referencing new table as recorded for each statement execute function @book@._project_events();

create function @book@._event_text(
    loan_id uuid, version integer, type text, valid_on date, business_date date, actor text, operation jsonb,
    payment_id uuid
) returns text language sql immutable parallel safe
    return loan_id::text || '|' || version::text || '|' || type || '|' || (valid_on - date '2000-01-01')::text || '|'
        || (business_date - date '2000-01-01')::text || '|' || actor || '|' || operation::text || '|'
        || coalesce(payment_id::text, '-');
comment on function @book@._event_text(uuid, integer, text, date, date, text, jsonb, uuid) is
'What the hash of an event is taken of.';

create type @book@._asked as (loan_id uuid, type text, valid_on date, operation jsonb, payment_id uuid);
comment on type @book@._asked is 'An operation that is to be recorded.';

-- Whoever holds the balance of a loan may add to its events, and continues their versions and hashes.
-- All take hold of loans in the order of their keys, by a statement of its own, so that the one after it
-- sees what was committed while it waited.
create function @book@._hold(loan_ids uuid[]) returns void language plpgsql as $$
begin
    perform @book@._enter_day(loan_ids);
    perform from @book@.loan_balance as b where b.loan_id = any (loan_ids) order by b.loan_id for update;
end $$;
comment on function @book@._hold(uuid[]) is 'Takes hold of loans until the end of the transaction, so that nobody else records anything of them.';

create function @book@._record(asked @book@._asked[]) returns void language plpgsql as $$
declare
    entered constant record := @book@._enter_day();
    today constant date := entered.day;
    by_whom constant text := @book@.actor();
begin
    if cardinality(asked) = 0 then
        return;
    end if;
    if entered.is_ending then
        perform @book@._enter_ranges(today, array(select a.loan_id from unnest(asked) as a));
    end if;
    if cardinality(asked) = 1
        or cardinality(asked) = (select count(distinct a.loan_id) from unnest(asked) as a)
    then
        insert into @book@.loan_event
            (loan_id, version, type, valid_on, business_date, actor, operation, payment_id, previous_hash, hash)
        select a.loan_id, b.version + 1, a.type, a.valid_on, today, by_whom, a.operation, a.payment_id, b.hash,
            loan_engine._hash_link(null, b.hash, @book@._event_text(a.loan_id, b.version + 1, a.type, a.valid_on,
                today, by_whom, a.operation, a.payment_id))
        from (select a.* from unnest(asked) as a order by a.loan_id) as a
        cross join lateral (
            select k.version, k.hash from @book@.loan_balance as k where k.loan_id = a.loan_id limit 1 for update) as b;
        return;
    end if;
    perform @book@._hold(array(select a.loan_id from unnest(asked) as a));
    with numbered as (
        select a.*, b.version + (row_number() over by_loan)::integer as version, b.hash as hash_before
        from unnest(asked) with ordinality as a (loan_id, type, valid_on, operation, payment_id, place)
        cross join lateral (
            select k.version, k.hash from @book@.loan_balance as k where k.loan_id = a.loan_id limit 1) as b
        window by_loan as (partition by a.loan_id order by a.place)
    ), linked as (
        select n.*, loan_engine._hash_chain(n.hash_before, @book@._event_text(
            n.loan_id, n.version, n.type, n.valid_on, today, by_whom, n.operation, n.payment_id)) over by_loan as hash
        from numbered as n
        window by_loan as (partition by n.loan_id order by n.version)
    )
    insert into @book@.loan_event
        (loan_id, version, type, valid_on, business_date, actor, operation, payment_id, previous_hash, hash)
    select k.loan_id, k.version, k.type, k.valid_on, today, by_whom, k.operation, k.payment_id,
        coalesce(lag(k.hash) over (partition by k.loan_id order by k.version), k.hash_before), k.hash
    from linked as k;
end $$;
comment on function @book@._record(@book@._asked[]) is
'Records operations of loans, those of each in the order given; the trigger of loan_event does the rest.';

create function @book@._record(
    loan_id uuid, type text, valid_on date, members jsonb default '{}', payment_id uuid default null
) returns integer language plpgsql as $$
declare
    version_before integer;
begin
    perform @book@._hold(array[loan_id]);
    select b.version into version_before from @book@.loan_balance as b where b.loan_id = _record.loan_id;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no loan %s', loan_id),
            hint = 'The table loan lists loans by loan_no.';
    end if;
    perform @book@._record(array[row(loan_id, type, valid_on, members, payment_id)::@book@._asked]);
    return version_before + 1;
end $$;
comment on function @book@._record(uuid, text, date, jsonb, uuid) is
'Records one operation of one loan and returns its version; LN208 for an unknown loan.';

insert into @book@.check_definition values
    ('hash chain is unbroken', 'The hash of each event is that of the event before and of what it says.',
    'select format(''loan %s, version %s'', e.loan_id, e.version)
        from @book@.loan_event as e
        left join @book@.loan_event as p on p.loan_id = e.loan_id and p.version = e.version - 1
        where e.previous_hash is distinct from p.hash or e.version > 1 and p.version is null
            or e.hash is distinct from loan_engine._hash_link(null, e.previous_hash, @book@._event_text(
                e.loan_id, e.version, e.type, e.valid_on, e.business_date, e.actor, e.operation, e.payment_id))
        union all
        select format(''loan %s: %s events missing at the end'', s.loan_id, s.version - count(e.version))
        from @book@.loan_balance as s left join @book@.loan_event as e using (loan_id)
        group by s.loan_id, s.version having s.version <> count(e.version)
        union all
        select format(''loan %s: its last event is not the one that was recorded'', s.loan_id)
        from @book@.loan_balance as s join @book@.loan_event as e on e.loan_id = s.loan_id and e.version = s.version
        where e.hash is distinct from s.hash'),
    ('fold is projection', 'The state of each loan is that which its terms and events fold into.',
    'select format(''loan %s'', s.loan_id)
        from @book@.loan_snapshot as s
        join @book@.loan as l on l.id = s.loan_id
        where s.version > 0 and s.state is distinct from loan_engine._loan_fold(l.terms, @book@._operations(s.loan_id))');
