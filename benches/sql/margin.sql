-- A million pledges of one asset: prices that cross no level, and some, and the close of day. Each beside
-- plain SQL: a price into a bare table with the same columns and indexes, and UPDATEs by key of as many
-- rows of a copy of the ladder. Beside them lie 30,000 pledges of another asset, which are warned of already, so
-- that its prices open margin calls. With -v pledges=100000 a tenth of the million.

\if :{?pledges}
\else
    \set pledges 1000000
\endif
set client_min_messages = warning;
\set loans 1
\i tests/book/small.sql
insert into lending.margin_policy (product_id, version, validity, initial_ltv, warn_ltv, call_ltv, liquidation_ltv, target_ltv,
    release_ltv, hysteresis)
select id, 1, '[2020-01-01,)', 0.75, 0.8, 0.85, 0.9, 0.75, 0.75, 0.02 from lending.product;
insert into lending.asset (code, name, kind, currency, weight_unit) values ('XAU', 'Gold', 'metal', 'EUR', 'troy_ounce'), ('XPT', 'Platinum', 'metal', 'EUR', 'troy_ounce');
create function bench.price(code text, spot numeric, second bigint) returns void language sql as $$
    insert into lending.asset_price (asset_id, source, observed_at, priced_on, price, currency)
    select a.id, 'bench', '2024-01-02 00:00Z'::timestamptz + second * interval '1 millisecond', '2024-01-02', spot, 'EUR'
    from lending.asset as a where a.code = price.code
$$;
select bench.price('XAU', 2000, 0), bench.price('XPT', 2000, 0) \g /dev/null

-- Pools as pledging makes them, by the sets it would come to: a debt of 70 to 79.9 per cent of 2,000 each, and
-- of 80 to 84.9 per cent of those that are warned of. Interest is 10 per cent a year.
insert into lending.pool (legal_entity_id, policy_id, currency)
select e.id, m.id, 'EUR' from lending.legal_entity as e, (select id from lending.margin_policy limit 1) as m, generate_series(1, :pledges);
insert into lending.margin_standing (pool_id, policy_id, version, level, debt, debt_per_day)
select id, policy_id, 1, 0, 1400 + 198.0 * (row_number() over (order by id) - 1) / :pledges, 0.4 from lending.pool;
insert into lending.margin_ladder (pool_id, asset_id, weight)
select p.id, a.id, 1 from lending.pool as p, lending.asset as a where a.code = 'XAU';
with warned as (
    insert into lending.pool (legal_entity_id, policy_id, currency)
    select e.id, m.id, 'EUR' from lending.legal_entity as e, (select id from lending.margin_policy limit 1) as m, generate_series(1, 30000)
    returning id, policy_id
), stood as (
    insert into lending.margin_standing (pool_id, policy_id, version, level, debt, debt_per_day)
    select id, policy_id, 1, 1, 1600 + 98.0 * (row_number() over (order by id) - 1) / 30000, 0.4 from warned
)
insert into lending.margin_ladder (pool_id, asset_id, weight)
select p.id, a.id, 1 from warned as p, lending.asset as a where a.code = 'XPT';
update lending.margin_ladder as l set falls_at = k.falls_at[1], rises_at = k.rises_at[1]
from lending._pool_look as k where k.pool_id = l.pool_id;
update lending.margin_standing set value = 2000;
vacuum (full, analyze) lending.margin_standing;
vacuum (full, analyze) lending.margin_ladder;
create table bench.ladder (like lending.margin_ladder including all);
alter table bench.ladder set (fillfactor = 70);
insert into bench.ladder select * from lending.margin_ladder order by pool_id;
create table bench.standing (like lending.margin_standing including all);
insert into bench.standing select * from lending.margin_standing order by pool_id;
create table bench.price_plain (like lending.asset_price including defaults including constraints including storage);
alter table bench.price_plain add primary key (asset_id, source, observed_at, revision, priced_on);
create index on bench.price_plain (asset_id, observed_at);
create index on bench.price_plain using gin (raw jsonb_path_ops) where raw is not null;
create function bench.price_plainly(spot numeric, second bigint) returns void language sql as $$
    insert into bench.price_plain (asset_id, source, observed_at, priced_on, price, currency)
    select a.id, 'bench', '2024-01-02 00:00Z'::timestamptz + second * interval '1 millisecond', '2024-01-02', spot, 'EUR'
    from lending.asset as a where a.code = 'XAU'
$$;
vacuum analyze;
create sequence bench.second;


create table bench.measured (position bigint generated always as identity, benchmark text, baseline text, "limit" numeric,
    ours double precision, plain double precision, pools bigint, wanted bigint default 0);
create function bench.since(started timestamptz) returns double precision language sql as $$
    select extract(epoch from clock_timestamp() - started) * 1000
$$;

-- Prices that cross nothing, each a transaction of its own; in turn with the bare table.
create procedure bench.calm(times integer) language plpgsql as $$
declare
    started timestamptz;
    ours double precision;
begin
    started := clock_timestamp();
    for n in 1 .. times loop
        perform bench.price('XAU', 2000 + (n % 7) * 0.01, nextval('bench.second'));
        commit;
    end loop;
    ours := bench.since(started);
    started := clock_timestamp();
    for n in 1 .. times loop
        perform bench.price_plainly(2000 + (n % 7) * 0.01, nextval('bench.second'));
        commit;
    end loop;
    insert into bench.measured (benchmark, baseline, "limit", ours, plain, pools)
    values ('a price that crosses nothing', 'into a bare table', 1.5, ours / times, bench.since(started) / times, 0);
end $$;
call bench.calm(200);
truncate bench.measured;
call bench.calm(200);
call bench.calm(200);
call bench.calm(200);
call bench.calm(200);
call bench.calm(200);

-- A price that crosses as many levels as it is told: warnings, or margin calls. Beside it the UPDATE by key of
-- as many rows of a copy of the ladder. Each number is crossed several times, for the first price of a
-- session makes the plans of its statements.
create procedure bench.cross(asset text, wanted integer, times integer) language plpgsql as $$
declare
    cross_asset_id constant uuid := (select id from lending.asset as a where a.code = asset);
    started timestamptz;
    ours double precision;
    keys uuid[];
    price numeric;
    before record;
    after record;
begin
    for n in 1 .. times loop
        keys := array(
            select l.pool_id from lending.margin_ladder as l
            where l.asset_id = cross_asset_id and l.falls_at is not null order by l.falls_at desc limit wanted);
        price := (select min(l.falls_at) from lending.margin_ladder as l where l.pool_id = any (keys));
        select (select count(*) from lending.collateral_valuation) as valued, (select count(*) from lending.margin_call) as called
        into before;
        commit;
        started := clock_timestamp();
        perform bench.price(asset, price, nextval('bench.second'));
        commit;
        ours := bench.since(started);
        select (select count(*) from lending.collateral_valuation) as valued, (select count(*) from lending.margin_call) as called
        into after;
        started := clock_timestamp();
        update bench.ladder as l set falls_at = l.falls_at - 1, rises_at = l.falls_at + 100 where l.pool_id = any (keys);
        commit;
        insert into bench.measured (benchmark, baseline, "limit", ours, plain, pools, wanted)
        values (case when after.called > before.called then 'a price that opens margin calls' else 'a price that warns' end,
            'UPDATE of as many rows by key', 3, ours, bench.since(started), after.valued - before.valued, wanted);
    end loop;
end $$;
call bench.cross('XAU', 10, 9);
call bench.cross('XAU', 100, 5);
call bench.cross('XAU', 1000, 5);
call bench.cross('XAU', 10000, 3);
call bench.cross('XAU', 100000, 2);
call bench.cross('XPT', 10, 9);
call bench.cross('XPT', 1000, 5);
call bench.cross('XPT', 10000, 2);

-- The close of day.
create procedure bench.close() language plpgsql as $$
declare
    started timestamptz := clock_timestamp();
    ours double precision;
    valued bigint;
    moved bigint;
begin
    call lending.run_revaluation(1000000, valued, moved);
    ours := bench.since(started);
    started := clock_timestamp();
    update bench.standing as s set value = s.value + 1;
    commit;
    insert into bench.measured (benchmark, baseline, "limit", ours, plain, pools)
    values (format('close of day, %s moved', moved), 'one UPDATE of all', 1.5, ours, bench.since(started), valued);
end $$;
vacuum lending.margin_standing, bench.standing;
call bench.close();
vacuum lending.margin_standing, bench.standing;
call bench.close();
vacuum lending.margin_standing, bench.standing;
call bench.close();
select benchmark, baseline, max(pools) as pools, round((percentile_cont(0.5) within group (order by ours))::numeric, 2) as ours_ms,
    round((percentile_cont(0.5) within group (order by plain))::numeric, 2) as baseline_ms,
    round((percentile_cont(0.5) within group (order by ours / plain))::numeric, 2) as ratio, "limit",
    case when percentile_cont(0.5) within group (order by ours / plain) <= "limit" then 'reached' else 'NOT REACHED' end as verdict
from bench.measured
group by benchmark, baseline, wanted, "limit"
order by min(position);
