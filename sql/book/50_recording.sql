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

-- What events mean: states, balances, allocations and postings of all loans they are of.
--
-- Loans with one event each, which is what payments bring, are served row by row; those with several,
-- and those that look back, by their list, and from all that was recorded. The two differ in what they
-- serve and write the same. A subquery with a limit is not turned into a join: its plan, which is kept,
-- looks up by key for ever.
do $make$
declare
    each constant text := $sql$
            select r.loan_id, r.version as last_version, r.type, r.valid_on, r.payment_id, r.hash,
                greatest(b.latest_on, r.valid_on) as latest_on,
                b.legal_entity_id, b.product_id, b.currency, b.status_before, b.was_on_time, b.charged_off_before, f.*,
                b.ended_through, b.interest_before, b.fees_before, b.penalties_before, b.line
            from recorded as r
            cross join lateral (
                select k.legal_entity_id, k.product_id, k.currency, k.latest_on, k.status as status_before,
                    k.oldest_unpaid is null as was_on_time, k.charged_off_on as charged_off_before, s.state,
                    d.through as ended_through, p.interest as interest_before, p.fees as fees_before,
                    p.penalties as penalties_before, l as line
                from @book@.loan_balance as k
                join @book@.loan_snapshot as s on s.loan_id = k.loan_id and s.version = k.version
                cross join lateral (
                    select case when $ended$ is not null then greatest(k.receivable_through, $ended$)
                        else (select e.through from @book@._ended(k) as e) end as through offset 0) as d
                cross join lateral (select * from @book@._receivable(k, d.through) offset 0) as p
                left join lateral @book@._line(k, d.through, p.interest, p.fees, p.penalties) as l on true
                where k.loan_id = r.loan_id and k.version = r.version - 1 limit 1
            ) as b
            cross join lateral loan_engine._loan_serve(b.state,
                jsonb_build_array(@book@._operation(r.type, r.valid_on, r.business_date, r.version, r.operation)),
                $today$) as f
    $sql$;
    several constant text := $sql$
            select t.loan_id, t.last_version, t.type, t.valid_on, t.payment_id, t.hash, t.latest_on, t.legal_entity_id,
                t.product_id, t.currency, t.status_before, t.was_on_time, t.charged_off_before, f.*,
                t.ended_through, t.interest_before, t.fees_before, t.penalties_before, t.line
            from (
                select r.*, greatest(b.latest_on, r.latest) as latest_on, b.legal_entity_id, b.product_id, b.currency,
                    b.status as status_before, b.oldest_unpaid is null as was_on_time,
                    b.charged_off_on as charged_off_before, s.state, p.through as ended_through,
                    p.interest as interest_before, p.fees as fees_before, p.penalties as penalties_before, l as line
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
                left join lateral @book@._line(b, p.through, p.interest, p.fees, p.penalties) as l on true
            ) as t
            cross join lateral (
                select * from loan_engine._loan_serve(t.state, t.operations, $today$)
                union all
                -- What looks back is answered by nothing, and is folded from all that was recorded.
                select f.* from @book@.loan as l
                cross join lateral loan_engine._loan_serve(
                    null, t.operations, $today$, l.terms, @book@._operations(t.loan_id, t.first_version)) as f
                where l.id = t.loan_id limit 1
            ) as f
    $sql$;
    projection constant text := $sql$
        with served as materialized (<served>), in_ledger as (
            insert into @book@.ledger_transaction
                (id, legal_entity_id, kind, booking_date, value_date, loan_id, loan_version, payment_id)
            select p.id, p.legal_entity_id, coalesce(e.type, p.type), $today$, coalesce(e.valid_on, p.valid_on),
                p.loan_id, p.operation,
                case when p.operation = p.last_version then p.payment_id else e.payment_id end
            from (
                select s.loan_id, s.legal_entity_id, s.last_version, s.type, s.valid_on, s.payment_id,
                    unnest(s.posted) as operation, unnest(s.posted_as) as id
                from served as s
            ) as p
            -- What is booked is mostly of the last event; what is of an earlier one is looked up.
            left join lateral (
                select k.type, k.valid_on, k.payment_id from @book@.loan_event as k
                where k.loan_id = p.loan_id and k.version = nullif(p.operation, p.last_version) limit 1) as e on true
        ), entered as (
            insert into @book@.ledger_entry (transaction_id, position, booking_date, account_id, currency, amount)
            select p.transaction_id, p.position, $today$, coalesce((
                    select a.ledger_account_id from @book@.posting_account as a
                    where a.product_id = p.product_id and a.account = p.account and a.currency = p.currency),
                @book@._account(p.legal_entity_id, p.account, p.currency, p.product_id)), p.currency, p.amount
            from (
                select s.legal_entity_id, s.product_id, s.currency, unnest(s.entry_of) as transaction_id,
                    unnest(s.entry_position) as position, unnest(s.entry_account) as account,
                    unnest(s.entry_amount) as amount
                from served as s
            ) as p
        ), allocated as (
            -- What a payment brought in too much and was given back at once is not of the payment.
            insert into @book@.payment_allocation (
                loan_id, loan_version, transaction_no, instalment, booked_on, payment_id, due_date,
                principal, interest, fees, penalties, held)
            select p.loan_id, p.last_version, p.transaction, p.instalment, $today$,
                case when p.is_given_back and coalesce(e.type, p.type) = 'repay' then null
                    when p.operation = p.last_version then p.payment_id else e.payment_id end, p.due_date,
                p.principal, p.interest, p.fees, p.penalties, p.held
            from (
                select s.loan_id, s.last_version, s.type, s.payment_id, unnest(s.part_of) as operation,
                    unnest(s.part_transaction) as transaction,
                    unnest(s.part_instalment) as instalment, unnest(s.part_due_date) as due_date,
                    unnest(s.part_principal) as principal, unnest(s.part_interest) as interest,
                    unnest(s.part_fees) as fees, unnest(s.part_penalties) as penalties,
                    unnest(s.part_held) as held, unnest(s.part_is_given_back) as is_given_back
                from served as s
            ) as p
            left join lateral (
                select k.type, k.payment_id from @book@.loan_event as k
                where k.loan_id = p.loan_id and k.version = nullif(p.operation, p.last_version) limit 1) as e on true
        ), snapped as (
            update @book@.loan_snapshot as t set version = s.last_version, state = s.state_after
            from served as s where t.loan_id = s.loan_id
        ), replaced as (
            insert into @book@.accrual_line select (s.line).* from served as s where (s.line).loan_id is not null
        ), balanced as (
            update @book@.loan_balance as t
            set version = s.last_version, latest_on = s.latest_on, hash = s.hash,
                status = s.status, principal = s.principal, interest = s.interest, fees = s.fees,
                penalties = s.penalties,
                overpaid = s.overpaid, oldest_unpaid = s.oldest_unpaid, overdue = s.overdue,
                overdue_principal = s.overdue_principal, next_due = s.next_due, next_due_amount = s.next_due_amount,
                maturity = s.maturity, earned_from = $today$, earned_base = s.earned_base,
                earned_per_day = s.earned_per_day, holds_until = s.holds_until,
                charged_off_on = s.charged_off_on, fees_earned = s.fees_earned,
                penalties_earned = s.penalties_earned, interest_settled = s.interest_settled,
                fees_settled = s.fees_settled, penalties_settled = s.penalties_settled,
                receivable_through = s.ended_through,
                interest_receivable = s.interest_before + s.interest_moved,
                fee_receivable = s.fees_before + s.fees_moved,
                penalty_receivable = s.penalties_before + s.penalties_moved
            from served as s
            where t.loan_id = s.loan_id
            returning case when t.status <> s.status_before or (t.oldest_unpaid is null) <> s.was_on_time
                or t.charged_off_on is distinct from s.charged_off_before then t.loan_id end as moved
        )
        select count(*), array_agg(b.moved) filter (where b.moved is not null) from balanced as b
    $sql$;
begin
    execute replace(replace(replace(replace(replace($function$
create function @book@._project_events() returns trigger language plpgsql as $body$
declare
    today constant date := @book@._enter_day(array(select r.loan_id from recorded as r));
    -- The last day that was ended, where it is the same for all loans.
    ended constant date := (
        select coalesce((select max(e.on_date) from @book@.end_of_day as e), '-infinity') where not exists (
            select from @book@.end_of_day as e where e.finished_at is null union all select from @book@.end_of_day_fault));
    events constant bigint := (select count(*) from recorded);
    loans bigint := events;
    kept integer := 0;
    more integer;
    moved uuid[];
    also_moved uuid[];
begin
    if events > 1 then
        loans := (select count(distinct r.loan_id) from recorded as r);
    end if;
    if loans = events then
<each> into kept, moved;
    end if;
    if kept < loans then
        execute <several> into more, also_moved using today;
        if kept + more < loans then
            perform @book@._refuse_stale_events(array(select distinct r.loan_id from recorded as r));
        end if;
        moved := moved || also_moved;
    end if;
    if moved is not null then
        perform @book@._follow_status(moved);
    end if;
    return null;
end $body$
$function$, '<each>', replace(projection, '$today$', 'today')),
        '<several>', quote_literal(replace(replace(projection, '<served>', several), '$today$', '$1'))),
        '<served>', each), '$today$', 'today'), '$ended$', 'ended');
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
    today constant date := @book@._enter_day(array(select a.loan_id from unnest(asked) as a));
    by_whom constant text := @book@.actor();
begin
    if cardinality(asked) = 0 then
        return;
    elsif cardinality(asked) = 1
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
