-- The ladder against looking at everything, over a random history: prices, payments, loans and days.
\set VERBOSITY terse
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-02');
set search_path = lending;
select setseed(0.5);
select add_legal_entity('ONE', 'First Lender', 'DE', 'EUR') as one \gset
insert into product (legal_entity_id, code, name) values (:'one', 'GOLD', 'Against gold') returning id as product \gset
insert into product_version (product_id, version, validity, currency, terms) values (:'product', 1, '[2020-01-01,)', 'EUR',
    '{"annual_rate": "0.2437", "interest": {"day_count": "ACT/365F"}, "overpayment": "hold", "penalties": [{"name": "late", "value": 5, "grace_days": 3}]}');
insert into margin_policy (product_id, version, validity, initial_ltv, warn_ltv, call_ltv, liquidation_ltv, target_ltv, release_ltv, hysteresis)
values (:'product', 1, '[2020-01-01,)', 0.84, 0.8, 0.85, 0.9, 0.75, 0.75, 0.02);
insert into party (legal_entity_id, party_no, kind, name) values (:'one', '1', 'individual', 'Bo') returning id as bo \gset
insert into asset (code, name, kind, currency, weight_unit, spike_sigmas, stale_after_days) values
    ('XAU', 'Gold', 'metal', 'USD', 'troy_ounce', 100, 9), ('XAG', 'Silver', 'metal', 'EUR', 'troy_ounce', 100, 9);
insert into asset (code, name, kind, currency, base_currency, spike_sigmas, stale_after_days) values ('USDEUR', 'Dollar in euro', 'currency', 'EUR', 'USD', 100, 9);
insert into asset (code, name, kind, currency, spike_sigmas, stale_after_days) values ('ACME', 'Acme shares', 'security', 'EUR', 100, 9);
insert into asset (code, name, kind) values ('CASH', 'Deposits', 'deposit');
insert into asset (code, name, kind, curve_months, curve_remaining) values ('CAR', 'Cars', 'vehicle', '{0,60}', '{1,0.2}');
insert into asset (code, name, kind, currency, weight_unit, follows_id, mean_days, stale_after_days)
select 'XAG-10D', 'Silver, or its mean of ten days', 'metal', 'EUR', 'troy_ounce', id, 10, 9 from asset where code = 'XAG';
create temporary table walk (code text primary key, price numeric);
insert into walk values ('XAU', 2000), ('XAG', 25), ('USDEUR', 0.9), ('ACME', 50);
create temporary sequence clock;
create function pg_temp.tick(codes text[], size float8) returns void language plpgsql as $$
declare
    at timestamptz := (select business_date from lending.book)::timestamp at time zone 'UTC' + nextval('clock') * interval '1 second';
begin
    update walk set price = round((price * exp((random() - 0.5) * size))::numeric, 4) where code = any (codes);
    insert into lending.asset_price (asset_id, source, observed_at, priced_on, price, currency)
    select a.id, 'walk', at, (at at time zone 'UTC')::date, w.price, a.currency
    from walk as w join lending.asset as a on a.code = w.code where w.code = any (codes) order by a.id;
end $$;
select pg_temp.tick('{XAU,XAG,USDEUR,ACME}', 0);

-- Forty loans in thirty pools, of all kinds of things in random quantities.
select count(*) from agree_loans((select jsonb_agg(jsonb_build_object('product_code', 'GOLD', 'borrower_id', :'bo', 'loan_no', 'L' || n,
    'terms', jsonb_build_object('principal', 3000 + 50 * n, 'instalments', 12, 'disbursed_on', '2024-01-02'))) from generate_series(1, 40) as n));
create temporary table pools as
select n, open_pool(case when n <= 10 then array[a.id, b.id] else array[a.id] end) as id, a.principal + coalesce(case when n <= 10 then b.principal end, 0) as owed
from generate_series(1, 30) as n join loan as a on a.loan_no = 'L' || n left join loan as b on b.loan_no = 'L' || n + 30;
create function pg_temp.secure(pool uuid, n integer, needed numeric) returns void language plpgsql as $$
declare
    kinds text[] := (array['{XAU}', '{XAG}', '{XAU,ACME}', '{XAU,XAG,CASH}', '{XAG-10D}', '{ACME,CAR,XAU}', '{XAU,XAG,ACME,XAG-10D}'])[n % 7 + 1];
    kind text;
    bo uuid := (select id from lending.party limit 1);
    one uuid := (select id from lending.legal_entity limit 1);
begin
    foreach kind in array kinds loop
        perform lending.pledge(pool, case kind
            when 'CASH' then lending.take_collateral(one, bo, n || kind, kind, round(needed / cardinality(kinds), 2), currency => 'EUR')
            when 'CAR' then lending.take_collateral(one, bo, n || kind, kind, currency => 'EUR', new_on => '2023-07-15',
                new_price => round(needed / cardinality(kinds) / 0.93, 2))
            else lending.take_collateral(one, bo, n || kind, kind, (
                select round(needed / cardinality(kinds) / (w.price * case kind when 'XAU' then 0.9 else 1 end), 3)
                from walk as w where w.code = left(kind, 3 + (kind = 'ACME')::integer)))
            end, haircut => 0.1 * (n % 2));
    end loop;
end $$;
select count(pg_temp.secure(id, n, owed / (case when n % 2 = 1 then 0.9 else 1 end) / (0.70 + 0.004 * n))) from pools;
select count(disburse(loan_no)) from loan;

create procedure pg_temp.live(days integer) language plpgsql as $$
declare
    definition record;
    faulty text;
begin
    for d in 1 .. days loop
        for n in 1 .. 4 loop
            perform pg_temp.tick((array['{XAU}', '{XAG}', '{USDEUR}', '{ACME}', '{XAU,XAG}', '{ACME,USDEUR,XAG}'])[1 + floor(random() * 6)::integer]::text[], 0.06);
            if random() < 0.3 then
                insert into lending.payment (legal_entity_id, provider, reference, loan_id, amount, currency)
                select l.legal_entity_id, 'walk', nextval('clock')::text, l.id, round((10 + random() * 300)::numeric, 2), 'EUR'
                from lending.loan as l join lending.loan_balance as b on b.loan_id = l.id where b.status = 'active' order by random() limit 1 + floor(random() * 3);
            end if;
            for definition in select * from lending.check_definition where name in ('ladder is full recomputation', 'bands hold present prices',
                'ladder follows what is pledged', 'margin debts are balances', 'margin calls follow levels', 'quotes are the last prices')
            loop
                execute format('select min(f.place) from (%s) as f (place)', definition.query) into faulty;
                if faulty is not null then
                    raise exception 'day %, tick %: % (%)', d, n, definition.name, faulty;
                end if;
            end loop;
        end loop;
        call lending.run_end_of_day();
    end loop;
end $$;
call pg_temp.live(50);
select business_date from book;
-- The history went somewhere: every level was reached, calls were opened and cured, and pools were left alone.
select level, count(*) > 0 as reached from collateral_valuation where cause in ('price', 'debt', 'day') group by 1 order by 1;
select cause, count(*) > 0 as moved from collateral_valuation group by 1 order by 1;
select count(*) > 10 as opened, count(*) filter (where status = 'cured') > 5 as cured from margin_call;
call run_revaluation(7);
select * from check_book() where faults > 0;
drop schema lending cascade;
