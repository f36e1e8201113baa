-- Prices: what assets are valued at, what is refused, what waits in quarantine, what is corrected.
\set VERBOSITY terse
set client_min_messages = warning;
select loan_engine.create_book('lending', 'USD', 'Europe/Berlin', '2024-03-11');
set search_path = lending;
insert into asset (code, name, kind, currency, weight_unit) values ('XAU', 'Gold', 'metal', 'USD', 'troy_ounce') returning id as gold \gset
insert into asset (code, name, kind, currency, follows_id, mean_days, weight_unit)
values ('XAU-5D', 'Gold, or its mean of five days', 'metal', 'USD', :'gold', 5, 'troy_ounce');
insert into asset (code, name, kind, currency, base_currency) values ('EURUSD', 'Euro in dollars', 'currency', 'USD', 'EUR');
insert into asset (code, name, kind, curve_months, curve_remaining) values ('CAR', 'Cars', 'vehicle', '{0,12,36}', '{1,0.75,0.4}');

-- What makes no sense of an asset is refused.
select code from test.refusal($$ insert into lending.asset (code, name, kind, currency) values ('X', 'X', 'metal', 'USD') $$);
select code from test.refusal($$ insert into lending.asset (code, name, kind, currency, weight_unit) values ('X', 'X', 'metal', 'USD', 'pound') $$);
select code from test.refusal($$ insert into lending.asset (code, name, kind) values ('X', 'X', 'security') $$);
select code, message from test.refusal($$ insert into lending.asset (code, name, kind, curve_months, curve_remaining) values ('X', 'X', 'vehicle', '{12,0}', '{1,1}') $$);
select code, message, hint from test.refusal($$ update lending.asset set weight_unit = 'gram' where code = 'XAU' $$);

-- A price that is recorded by hand counts at once; the asset that follows has the mean where it is lower.
insert into asset_price (asset_id, source, observed_at, priced_on, price, currency)
select :'gold', 'lbma', d + time '15:00' at time zone 'UTC', d, p, 'USD'
from (values (date '2024-03-05', 2000), ('2024-03-06', 2010), ('2024-03-07', 2030), ('2024-03-08', 2040)) as v (d, p);
select code, price, observed_at, source, age_days, is_stale from v_asset_price order by code;
insert into asset_price (asset_id, source, observed_at, priced_on, price, currency)
values (:'gold', 'lbma', '2024-03-11 15:00Z', '2024-03-11', 1990, 'USD');
select code, price from v_asset_price order by code;

-- Whoever records by hand is refused what cannot be.
select r.* from (values
    ('00000000-0000-7000-8000-000000000001', '2024-03-11', '2000', 'USD'), (:'gold', '2024-03-11', '2000', 'EUR'),
    (:'gold', '2999-01-01', '2000', 'USD'), (:'gold', '2024-03-10', '0', 'USD'), (:'gold', '2024-03-10', '-1', 'USD'),
    (:'gold', '2024-03-10', 'NaN', 'USD'), (:'gold', '2024-03-10', 'Infinity', 'USD'), (:'gold', '2024-03-11', '1', 'USD')
) as v (asset, day, price, currency)
cross join lateral (
    select code, regexp_replace(message, '[0-9a-f-]{36}', '…') as message from test.refusal(format($$
        insert into lending.asset_price (asset_id, source, observed_at, priced_on, price, currency)
        values (%L, 'lbma', %L::timestamp + interval '15 hours', %L, %L, %L) $$, v.asset, v.day, v.day, v.price, v.currency))) as r;
select code from test.refusal($$ insert into lending.asset_price (asset_id, source, observed_at, priced_on, price, currency)
    select id, 'x', '2024-03-11 12:00Z', '2024-03-10', 1, 'USD' from lending.asset where code = 'XAU' $$);
select code from test.refusal($$ insert into lending.asset_price (asset_id, source, observed_at, priced_on, price, currency)
    select id, 'x', '2024-03-11 12:00Z', '2024-03-11', 1, 'USD' from lending.asset where code = 'XAU-5D' $$);
select code from test.refusal($$ update lending.asset_price set price = 1 $$);

-- A list with everything wrong: the good rows go on, each of the others waits with its reason.
copy price_inbox (source, symbol, price, bid, ask, currency, unit, observed_at) from stdin;
fix	XAU	2001	\N	\N	USD	\N	2024-03-11T16:00:00Z
fix	XAU	\N	64.30	64.40	USD	gram	2024-03-11 17:00:01
fix	EURUSD	1.09	\N	\N	\N	\N	2024-03-11
fix	XAG	23	\N	\N	USD	\N	2024-03-11T16:00:00Z
fix	XAU	2001	\N	\N	CHF	\N	2024-03-11T16:30:00Z
fix	XAU	2001	\N	\N	USD	ounce	2024-03-11T16:31:00Z
fix	XAU	-3	\N	\N	USD	\N	2024-03-11T16:32:00Z
fix	XAU	0	\N	\N	USD	\N	2024-03-11T16:33:00Z
fix	XAU	NaN	\N	\N	USD	\N	2024-03-11T16:34:00Z
fix	XAU	999999999999999999	\N	\N	USD	\N	2024-03-11T16:34:10Z
fix	XAU	0.000000000001	\N	\N	USD	kilogram	2024-03-11T16:34:20Z
fix	XAU	two thousand	\N	\N	USD	\N	2024-03-11T16:35:00Z
fix	XAU	2001	2002	2000	USD	\N	2024-03-11T16:36:00Z
fix	XAU	2001	\N	\N	USD	\N	2024-02-30
fix	XAU	2001	\N	\N	USD	\N	\N
fix	XAU	2001	\N	\N	USD	\N	2999-01-01
fix	XAU	2001	\N	\N	USD	\N	2024-03-11T16:00:00Z
fix	XAU	2001	\N	\N	USD	\N	2024-03-11T14:00:00Z
fix	XAU	2001	\N	\N	USD	\N	2024-03-01T14:00:00Z
other	XAU	2201	\N	\N	USD	\N	2024-03-11T18:00:00Z
\N	XAU	2001	\N	\N	USD	\N	2024-03-11T18:00:00Z
\N	\N	\N	\N	\N	\N	\N	\N
\.
select a.code, p.source, p.observed_at, p.price, p.bid, p.ask from asset_price as p join asset as a on a.id = p.asset_id
where p.source <> 'lbma' order by 1, 3;
select symbol, given, given_at, price, observed_at, reasons from v_price_quarantine order by inbox_id;
select code, price, source from v_asset_price order by code;

-- A spike waits, the price after it does not; a new height waits until someone accepts it.
update book set business_date = '2024-05-31';
update asset set stale_after_days = 90 where code = 'XAU';
insert into price_inbox (source, symbol, price, observed_at)
select 'walk', 'XAU', (2000 + 10 * sin(n))::numeric(12, 4)::text, (date '2024-03-20' + n)::text || 'T12:00:00Z'
from generate_series(1, 60) as n;
select reasons, count(*) from v_price_quarantine where source = 'walk' group by 1;
select record_price('XAU', 3000, '2024-05-20 12:00Z', 'walk'), record_price('XAU', 2005, '2024-05-21 12:00Z', 'walk');
select record_price('XAU', 2600, '2024-05-29 12:00Z', 'walk'), record_price('XAU', 2610, '2024-05-30 12:00Z', 'walk');
select code, price, observed_at from v_asset_price where code = 'XAU';

-- What waits is decided on once, by someone who says why.
select inbox_id as spike from v_price_quarantine where given = '2600' \gset
select inbox_id as nonsense from v_price_quarantine where given = 'NaN' \gset
select code, message, detail from test.refusal(format($$ select lending.accept_price(%L, 'fine') $$, :'nonsense'));
select code, message from test.refusal(format($$ select lending.accept_price(%L, '') $$, :'spike'));
select accept_price(:'spike', 'the market moved');
select record_price('XAU', 2615, '2024-05-30 12:00Z', 'walk again');
select reject_price(:'nonsense', 'not a number');
select code, message from test.refusal(format($$ select lending.reject_price(%L, 'again') $$, :'spike'));
select code from test.refusal($$ update lending.price_quarantine set price = 1 $$);
select code from test.refusal($$ select lending.accept_price('00000000-0000-7000-8000-000000000001', 'x') $$);
select i.price, q.reasons, q.decision, q.decided_reason from price_quarantine as q join price_inbox as i on i.id = q.inbox_id
where q.decision is not null order by 1;

-- A correction is another fact; of the present price it counts at once, of an old one it is history.
select correct_price('XAU', 'walk again', '2024-05-30 12:00Z', 2616, 'a digit was lost');
select code, price, observed_at from v_asset_price where code = 'XAU';
select correct_price('XAU', 'walk', '2024-05-21 12:00Z', 2006, 'rounded');
select code, price, observed_at from v_asset_price where code = 'XAU';
select observed_at, revision, price, raw from asset_price where source like 'walk%' and observed_at in ('2024-05-30 12:00Z', '2024-05-21 12:00Z') order by 1, 2;
select code, message from test.refusal($$ select lending.correct_price('XAU', 'walk', '2024-05-30 13:00Z', 1, 'x') $$);

select * from check_book() where faults > 0;
-- A fault planted past the triggers is found.
set session_replication_role = replica;
update asset_quote set price = price + 1 from asset as a where a.id = asset_id and a.code = 'XAU';
delete from asset_price where source = 'fix' and bid is not null;
reset session_replication_role;
select check_name, faults from check_book() where faults > 0;
drop schema lending cascade;
