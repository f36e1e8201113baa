-- The book of the bank: one product, a branch a district, and everyone who will borrow.
set client_min_messages = warning;
select loan_engine.create_book('lending', 'CZK', 'Europe/Prague', (select min(disbursed_on) from bank.loan)) \g /dev/null
select lending.add_legal_entity('BANK', 'A Czech bank', 'CZ', 'CZK') \g /dev/null

insert into lending.product (legal_entity_id, code, name)
select id, 'LOAN', 'Loan in equal parts' from lending.legal_entity;
insert into lending.product_version (product_id, version, validity, currency, terms)
select id, 1, daterange('1990-01-01', null), 'CZK',
    '{"annual_rate": 0, "arrears": {"tolerance": 10}, "overpayment": "hold"}'
from lending.product;

insert into lending.branch (legal_entity_id, code, name, region)
select e.id, d.code, d.name, d.region from lending.legal_entity as e, bank.district as d;
insert into lending.party (legal_entity_id, party_no, kind, name, born_on)
select distinct on (l.borrower_no) e.id, l.borrower_no, 'individual', 'Client ' || l.borrower_no, l.born_on
from lending.legal_entity as e, bank.loan as l;
