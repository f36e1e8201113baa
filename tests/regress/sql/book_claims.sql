-- What is worth what a formula says, what grows old abroad, and what a loan that is given up still owes.
\set VERBOSITY terse
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-02');
set search_path = lending;
select add_legal_entity('ONE', 'First Lender', 'DE', 'EUR') as one \gset
insert into product (legal_entity_id, code, name) values (:'one', 'GOLD', 'Against gold') returning id as product \gset
insert into product_version (product_id, version, validity, currency, terms) values (:'product', 1, '[2020-01-01,)', 'EUR',
    '{"method": "bullet", "frequency": "yearly", "annual_rate": "0.12", "interest": {"day_count": "ACT/365F"}, "overpayment": "hold"}');
insert into margin_policy (product_id, version, validity, initial_ltv, warn_ltv, call_ltv, liquidation_ltv, target_ltv, release_ltv, hysteresis)
values (:'product', 1, '[2020-01-01,)', 0.75, 0.8, 0.85, 0.9, 0.75, 0.75, 0.02);
insert into party (legal_entity_id, party_no, kind, name) values (:'one', '1', 'individual', 'Bo') returning id as bo \gset
create function pg_temp.price(code text, price numeric) returns text[] language sql as $$
    select lending.record_price(code, price, (select business_date from lending.book) + time '12:00' at time zone 'UTC'
        + (select count(*) from lending.asset_price) * interval '1 second')
$$;
create function pg_temp.pool(loan_no text, principal numeric) returns uuid language sql as $$
    select lending.open_pool(array[a.loan_id])
    from lending.party as p cross join lateral lending.agree_loans(jsonb_build_array(jsonb_build_object(
        'product_code', 'GOLD', 'borrower_id', p.id, 'loan_no', loan_no,
        'terms', jsonb_build_object('principal', principal, 'instalments', 1, 'disbursed_on', '2024-01-02')))) as a
$$;

-- A formula is read when it is written down: what is none, or no straight line in the price, is refused with its place.
create function pg_temp.asset(expression text, currency text default null) returns table (code text, message text, detail text)
    language sql as $$
    select r.code, r.message, r.detail from test.refusal(format(
        $f$ insert into lending.asset (code, name, kind, currency, expression) values ('X', 'X', 'expression', %L, %L) $f$, currency, expression)) as r
$$;
select * from pg_temp.asset('quantity * (');
select * from pg_temp.asset('quantity; drop table lending.asset');
select * from pg_temp.asset('pg_sleep(1)');
select * from pg_temp.asset('price * price', 'EUR');
select code from pg_temp.asset('quantity * price');
select code from pg_temp.asset('quantity', 'EUR');
select code from pg_temp.asset(null);
select code from test.refusal($$ insert into lending.asset (code, name, kind, expression) values ('X', 'X', 'deposit', 'quantity') $$);

-- Cattle by weight, less what it costs to sell them abroad, and machines that wear off.
insert into asset (code, name, kind, currency, base_currency) values ('USDEUR', 'Dollar in euro', 'currency', 'EUR', 'USD');
insert into asset (code, name, kind, currency, haircut, expression) values
    ('BEEF', 'Cattle', 'expression', 'USD', 0.1, '(price - freight) * quantity * dressing + hides * quantity'),
    ('KILN', 'Kilns', 'expression', null, 0, 'max(scrap, new_price * (1 - 0.02 * age_months))');
select code, message, detail, hint from test.refusal($$ update lending.asset set expression = 'price' where code = 'BEEF' $$);
select pg_temp.price('BEEF', 5), pg_temp.price('USDEUR', 0.9);
select code, message from test.refusal(format($$ select lending.take_collateral(%L, %L, 'herd', 'BEEF', 100) $$, :'one', :'bo'));
select code, message, detail from test.refusal(format($$ select lending.take_collateral(%L, %L, 'herd', 'BEEF', 100,
    attributes => '{"freight": 1, "dressing": 1, "hides": 0.5}') $$, :'one', :'bo'));
select code from test.refusal(format($$ select lending.take_collateral(%L, %L, 'kiln', 'KILN', currency => 'EUR',
    new_price => 1000, attributes => '{"scrap": 100}') $$, :'one', :'bo'));
-- Never below zero: 1.5 a head for the hides is more than the freight.
select take_collateral(:'one', :'bo', 'herd', 'BEEF', 100, attributes => '{"freight": 1, "dressing": 1, "hides": 1.5}') as herd \gset
select take_collateral(:'one', :'bo', 'kiln', 'KILN', currency => 'EUR', new_price => 1000, new_on => '2023-12-15',
    attributes => '{"scrap": 100}') as kiln \gset
select pg_temp.pool('F1', 600) as pool \gset
select pledge(:'pool', :'herd') is not null as herd, pledge(:'pool', :'kiln') is not null as kiln;
select disburse('F1') is not null as lent;
select part, quantity, price, exchange_rate, amount from explain_valuation(:'pool') where part <> 'debt';
select a.code, l.weight, round(l.falls_at, 4) as falls_at from margin_ladder as l join asset as a on a.id = l.asset_id
where l.pool_id = :'pool' order by a.code;
call run_end_of_day('2024-01-14');
select s.fixed, s.is_ageing, s.changes_on from margin_standing as s where s.pool_id = :'pool';
select pg_temp.price('BEEF', 4), pg_temp.price('USDEUR', 0.9);
select value, level from v_ltv where pool_id = :'pool';
select * from check_book() where faults > 0;

-- A car that is priced abroad grows old all the same.
insert into asset (code, name, kind, curve_months, curve_remaining) values ('CAR', 'Cars', 'vehicle', '{0,10}', '{1,0.5}');
select pg_temp.pool('V1', 500) as abroad \gset
select pledge(:'abroad', take_collateral(:'one', :'bo', 'car', 'CAR', currency => 'USD', new_price => 1000, new_on => '2024-01-10')) is not null as pledged;
select disburse('V1') is not null as lent;
select l.weight from margin_ladder as l where l.pool_id = :'abroad';
call run_end_of_day('2024-03-10');
select pg_temp.price('USDEUR', 0.9);
select l.weight from margin_ladder as l where l.pool_id = :'abroad';
select * from check_book() where faults > 0;

-- What is lent, by what is pledged for it.
select run_exposure() > 0 as kept;
select key, principal, loans from exposure_now() where dimension = 'collateral' order by key;

-- A loan that is written off is given up in the books alone: what is pledged stays pledged for it.
select code, message from test.refusal($$ select lending.waive_claim('V1', 1, 'x') $$);
select _record(array[row(l.id, 'write_off', (select business_date from book), '{}', null)::_asked]) from loan as l where l.loan_no = 'V1';
select b.status, b.principal from loan_balance as b join loan as l on l.id = b.loan_id where l.loan_no = 'V1';
select debt, value, level from v_ltv where pool_id = :'abroad';
select debt from v_loan_ltv where pool_id = :'abroad';
select code, message from test.refusal(format($$ select lending.release_collateral(i.id) from lending.security_interest as i
    where i.pool_id = %L $$, :'abroad'));
select * from check_book() where faults > 0;
-- What comes back lowers the claim, and owes it again when it did not come.
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, kind) values (:'one', 'bank', '1', 'V1', 100, 'EUR', 'recovery');
select debt from v_ltv where pool_id = :'abroad';
select reverse_payment(id, 'bounced') is not null as reversed from payment where reference = '1';
select debt from v_ltv where pool_id = :'abroad';
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, kind) values (:'one', 'bank', '2', 'V1', 50, 'EUR', 'recovery');
-- It can be waived, and no more than it is.
select code, message, detail from test.refusal($$ select lending.waive_claim('V1', 1000, 'x') $$);
select code from test.refusal($$ select lending.waive_claim('V1', 0.001, 'x') $$);
select code from test.refusal($$ select lending.waive_claim('V1', 'NaN', 'x') $$);
select code from test.refusal($$ select lending.waive_claim('V1', 1, '') $$);
select waive_claim('V1', 10, 'hardship') as left_over;
select debt from v_ltv where pool_id = :'abroad';
select * from check_book() where faults > 0;
-- What the car is sold for pays the claim, and the rest is the owner's.
select pg_temp.price('USDEUR', 0.5);
select level from v_ltv where pool_id = :'abroad';
select liquidate_collateral(id, 'the level is reached') from v_margin_call where pool_id = :'abroad';
select settle_margin_call(id, 600) as surplus from margin_call where pool_id = :'abroad';
select debt, value, level from v_ltv where pool_id = :'abroad';
select kind, amount from payment where provider = 'liquidation';
select c.reference, s.state from collateral as c cross join lateral _status('collateral', c.id) as s where s.state is not null;
select code, message, detail from test.refusal(format($$ select lending.pledge(%L, c.id) from lending.collateral as c
    where c.reference = 'car' $$, :'pool'));
select * from check_book() where faults > 0;

-- A thing that is pledged is not given back, and what was given back is not pledged.
select transition('collateral', :'kiln', 'perfect'), transition('collateral', :'kiln', 'take_into_custody', reason => 'the keys are here');
select code, detail from test.refusal(format($$ select lending.transition('collateral', %L, 'release') $$, :'kiln'));

-- A pool whose loan is paid, and where nothing grows old, is looked at by no day and no price any more.
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency) values (:'one', 'bank', '3', 'F1', 1000, 'EUR');
select release_collateral(i.id) from security_interest as i where i.collateral_id = :'kiln';
select s.debt, s.debt_per_day, s.level, s.laid_through > business_date() + 36000 as for_good, l.falls_at, l.rises_at from margin_standing as s join margin_ladder as l using (pool_id)
where s.pool_id = :'pool' order by l.asset_id;
select transition('collateral', :'kiln', 'release');
select code, message, detail from test.refusal(format($$ select lending.pledge(%L, %L) $$, :'pool', :'kiln'));
select * from check_book() where faults > 0;
select loan_engine.drop_book('lending', with_postings => true);
