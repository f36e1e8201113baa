-- The close of day: every pool at the prices of now, whether a price crossed anything or not.
--
-- It comes to what the ladder came to; that is its use. Values are written for who reads them, and a pool
-- that is not where it should be is put there and counted.

create function @book@._revalue_range(first_pool uuid, next_pool uuid) returns integer language plpgsql as $$
declare
    today constant date := @book@._margin_date();
    astray uuid[];
begin
    perform @book@._share_prices();
    with worth as (
        select l.pool_id, sum(l.weight * q.price * coalesce(r.price, 1)) as value
        from @book@.margin_ladder as l
        join @book@.asset_quote as q on q.asset_id = l.asset_id
        left join @book@.asset_quote as r on r.asset_id = l.rate_id
        where l.weight is not null and l.pool_id >= first_pool and (next_pool is null or l.pool_id < next_pool)
        group by l.pool_id
    ), valued as (
        update @book@.margin_standing as s
        set value = s.fixed + w.value
        from worth as w
        where s.pool_id = w.pool_id and s.pool_id >= first_pool and (next_pool is null or s.pool_id < next_pool)
        returning s.pool_id, s.level, s.value, s.debt + s.debt_per_day * (today - s.debt_from) as debt
    )
    select array_agg(v.pool_id) into astray
    from valued as v
    join @book@.pool as p on p.id = v.pool_id
    join @book@.margin_policy as m on m.id = p.policy_id
    where v.level < 3 and v.debt > 0 and v.debt >= m.enters[v.level + 1] * v.value
        or v.level > 0 and (v.debt <= 0 or v.debt < (m.enters[v.level] - m.hysteresis) * v.value);
    -- What waits for a stale price is where it should be.
    astray := array(select k.pool_id from @book@._pool_look as k where k.pool_id = any (astray) and k.new_level <> k.level);
    if cardinality(astray) > 0 then
        perform @book@._look_at_pools(astray, 'revaluation');
    end if;
    return cardinality(astray);
end $$;
comment on function @book@._revalue_range(uuid, uuid) is
'Values the pools of a range at the prices of now; returns how many were not at their level.';

create procedure @book@.run_revaluation(chunk_size integer default 50000, inout valued bigint default 0, inout moved bigint default 0)
    language plpgsql as $$
declare
    first_pool uuid := '00000000-0000-0000-0000-000000000000';
    next_pool uuid;
begin
    if chunk_size is null or chunk_size < 1 then
        raise exception using errcode = '22023', message = format('a chunk of %s pools', chunk_size),
            hint = 'Give a positive number; 10,000 to 100,000 pools make good transactions.';
    end if;
    perform @book@._authorise('run_end_of_day');
    valued := 0;
    moved := 0;
    loop
        next_pool := (
            select s.pool_id from @book@.margin_standing as s
            where s.pool_id >= first_pool order by s.pool_id offset chunk_size limit 1);
        moved := moved + @book@._revalue_range(first_pool, next_pool);
        commit;
        exit when next_pool is null;
        first_pool := next_pool;
    end loop;
    valued := (select count(*) from @book@.margin_standing as s where s.version > 0);
end $$;
comment on procedure @book@.run_revaluation(integer, bigint, bigint) is
'Values every pool at the prices of now, a range in each transaction; tells how many there are, and how many were not at the level they should be: none, unless somebody wrote past the ladder.';
