-- Identifiers carry their time, version and variant where RFC 9562 has them, and sort as made.

create temporary table made as
select
    number,
    loan_engine.uuid_v7() as id,
    extract(epoch from clock_timestamp()) * 1000 as made_at
from generate_series(1, 100000) as number;

-- Later ones are greater, also those of one millisecond.
select
    count(*) as made,
    count(distinct id) as different,
    count(*) filter (where id <= before) as unordered
from (select id, lag(id) over (order by number) as before from made) as pairs;

with taken_apart as (
    select uuid_send(id) as bytes, made_at from made
)
select
    min(get_byte(bytes, 6) >> 4) as version,
    max(get_byte(bytes, 6) >> 4) as version_at_most,
    min(get_byte(bytes, 8) >> 6) as variant,
    max(get_byte(bytes, 8) >> 6) as variant_at_most,
    bool_and(abs(('x' || encode(substr(bytes, 1, 6), 'hex'))::bit(48)::bigint - made_at) < 1000)
        as keeps_time
from taken_apart;

-- The last 32 bits are drawn: each of them is as often set as not, within six standard deviations.
select count(*) as bits, bool_and(abs(share - 0.5) < 0.0095) as even
from (
    select avg(get_bit(uuid_send(id), place)) as share
    from made
    cross join generate_series(96, 127) as place
    group by place
) as drawn;

drop table made;
