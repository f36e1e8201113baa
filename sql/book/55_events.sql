-- Events for those who follow them, and what they say of a loan on any day.
--
-- Events are committed out of order, so a reader that keeps the highest position it saw loses those
-- committed late. Consumers read by (transaction, position), and only events of transactions older
-- than every one still running: nothing can appear behind a cursor.

create table @book@.event_consumer (
    name text primary key check (name <> ''),
    xid xid8 not null default '0',
    position bigint not null default 0,
    moved_at timestamptz
);
comment on table @book@.event_consumer is 'Who follows the events, and how far they are.';
comment on column @book@.event_consumer.name is 'The consumer.';
comment on column @book@.event_consumer.xid is 'The transaction of the last event it took.';
comment on column @book@.event_consumer.position is 'The position of the last event it took.';
comment on column @book@.event_consumer.moved_at is 'When it last took any.';

-- Numbers of transactions begin anew in a database restored from a dump. What a consumer had not
-- taken by then is listed here, and its cursor begins after it.
create table @book@.event_backlog (
    consumer text not null references @book@.event_consumer,
    position bigint not null,
    xid xid8 not null,
    primary key (consumer, position)
);
comment on table @book@.event_backlog is 'Events of before a restore that a consumer has still to take.';
comment on column @book@.event_backlog.consumer is 'The consumer.';
comment on column @book@.event_backlog.position is 'The position of the event.';
comment on column @book@.event_backlog.xid is 'The transaction that recorded it, as the earlier database numbered it.';

create table @book@.event_epoch (
    through_position bigint primary key,
    begun_at timestamptz not null default clock_timestamp()
);
comment on table @book@.event_epoch is 'Restores: events up to a position are of an earlier database.';
comment on column @book@.event_epoch.through_position is 'The last position of the earlier database.';
comment on column @book@.event_epoch.begun_at is 'When the restored database took over.';

create function @book@.take_events(consumer text, most integer default 1000)
    returns setof @book@.loan_event language plpgsql as $$
begin
    if most is null or most < 1 then
        raise exception using errcode = '22023', message = format('%s events cannot be taken', most),
            hint = 'Give a positive number.';
    end if;
    perform from @book@.event_consumer as c where c.name = consumer for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no consumer "%s" of events', consumer),
            hint = 'Insert it into event_consumer; it begins with the first event.';
    end if;
    -- One statement, and so one view of which transactions still run: what is returned is what the
    -- cursor moves over.
    return query
        with old as materialized (
            select g.position, g.xid from @book@.event_backlog as g
            where g.consumer = take_events.consumer order by g.position limit most
        ), forgotten as (
            delete from @book@.event_backlog as g using old
            where g.consumer = take_events.consumer and g.position = old.position
        ), new as materialized (
            select e.xid, e.position
            from @book@.event_consumer as c
            join @book@.loan_event as e on (e.xid, e.position) > (c.xid, c.position)
            where c.name = take_events.consumer
                and e.position > coalesce((select max(p.through_position) from @book@.event_epoch as p), 0)
                and e.xid < pg_snapshot_xmin(pg_current_snapshot())
            order by e.xid, e.position
            limit greatest(most - (select count(*) from old), 0)
        ), moved as (
            update @book@.event_consumer as c
            set xid = n.xid, position = n.position, moved_at = clock_timestamp()
            from (select n.xid, n.position from new as n order by n.xid desc, n.position desc limit 1) as n
            where c.name = take_events.consumer
        )
        select e.*
        from (
            select o.position, o.xid, 0 as turn, '0'::xid8 as age from old as o
            union all
            select n.position, n.xid, 1, n.xid from new as n
        ) as t
        join @book@.loan_event as e using (xid, position)
        order by t.turn, t.age, t.position;
end $$;
comment on function @book@.take_events(text, integer) is
'The next events of a consumer, in an order in which none can be missed, and moves it behind them: in the transaction that works on them, so that both are committed or neither. LN208 for an unknown consumer.';

create function @book@.resume_after_restore() returns bigint language plpgsql as $$
declare
    through bigint := coalesce((select max(e.position) from @book@.loan_event as e), 0);
begin
    perform @book@._authorise('resume_after_restore');
    lock table @book@.event_consumer in exclusive mode;
    insert into @book@.event_backlog (consumer, position, xid)
    select c.name, e.position, e.xid
    from @book@.event_consumer as c
    join @book@.loan_event as e on (e.xid, e.position) > (c.xid, c.position)
    where e.position > coalesce((select max(p.through_position) from @book@.event_epoch as p), 0)
    on conflict do nothing;
    insert into @book@.event_epoch (through_position) values (through) on conflict do nothing;
    update @book@.event_consumer set xid = '0', position = 0;
    return through;
end $$;
comment on function @book@.resume_after_restore() is
'To be called once in a database restored from a dump, before it is used: keeps consumers from losing or repeating events. Returns the last position of the earlier database.';

create view @book@.event_lag as
select c.name as consumer, c.moved_at,
    (select count(*) from @book@.event_backlog as g where g.consumer = c.name) as backlog,
    (select count(*) from @book@.loan_event as e
        where (e.xid, e.position) > (c.xid, c.position)
            and e.position > coalesce((select max(p.through_position) from @book@.event_epoch as p), 0)) as waiting
from @book@.event_consumer as c;
comment on view @book@.event_lag is 'How far each consumer of events is behind.';
comment on column @book@.event_lag.consumer is 'The consumer.';
comment on column @book@.event_lag.moved_at is 'When it last took any.';
comment on column @book@.event_lag.backlog is 'Events of before a restore that it has still to take.';
comment on column @book@.event_lag.waiting is 'Later events that it has still to take, those of running transactions included.';

-- A loan on any day, by what was known on any day.

create view @book@.loan_operation as
select e.loan_id, e.version, e.valid_on, e.business_date,
    @book@._operation(e.type, e.valid_on, e.business_date, e.version, e.operation) as operation
from @book@.loan_event as e;
comment on view @book@.loan_operation is
'Events as operations of loan_engine.fold, for its aggregate loan_state: loan_state(terms, operation order by version).';
comment on column @book@.loan_operation.loan_id is 'The loan.';
comment on column @book@.loan_operation.version is 'Its place among the events of the loan.';
comment on column @book@.loan_operation.valid_on is 'The day it counts from.';
comment on column @book@.loan_operation.business_date is 'The business date it was recorded on.';
comment on column @book@.loan_operation.operation is 'The operation.';

create function @book@.loan_as_of(loan_id uuid, valid_on date default null, known_on date default null)
    returns table (
        status text, principal numeric, interest numeric, fees numeric, penalties numeric, outstanding numeric,
        overpaid numeric, days_past_due integer, oldest_unpaid date, overdue numeric, next_due date,
        next_due_amount numeric, interest_earned numeric, maturity date)
    language sql stable parallel safe
    begin atomic
        select k.status, k.principal, k.interest, k.fees, k.penalties, k.outstanding, k.overpaid, k.days_past_due,
            k.oldest_unpaid, k.overdue, k.next_due, k.next_due_amount, k.interest_earned, k.maturity
        from @book@.loan as l
        cross join lateral loan_engine._loan_outlook(
            loan_engine._loan_at(l.terms, @book@._operations(l.id, known_on => loan_as_of.known_on),
                loan_as_of.valid_on, loan_as_of.known_on),
            coalesce(loan_as_of.valid_on, @book@.business_date())) as k
        where l.id = loan_as_of.loan_id;
    end;
comment on function @book@.loan_as_of(uuid, date, date) is
'A loan at the end of the day valid_on, by what was known at the end of the day known_on; today, by all that is known, without them. No row for an unknown loan.';

create function @book@.loan_state_as_of(loan_id uuid, valid_on date default null, known_on date default null)
    returns jsonb
    language sql stable parallel safe
    begin atomic
        select loan_engine.loan_at(l.terms, @book@._operations(l.id, known_on => loan_state_as_of.known_on),
            loan_state_as_of.valid_on, loan_state_as_of.known_on)
        from @book@.loan as l where l.id = loan_state_as_of.loan_id;
    end;
comment on function @book@.loan_state_as_of(uuid, date, date) is
'The whole state of a loan as loan_as_of, for the functions of loan_engine that take a state: fold_schedule, fold_transactions, payoff_quote, explain.';

create view @book@.amortisation_line as
select s.loan_id, line.*
from @book@.loan_snapshot as s
cross join lateral loan_engine._loan_lines(s.state) as line;
comment on view @book@.amortisation_line is
'The instalments of every loan as they are served: due, paid, waived, written off and outstanding by component. A view over the packed state: what is asked of one loan touches one row.';
comment on column @book@.amortisation_line.loan_id is 'The loan.';
comment on column @book@.amortisation_line.instalment is 'Its number.';
comment on column @book@.amortisation_line.kind is 'Instalment, or down payment and the like, as loan_engine.fold_schedule tells.';
comment on column @book@.amortisation_line.period_start is 'The first day of its period.';
comment on column @book@.amortisation_line.due_date is 'The day it is due.';
comment on column @book@.amortisation_line.principal is 'Principal asked for, in currency units.';
comment on column @book@.amortisation_line.interest is 'Interest asked for, in currency units.';
comment on column @book@.amortisation_line.fees is 'Fees asked for, in currency units.';
comment on column @book@.amortisation_line.penalties is 'Penalties asked for, in currency units.';
comment on column @book@.amortisation_line.total is 'All of it asked for, in currency units.';
comment on column @book@.amortisation_line.principal_paid is 'Principal that is paid, in currency units.';
comment on column @book@.amortisation_line.interest_paid is 'Interest that is paid, in currency units.';
comment on column @book@.amortisation_line.fees_paid is 'Fees that are paid, in currency units.';
comment on column @book@.amortisation_line.penalties_paid is 'Penalties that are paid, in currency units.';
comment on column @book@.amortisation_line.total_paid is 'All of it that is paid, in currency units.';
comment on column @book@.amortisation_line.principal_waived is 'Principal that is forgiven, in currency units.';
comment on column @book@.amortisation_line.interest_waived is 'Interest that is forgiven, in currency units.';
comment on column @book@.amortisation_line.fees_waived is 'Fees that are forgiven, in currency units.';
comment on column @book@.amortisation_line.penalties_waived is 'Penalties that are forgiven, in currency units.';
comment on column @book@.amortisation_line.total_waived is 'All of it that is forgiven, in currency units.';
comment on column @book@.amortisation_line.principal_written_off is 'Principal that is given up, in currency units.';
comment on column @book@.amortisation_line.interest_written_off is 'Interest that is given up, in currency units.';
comment on column @book@.amortisation_line.fees_written_off is 'Fees that are given up, in currency units.';
comment on column @book@.amortisation_line.penalties_written_off is 'Penalties that are given up, in currency units.';
comment on column @book@.amortisation_line.total_written_off is 'All of it that is given up, in currency units.';
comment on column @book@.amortisation_line.principal_outstanding is 'Principal that is outstanding, in currency units.';
comment on column @book@.amortisation_line.interest_outstanding is 'Interest that is outstanding, in currency units.';
comment on column @book@.amortisation_line.fees_outstanding is 'Fees that are outstanding, in currency units.';
comment on column @book@.amortisation_line.penalties_outstanding is 'Penalties that are outstanding, in currency units.';
comment on column @book@.amortisation_line.total_outstanding is 'All of it that is outstanding, in currency units.';
comment on column @book@.amortisation_line.settled_on is 'The day on which nothing of it was left.';
