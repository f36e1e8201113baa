-- Loans and the ledger say the same, whatever happens to the loans.
set client_min_messages = warning;
select loan_engine.create_book('control_test', 'EUR', 'UTC', '2024-01-01');
set search_path = control_test;
select add_legal_entity('ONE', 'First Lender', 'DE') as one \gset
insert into party (legal_entity_id, party_no, kind, name) values (:'one', 'P1', 'individual', 'Borrower');
insert into product (legal_entity_id, code, name) values (:'one', 'A', 'Instalment loan'), (:'one', 'B', 'Loan with an account of its own');
insert into product_version (product_id, version, validity, currency, terms)
select id, 1, '[2020-01-01,)', 'EUR', '{}' from product;
insert into ledger_account (legal_entity_id, code, name, class, currency, parent_code, is_control)
values (:'one', '1211', 'Loan principal of B', 'asset', 'EUR', '1200', true);
insert into posting_rule (legal_entity_id, product_id, account, ledger_code)
select :'one', id, 'principal', '1211' from product where code = 'B';
insert into loan (legal_entity_id, loan_no, product_id, product_version_id, borrower_id, currency, principal, terms, agreed_on)
select p.legal_entity_id, p.code || g, p.id, v.id, b.id, 'EUR', 1000, '{"currency": "EUR", "principal": 1000, "annual_rate": 0.12,
    "instalments": 6, "disbursed_on": "2024-01-01", "accrual": {"periodic": false}, "recalculation": {"interest": "daily"}}', '2024-01-01'
from product as p
join product_version as v on v.product_id = p.id
cross join party as b
cross join generate_series(1, 4) as g;
select count(_record(id, 'disburse', '2024-01-01', '{"amount": 1000}')) from loan;
update book set business_date = '2024-03-05';
select _snapshot_ledger('2024-03-04') > 0 as kept;
select count(_record(id, 'repay', '2024-02-05', '{"amount": 172.55}')) from loan where loan_no <> 'A1';
select count(_record(id, 'charge_off', '2024-03-05')) from loan where loan_no in ('A2', 'A3', 'B1');
select count(_record(id, 'repay', '2024-03-05', '{"amount": 50}')) from loan where loan_no = 'A2';
select count(_record(id, 'undo_charge_off', '2024-03-05')) from loan where loan_no = 'A3';
select count(_record(id, 'write_off', '2024-03-05')) from loan where loan_no = 'B2';
select count(_record(id, 'repay', '2024-03-05', '{"amount": 1500}')) from loan where loan_no = 'B3';
select count(_record(id, 'reverse', '2024-02-05', '{"of": "2"}')) from loan where loan_no = 'B4';
select code, name, accounts, products, loans, ledger, loans = ledger as agree from ledger_control order by code;
select * from check_book() where faults > 0;

-- The check sees a difference.
update loan_balance set principal = principal + 0.01 where loan_id = (select id from loan where loan_no = 'B4');
select * from check_book() where check_name = 'loans are in the ledger';

-- A posting of a loan is not taken back by hand.
select r.code, regexp_replace(r.message, '[0-9a-f-]{36}', '…') as message
from (select id from ledger_transaction where kind = 'write_off') as t
cross join lateral test.refusal(format('select control_test.reverse_transaction(%L, ''x'')', t.id)) as r;

reset search_path;
select loan_engine.drop_book('control_test', with_postings => true);
