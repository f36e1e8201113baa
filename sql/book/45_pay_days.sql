-- Who pays borrowers as what, and the days on which they were seen to be paid.

alter table @book@.employer add column calendar_code text references @book@.calendar;
comment on column @book@.employer.calendar_code is
'On whose business days they pay; Monday to Friday without holidays when NULL.';
alter table @book@.employer add column grace_days integer not null default 3 check (grace_days between 0 and 60);
comment on column @book@.employer.grace_days is
'How many days after the last day on which pay is expected a payment counts as missed.';
alter table @book@.employment add column role text check (role <> '');
comment on column @book@.employment.role is 'As what they work, such as nurse or contractor; those of one role are often paid alike.';

create table @book@.pay_date (
    id uuid primary key default loan_engine.uuid_v7(),
    party_id uuid not null references @book@.party,
    employer_id uuid references @book@.employer,
    paid_on date not null,
    amount numeric check (amount > 0 and amount < 'Infinity'),
    currency text check (currency ~ '^[A-Z]{3}$'),
    source text not null check (source <> ''),
    recorded_at timestamptz not null default clock_timestamp(),
    unique nulls not distinct (party_id, paid_on, employer_id, source)
);
comment on table @book@.pay_date is 'Days on which somebody was paid, as far as it was seen.';
comment on column @book@.pay_date.id is 'Key.';
comment on column @book@.pay_date.party_id is 'Who was paid.';
comment on column @book@.pay_date.employer_id is 'By whom; unknown when NULL.';
comment on column @book@.pay_date.paid_on is 'The day.';
comment on column @book@.pay_date.amount is 'How much, in currency units; unknown when NULL.';
comment on column @book@.pay_date.currency is 'ISO 4217 code of the amount.';
comment on column @book@.pay_date.source is 'Where it was seen: a remittance, an account statement, an import.';
comment on column @book@.pay_date.recorded_at is 'When it was written down.';
select @book@._make_append_only('@book@.pay_date');
