-- The loans to be priced, with the instalment the lender asked for.
create schema book;

create table book.loan (
    portfolio text not null,
    loan text not null,
    loan_amount numeric(14, 2) not null,
    annual_rate numeric not null,
    instalments integer not null,
    disbursed_on date not null,
    instalment numeric(14, 2) not null,
    part integer generated always as identity,
    primary key (portfolio, loan)
);
