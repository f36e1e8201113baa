-- Concentration: what is lent by product, currency and borrower at any moment, and limits that hold.
\set SHOW_CONTEXT never
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-02');
set search_path = lending;
select add_legal_entity('ACME', 'Acme Lending', 'DE', 'EUR') as acme \gset
select add_ledger_currency('ACME', 'USD') > 0 as in_dollars;
insert into party (legal_entity_id, party_no, kind, name) select :'acme', n::text, 'individual', 'Borrower ' || n from generate_series(1, 3) as n;
insert into employer (legal_entity_id, code, name) select :'acme', c, c from unnest(array['MILL', 'PORT']) as c;
insert into employment (party_id, employer_id, validity)
select p.id, e.id, '[2020-01-01,)' from party as p join employer as e on p.party_no = '1' or p.party_no = '2' and e.code = 'MILL';
insert into product (legal_entity_id, code, name) select :'acme', c, c from unnest(array['GOLD', 'RENT', 'USD']) as c;
insert into product_version (product_id, version, validity, currency, terms)
select id, 1, '[2020-01-01,)', case code when 'USD' then 'USD' else 'EUR' end, '{"annual_rate": 0}' from product;
select count(agree_loan(p.code, b.id, p.code || b.party_no,
    jsonb_build_object('principal', 1000 * b.party_no::integer, 'instalments', 10, 'disbursed_on', '2024-01-02')))
from product as p, party as b;

create view pg_temp.now as select dimension, key, currency, trim_scale(principal) as principal, loans from exposure_now();
create view pg_temp.kept as select dimension, key, currency, trim_scale(principal) as principal, loans from exposure where principal <> 0;
create view pg_temp.standing as select dimension, key, action, currency, used, most, room, is_over from exposure_standing();

-- What is agreed and not lent is no exposure.
select count(*) from pg_temp.now;
select disburse_loans(array(select id from loan where loan_no <> 'RENT3'));
table pg_temp.now order by dimension, key, currency;

-- Kept or not, the answer is the same; keeping twice adds nothing.
create table pg_temp.before as table pg_temp.now;
select run_exposure(), run_exposure();
select count(*) from (table pg_temp.kept except table pg_temp.before) as more;
select count(*) from (table pg_temp.before except table pg_temp.kept) as fewer;
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date)
select :'acme', 'bank', no, no, 500, 'EUR', '2024-01-02' from unnest(array['GOLD1', 'RENT2']) as no;
select * from pg_temp.now where dimension in ('product', 'employer') order by dimension, key, currency;
select count(*) from (table pg_temp.now except table pg_temp.kept) as moved;
select service('GOLD3', 'charge_off') > 0 as charged_off;
select reverse_payment(p.id, 'bounced') from payment as p where p.reference = 'RENT2';
create temporary table moved as table pg_temp.now;
select run_exposure();
select * from (table moved except table pg_temp.kept) as more union all select * from (table pg_temp.kept except table moved) as fewer;
select run_exposure(anew => true);
select * from (table moved except table pg_temp.kept) as more union all select * from (table pg_temp.kept except table moved) as fewer;
select * from pg_temp.kept where dimension = 'product' order by key, currency;

-- A limit of another currency takes the rate of the business date.
insert into exposure_limit (legal_entity_id, dimension, key, most_amount, currency, action) values
    (:'acme', 'product', 'RENT', 5000, 'EUR', 'block'), (:'acme', 'currency', 'USD', 4000, 'EUR', 'warn');
select * from pg_temp.standing order by dimension, key, currency;
insert into fx_rate (base, quote, on_date, rate) values ('EUR', 'USD', '2024-01-02', 1.25);
select * from pg_temp.standing order by dimension, key, currency;

-- What would pass a limit is refused as its transaction commits, and leaves nothing.
select disburse('RENT3') is not null as lent;
\echo :SQLSTATE
select l.status, b.status, count(r.id) from loan as l join loan_balance as b on b.loan_id = l.id
left join action_request as r on r.loan_id = l.id where l.loan_no = 'RENT3' group by 1, 2;
-- Room made in the same transaction counts.
begin;
select disburse('RENT3') is not null as lent;
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date)
values (:'acme', 'bank', 'room', 'RENT2', 1000, 'EUR', '2024-01-02');
commit;
select * from pg_temp.standing order by dimension, key, currency;
-- A limit is looked at again for what is lent after it was passed.
select agree_loan('RENT', p.id, 'RENT4', '{"principal": 1, "instalments": 1, "disbursed_on": "2024-01-02"}') is not null from party as p limit 1;
select agree_loan('GOLD', p.id, 'GOLD4', '{"principal": 1, "instalments": 1, "disbursed_on": "2024-01-02"}') is not null from party as p limit 1;
begin;
select disburse('GOLD4') is not null as lent;
set constraints all immediate;
select disburse('RENT4') is not null as lent;
rollback;
-- Loans of other keys pass, and one that warns is lent.
insert into exposure_limit (legal_entity_id, dimension, most_share, action) values (:'acme', 'product', 0.4, 'warn');
select disburse('GOLD4') is not null as lent;
select agree_loan('USD', p.id, 'USD4', '{"principal": 5, "instalments": 1, "disbursed_on": "2024-01-02"}') is not null from party as p limit 1;
select disburse('USD4') is not null as lent;

-- What would make room.
select * from pg_temp.standing order by action, dimension, key;
select * from suggest_rebalancing('ACME');
select * from suggest_rebalancing('NONE');
\set VERBOSITY terse
insert into exposure_limit (legal_entity_id, dimension, most_amount, action) values (:'acme', 'product', 5, 'warn');
\set VERBOSITY default
delete from exposure_dimension where name = 'currency';

-- A dimension is a row.
insert into exposure_dimension values ('size', 'Small and large loans.',
    'select l.id, case when l.principal < 2000 then ''small'' else ''large'' end, 1 from lending.loan as l where l.id = any ($1)');
select run_exposure(anew => true);
select * from pg_temp.kept where dimension = 'size' order by key, currency;
call run_end_of_day();
select check_name, faults, example from check_book() where faults > 0;

reset search_path;
select loan_engine.drop_book('lending', with_postings => true);
