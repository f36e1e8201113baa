-- What a bank hands over: its districts, its loans, and the money that was paid.
create schema bank;

create table bank.district (
    code text primary key,
    name text not null,
    region text not null
);

create table bank.loan (
    loan_no text primary key,
    district text not null references bank.district,
    borrower_no text not null,
    born_on date,
    amount numeric not null,
    instalments integer not null,
    disbursed_on date not null,
    verdict text not null
);

create table bank.payment (
    reference text primary key,
    loan_no text not null references bank.loan,
    on_date date not null,
    amount numeric not null
);
create index on bank.payment (on_date);

-- What came in on accounts, month by month: pay, for the most part.
create table bank.income (
    client_no text not null,
    on_date date not null,
    amount numeric not null
);
