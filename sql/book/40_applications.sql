-- Applications: what was asked for, what was decided, on which conditions.
--
-- Where an application stands is the business of the state machine application; no command takes a
-- status, and a decision that is not recorded moves nothing (the guards below).

create table @book@.application (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    application_no text not null check (application_no <> ''),
    product_id uuid not null references @book@.product,
    applicant_id uuid not null references @book@.party,
    branch_id uuid references @book@.branch,
    officer_id uuid references @book@.officer,
    channel text,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    amount numeric not null check (amount > 0),
    instalments integer not null check (instalments > 0),
    disbursed_on date,
    terms jsonb not null default '{}' check (jsonb_typeof(terms) = 'object'),
    purpose text,
    monthly_income numeric check (monthly_income >= 0),
    monthly_obligations numeric not null default 0 check (monthly_obligations >= 0),
    applied_on date not null default @book@.business_date(),
    entered_by text not null default @book@.actor(),
    submitted_by text,
    status text not null default 'draft',
    status_version integer not null default 1,
    unique (legal_entity_id, application_no)
);
create index on @book@.application (applicant_id);
create index on @book@.application (product_id);
comment on table @book@.application is 'What someone asks to borrow.';
comment on column @book@.application.id is 'Key.';
comment on column @book@.application.legal_entity_id is 'Who is asked.';
comment on column @book@.application.application_no is 'Its number, unique for the legal entity.';
comment on column @book@.application.product_id is 'What is asked for.';
comment on column @book@.application.applicant_id is 'Who asks.';
comment on column @book@.application.branch_id is 'In which branch.';
comment on column @book@.application.officer_id is 'Who looks after it.';
comment on column @book@.application.channel is 'How it came.';
comment on column @book@.application.currency is 'ISO 4217 code of all its amounts, that of the product.';
comment on column @book@.application.amount is 'How much is asked for, in currency units.';
comment on column @book@.application.instalments is 'In how many instalments it is to be paid back.';
comment on column @book@.application.disbursed_on is 'When it is to be lent; on the day it becomes a loan when NULL.';
comment on column @book@.application.terms is 'Further terms asked for, of those the product leaves open.';
comment on column @book@.application.purpose is 'What it is for.';
comment on column @book@.application.monthly_income is
'Income a month as declared; that of employment counts when NULL.';
comment on column @book@.application.monthly_obligations is 'What the applicant owes others a month, as declared.';
comment on column @book@.application.applied_on is 'The business date it was entered on.';
comment on column @book@.application.entered_by is 'Who entered it.';
comment on column @book@.application.submitted_by is 'Who handed it in.';
comment on column @book@.application.status is
'Where it stands, by the state machine application; only transitions change it.';
comment on column @book@.application.status_version is 'How often it changed, for who changes it next to name.';

create table @book@.decision (
    id uuid primary key default loan_engine.uuid_v7(),
    application_id uuid not null references @book@.application,
    application_version integer not null,
    outcome text not null check (outcome in ('approved', 'conditional', 'rejected')),
    amount numeric check (amount > 0),
    instalments integer check (instalments > 0),
    terms jsonb not null default '{}' check (jsonb_typeof(terms) = 'object'),
    reason text,
    decided_by text not null default @book@.actor(),
    decided_on date not null default @book@.business_date(),
    recorded_at timestamptz not null default clock_timestamp(),
    unique (application_id, application_version),
    check ((outcome = 'rejected') = (amount is null) and (outcome = 'rejected') = (instalments is null)),
    check (outcome <> 'rejected' or reason <> '')
);
comment on table @book@.decision is 'What was decided about an application.';
comment on column @book@.decision.id is 'Key.';
comment on column @book@.decision.application_id is 'The application.';
comment on column @book@.decision.application_version is
'The status_version of the application it was decided at: there is one decision of each.';
comment on column @book@.decision.outcome is 'Approved, conditional or rejected.';
comment on column @book@.decision.amount is 'How much may be lent, in currency units.';
comment on column @book@.decision.instalments is 'In how many instalments it is to be paid back.';
comment on column @book@.decision.terms is 'Terms decided, before those asked for.';
comment on column @book@.decision.reason is 'Why; a rejection has one.';
comment on column @book@.decision.decided_by is 'Who decided.';
comment on column @book@.decision.decided_on is 'The business date it was decided on.';
comment on column @book@.decision.recorded_at is 'When it was written.';
select @book@._make_append_only('@book@.decision');

create table @book@.decision_condition (
    id uuid primary key default loan_engine.uuid_v7(),
    decision_id uuid not null references @book@.decision,
    position smallint not null check (position > 0),
    description text not null check (description <> ''),
    fulfilled_by text,
    fulfilled_on date,
    note text,
    unique (decision_id, position),
    check ((fulfilled_by is null) = (fulfilled_on is null))
);
comment on table @book@.decision_condition is
'What must be so before an application approved on conditions is approved.';
comment on column @book@.decision_condition.id is 'Key.';
comment on column @book@.decision_condition.decision_id is 'The decision that sets it.';
comment on column @book@.decision_condition.position is 'Its place among those of the decision.';
comment on column @book@.decision_condition.description is 'What must be so.';
comment on column @book@.decision_condition.fulfilled_by is 'Who found it fulfilled.';
comment on column @book@.decision_condition.fulfilled_on is 'The business date on which they did.';
comment on column @book@.decision_condition.note is 'What shows it, such as a document.';

create view @book@.application_offer as
select a.id as application_id, d.id as decision_id, d.outcome,
    a.legal_entity_id, a.product_id, a.applicant_id, a.currency,
    coalesce(d.amount, a.amount) as amount, coalesce(d.instalments, a.instalments) as instalments,
    coalesce(a.disbursed_on, b.business_date) as disbursed_on,
    a.terms || coalesce(d.terms, '{}') || jsonb_build_object(
        'principal', coalesce(d.amount, a.amount)::text, 'instalments', coalesce(d.instalments, a.instalments),
        'disbursed_on', coalesce(a.disbursed_on, b.business_date)) as terms
from @book@.application as a
cross join @book@.book as b
left join lateral (
    select l.* from @book@.decision as l where l.application_id = a.id order by l.application_version desc limit 1
) as d on true;
comment on view @book@.application_offer is
'What an application comes to: what was asked for and, where it was decided, what was decided.';
comment on column @book@.application_offer.application_id is 'The application.';
comment on column @book@.application_offer.decision_id is 'The last decision; NULL before there is one.';
comment on column @book@.application_offer.outcome is 'What it was.';
comment on column @book@.application_offer.legal_entity_id is 'Who is asked.';
comment on column @book@.application_offer.product_id is 'The product.';
comment on column @book@.application_offer.applicant_id is 'Who asks.';
comment on column @book@.application_offer.currency is 'ISO 4217 code of the amount.';
comment on column @book@.application_offer.amount is 'How much, in currency units.';
comment on column @book@.application_offer.instalments is 'In how many instalments.';
comment on column @book@.application_offer.disbursed_on is 'When it is to be lent; today when nothing was asked for.';
comment on column @book@.application_offer.terms is 'The loan''s own terms, as agree_loan takes them.';

-- An application is of a product its legal entity lends, in its currency, by a party it deals with.
create function @book@._check_applications() returns trigger language plpgsql as $$
declare
    fault record;
begin
    select n.application_no, p.code, v.currency into fault
    from entered as n
    join @book@.product as p on p.id = n.product_id
    join @book@.party as t on t.id = n.applicant_id
    left join @book@.product_version as v on v.product_id = n.product_id and v.validity @> n.applied_on
    left join @book@.officer as f on f.id = n.officer_id
    left join @book@.branch as r on r.id = n.branch_id
    where p.legal_entity_id <> n.legal_entity_id or t.legal_entity_id <> n.legal_entity_id
        or f.legal_entity_id <> n.legal_entity_id or r.legal_entity_id <> n.legal_entity_id
        or v.currency is distinct from n.currency
    limit 1;
    if found then
        raise exception using errcode = 'LN206',
            message = format('application "%s" does not agree with its product', fault.application_no),
            detail = format('Product "%s" is lent in %s; applicant, officer and branch are of its legal entity.',
                fault.code, coalesce(fault.currency, 'no currency today')),
            hint = 'Enter applications with apply_for_loan.';
    end if;
    return null;
end $$;
comment on function @book@._check_applications() is
'Refuses with LN206 applications that do not agree with their product.';
create trigger agreeing after insert on @book@.application
    referencing new table as entered for each statement execute function @book@._check_applications();

-- Guards of the state machine: nothing is approved, rejected or converted by its event alone.

create function @book@._lacks_decision(application_id uuid, outcome text) returns text
    language sql stable as $$
    select 'there is no such decision; decide_application records it'
    where not exists (
        select
        from @book@.decision as d
        join @book@.application as a on a.id = d.application_id
        where d.application_id = _lacks_decision.application_id and d.outcome = _lacks_decision.outcome
            and d.application_version = a.status_version)
$$;
comment on function @book@._lacks_decision(uuid, text) is
'Why an application does not move: nothing of the kind was decided at its present version.';

create function @book@._application_is_not_approved(subject_id uuid) returns text
    language sql stable as $$ select @book@._lacks_decision(subject_id, 'approved') $$;
comment on function @book@._application_is_not_approved(uuid) is
'Why an application is not approved: no such decision.';
create function @book@._application_is_not_conditional(subject_id uuid) returns text
    language sql stable as $$ select @book@._lacks_decision(subject_id, 'conditional') $$;
comment on function @book@._application_is_not_conditional(uuid) is
'Why an application is not approved on conditions: no such decision.';
create function @book@._application_is_not_rejected(subject_id uuid) returns text
    language sql stable as $$ select @book@._lacks_decision(subject_id, 'rejected') $$;
comment on function @book@._application_is_not_rejected(uuid) is
'Why an application is not rejected: no such decision.';

create function @book@._application_has_conditions(subject_id uuid) returns text
    language sql stable as $$
    select format('not fulfilled yet: %s', string_agg(c.description, ', ' order by c.position))
    from @book@.application_offer as o
    join @book@.decision_condition as c on c.decision_id = o.decision_id
    where o.application_id = subject_id and c.fulfilled_on is null
    having count(*) > 0
$$;
comment on function @book@._application_has_conditions(uuid) is
'Why an application is not approved yet: the conditions not fulfilled.';

create function @book@._application_has_no_loan(subject_id uuid) returns text
    language plpgsql stable as $$
begin
    if exists (select from @book@.loan as l where l.application_id = subject_id) then
        return null;
    end if;
    return 'no loan was agreed for it; convert_application agrees one';
end $$;
comment on function @book@._application_has_no_loan(uuid) is
'Why an application is not converted: there is no loan of it.';

update @book@.state_transition as x
set guard = g.guard
from (values
    ('approve', '_application_is_not_approved'),
    ('approve_conditionally', '_application_is_not_conditional'),
    ('reject', '_application_is_not_rejected'),
    ('meet_conditions', '_application_has_conditions'),
    ('convert', '_application_has_no_loan')
) as g (event, guard)
where x.machine = 'application' and x.event = g.event;
select @book@._guard_status('@book@.application');

insert into @book@.check_definition values
    ('decisions follow four eyes', 'Nobody decides an application that they entered, handed in or made themselves.',
    'select format(''application %s, decided by %s'', a.application_no, d.decided_by)
        from @book@.decision as d
        join @book@.application as a on a.id = d.application_id
        join @book@.party as p on p.id = a.applicant_id
        where d.decided_by in (a.entered_by, a.submitted_by, p.actor)');
