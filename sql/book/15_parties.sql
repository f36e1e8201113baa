-- Whose book it is, who works for them, and whom they deal with.

create table @book@.legal_entity (
    id uuid primary key default loan_engine.uuid_v7(),
    code text not null unique check (code <> ''),
    name text not null check (name <> ''),
    country text check (country ~ '^[A-Z]{2}$'),
    currency text not null check (currency ~ '^[A-Z]{3}$')
);
comment on table @book@.legal_entity is 'A company that lends: the owner of loans, accounts and payments.';
comment on column @book@.legal_entity.id is 'Key.';
comment on column @book@.legal_entity.code is 'Its short name, unique.';
comment on column @book@.legal_entity.name is 'Its name.';
comment on column @book@.legal_entity.country is 'ISO 3166 code of the country of its seat.';
comment on column @book@.legal_entity.currency is 'ISO 4217 code of the currency its accounts are kept in.';

alter table @book@.member add foreign key (legal_entity_id) references @book@.legal_entity;

create table @book@.branch (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    code text not null,
    name text not null,
    region text,
    unique (legal_entity_id, code)
);
comment on table @book@.branch is 'A place from which a legal entity lends.';
comment on column @book@.branch.id is 'Key.';
comment on column @book@.branch.legal_entity_id is 'Whose it is.';
comment on column @book@.branch.code is 'Its short name, unique for the legal entity.';
comment on column @book@.branch.name is 'Its name.';
comment on column @book@.branch.region is 'The region it is in.';

create table @book@.officer (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    code text not null,
    name text not null,
    actor text unique,
    primary_channel text,
    hired_on date,
    left_on date check (left_on >= hired_on),
    unique (legal_entity_id, code)
);
comment on table @book@.officer is 'Someone who brings in and looks after loans.';
comment on column @book@.officer.id is 'Key.';
comment on column @book@.officer.legal_entity_id is 'Whom they work for.';
comment on column @book@.officer.code is 'Their number, unique for the legal entity.';
comment on column @book@.officer.name is 'Their name.';
comment on column @book@.officer.actor is 'The name they act under.';
comment on column @book@.officer.primary_channel is 'The channel through which they mostly work.';
comment on column @book@.officer.hired_on is 'Their first day.';
comment on column @book@.officer.left_on is 'Their last day.';

create table @book@.officer_assignment (
    officer_id uuid not null references @book@.officer,
    branch_id uuid not null references @book@.branch,
    validity daterange not null,
    primary key (officer_id, validity),
    exclude using gist (officer_id with =, validity with &&)
);
comment on table @book@.officer_assignment is 'In which branch an officer worked, and when.';
comment on column @book@.officer_assignment.officer_id is 'The officer.';
comment on column @book@.officer_assignment.branch_id is 'The branch.';
comment on column @book@.officer_assignment.validity is 'The days; those of one officer do not overlap.';

create table @book@.party (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    party_no text not null,
    kind text not null check (kind in ('individual', 'company', 'agent', 'broker', 'landlord', 'guarantor')),
    name text not null check (name <> ''),
    given_name text,
    born_on date,
    country text check (country ~ '^[A-Z]{2}$'),
    kyc_status text not null default 'unverified' check (kyc_status in ('unverified', 'verified', 'failed', 'expired')),
    actor text,
    extra jsonb not null default '{}',
    unique (legal_entity_id, party_no)
);
comment on table @book@.party is 'Someone the lender deals with: borrower, guarantor, agent.';
comment on column @book@.party.id is 'Key.';
comment on column @book@.party.legal_entity_id is 'Who deals with them.';
comment on column @book@.party.party_no is 'Their number, unique for the legal entity.';
comment on column @book@.party.kind is 'What they are.';
comment on column @book@.party.name is 'Name of a company, or family name.';
comment on column @book@.party.given_name is 'Given names of an individual.';
comment on column @book@.party.born_on is 'Date of birth, or of foundation.';
comment on column @book@.party.country is 'ISO 3166 code of the country they live in.';
comment on column @book@.party.kyc_status is 'Whether their identity was verified.';
comment on column @book@.party.actor is 'The name they act under themselves, such as in a portal.';
comment on column @book@.party.extra is 'Whatever else is known.';

create table @book@.party_contact (
    id uuid primary key default loan_engine.uuid_v7(),
    party_id uuid not null references @book@.party,
    kind text not null check (kind in ('address', 'phone', 'email')),
    value text not null check (value <> ''),
    is_preferred boolean not null default false,
    verified_at timestamptz
);
create index on @book@.party_contact (party_id);
create unique index on @book@.party_contact (party_id, kind) where is_preferred;
comment on table @book@.party_contact is 'How a party is reached.';
comment on column @book@.party_contact.id is 'Key.';
comment on column @book@.party_contact.party_id is 'Whom it reaches.';
comment on column @book@.party_contact.kind is 'Address, phone or email.';
comment on column @book@.party_contact.value is 'The address or number.';
comment on column @book@.party_contact.is_preferred is 'Whether it is tried first among those of its kind.';
comment on column @book@.party_contact.verified_at is 'When it was verified.';

create table @book@.payment_instrument (
    id uuid primary key default loan_engine.uuid_v7(),
    party_id uuid not null references @book@.party,
    kind text not null check (kind in ('bank_account', 'card', 'wallet', 'cash')),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    masked_number text not null,
    is_default boolean not null default false
);
create index on @book@.payment_instrument (party_id);
create unique index on @book@.payment_instrument (party_id, currency) where is_default;
comment on table @book@.payment_instrument is 'What a party pays with or is paid to.';
comment on column @book@.payment_instrument.id is 'Key.';
comment on column @book@.payment_instrument.party_id is 'Whose it is.';
comment on column @book@.payment_instrument.kind is 'Bank account, card, wallet or cash.';
comment on column @book@.payment_instrument.currency is 'ISO 4217 code of what it moves.';
comment on column @book@.payment_instrument.masked_number is 'Its number, all but the last digits hidden.';
comment on column @book@.payment_instrument.is_default is
'Whether it is used when nothing else is said; one for each currency.';

create table @book@.employer (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    code text not null,
    name text not null,
    unique (legal_entity_id, code)
);
comment on table @book@.employer is 'An employer of borrowers.';
comment on column @book@.employer.id is 'Key.';
comment on column @book@.employer.legal_entity_id is 'Who deals with them.';
comment on column @book@.employer.code is 'Their short name, unique for the legal entity.';
comment on column @book@.employer.name is 'Their name.';

create table @book@.employment (
    party_id uuid not null references @book@.party,
    employer_id uuid not null references @book@.employer,
    validity daterange not null,
    monthly_income numeric check (monthly_income >= 0),
    currency text check (currency ~ '^[A-Z]{3}$'),
    primary key (party_id, employer_id, validity),
    exclude using gist (party_id with =, employer_id with =, validity with &&)
);
comment on table @book@.employment is 'Who worked for whom, and when.';
comment on column @book@.employment.party_id is 'The employee.';
comment on column @book@.employment.employer_id is 'The employer.';
comment on column @book@.employment.validity is 'The days.';
comment on column @book@.employment.monthly_income is 'Income a month, in currency units.';
comment on column @book@.employment.currency is 'ISO 4217 code of the income.';
