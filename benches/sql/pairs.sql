-- How a pair is measured: ours and its baseline in turn, so that both see the same machine, and
-- the median of the rounds' ratios.

create schema bench;

create table bench.round (
    position integer not null,
    name text not null,
    baseline text not null,
    wanted numeric not null,
    ours_seconds double precision not null,
    baseline_seconds double precision not null
);

create function bench.seconds(statements text[]) returns double precision
language plpgsql as $$
declare
    started timestamptz;
begin
    -- All but the last statement only prepare, and are not counted.
    for i in 1 .. cardinality(statements) - 1 loop
        execute statements[i];
    end loop;
    started := clock_timestamp();
    execute statements[cardinality(statements)];
    return extract(epoch from clock_timestamp() - started);
end $$;

-- `wanted` is how many times faster than the baseline ours has to be.
create procedure bench.pair(
    name text, baseline text, wanted numeric, ours text[], theirs text[], rounds integer default 5
) language plpgsql as $$
declare
    place integer := coalesce((select max(r.position) from bench.round as r), 0) + 1;
    ours_seconds double precision;
    their_seconds double precision;
begin
    -- Who goes first takes turns, for what one leaves behind slows down the next.
    for i in 1 .. rounds loop
        if i % 2 = 0 then
            their_seconds := bench.seconds(theirs);
        end if;
        ours_seconds := bench.seconds(ours);
        if i % 2 = 1 then
            their_seconds := bench.seconds(theirs);
        end if;
        insert into bench.round
        values (place, name, baseline, wanted, ours_seconds, their_seconds);
    end loop;
    raise notice 'measured: % against %', name, baseline;
end $$;

create view bench.report as
select name as benchmark,
       baseline,
       round((percentile_cont(0.5) within group (order by ours_seconds) * 1000)::numeric, 1) as ours_ms,
       round((percentile_cont(0.5) within group (order by baseline_seconds) * 1000)::numeric, 1)
           as baseline_ms,
       round((percentile_cont(0.5) within group (order by baseline_seconds / ours_seconds))::numeric, 2)
           as times_faster,
       wanted,
       case
           when percentile_cont(0.5) within group (order by baseline_seconds / ours_seconds) >= wanted
           then 'reached'
           else 'NOT REACHED'
       end as verdict
from bench.round
group by position, name, baseline, wanted
order by position;
