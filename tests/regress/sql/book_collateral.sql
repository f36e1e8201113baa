-- Collateral: what may be pledged, what it is worth, when it is too little, and what follows.
\set VERBOSITY terse
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-02');
set search_path = lending;
select add_legal_entity('ONE', 'First Lender', 'DE', 'EUR') as one \gset
insert into product (legal_entity_id, code, name) values (:'one', 'GOLD', 'Against gold') returning id as product \gset
insert into product_version (product_id, version, validity, currency, terms) values (:'product', 1, '[2020-01-01,)', 'EUR',
    '{"method": "bullet", "frequency": "yearly", "annual_rate": "0.12", "interest": {"day_count": "ACT/365F"}, "overpayment": "hold"}');
insert into party (legal_entity_id, party_no, kind, name) values (:'one', '1', 'individual', 'Bo') returning id as bo \gset
insert into asset (code, name, kind, currency, weight_unit, haircut) values ('XAU', 'Gold', 'metal', 'USD', 'troy_ounce', 0.1) returning id as gold \gset
insert into asset (code, name, kind, currency, base_currency) values ('USDEUR', 'Dollar in euro', 'currency', 'EUR', 'USD');
insert into asset (code, name, kind, currency) values ('ACME', 'Acme shares', 'security', 'EUR'), ('HOUSES', 'Prices of houses', 'property_index', 'EUR');
insert into asset (code, name, kind, haircut) values ('CASH', 'Deposits', 'deposit', 0), ('ART', 'Works of art', 'appraised', 0.5);
insert into asset (code, name, kind, haircut, curve_months, curve_remaining) values ('CAR', 'Cars', 'vehicle', 0.2, '{0,12,36}', '{1,0.76,0.4}');
insert into asset_haircut (asset_id, from_days, haircut) values (:'gold', 200, 0.15);
create function pg_temp.price(code text, price numeric, at timestamptz default null) returns text[] language sql as $$
    select lending.record_price(code, price, coalesce(at, (select business_date from lending.book) + time '12:00' at time zone 'UTC'
        + (select count(*) from lending.asset_price) * interval '1 second'))
$$;
create view pg_temp.standing as
select v.debt, v.value, v.ltv, v.level, v.is_stale, c.status as call, c.money_needed, c.collateral_needed
from v_ltv as v left join v_margin_call as c using (pool_id) order by v.pool_id;

-- Levels must make sense, and do not change.
select code from test.refusal(format($$ insert into lending.margin_policy (product_id, version, validity, initial_ltv, warn_ltv, call_ltv,
    liquidation_ltv, target_ltv, release_ltv) values (%L, 1, '[2020-01-01,)', 0.7, 0.8, 0.8, 0.9, 0.75, 0.7) $$, :'product'));
insert into margin_policy (product_id, version, validity, initial_ltv, warn_ltv, call_ltv, liquidation_ltv, target_ltv, release_ltv, hysteresis,
    cure_days, calendar_code)
values (:'product', 1, '[2020-01-01,)', 0.75, 0.8, 0.85, 0.9, 0.75, 0.75, 0.02, 2, 'TARGET');
select code from test.refusal($$ update lending.margin_policy set call_ltv = 0.86 $$);

-- A loan is lent up to the highest ratio of what is pledged, and not before it has a price.
select loan_id as loan from agree_loans(jsonb_build_array(jsonb_build_object('product_code', 'GOLD', 'borrower_id', :'bo', 'loan_no', 'G1',
    'terms', '{"principal": 3600, "instalments": 1, "disbursed_on": "2024-01-02"}'::jsonb))) \gset
select open_pool(array[:'loan'::uuid]) as pool \gset
select code, message from test.refusal(format($$ select lending.open_pool(array[%L::uuid]) $$, :'loan'));
select take_collateral(:'one', :'bo', 'coins', 'XAU', 120, 'gram', '22K') as coins \gset
select quantity, unit, round(purity, 6) as purity, round(priced_quantity, 6) as ounces from collateral;
select code, message, detail from test.refusal(format($$ select lending.pledge(%L, %L) $$, :'pool', :'coins'));
select pg_temp.price('XAU', 2000), pg_temp.price('USDEUR', 0.9);
select code, message from test.refusal($$ select lending.disburse('G1') $$);
select pledge(:'pool', :'coins', 0.8) as interest \gset
select share, haircut from security_interest;
select code, message, regexp_replace(detail, '[0-9a-f-]{36}', '…') as detail from test.refusal($$ select lending.disburse('G1') $$);
select pledge(:'pool', take_collateral(:'one', :'bo', 'savings', 'CASH', 500, currency => 'EUR')) is not null as pledged;
select disburse('G1') is not null as lent;
select * from pg_temp.standing;
select * from explain_valuation(:'pool');
select l.weight, round(l.falls_at, 4) as falls_at, round(l.rises_at, 4) as rises_at, a.code
from margin_ladder as l join asset as a on a.id = l.asset_id order by a.code;

-- No more than the whole is pledged.
select loan_id as other from agree_loans(jsonb_build_array(jsonb_build_object('product_code', 'GOLD', 'borrower_id', :'bo', 'loan_no', 'G2',
    'terms', '{"principal": 100, "instalments": 1, "disbursed_on": "2024-01-02"}'::jsonb))) \gset
select open_pool(array[:'other'::uuid]) as second \gset
select code, message, detail from test.refusal(format($$ select lending.pledge(%L, %L, 0.3) $$, :'second', :'coins'));
select pledge(:'second', :'coins', 0.2, 2::smallint) is not null as pledged;
select code from test.refusal(format($$ select lending.pledge(%L, %L, 0.1) $$, :'second', :'coins'));
select code from test.refusal($$ update lending.security_interest set share = 1 $$);
select code from test.refusal($$ delete from lending.security_interest $$);

-- Within its bands a price changes nothing; at 80 % the borrower is warned, at 85 % called, and a price
-- that flickers about the level calls once.
select pg_temp.price('XAU', 1950);
select level, ltv from v_ltv where pool_id = :'pool';
select pg_temp.price('XAU', 1740);
select level, ltv from v_ltv where pool_id = :'pool';
select pg_temp.price('XAU', 1620), pg_temp.price('XAU', 1635), pg_temp.price('XAU', 1618), pg_temp.price('USDEUR', 0.9001);
select * from pg_temp.standing;
select valued_on, cause, level_before, level, round(debt, 2) as debt, round(value, 2) as value from collateral_valuation where pool_id = :'pool' order by version;
select pg_temp.price('USDEUR', 0.94);
select level, ltv from v_ltv where pool_id = :'pool';
select status, count(*) from margin_call group by 1;
select pg_temp.price('USDEUR', 0.9);
select * from pg_temp.standing;

-- The borrower is told, pays some, is late, and it is sold: what is left is the owner's.
select id as call from v_margin_call \gset
select opened_on, deadline from v_margin_call;
select notify_margin_call(:'call', 'letter');
select code, regexp_replace(message, '[0-9a-f-]{36}', '…') as message, detail from test.refusal(format($$ select lending.liquidate_collateral(%L, 'too early') $$, :'call'));
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency) values (:'one', 'bank', '1', 'G1', 500, 'EUR');
select * from pg_temp.standing;
select deadline from margin_call where id = :'call' \gset
call run_end_of_day(:'deadline');
select status, days_left from v_margin_call where id = :'call';
select code, message from test.refusal(format($$ select lending.settle_margin_call(%L, 3700) $$, :'call'));
select liquidate_collateral(:'call', 'the deadline has passed');
select settle_margin_call(:'call', 3900);
select l.loan_no, l.status, b.principal from loan as l join loan_balance as b on b.loan_id = l.id order by 1;
select status, proceeds, surplus from margin_call where id = :'call';
select refund_surplus(:'call', 'paid by transfer');
select state, event, reason from status_history where machine = 'margin_call' and subject_id = :'call' order by version;
select reference, pledged from collateral order by 1;
select * from check_book() where faults > 0;

-- A pool of many kinds of things; some of two loans, one served first.
update book set business_date = '2024-02-01';
select agree_loan('GOLD', :'bo', 'M1', '{"principal": 10000, "instalments": 1, "disbursed_on": "2024-02-01"}') as m1 \gset
select agree_loan('GOLD', :'bo', 'M2', '{"principal": 5000, "instalments": 1, "disbursed_on": "2024-02-01"}') as m2 \gset
select open_pool(array[:'m1'::uuid, :'m2'::uuid], '{1,2}') as mixed \gset
select pg_temp.price('ACME', 50), pg_temp.price('HOUSES', 120), pg_temp.price('USDEUR', 0.9), pg_temp.price('XAU', 2000);
select take_collateral(:'one', :'bo', 'flat', 'HOUSES', currency => 'EUR') as flat \gset
select take_collateral(:'one', :'bo', 'picture', 'ART', currency => 'USD') as picture \gset
select code, message, detail from test.refusal(format($$ select lending.pledge(%L, %L) $$, :'mixed', :'picture'));
select appraise(:'flat', 12000, 'surveyor'), appraise(:'picture', 4000, 'gallery');
select code, message from test.refusal(format($$ select lending.appraise(%L, 1, 'x') $$, :'coins'));
select code, message from test.refusal(format($$ select lending.appraise(%L, 1, 'x', '2024-03-01') $$, :'flat'));
select count(pledge(:'mixed', c.id)) from (
    select unnest(array[:'flat', :'picture', take_collateral(:'one', :'bo', 'shares', 'ACME', 100)::text,
        take_collateral(:'one', :'bo', 'car', 'CAR', currency => 'EUR', new_price => 8000, new_on => '2023-08-10')::text])::uuid as id) as c;
select count(disburse(n)) from unnest(array['M1', 'M2']) as n;
select * from explain_valuation(:'mixed');
select rank, debt, pool_value, ltv from v_loan_ltv where pool_id = :'mixed' order by rank;
-- The car is worth less with every month; interest adds to the debt.
call run_end_of_day('2024-03-31');
select pg_temp.price('ACME', 50), pg_temp.price('HOUSES', 120), pg_temp.price('USDEUR', 0.9);
select debt, value, ltv, level from v_ltv where pool_id = :'mixed';
select pg_temp.price('HOUSES', 108), pg_temp.price('ACME', 48);
select debt, value, ltv, level from v_ltv where pool_id = :'mixed';
select appraise(:'flat', 13000, 'surveyor');
select debt, value, ltv, level from v_ltv where pool_id = :'mixed';
select * from check_book() where faults > 0;

-- A price that is missing cures nothing: the alarm stands until there is one.
select pg_temp.price('HOUSES', 40);
select level, is_stale from v_ltv where pool_id = :'mixed';
call run_end_of_day('2024-04-06');
select a.code, k.opened_on, k.closed_at is null as is_open from price_alarm as k join asset as a on a.id = k.asset_id order by 1, 2;
select pg_temp.price('HOUSES', 150);
select level, is_stale from v_ltv where pool_id = :'mixed';
select status from v_margin_call where pool_id = :'mixed';
select pg_temp.price('ACME', 48), pg_temp.price('USDEUR', 0.9);
select level, is_stale from v_ltv where pool_id = :'mixed';
select status, count(*) from margin_call group by 1 order by 1;
select a.code, k.closed_at is null as is_open from price_alarm as k join asset as a on a.id = k.asset_id order by 1;

-- Nothing is given back that is needed.
select code, message, detail from test.refusal(format($$ select lending.release_collateral(i.id) from lending.security_interest as i
    where i.collateral_id = %L and i.released_on is null $$, :'flat'));
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency) values (:'one', 'bank', '2', 'M1', 9000, 'EUR');
select release_collateral(i.id) from security_interest as i where i.collateral_id = :'picture' and i.released_on is null;
select debt, value, ltv, level from v_ltv where pool_id = :'mixed';
select revalue(:'mixed') > 1 as valued;
select * from check_book() where faults > 0;
begin isolation level repeatable read;
select code, message from test.refusal($$ select pg_temp.price('ACME', 49) $$);
commit;

-- Faults planted past the triggers are found.
begin;
set local session_replication_role = replica;
update margin_standing set level = 3 - level where pool_id = :'mixed';
update margin_ladder set falls_at = 1000000 where pool_id = :'mixed' and weight is not null;
update margin_standing set debt = debt + 1 where pool_id = :'mixed';
update collateral set pledged = 0.5 where id = :'flat';
update margin_ladder set weight = weight + 1 where pool_id = :'mixed' and weight is not null;
select check_name, faults from check_book() where faults > 0;
rollback;
-- What is sold for too little leaves an ordinary debt, for which nothing is called.
call run_end_of_day('2024-04-08');
select pg_temp.price('ACME', 10), pg_temp.price('HOUSES', 10), pg_temp.price('USDEUR', 0.9);
select level, ltv from v_ltv where pool_id = :'mixed';
select liquidate_collateral(id, 'the level is reached') from v_margin_call where pool_id = :'mixed';
select settle_margin_call(id, 5000) from v_margin_call where pool_id = :'mixed';
select debt, value, ltv, level from v_ltv where pool_id = :'mixed';
select rank, debt from v_loan_ltv where pool_id = :'mixed' order by rank;
select pg_temp.price('ACME', 11);
call run_end_of_day('2024-04-12');
select status, proceeds, surplus from margin_call where pool_id = :'mixed' order by id;
select * from check_book() where faults > 0;

drop schema lending cascade;
