-- Disputes: a customer says that something about a loan or a payment is not right.

create table @book@.dispute (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    loan_id uuid not null references @book@.loan,
    payment_id uuid references @book@.payment,
    type text not null check (type in (
        'amount_mismatch', 'timing_issue', 'allocation_error', 'unauthorized_payment', 'duplicate_payment', 'other')),
    expected_amount numeric check (expected_amount >= 0),
    actual_amount numeric check (actual_amount >= 0),
    difference numeric generated always as (actual_amount - expected_amount) stored,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    priority text not null default 'normal' check (priority in ('low', 'normal', 'high', 'urgent')),
    description text not null check (description <> ''),
    assignee text,
    opened_on date not null default @book@.business_date(),
    opened_by text not null default @book@.actor(),
    status text not null default 'open',
    status_version integer not null default 1,
    outcome text check (outcome in ('upheld', 'partly_upheld', 'rejected')),
    resolution text,
    check ((outcome is null) = (resolution is null))
);
create index on @book@.dispute (loan_id);
create index on @book@.dispute (payment_id) where payment_id is not null;
create index on @book@.dispute (assignee, priority) where status not in ('resolved', 'closed');
comment on table @book@.dispute is 'Something a customer says is not right.';
comment on column @book@.dispute.id is 'Key.';
comment on column @book@.dispute.legal_entity_id is 'Whose customer it is.';
comment on column @book@.dispute.loan_id is 'The loan it is about.';
comment on column @book@.dispute.payment_id is 'The payment it is about.';
comment on column @book@.dispute.type is 'What is said to be wrong.';
comment on column @book@.dispute.expected_amount is 'What the customer expected, in currency units.';
comment on column @book@.dispute.actual_amount is 'What they found.';
comment on column @book@.dispute.difference is 'Found less expected.';
comment on column @book@.dispute.currency is 'ISO 4217 code of the amounts.';
comment on column @book@.dispute.priority is 'How pressing it is: low, normal, high, urgent.';
comment on column @book@.dispute.description is 'What they say.';
comment on column @book@.dispute.assignee is 'Who looks into it.';
comment on column @book@.dispute.opened_on is 'The business date it was opened on.';
comment on column @book@.dispute.opened_by is 'Who opened it.';
comment on column @book@.dispute.status is 'How far it has come, by the machine dispute; only transitions change it.';
comment on column @book@.dispute.status_version is 'How often it changed.';
comment on column @book@.dispute.outcome is 'Whether they are right: upheld, partly_upheld, rejected.';
comment on column @book@.dispute.resolution is 'The answer.';
select @book@._guard_status('@book@.dispute');

create function @book@._dispute_has_no_assignee(subject_id uuid) returns text language sql stable as $$
    select 'nobody is assigned' from @book@.dispute as d where d.id = subject_id and d.assignee is null
$$;
comment on function @book@._dispute_has_no_assignee(uuid) is 'Against looking into what nobody is assigned to.';

create function @book@._dispute_has_no_resolution(subject_id uuid) returns text language sql stable as $$
    select 'there is no answer' from @book@.dispute as d where d.id = subject_id and d.resolution is null
$$;
comment on function @book@._dispute_has_no_resolution(uuid) is 'Against resolving what has no answer.';

create function @book@.open_dispute(
    loan_id uuid, type text, description text, expected_amount numeric default null, actual_amount numeric default null,
    payment_id uuid default null, priority text default 'normal', assignee text default null
) returns uuid language plpgsql as $$
declare
    loan @book@.loan;
    opened uuid;
begin
    select l.* into loan from @book@.loan as l where l.id = open_dispute.loan_id;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no loan %s', loan_id),
            hint = 'The table loan lists loans by loan_no.';
    end if;
    if payment_id is not null and not exists (
        select from @book@.loan_event as e
        where e.payment_id = open_dispute.payment_id and e.loan_id = open_dispute.loan_id
    ) then
        raise exception using errcode = 'LN208',
            message = format('loan "%s" has no payment %s', loan.loan_no, payment_id),
            hint = 'The events of the loan name its payments.';
    end if;
    perform @book@._authorise('open_dispute', legal_entity_id => loan.legal_entity_id);
    insert into @book@.dispute (legal_entity_id, loan_id, payment_id, type, expected_amount, actual_amount,
        currency, priority, description, assignee)
    values (loan.legal_entity_id, loan.id, open_dispute.payment_id, open_dispute.type, open_dispute.expected_amount,
        open_dispute.actual_amount, loan.currency, open_dispute.priority, open_dispute.description,
        open_dispute.assignee)
    returning id into opened;
    if assignee is not null then
        perform @book@.transition('dispute', opened, 'investigate');
    end if;
    return opened;
end $$;
comment on function @book@.open_dispute(uuid, text, text, numeric, numeric, uuid, text, text) is
'Opens a dispute about a loan or one of its payments, looked into at once when someone is assigned; returns its key. Refuses with LN208 and LN201.';

create function @book@._held_dispute(dispute_id uuid) returns @book@.dispute language plpgsql as $$
declare
    held @book@.dispute;
begin
    select d.* into held from @book@.dispute as d where d.id = dispute_id for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no dispute %s', dispute_id),
            hint = 'The table dispute lists disputes by loan.';
    end if;
    perform @book@._authorise('resolve_dispute', legal_entity_id => held.legal_entity_id);
    return held;
end $$;
comment on function @book@._held_dispute(uuid) is
'Locks a dispute for who may resolve it; refuses with LN208 and LN201.';

create function @book@.assign_dispute(dispute_id uuid, assignee text) returns void language plpgsql as $$
declare
    held @book@.dispute := @book@._held_dispute(dispute_id);
begin
    update @book@.dispute as d set assignee = assign_dispute.assignee where d.id = held.id;
    if held.status = 'open' then
        perform @book@.transition('dispute', held.id, 'investigate');
    end if;
end $$;
comment on function @book@.assign_dispute(uuid, text) is
'Says who looks into a dispute, which is being investigated from then on. Refuses with LN208, LN201 and LN212.';

create function @book@.resolve_dispute(
    dispute_id uuid, outcome text, resolution text, expected_version integer default null
) returns void language plpgsql as $$
declare
    held @book@.dispute := @book@._held_dispute(dispute_id);
begin
    update @book@.dispute as d set outcome = resolve_dispute.outcome, resolution = resolve_dispute.resolution
    where d.id = held.id;
    perform @book@.transition('dispute', held.id, 'resolve', expected_version, resolution);
end $$;
comment on function @book@.resolve_dispute(uuid, text, text, integer) is
'Answers a dispute: upheld, partly_upheld or rejected, and in words. What is to be corrected is corrected by its own commands. Refuses with LN208, LN201, LN409 when it is at another version than expected, LN211 when it is resolved already.';
