-- A burst of webhooks to posted payments, and inferences of pay cycles. Beside the burst: the same bodies into a
-- table with the same key, and the same payments from the same JSON, by SQL that proves nothing and keeps no inbox.
-- Beside the inferences: what a query tells of the same days, the median gap, the most frequent weekday and day of month.
\set loans 2000
\set events 40000
\i tests/book/small.sql
\i benches/sql/webhooks.sql
select set_config('loan_engine.fetch_credentials', current_setting('data_directory') || '/secrets', false) \g /dev/null
create table burst.plain (provider text, event_id text, headers jsonb, body bytea, primary key (provider, event_id));

create table bench.intake (name text, baseline text, wanted text, units integer, seconds double precision, baseline_seconds double precision);
create procedure bench.burst(part integer) language plpgsql as $$
declare
    size constant integer := 10000;
    headers jsonb[];
    bodies bytea[];
    started timestamptz;
    ours double precision;
begin
    -- A thousand at a time come in, as a gateway hands them over; they are posted together.
    started := clock_timestamp();
    for thousand in 0 .. 9 loop
        select array_agg(e.headers order by e.n * 7919 % 10007), array_agg(e.body order by e.n * 7919 % 10007) into headers, bodies
        from burst.event as e
        where e.n > part * size + thousand * 1000 and e.n <= part * size + (thousand + 1) * 1000;
        perform from lending.receive_webhooks('burst', headers, bodies);
    end loop;
    perform lending.post_webhooks(2 * size);
    ours := extract(epoch from clock_timestamp() - started);
    started := clock_timestamp();
    insert into burst.plain
    select 'plain', convert_from(e.body, 'UTF8')::jsonb ->> 'id', e.headers, e.body
    from burst.event as e
    where e.n > part * size and e.n <= (part + 1) * size
    on conflict do nothing;
    insert into lending.payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date)
    select l.id, 'plain', d.data ->> 'id', d.data ->> 'loan', (d.data ->> 'amount')::numeric / 100, upper(d.data ->> 'currency'), d.at::date
    from lending.legal_entity as l, burst.event as e
    cross join lateral (
        select b.body -> 'data' as data, b.body ->> 'at' as at from (select convert_from(e.body, 'UTF8')::jsonb as body) as b) as d
    where e.n > part * size and e.n <= (part + 1) * size
    order by d.at, e.n;
    insert into bench.intake values ('webhooks to posted payments', 'the same payments, unproved, without an inbox', '3,000 a second', size, ours,
        extract(epoch from clock_timestamp() - started));
end $$;
call bench.burst(0);
call bench.burst(1);
call bench.burst(2);
call bench.burst(3);
do $$ begin
    if (select count(*) from lending.payment where provider = 'burst') <> 40000 then
        raise exception 'the burst was not posted';
    end if;
end $$;

create table bench.paid as
select p, array_agg(d.pay_date order by d.pay_date) as days
from generate_series(1, 100000) as p
cross join lateral loan_engine.pay_dates(
    (array['weekly friday preceding', 'biweekly 2000-01-07 preceding', 'monthly 15 preceding', 'semimonthly 15 31 preceding',
        'monthly business -1'])[1 + p % 5], '2024-01-01'::date + p % 100, '2025-01-01', '{2024-01-01,2024-12-25}') as d
group by p;
create procedure bench.cycles() language plpgsql as $$
declare
    started timestamptz := clock_timestamp();
    ours double precision;
begin
    perform count(*) from bench.paid as p cross join lateral loan_engine.pay_cycle(p.days, holidays => '{2024-01-01,2024-12-25}') as c
    where c.cycle is not null;
    ours := extract(epoch from clock_timestamp() - started);
    started := clock_timestamp();
    perform count(g.median)
    from bench.paid as p
    cross join lateral (
        select percentile_cont(0.5) within group (order by d.day - d.before) as median,
            mode() within group (order by extract(isodow from d.day)) as weekday, mode() within group (order by extract(day from d.day)) as day
        from (select u.day, lag(u.day) over (order by u.day) as before from unnest(p.days) as u (day)) as d
    ) as g;
    insert into bench.intake values ('pay cycles inferred', 'median gap and modes by SQL', '20,000 a second', 100000, ours,
        extract(epoch from clock_timestamp() - started));
end $$;
call bench.cycles();
call bench.cycles();
call bench.cycles();

select name as benchmark, baseline, round(percentile_cont(0.5) within group (order by units / seconds)) as a_second, wanted,
    round((percentile_cont(0.5) within group (order by baseline_seconds / seconds))::numeric, 2) as times_baseline
from bench.intake
group by name, baseline, wanted
order by name desc;
