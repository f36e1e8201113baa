-- A small book for tests: one lender, two products, and as many loans as the variable loans says
-- (10), lent on 2 January 2024. Every loan is of 1,200 over 12 months; those with an even number bear
-- 12 % and a penalty, the others nothing.
\if :{?loans}
\else
    \set loans 10
\endif
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-02') \g (format=unaligned tuples_only) /dev/null
select lending.add_legal_entity('ACME', 'Acme Lending', 'DE', 'EUR') \g (format=unaligned tuples_only) /dev/null

insert into lending.product (legal_entity_id, code, name)
select id, p.code, p.name
from lending.legal_entity, (values ('PLAIN', 'Loan without interest'), ('YEARLY', 'Loan at 12 %')) as p (code, name);
insert into lending.product_version (product_id, version, validity, currency, terms)
select id, 1, daterange('2020-01-01', null), 'EUR',
    case code when 'PLAIN' then '{"annual_rate": 0}'
        else '{"annual_rate": "0.12", "penalties": [{"name": "late", "value": 5, "grace_days": 3}]}' end::jsonb
from lending.product;

insert into lending.party (legal_entity_id, party_no, kind, name)
select id, n::text, 'individual', 'Borrower ' || n from lending.legal_entity, generate_series(1, :loans) as n;

select lending.agree_loans((
    select jsonb_agg(jsonb_build_object(
        'product_code', case when p.party_no::integer % 2 = 0 then 'YEARLY' else 'PLAIN' end,
        'borrower_id', p.id, 'loan_no', p.party_no,
        'terms', '{"principal": 1200, "instalments": 12, "disbursed_on": "2024-01-02"}'::jsonb) order by p.party_no::integer)
    from lending.party as p)) \g (format=unaligned tuples_only) /dev/null
select lending.disburse_loans(array(select id from lending.loan order by id)) \g (format=unaligned tuples_only) /dev/null
reset client_min_messages;
