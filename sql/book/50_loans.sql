-- Loans: what was agreed, what happened, and what follows from it.
--
-- loan_event is the truth: operations of loan_engine.fold in the order recorded. All else about a loan
-- follows from its terms and these rows.

create table @book@.loan (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    branch_id uuid references @book@.branch,
    loan_no text not null check (loan_no <> ''),
    product_id uuid not null references @book@.product,
    product_version_id uuid not null references @book@.product_version,
    application_id uuid,
    borrower_id uuid not null references @book@.party,
    officer_id uuid references @book@.officer,
    channel text,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    principal numeric not null check (principal > 0),
    terms jsonb not null check (jsonb_typeof(terms) = 'object'),
    agreed_on date not null,
    status text not null default 'approved',
    status_version integer not null default 1,
    unique (legal_entity_id, loan_no)
) with (fillfactor = 80);
create index on @book@.loan (borrower_id);
create index on @book@.loan (officer_id);
create index on @book@.loan (product_id);
comment on table @book@.loan is 'What was agreed with a borrower.';
comment on column @book@.loan.id is 'Key.';
comment on column @book@.loan.legal_entity_id is 'Who lends.';
comment on column @book@.loan.branch_id is 'From which branch.';
comment on column @book@.loan.loan_no is 'Its number, unique for the legal entity.';
comment on column @book@.loan.product_id is 'What is lent.';
comment on column @book@.loan.product_version_id is 'On which terms of the product.';
comment on column @book@.loan.application_id is 'The application it came of.';
comment on column @book@.loan.borrower_id is 'Who borrows.';
comment on column @book@.loan.officer_id is 'Who looks after it.';
comment on column @book@.loan.channel is 'How it came.';
comment on column @book@.loan.currency is 'ISO 4217 code of everything about it.';
comment on column @book@.loan.principal is 'What is to be lent, in currency units.';
comment on column @book@.loan.terms is 'All terms, as loan_engine.fold takes them: those of the product and its own.';
comment on column @book@.loan.agreed_on is 'The business date it was agreed on.';
comment on column @book@.loan.status is 'Where it stands, by the state machine loan; only transitions change it.';
comment on column @book@.loan.status_version is 'How often it changed, for who changes it next to name.';

create table @book@.event_type (
    type text primary key,
    description text not null
);
comment on table @book@.event_type is 'What can happen to a loan: the operations of loan_engine.fold, which checks their members.';
comment on column @book@.event_type.type is 'The operation.';
comment on column @book@.event_type.description is 'What happens.';
insert into @book@.event_type values
    ('disburse', 'money is lent'),
    ('undo_disbursement', 'the last disbursement, or every one, did not happen'),
    ('repay', 'something is paid'),
    ('pay_off', 'the borrower pays exactly what ends the loan'),
    ('refund', 'money is given back to the borrower'),
    ('chargeback', 'a payment is taken back by the bank of the payer'),
    ('waive_interest', 'interest is forgiven'),
    ('charge', 'a fee or a penalty is charged'),
    ('waive_charge', 'a charge is forgiven'),
    ('undo_charge', 'a charge was not made'),
    ('adjust_charge', 'a charge is lowered'),
    ('pay_charge', 'a charge is paid by itself'),
    ('change_rate', 'the rate changes'),
    ('pause_interest', 'no interest is borne until a day'),
    ('change_due_date', 'an instalment is due on another day'),
    ('reschedule', 'instalments are added, or principal or interest is not asked for'),
    ('payment_holiday', 'nothing is asked for until a day'),
    ('skip_instalment', 'an instalment is added at the end'),
    ('re_age', 'what is outstanding is spread over new instalments'),
    ('re_amortise', 'principal past due is spread over the instalments to come'),
    ('capitalise_income', 'income is added to the principal'),
    ('write_off', 'everything outstanding is given up'),
    ('charge_off', 'the loan is taken for lost in the books'),
    ('undo_charge_off', 'the loan is not taken for lost any more'),
    ('terminate', 'the contract ends: everything falls due'),
    ('transfer_owner', 'the loan belongs to another'),
    ('pause_delinquency', 'lateness is not counted until a day'),
    ('reverse', 'an earlier operation did not happen'),
    ('end_of_day', 'the day ends with penalties for what is overdue');

create table @book@.loan_event (
    loan_id uuid not null,
    version integer not null check (version > 0),
    type text not null,
    valid_on date not null,
    business_date date not null,
    actor text not null default @book@.actor(),
    operation jsonb not null,
    payment_id uuid,
    previous_hash bytea,
    hash bytea not null,
    xid xid8 not null default pg_current_xact_id(),
    position bigint generated always as identity,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (loan_id, version)
);
create index on @book@.loan_event (xid, position);
create index on @book@.loan_event (payment_id) where payment_id is not null;
create index on @book@.loan_event using brin (business_date);
comment on table @book@.loan_event is
'What happened to loans, in the order recorded: the truth that all else follows from. It is not partitioned, for a partitioned table could not promise one version of a loan once.';
comment on column @book@.loan_event.loan_id is 'The loan. A foreign key would write a lock into its row for every payment; the trigger finds its state or refuses.';
comment on column @book@.loan_event.version is 'Its place among the events of the loan, from 1 without a gap.';
comment on column @book@.loan_event.type is 'What happened: a type of event_type. The fold refuses others; a foreign key would lock the same row for every payment.';
comment on column @book@.loan_event.valid_on is 'The day it counts from.';
comment on column @book@.loan_event.business_date is 'The business date it was recorded on.';
comment on column @book@.loan_event.actor is 'Who did it.';
comment on column @book@.loan_event.operation is 'The operation, as loan_engine.fold takes it.';
comment on column @book@.loan_event.payment_id is 'The payment it came of.';
comment on column @book@.loan_event.previous_hash is 'The hash of the event before, of the loan.';
comment on column @book@.loan_event.hash is 'SHA-256 of the hash before and of what the event says.';
comment on column @book@.loan_event.xid is 'The transaction that recorded it; with position the order in which consumers read.';
comment on column @book@.loan_event.position is 'Its place among all events.';
comment on column @book@.loan_event.recorded_at is 'When it was written.';
select @book@._make_append_only('@book@.loan_event');

create table @book@.loan_snapshot (
    loan_id uuid primary key references @book@.loan,
    version integer not null,
    state bytea not null
) with (fillfactor = 50, toast_tuple_target = 8160);
alter table @book@.loan_snapshot alter column state set storage external;
comment on table @book@.loan_snapshot is
'The state of each loan after its last event, packed: a projection, so that one more operation need not fold all again.';
comment on column @book@.loan_snapshot.loan_id is 'The loan.';
comment on column @book@.loan_snapshot.version is 'The last event it knows.';
comment on column @book@.loan_snapshot.state is 'The state, packed by the engine.';

-- What is asked of many loans at once. Hot: no index on what changes, half of each page left free.
create table @book@.loan_balance (
    loan_id uuid primary key references @book@.loan,
    legal_entity_id uuid not null,
    product_id uuid not null,
    currency text not null,
    rounding text not null,
    version integer not null default 0,
    hash bytea,
    latest_on date,
    status text not null,
    principal numeric not null,
    interest numeric not null,
    fees numeric not null,
    penalties numeric not null,
    overpaid numeric not null,
    oldest_unpaid date,
    overdue numeric not null,
    overdue_principal numeric not null,
    next_due date,
    next_due_amount numeric not null,
    maturity date,
    receivable_through date not null,
    earned_from date not null,
    earned_base numeric not null,
    earned_per_day numeric not null,
    holds_until date,
    charged_off_on date,
    fees_earned numeric not null,
    penalties_earned numeric not null,
    interest_settled numeric not null,
    fees_settled numeric not null,
    penalties_settled numeric not null,
    interest_receivable numeric not null default 0,
    fee_receivable numeric not null default 0,
    penalty_receivable numeric not null default 0
) with (fillfactor = 50);
-- The steps of a day look for what is late. An update that leaves that alone stays on its page.
create index on @book@.loan_balance (oldest_unpaid) where oldest_unpaid is not null;
comment on table @book@.loan_balance is
'What each loan comes to: a projection of its state, and what of its income is in the ledger. Written by the engine alone.';
comment on column @book@.loan_balance.loan_id is 'The loan.';
comment on column @book@.loan_balance.legal_entity_id is 'Who lends.';
comment on column @book@.loan_balance.product_id is 'What is lent.';
comment on column @book@.loan_balance.currency is 'ISO 4217 code of all amounts.';
comment on column @book@.loan_balance.rounding is 'How interest earned is rounded to the minor unit.';
comment on column @book@.loan_balance.version is 'The last event; who locks the row may record the next one.';
comment on column @book@.loan_balance.hash is 'The hash of that event.';
comment on column @book@.loan_balance.latest_on is 'The day the last event in value order counts from.';
comment on column @book@.loan_balance.status is 'The status of the fold: approved, active, closed, overpaid, written_off.';
comment on column @book@.loan_balance.principal is 'Principal outstanding, in currency units.';
comment on column @book@.loan_balance.interest is 'Interest of all instalments outstanding, due or not.';
comment on column @book@.loan_balance.fees is 'Fees outstanding, due or not.';
comment on column @book@.loan_balance.penalties is 'Penalties outstanding.';
comment on column @book@.loan_balance.overpaid is 'Money of the borrower that is held.';
comment on column @book@.loan_balance.oldest_unpaid is 'The oldest due date of what is due and not paid; days past due are counted from it.';
comment on column @book@.loan_balance.overdue is 'What is past due.';
comment on column @book@.loan_balance.overdue_principal is 'Principal past due.';
comment on column @book@.loan_balance.next_due is 'The next due date.';
comment on column @book@.loan_balance.next_due_amount is 'What is due on it.';
comment on column @book@.loan_balance.maturity is 'The last due date.';
comment on column @book@.loan_balance.receivable_through is 'The day by the end of which the next three were receivable; the view receivable tells what is now.';
comment on column @book@.loan_balance.earned_from is 'The day from which interest is earned in a straight line.';
comment on column @book@.loan_balance.earned_base is 'Interest earned since the beginning by the end of that day, not rounded.';
comment on column @book@.loan_balance.earned_per_day is 'Interest earned by each day after it, not rounded.';
comment on column @book@.loan_balance.holds_until is 'The first day on which something changes by time alone, so that the state must be looked at again; never when NULL.';
comment on column @book@.loan_balance.charged_off_on is 'The day it was charged off.';
comment on column @book@.loan_balance.fees_earned is 'Fees earned since the beginning.';
comment on column @book@.loan_balance.penalties_earned is 'Penalties earned since the beginning.';
comment on column @book@.loan_balance.interest_settled is 'Interest paid, waived or given up since the beginning.';
comment on column @book@.loan_balance.fees_settled is 'Fees paid, waived or given up since the beginning.';
comment on column @book@.loan_balance.penalties_settled is 'Penalties paid, waived or given up since the beginning.';
comment on column @book@.loan_balance.interest_receivable is 'Interest receivable in the ledger when the line began.';
comment on column @book@.loan_balance.fee_receivable is 'Fees receivable in the ledger when the line began.';
comment on column @book@.loan_balance.penalty_receivable is 'Penalties receivable in the ledger when the line began.';

create table @book@.payment_allocation (
    loan_id uuid not null,
    loan_version integer not null,
    transaction_no integer not null,
    instalment integer not null,
    booked_on date not null,
    payment_id uuid,
    due_date date,
    principal numeric not null,
    interest numeric not null,
    fees numeric not null,
    penalties numeric not null,
    held numeric not null default 0,
    primary key (loan_id, loan_version, transaction_no, instalment, booked_on)
) partition by range (booked_on);
comment on table @book@.payment_allocation is
'What a payment paid of an instalment. What is allocated anew is taken back with its sign turned and allocated again; nothing is overwritten.';
comment on column @book@.payment_allocation.loan_id is 'The loan.';
comment on column @book@.payment_allocation.loan_version is 'The event that allocated it.';
comment on column @book@.payment_allocation.transaction_no is 'The transaction of the loan.';
comment on column @book@.payment_allocation.instalment is 'The instalment; 0 for what is held as overpayment.';
comment on column @book@.payment_allocation.booked_on is 'The business date it was allocated on.';
comment on column @book@.payment_allocation.payment_id is 'The payment; none for what is no money, such as a goodwill credit.';
comment on column @book@.payment_allocation.due_date is 'The due date of the instalment.';
comment on column @book@.payment_allocation.principal is 'Principal paid, in currency units.';
comment on column @book@.payment_allocation.interest is 'Interest paid.';
comment on column @book@.payment_allocation.fees is 'Fees paid.';
comment on column @book@.payment_allocation.penalties is 'Penalties paid.';
comment on column @book@.payment_allocation.held is 'What is held for the borrower.';
select @book@._make_append_only('@book@.payment_allocation');
insert into @book@.partitioned values
    ('payment_allocation', array['select @book@._make_append_only(%L)']);

-- A loan that is agreed has its state from the start.
create function @book@._open_loans() returns trigger language plpgsql as $$
declare
    fault record;
begin
    select n.loan_no, n.currency, n.principal, n.terms ->> 'currency' as terms_currency,
        n.terms ->> 'principal' as terms_principal, v.currency as product_currency into fault
    from agreed as n
    join @book@.product_version as v on v.id = n.product_version_id
    join @book@.product as p on p.id = v.product_id
    where n.currency is distinct from n.terms ->> 'currency'
        or n.principal is distinct from (n.terms ->> 'principal')::numeric
        or n.currency <> v.currency or n.product_id <> v.product_id or n.legal_entity_id <> p.legal_entity_id
        or n.status <> 'approved' or n.terms -> 'accrual' -> 'periodic' is distinct from 'false'
    limit 1;
    if found then
        raise exception using errcode = 'LN206',
            message = format('loan "%s" does not agree with its terms or its product', fault.loan_no),
            detail = format('It is of %s %s; its terms of %s %s, its product in %s.', fault.principal, fault.currency,
                fault.terms_principal, fault.terms_currency, fault.product_currency),
            hint = 'Make loans with agree_loan, which puts the terms together; a new loan is approved, and "accrual" is {"periodic": false}, for the book recognises income itself.';
    end if;
    with opened as materialized (
        select n.id, n.legal_entity_id, n.product_id, n.currency,
            coalesce(n.terms -> 'rounding' ->> 'mode', 'half_even') as rounding,
            loan_engine._loan_open(n.terms) as state, b.business_date
        from agreed as n cross join @book@.book as b
    ), kept as (
        insert into @book@.loan_snapshot (loan_id, version, state) select id, 0, state from opened
    )
    insert into @book@.loan_balance (
        loan_id, legal_entity_id, product_id, currency, rounding,
        status, principal, interest, fees, penalties, overpaid, oldest_unpaid, overdue,
        overdue_principal, next_due, next_due_amount, maturity, receivable_through, earned_from,
        earned_base, earned_per_day, holds_until, fees_earned, penalties_earned, interest_settled, fees_settled, penalties_settled)
    select o.id, o.legal_entity_id, o.product_id, o.currency, o.rounding,
        k.status, k.principal, k.interest, k.fees, k.penalties, k.overpaid, k.oldest_unpaid, k.overdue,
        k.overdue_principal, k.next_due, k.next_due_amount, k.maturity, o.business_date - 1, o.business_date,
        k.earned_base, k.earned_per_day, k.holds_until, k.fees_earned, k.penalties_earned, k.interest_settled,
        k.fees_settled, k.penalties_settled
    from opened as o cross join lateral loan_engine._loan_outlook(o.state, o.business_date) as k;
    return null;
end $$;
comment on function @book@._open_loans() is 'Gives loans that are agreed their state and balance.';
create trigger opened after insert on @book@.loan
    referencing new table as agreed for each statement execute function @book@._open_loans();
