-- Collections: a case for each loan past due, in the stage its days past due lead to, and what was
-- done about it. Promises are kept or broken by what was paid since they were made.

create table @book@.collections_case (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    loan_id uuid not null references @book@.loan,
    status text not null default 'system',
    status_version integer not null default 1,
    opened_on date not null default @book@.business_date(),
    assignee text
);
create unique index collections_case_open on @book@.collections_case (loan_id) where status not in ('cured', 'closed');
create index on @book@.collections_case (loan_id);
create index on @book@.collections_case (assignee) where assignee is not null;
comment on table @book@.collections_case is
'A spell of a loan being past due, from its first day until it is cured; a loan has one open case at most.';
comment on column @book@.collections_case.id is 'Key.';
comment on column @book@.collections_case.legal_entity_id is 'Who collects.';
comment on column @book@.collections_case.loan_id is 'The loan.';
comment on column @book@.collections_case.status is
'The stage it is in, by the machine collections; only transitions change it.';
comment on column @book@.collections_case.status_version is 'How often it changed.';
comment on column @book@.collections_case.opened_on is 'The business date it was opened on.';
comment on column @book@.collections_case.assignee is 'Who looks after it.';
select @book@._guard_status('@book@.collections_case', 'collections');

create function @book@._case_is_late(subject_id uuid) returns text language sql stable as $$
    select @book@._loan_is_late(c.loan_id) from @book@.collections_case as c where c.id = subject_id
$$;
comment on function @book@._case_is_late(uuid) is 'Against what needs a case whose loan is not late any more.';

create table @book@.collections_event_type (
    type text primary key,
    kind text not null check (kind in ('course', 'contact', 'offer', 'promise', 'legal')),
    description text not null
);
comment on table @book@.collections_event_type is 'What can happen in a collections case.';
comment on column @book@.collections_event_type.type is 'What happens.';
comment on column @book@.collections_event_type.kind is
'Course is written by the book itself, contact and offer by record_collections_event, promise by promise_to_pay and arrange_payments, legal by take_legal_step.';
comment on column @book@.collections_event_type.description is 'What it is, in words.';
insert into @book@.collections_event_type values
    ('first_overdue', 'course', 'an instalment was not paid'),
    ('stage_changed', 'course', 'the days past due led to another stage'),
    ('cured', 'course', 'nothing is past due any more'),
    ('write_off', 'course', 'the loan was given up'),
    ('promise_kept', 'course', 'what was promised was paid'),
    ('promise_broken', 'course', 'what was promised was not paid in time'),
    ('reminder_sent', 'contact', 'a reminder was sent'),
    ('letter_sent', 'contact', 'a letter was sent'),
    ('call_attempt', 'contact', 'nobody answered a call'),
    ('call_successful', 'contact', 'the borrower was spoken to'),
    ('visit', 'contact', 'the borrower was visited'),
    ('settlement_offer', 'offer', 'less than everything was offered to be enough'),
    ('settlement_accepted', 'offer', 'the borrower accepted an offer'),
    ('promise_made', 'promise', 'the borrower promised to pay'),
    ('payment_arrangement', 'promise', 'payments were arranged'),
    ('legal_notice', 'legal', 'legal notice was given'),
    ('lawyer_letter', 'legal', 'a lawyer wrote'),
    ('court_filing', 'legal', 'a claim was filed with a court'),
    ('asset_recovery', 'legal', 'a title is being enforced'),
    ('end_legal_action', 'legal', 'legal steps have ended');

create table @book@.collections_event (
    id uuid primary key default loan_engine.uuid_v7(),
    case_id uuid not null references @book@.collections_case,
    type text not null references @book@.collections_event_type,
    business_date date not null default @book@.business_date(),
    stage text not null,
    days_past_due integer not null check (days_past_due >= 0),
    amount numeric check (amount > 0),
    channel text,
    outcome text,
    note text,
    actor text not null default @book@.actor(),
    recorded_at timestamptz not null default clock_timestamp()
);
create index on @book@.collections_event (case_id);
create index on @book@.collections_event using brin (business_date);
select @book@._make_append_only('@book@.collections_event');
comment on table @book@.collections_event is 'What was done in collections cases, and what came of it.';
comment on column @book@.collections_event.id is 'Key.';
comment on column @book@.collections_event.case_id is 'The case.';
comment on column @book@.collections_event.type is 'What happened.';
comment on column @book@.collections_event.business_date is 'On which business date.';
comment on column @book@.collections_event.stage is 'The stage of the case then.';
comment on column @book@.collections_event.days_past_due is 'The days past due of the loan then.';
comment on column @book@.collections_event.amount is 'What was offered or promised, in currency units of the loan.';
comment on column @book@.collections_event.channel is 'Phone, email, post, visit and so on.';
comment on column @book@.collections_event.outcome is 'What came of it.';
comment on column @book@.collections_event.note is 'More, in words.';
comment on column @book@.collections_event.actor is 'Who did it.';
comment on column @book@.collections_event.recorded_at is 'When it was written.';

create table @book@.legal_step (
    event_id uuid primary key references @book@.collections_event,
    before text,
    reference text,
    costs numeric check (costs >= 0)
);
select @book@._make_append_only('@book@.legal_step');
comment on table @book@.legal_step is 'What more there is to say of a legal step.';
comment on column @book@.legal_step.event_id is 'The event of the case.';
comment on column @book@.legal_step.before is 'The court, or who acts.';
comment on column @book@.legal_step.reference is 'Their number for it.';
comment on column @book@.legal_step.costs is 'What it costs, in currency units of the loan.';

create table @book@.payment_arrangement (
    id uuid primary key default loan_engine.uuid_v7(),
    case_id uuid not null references @book@.collections_case,
    agreed_on date not null default @book@.business_date(),
    agreed_by text not null default @book@.actor(),
    note text
);
create index on @book@.payment_arrangement (case_id);
comment on table @book@.payment_arrangement is
'Several payments promised together; the terms of the loan stay as they are.';
comment on column @book@.payment_arrangement.id is 'Key.';
comment on column @book@.payment_arrangement.case_id is 'The case.';
comment on column @book@.payment_arrangement.agreed_on is 'The business date it was agreed on.';
comment on column @book@.payment_arrangement.agreed_by is 'Who agreed it for the lender.';
comment on column @book@.payment_arrangement.note is 'More, in words.';

create table @book@.promise (
    id uuid primary key default loan_engine.uuid_v7(),
    case_id uuid not null references @book@.collections_case,
    loan_id uuid not null references @book@.loan,
    arrangement_id uuid references @book@.payment_arrangement,
    amount numeric not null check (amount > 0),
    due_on date not null,
    made_on date not null default @book@.business_date(),
    made_to text not null default @book@.actor(),
    loan_version integer not null,
    status text not null default 'open' check (status in ('open', 'kept', 'broken')),
    paid numeric,
    settled_on date,
    check ((status = 'open') = (settled_on is null) and (paid is null) = (settled_on is null) and due_on >= made_on)
);
create unique index promise_open on @book@.promise (loan_id) where status = 'open' and arrangement_id is null;
create index on @book@.promise (due_on) where status = 'open';
create index on @book@.promise (loan_id) where status = 'open';
create index on @book@.promise (case_id);
create index on @book@.promise (arrangement_id) where arrangement_id is not null;
comment on table @book@.promise is
'A promise to pay; it is kept when at least so much was received since it was made, by its due date. Those of an arrangement are counted together, the earlier first.';
comment on column @book@.promise.id is 'Key.';
comment on column @book@.promise.case_id is 'The case.';
comment on column @book@.promise.loan_id is 'The loan.';
comment on column @book@.promise.arrangement_id is 'The arrangement it belongs to.';
comment on column @book@.promise.amount is 'What is promised, in currency units of the loan.';
comment on column @book@.promise.due_on is 'By when.';
comment on column @book@.promise.made_on is 'The business date it was made on.';
comment on column @book@.promise.made_to is 'To whom.';
comment on column @book@.promise.loan_version is 'The last event of the loan then; what is paid by later ones counts.';
comment on column @book@.promise.status is 'Open, kept or broken; set by run_collections.';
comment on column @book@.promise.paid is
'What had been received when it was decided, with what was due earlier under the arrangement.';
comment on column @book@.promise.settled_on is 'The business date it was decided on.';

create view @book@.promise_kept_rate as
select c.legal_entity_id, p.made_to, count(*) as promises,
    count(*) filter (where p.status = 'open') as open, count(*) filter (where p.status = 'kept') as kept,
    count(*) filter (where p.status = 'broken') as broken,
    (count(*) filter (where p.status = 'kept'))::float8
        / nullif(count(*) filter (where p.status <> 'open'), 0) as kept_rate,
    (sum(p.amount) filter (where p.status = 'kept'))::float8
        / (sum(p.amount) filter (where p.status <> 'open'))::float8 as kept_amount_rate
from @book@.promise as p
join @book@.collections_case as c on c.id = p.case_id
group by c.legal_entity_id, p.made_to;
comment on view @book@.promise_kept_rate is 'How many promises were kept, by whom they were made to.';
comment on column @book@.promise_kept_rate.legal_entity_id is 'Who collects.';
comment on column @book@.promise_kept_rate.made_to is 'To whom they were made.';
comment on column @book@.promise_kept_rate.promises is 'How many were made.';
comment on column @book@.promise_kept_rate.open is 'How many are not decided.';
comment on column @book@.promise_kept_rate.kept is 'How many were kept.';
comment on column @book@.promise_kept_rate.broken is 'How many were broken.';
comment on column @book@.promise_kept_rate.kept_rate is 'Kept of those decided, a fraction; NULL when none was.';
comment on column @book@.promise_kept_rate.kept_amount_rate is
'The same by amount, NULL when none was kept or decided.';

create view @book@.v_collections_funnel as
select l.state as stage, l.from_days, c.legal_entity_id, n.currency, count(c.id) as cases,
    coalesce(sum(b.overdue), 0) as overdue, coalesce(sum(b.principal), 0) as principal
from @book@.lateness_ladder as l
left join (
    @book@.collections_case as c
    join @book@.loan as n on n.id = c.loan_id
    join @book@.loan_balance as b on b.loan_id = c.loan_id
) on c.status = l.state
where l.machine = 'collections'
group by l.state, l.from_days, c.legal_entity_id, n.currency;
comment on view @book@.v_collections_funnel is
'Open cases by stage, and what is past due and outstanding of their loans.';
comment on column @book@.v_collections_funnel.stage is 'The stage.';
comment on column @book@.v_collections_funnel.from_days is 'The days past due from which it is reached.';
comment on column @book@.v_collections_funnel.legal_entity_id is 'Who collects; NULL for a stage without cases.';
comment on column @book@.v_collections_funnel.currency is 'ISO 4217 code of the amounts.';
comment on column @book@.v_collections_funnel.cases is 'How many cases are in it.';
comment on column @book@.v_collections_funnel.overdue is 'What is past due of their loans, in currency units.';
comment on column @book@.v_collections_funnel.principal is 'Principal outstanding of their loans.';
