-- What each payment did to each loan, beside what is asked of it later: when it came, what it paid,
-- how late that was, and whether it was taken back.

create view @book@.repayment as
with paid as (
    select a.payment_id, a.loan_id, sum(a.principal) as principal, sum(a.interest) as interest, sum(a.fees) as fees,
        sum(a.penalties) as penalties, sum(a.held) as held
    from @book@.payment_allocation as a
    where a.payment_id is not null
    group by a.payment_id, a.loan_id
), first_paid as (
    -- What a payment paid when it was recorded, before anything was allocated anew.
    select distinct on (a.payment_id, a.loan_id) a.payment_id, a.loan_id, a.due_date
    from @book@.payment_allocation as a
    where a.payment_id is not null and a.due_date is not null
    order by a.payment_id, a.loan_id, a.loan_version, a.due_date
)
select e.payment_id, e.loan_id, p.legal_entity_id, p.provider, p.reference, p.kind, p.method, p.channel, p.value_date,
    e.business_date as recorded_on, e.actor as recorded_by, e.valid_on < e.business_date as is_backdated,
    l.currency, (e.operation ->> 'amount')::numeric as amount,
    coalesce(a.principal, 0) as principal, coalesce(a.interest, 0) as interest, coalesce(a.fees, 0) as fees,
    coalesce(a.penalties, 0) as penalties, coalesce(a.held, 0) as held,
    case when f.due_date is not null then greatest(p.value_date - f.due_date, 0) end as days_late,
    r.payment_id is not null as is_reversed, r.business_date as reversed_on, r.reversed_by, r.reason as reversal_reason
from @book@.loan_event as e
join @book@.payment as p on p.id = e.payment_id
join @book@.loan as l on l.id = e.loan_id
left join paid as a on a.payment_id = e.payment_id and a.loan_id = e.loan_id
left join first_paid as f on f.payment_id = e.payment_id and f.loan_id = e.loan_id
left join @book@.payment_reversal as r on r.payment_id = e.payment_id
where e.type = 'repay';
comment on view @book@.repayment is
'What loans were paid: a row for each payment and loan, with what it pays by component today, nothing once it is reversed.';
comment on column @book@.repayment.payment_id is 'The payment.';
comment on column @book@.repayment.loan_id is 'The loan.';
comment on column @book@.repayment.legal_entity_id is 'Who received it.';
comment on column @book@.repayment.provider is 'Through whom it came.';
comment on column @book@.repayment.reference is 'Its name there.';
comment on column @book@.repayment.kind is 'How it came about.';
comment on column @book@.repayment.method is 'Transfer, card, cash and so on.';
comment on column @book@.repayment.channel is 'Where it was taken.';
comment on column @book@.repayment.value_date is 'The day from which it counts.';
comment on column @book@.repayment.recorded_on is 'The business date it was recorded on.';
comment on column @book@.repayment.recorded_by is 'By whom.';
comment on column @book@.repayment.is_backdated is 'Whether it counts from an earlier day than it was recorded on.';
comment on column @book@.repayment.currency is 'ISO 4217 code of the loan, and of all amounts.';
comment on column @book@.repayment.amount is 'What the loan was paid, in currency units.';
comment on column @book@.repayment.principal is 'Principal it pays.';
comment on column @book@.repayment.interest is 'Interest it pays.';
comment on column @book@.repayment.fees is 'Fees it pays.';
comment on column @book@.repayment.penalties is 'Penalties it pays.';
comment on column @book@.repayment.held is 'What of it is held for the borrower.';
comment on column @book@.repayment.days_late is
'How many days after its due date it paid the oldest instalment it was put against; 0 in time, NULL for none.';
comment on column @book@.repayment.is_reversed is 'Whether it was taken back.';
comment on column @book@.repayment.reversed_on is 'The business date on which.';
comment on column @book@.repayment.reversed_by is 'By whom.';
comment on column @book@.repayment.reversal_reason is 'Why.';
