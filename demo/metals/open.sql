-- A book of loans against gold and silver: what is pledged, its levels, and who borrows.
set client_min_messages = warning;
select loan_engine.create_book('lending', 'USD', 'UTC', (select min(on_date) from metals.price)) \g /dev/null
select lending.add_legal_entity('VAULT', 'Vault Lending', 'GB', 'USD') \g /dev/null

insert into lending.product (legal_entity_id, code, name)
select e.id, p.code, p.name
from lending.legal_entity as e, (values ('ON-GOLD', 'Loan against gold'), ('ON-SILVER', 'Loan against silver')) as p (code, name);
insert into lending.product_version (product_id, version, validity, currency, terms)
select id, 1, daterange('1990-01-01', null), 'USD', '{"method": "bullet", "annual_rate": "0.09", "overpayment": "hold",
    "interest": {"day_count": "ACT/365F"}, "recalculation": {"interest": "daily"}}'
from lending.product;
-- Silver moves more than gold, so less is lent on it and its calls come earlier.
insert into lending.margin_policy
    (product_id, version, validity, initial_ltv, warn_ltv, call_ltv, liquidation_ltv, target_ltv, release_ltv, hysteresis, cure_days)
select p.id, 1, daterange('1990-01-01', null), l.initial, l.warn, l.call, l.liquidation, l.target, l.initial, 0.02, 3
from lending.product as p
join (values ('ON-GOLD', 0.75, 0.80, 0.85, 0.95, 0.75), ('ON-SILVER', 0.65, 0.75, 0.80, 0.92, 0.65))
    as l (code, initial, warn, call, liquidation, target) using (code);

insert into lending.asset (code, name, kind, currency, weight_unit) values
    ('XAU', 'Gold', 'metal', 'USD', 'troy_ounce'), ('XAG', 'Silver', 'metal', 'USD', 'troy_ounce');
insert into lending.party (legal_entity_id, party_no, kind, name)
select e.id, n::text, 'individual', 'Client ' || n from lending.legal_entity as e, generate_series(1, 400) as n;
-- Sixteen years pass in minutes here: nobody reads the days in between.
update lending.refresh_policy set every_days = 91;
reset client_min_messages;

create table metals.day (
    on_date date primary key, gold numeric, silver numeric, gold_ltv numeric, silver_ltv numeric,
    called integer not null, liquidated integer not null
);
create view metals.loan as
select l.id as loan_id, l.loan_no, l.borrower_id, p.code as product, b.status, b.principal, b.next_due, k.pool_id
from lending.loan as l
join lending.product as p on p.id = l.product_id
join lending.loan_balance as b on b.loan_id = l.id
left join lending.pool_loan as k on k.loan_id = l.id;
