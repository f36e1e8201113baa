-- Loans: what was agreed, what happened, and what follows from it.
--
-- loan_event is the truth: operations of loan_engine.fold in the order recorded. Whoever adds rows to
-- it, whatever they call, has them folded and posted by the trigger at the end, in the same
-- transaction; an operation the loan does not take refuses the statement.

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
);
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
    loan_id uuid not null references @book@.loan,
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
comment on column @book@.loan_event.loan_id is 'The loan.';
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
    accrued_through date not null,
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
    penalty_receivable numeric not null default 0,
    interest_accrued numeric not null default 0,
    fees_accrued numeric not null default 0,
    penalties_accrued numeric not null default 0
) with (fillfactor = 50);
comment on table @book@.loan_balance is
'What each loan comes to: a projection of its state, and what of its income is in the ledger. Written by the engine alone.';
comment on column @book@.loan_balance.loan_id is 'The loan.';
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
comment on column @book@.loan_balance.oldest_unpaid is 'The oldest due date of what is past due as of accrued_through; days past due are counted from it.';
comment on column @book@.loan_balance.overdue is 'What is past due.';
comment on column @book@.loan_balance.overdue_principal is 'Principal past due.';
comment on column @book@.loan_balance.next_due is 'The next due date.';
comment on column @book@.loan_balance.next_due_amount is 'What is due on it.';
comment on column @book@.loan_balance.maturity is 'The last due date.';
comment on column @book@.loan_balance.accrued_through is 'The last day whose income is in the ledger.';
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
comment on column @book@.loan_balance.interest_receivable is 'Interest receivable of the loan in the ledger.';
comment on column @book@.loan_balance.fee_receivable is 'Fees receivable of the loan in the ledger.';
comment on column @book@.loan_balance.penalty_receivable is 'Penalties receivable of the loan in the ledger.';
comment on column @book@.loan_balance.interest_accrued is 'Interest that the last day added to the receivable.';
comment on column @book@.loan_balance.fees_accrued is 'Fees that the last day added to the receivable.';
comment on column @book@.loan_balance.penalties_accrued is 'Penalties that the last day added to the receivable.';

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
    where n.currency is distinct from n.terms ->> 'currency' or n.principal is distinct from (n.terms ->> 'principal')::numeric
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
        select n.id, n.product_id, n.currency, coalesce(n.terms -> 'rounding' ->> 'mode', 'half_even') as rounding,
            loan_engine._loan_open(n.terms) as state, b.business_date
        from agreed as n cross join @book@.book as b
    ), kept as (
        insert into @book@.loan_snapshot (loan_id, version, state) select id, 0, state from opened
    )
    insert into @book@.loan_balance (loan_id, product_id, currency, rounding, status, principal, interest, fees, penalties, overpaid, oldest_unpaid,
        overdue, overdue_principal, next_due, next_due_amount, maturity, accrued_through, earned_from, earned_base,
        earned_per_day, holds_until, fees_earned, penalties_earned, interest_settled, fees_settled, penalties_settled)
    select o.id, o.product_id, o.currency, o.rounding, k.status, k.principal, k.interest, k.fees, k.penalties, k.overpaid, k.oldest_unpaid,
        k.overdue, k.overdue_principal, k.next_due, k.next_due_amount, k.maturity, o.business_date - 1, o.business_date, k.earned_base,
        k.earned_per_day, k.holds_until, k.fees_earned, k.penalties_earned, k.interest_settled, k.fees_settled, k.penalties_settled
    from opened as o cross join lateral loan_engine._loan_outlook(o.state, o.business_date) as k;
    return null;
end $$;
comment on function @book@._open_loans() is 'Gives loans that are agreed their state and balance.';
create trigger opened after insert on @book@.loan
    referencing new table as agreed for each statement execute function @book@._open_loans();

-- What events mean: states, balances, allocations and postings of all loans they are of, at once.
-- The statement that does it is planned once for few events, as a payment by itself brings, and anew
-- for many: the plan that suits one is a disaster for the other.
do $make$
declare
    projection constant text := $sql$
        with recorded_by_loan as (
            select r.loan_id, min(r.version) as first_version, max(r.version) as last_version, count(*) as events,
                (array_agg(r.hash order by r.version desc))[1] as hash, max(r.valid_on) as latest,
                jsonb_agg(r.operation || jsonb_build_object(
                    'type', r.type, 'on', r.valid_on, 'recorded_on', r.business_date, 'id', r.version::text) order by r.version) as operations
            from recorded as r
            group by r.loan_id
        ), tried as materialized (
            -- What the next steps need of a loan goes along with every fact, so that they need not join.
            select r.loan_id, r.events, r.last_version, r.hash, greatest(b.latest_on, r.latest) as latest_on,
                s.version = r.first_version - 1 and r.events = r.last_version - r.first_version + 1 as is_next,
                l.legal_entity_id, l.product_id, l.currency, b.status as status_before,
                b.oldest_unpaid is null as was_on_time, b.charged_off_on as charged_off_before,
                case f.fact when 'history' then r.first_version end as first_version,
                case f.fact when 'history' then r.operations end as operations,
                case f.fact when 'history' then l.terms end as terms, f.*
            from recorded_by_loan as r
            join @book@.loan as l on l.id = r.loan_id
            join @book@.loan_snapshot as s on s.loan_id = r.loan_id
            join @book@.loan_balance as b on b.loan_id = r.loan_id
            cross join lateral loan_engine._loan_serve(s.state, r.operations) as f
        ), served as materialized (
            select t.* from tried as t where t.fact <> 'history' and t.is_next
            union all
            select t.loan_id, t.events, t.last_version, t.hash, t.latest_on, t.is_next, t.legal_entity_id, t.product_id, t.currency,
                t.status_before, t.was_on_time, t.charged_off_before, null, null, null, f.*
            from tried as t
            cross join lateral (
                select coalesce(jsonb_agg(e.operation || jsonb_build_object(
                    'type', e.type, 'on', e.valid_on, 'recorded_on', e.business_date, 'id', e.version::text) order by e.version), '[]') as history
                from @book@.loan_event as e
                where e.loan_id = t.loan_id and e.version < t.first_version
            ) as h
            cross join lateral loan_engine._loan_serve(null, t.operations, t.terms, h.history) as f
            where t.fact = 'history' and t.is_next
        ), stated as materialized (
            select s.loan_id, s.events, s.last_version, s.hash, s.latest_on, s.is_next, s.state, k.*, s.interest_moved, s.fees_moved, s.penalties_moved,
                k.status <> s.status_before or (k.oldest_unpaid is null) <> s.was_on_time
                    or k.charged_off_on is distinct from s.charged_off_before as is_moved
            from (
                select s.*,
                    sum(s.amount) filter (where s.fact = 'movement' and s.kind = 'interest_receivable') over of_loan as interest_moved,
                    sum(s.amount) filter (where s.fact = 'movement' and s.kind = 'fee_receivable') over of_loan as fees_moved,
                    sum(s.amount) filter (where s.fact = 'movement' and s.kind = 'penalty_receivable') over of_loan as penalties_moved
                from served as s
                where s.fact in ('state', 'movement')
                window of_loan as (partition by s.loan_id)
            ) as s
            cross join lateral loan_engine._loan_outlook(s.state, $today$) as k
            where s.fact = 'state'
        ), posted as materialized (
            select p.*, row_number() over of as position, first_value(p.own_id) over of as id
            from (
                select s.loan_id, s.operation, s.legal_entity_id, s.currency, s.kind as account, sum(s.amount) as amount,
                    coalesce(a.ledger_account_id, @book@._account(s.legal_entity_id, s.kind, s.currency, s.product_id)) as ledger_account_id,
                    loan_engine.uuid_v7() as own_id
                from served as s
                left join @book@.posting_account as a
                    on a.product_id = s.product_id and a.account = s.kind and a.currency = s.currency
                where s.fact = 'movement'
                group by s.loan_id, s.operation, s.legal_entity_id, s.currency, s.kind, a.ledger_account_id, s.product_id
                having sum(s.amount) <> 0
            ) as p
            window of as (partition by p.loan_id, p.operation order by p.amount < 0, p.account)
        ), in_ledger as (
            insert into @book@.ledger_transaction (id, legal_entity_id, kind, booking_date, value_date, loan_id, loan_version, payment_id)
            select p.id, p.legal_entity_id, e.type, $today$, e.valid_on, p.loan_id, p.operation, e.payment_id
            from posted as p
            join @book@.loan_event as e on e.loan_id = p.loan_id and e.version = p.operation
            where p.position = 1
        ), entered as (
            insert into @book@.ledger_entry (transaction_id, position, booking_date, account_id, currency, amount)
            select p.id, p.position, $today$, p.ledger_account_id, p.currency, p.amount from posted as p
        ), allocated as (
            insert into @book@.payment_allocation (loan_id, loan_version, transaction_no, instalment, booked_on, payment_id,
                due_date, principal, interest, fees, penalties, held)
            select a.loan_id, a.last_version, a.transaction, a.instalment, $today$,
                case when not (a.is_given_back and e.type = 'repay') then e.payment_id end, a.due_date,
                a.principal, a.interest, a.fees, a.penalties, a.held
            from (
                -- What is held for the borrower is of no instalment; the movements tell it with its sign.
                -- What a payment brought in too much and was given back at once is not of the payment.
                select s.loan_id, s.last_version, s.operation, s.transaction, coalesce(s.instalment, 0) as instalment, s.due_date,
                    s.is_given_back, coalesce(sum(s.principal), 0) as principal, coalesce(sum(s.interest), 0) as interest,
                    coalesce(sum(s.fees), 0) as fees, coalesce(sum(s.penalties), 0) as penalties,
                    coalesce(-sum(s.amount) filter (where s.fact = 'movement'), 0) as held
                from (
                    select t.*, bool_or(t.fact in ('transaction', 'reversal') and t.kind = 'credit_balance_refund') over (
                            partition by t.loan_id, t.transaction) as is_given_back
                    from served as t
                    where t.fact in ('transaction', 'reversal', 'allocation') or t.fact = 'movement' and t.kind = 'overpayment'
                ) as s
                where s.fact in ('allocation', 'movement')
                group by s.loan_id, s.last_version, s.operation, s.transaction, s.instalment, s.due_date, s.is_given_back
            ) as a
            join @book@.loan_event as e on e.loan_id = a.loan_id and e.version = a.operation
            where (a.principal, a.interest, a.fees, a.penalties, a.held) <> (0, 0, 0, 0, 0)
        ), snapped as (
            update @book@.loan_snapshot as t
            set version = s.last_version, state = s.state
            from stated as s
            where t.loan_id = s.loan_id and s.is_next
            returning t.loan_id
        ), balanced as (
            update @book@.loan_balance as t
            set version = s.last_version, latest_on = s.latest_on, hash = s.hash,
                status = s.status, principal = s.principal, interest = s.interest, fees = s.fees, penalties = s.penalties,
                overpaid = s.overpaid, oldest_unpaid = s.oldest_unpaid, overdue = s.overdue,
                overdue_principal = s.overdue_principal, next_due = s.next_due, next_due_amount = s.next_due_amount,
                maturity = s.maturity, earned_from = $today$, earned_base = s.earned_base,
                earned_per_day = s.earned_per_day, holds_until = s.holds_until,
                charged_off_on = s.charged_off_on, fees_earned = s.fees_earned,
                penalties_earned = s.penalties_earned, interest_settled = s.interest_settled,
                fees_settled = s.fees_settled, penalties_settled = s.penalties_settled,
                interest_receivable = t.interest_receivable + coalesce(s.interest_moved, 0),
                fee_receivable = t.fee_receivable + coalesce(s.fees_moved, 0),
                penalty_receivable = t.penalty_receivable + coalesce(s.penalties_moved, 0)
            from stated as s
            where t.loan_id = s.loan_id and t.version = s.last_version - s.events
            returning t.loan_id
        )
        select (select count(*) from recorded_by_loan), least((select count(*) from snapped), (select count(*) from balanced)),
            (select array_agg(s.loan_id) from stated as s where s.is_moved)
    $sql$;
begin
    execute replace(replace($function$
create function @book@._project_events() returns trigger language plpgsql as $body$
declare
    today constant date := (select b.business_date from @book@.book as b);
    loans integer;
    kept integer;
    moved uuid[];
begin
    if (select count(*) <= 100 from (select from recorded limit 101) as first_ones) then
<few> into loans, kept, moved;
    else
        execute <many> into loans, kept, moved using today;
    end if;
    if kept <> loans then
        perform @book@._refuse_stale_events(array(select distinct r.loan_id from recorded as r));
    end if;
    if moved is not null then
        perform @book@._follow_status(moved);
    end if;
    return null;
end $body$
$function$, '<few>', replace(projection, '$today$', 'today')), '<many>', quote_literal(replace(projection, '$today$', '$1')));
end $make$;
comment on function @book@._project_events() is
'Folds the events a statement recorded into states, balances, allocations and ledger entries.';

create function @book@._refuse_stale_events(loans uuid[]) returns void language plpgsql as $$
declare
    fault record;
begin
    select s.loan_id, s.version, count(e.version) as recorded, max(e.version) as latest into fault
    from @book@.loan_snapshot as s
    join @book@.loan_event as e using (loan_id)
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

-- Records one operation of one loan. Sets of them are inserted into loan_event in the same way.
create function @book@._record(loan_id uuid, type text, valid_on date, members jsonb default '{}', payment_id uuid default null)
    returns integer language plpgsql as $$
declare
    recorded_version integer;
begin
    perform from @book@.loan_balance as b where b.loan_id = _record.loan_id for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no loan %s', loan_id),
            hint = 'The table loan lists loans by loan_no.';
    end if;
    insert into @book@.loan_event (loan_id, version, type, valid_on, business_date, operation, payment_id, previous_hash, hash)
    select s.loan_id, s.version + 1, _record.type, _record.valid_on, b.business_date, members, _record.payment_id, s.hash,
        loan_engine._hash_link(null, s.hash, @book@._event_text(
            s.loan_id, s.version + 1, _record.type, _record.valid_on, b.business_date, @book@.actor(), members, _record.payment_id))
    from @book@.loan_balance as s
    cross join @book@.book as b
    where s.loan_id = _record.loan_id
    returning version into recorded_version;
    return recorded_version;
end $$;
comment on function @book@._record(uuid, text, date, jsonb, uuid) is
'Records one operation of one loan and returns its version; the trigger of loan_event does the rest.';

create function @book@._event_text(
    loan_id uuid, version integer, type text, valid_on date, business_date date, actor text, operation jsonb, payment_id uuid
) returns text language sql immutable parallel safe
    return loan_id::text || '|' || version::text || '|' || type || '|' || (valid_on - date '2000-01-01')::text || '|'
        || (business_date - date '2000-01-01')::text || '|' || actor || '|' || operation::text || '|' || coalesce(payment_id::text, '-');
comment on function @book@._event_text(uuid, integer, text, date, date, text, jsonb, uuid) is
'What the hash of an event is taken of.';

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
        where s.version > 0 and s.state is distinct from loan_engine._loan_fold(l.terms, (
            select jsonb_agg(e.operation || jsonb_build_object(
                ''type'', e.type, ''on'', e.valid_on, ''recorded_on'', e.business_date, ''id'', e.version::text) order by e.version)
            from @book@.loan_event as e where e.loan_id = s.loan_id))');
