-- Reminders: who owes something soon, and who is late, is told by a ladder of rules.
--
-- A rule holds from its day to the next rule's, and is told once for each due date: so a run that was missed
-- is made up for, one that is repeated tells nothing twice, and nobody is told what is out of date.

create table @book@.reminder_rule (
    days_from_due integer primary key check (days_from_due <> 0),
    topic text not null references @book@.notification_topic,
    description text not null
);
comment on table @book@.reminder_rule is 'When borrowers are reminded.';
comment on column @book@.reminder_rule.days_from_due is
'So many days after what is oldest unpaid was due; before the next instalment is due if below zero.';
comment on column @book@.reminder_rule.topic is 'What they are told.';
comment on column @book@.reminder_rule.description is 'Which step of the ladder it is.';

create view @book@._reminder_span as
select r.days_from_due, r.topic,
    coalesce(lead(r.days_from_due) over (partition by r.days_from_due < 0 order by r.days_from_due) - 1,
        case when r.days_from_due < 0 then -1 else 2147483647 end) as through_days
from @book@.reminder_rule as r;
comment on view @book@._reminder_span is 'Through how many days each rule holds.';
comment on column @book@._reminder_span.days_from_due is 'From how many days it holds.';
comment on column @book@._reminder_span.topic is 'What is told.';
comment on column @book@._reminder_span.through_days is 'Through how many.';

create function @book@._remind(day date, first_loan uuid, next_loan uuid) returns bigint language plpgsql as $$
declare
    told bigint;
begin
    with asked as materialized (
        select b.loan_id, b.legal_entity_id, b.currency, s.topic,
            format('%s %s %s', b.loan_id, s.days_from_due, d.due_on) as unique_key,
            jsonb_build_object('days', abs(d.days), 'due_on', d.due_on, 'amount', d.amount, 'currency', b.currency) as fields
        from @book@.loan_balance as b
        cross join lateral (
            select b.next_due as due_on, day - b.next_due as days, b.next_due_amount as amount
            where b.next_due > day and b.next_due_amount > 0
            union all
            select b.oldest_unpaid, day - b.oldest_unpaid, b.overdue
            where b.oldest_unpaid < day and b.overdue > 0
        ) as d
        join @book@._reminder_span as s on d.days between s.days_from_due and s.through_days
        where b.status = 'active' and b.loan_id >= first_loan and (next_loan is null or b.loan_id < next_loan)
            -- Who has promised to pay is not dunned while the promise is open.
            and (d.days < 0 or not exists (
                select from @book@.promise as p where p.loan_id = b.loan_id and p.status = 'open'))
    ), noticed as (
        select a.topic, array_agg(row(a.legal_entity_id, l.borrower_id, null, a.unique_key, a.loan_id,
            a.fields || jsonb_build_object('name', concat_ws(' ', p.given_name, p.name), 'loan_no', l.loan_no)
            )::@book@._notice) as notices
        from asked as a
        join @book@.loan as l on l.id = a.loan_id
        join @book@.party as p on p.id = l.borrower_id
        -- Most were told before; the words of these need not be found.
        where not exists (
            select from @book@.notification as n
            where n.topic = a.topic and n.unique_key = a.unique_key and n.party_id = l.borrower_id and n.recipient is null)
        group by a.topic
    )
    select coalesce(sum(@book@._notify(n.topic, n.notices)), 0) into told from noticed as n;
    return told;
end $$;
comment on function @book@._remind(date, uuid, uuid) is
'Reminds the borrowers of a range of loans as of a day; returns how many were told.';

create procedure @book@.run_reminders(on_date date default null, chunk_size integer default 20000, inout told bigint default 0)
    language plpgsql as $$
declare
    day constant date := coalesce(on_date, @book@.business_date());
    first_loan uuid := '00000000-0000-0000-0000-000000000000';
    next_loan uuid;
begin
    if chunk_size is null or chunk_size < 1 then
        raise exception using errcode = '22023', message = format('a chunk of %s loans', chunk_size),
            hint = 'Give a positive number; 5,000 to 50,000 loans make good transactions.';
    end if;
    perform @book@._authorise('send_message');
    told := 0;
    loop
        next_loan := (
            select b.loan_id from @book@.loan_balance as b
            where b.loan_id >= first_loan order by b.loan_id offset chunk_size limit 1);
        told := told + @book@._remind(day, first_loan, next_loan);
        commit;
        exit when next_loan is null;
        first_loan := next_loan;
    end loop;
end $$;
comment on procedure @book@.run_reminders(date, integer, bigint) is
'Reminds borrowers of what is due soon and of what is overdue, as of the business date unless a day is given, a range of loans in each transaction; tells how many were told. Running it again tells nobody anything twice.';

-- Receipts for payments and disbursements follow the events, so that payments themselves are not slowed.

create function @book@.notify_of_events(most integer default 1000) returns bigint language plpgsql as $$
declare
    told bigint;
begin
    perform @book@._authorise('send_message');
    -- Nobody is told of what was long ago: the first call begins behind what there is.
    insert into @book@.event_consumer (name, xid, position)
    select 'notifications', coalesce(e.xid, '0'), coalesce(e.position, 0)
    from (values (true)) as once
    left join lateral (
        select l.xid, l.position from @book@.loan_event as l order by l.xid desc, l.position desc limit 1
    ) as e on true
    where not exists (select from @book@.event_consumer as c where c.name = 'notifications')
    on conflict do nothing;
    with taken as materialized (
        select e.* from @book@.take_events('notifications', most) as e
    ), noticed as (
        select t.topic, array_agg(row(l.legal_entity_id, l.borrower_id, null, format('%s %s', e.loan_id, e.version), l.id,
            jsonb_build_object('name', concat_ws(' ', p.given_name, p.name), 'loan_no', l.loan_no,
                'amount', e.operation ->> 'amount', 'currency', l.currency, 'on_date', e.valid_on))::@book@._notice) as notices
        from taken as e
        join (values ('disburse', 'loan_disbursed'), ('repay', 'payment_received')) as t (type, topic) using (type)
        join @book@.loan as l on l.id = e.loan_id
        join @book@.party as p on p.id = l.borrower_id
        where e.operation ->> 'amount' is not null
        group by t.topic
    )
    select coalesce(sum(@book@._notify(n.topic, n.notices)), 0) into told from noticed as n;
    return told;
end $$;
comment on function @book@.notify_of_events(integer) is
'Tells borrowers of the next events of their loans: of what was lent to them, and of payments received; returns how many were told. The consumer of events is notifications; the first call makes it, and begins with what happens after it. Refuses with LN201.';

create function @book@._notify_of_decisions() returns trigger language plpgsql as $$
begin
    perform @book@._notify('application_decided', array_agg(row(a.legal_entity_id, a.applicant_id, null, d.id::text, null,
        jsonb_build_object('name', concat_ws(' ', p.given_name, p.name), 'application_no', a.application_no,
            'outcome', d.outcome, 'reason', coalesce(d.reason, '')))::@book@._notice))
    from entered as d
    join @book@.application as a on a.id = d.application_id
    join @book@.party as p on p.id = a.applicant_id;
    return null;
end $$;
comment on function @book@._notify_of_decisions() is 'Tells applicants what was decided.';
create trigger notified after insert on @book@.decision
    referencing new table as entered for each statement execute function @book@._notify_of_decisions();
