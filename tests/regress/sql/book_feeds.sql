-- Price feeds of a book as far as no host is needed: what is refused, market hours, retries, and failures
-- that are kept. tests/system/fetch.sh fetches.
\set VERBOSITY terse
set client_min_messages = warning;
select loan_engine.create_book('feeds', 'USD', 'UTC', '2024-03-01') \g /dev/null
set search_path = feeds, public;
insert into asset (code, name, kind, currency, weight_unit) values
    ('XAU', 'Gold', 'metal', 'USD', 'troy_ounce'), ('XAG', 'Silver', 'metal', 'USD', 'troy_ounce');

-- What could not be fetched or read is no feed.
create procedure feeds_refused(more jsonb) language plpgsql as $$
begin
    insert into price_feed
    select f.* from jsonb_populate_record(null::price_feed, '{"code": "bad", "source": "desk",
        "url": "https://prices.example/", "headers": {}, "format": {"type": "json", "symbol": "/s", "mid": "/p",
        "currency": {"value": "USD"}}, "every": "1 hour", "time_zone": "UTC", "opens_at": "00:00", "closes_at": "24:00",
        "time_out_seconds": 30, "most_bytes": 1000, "attempts": 5, "retry_from": "10 s", "retry_up_to": "1 min",
        "is_active": true}' || more) as f;
    raise notice 'taken: %', more;
exception when others then
    raise notice '% %', sqlstate, sqlerrm;
end $$;
set client_min_messages = notice;
call feeds_refused('{"url": "prices"}');
call feeds_refused('{"url": "https://me:word@prices.example/"}');
call feeds_refused('{"url": "file:///etc/passwd"}');
call feeds_refused('{"headers": {"authorization": "Bearer x"}}');
call feeds_refused('{"headers": []}');
call feeds_refused('{"format": {"type": "xml"}}');
call feeds_refused('{"format": []}');
call feeds_refused('{"time_zone": "Mars"}');
call feeds_refused('{"every": "0"}');
call feeds_refused('{"time_out_seconds": 0}');
call feeds_refused('{"credential": "../secret"}');
call feeds_refused('{"calendar_code": "none"}');
call feeds_refused('{"attempts": 0}');
call feeds_refused('{"code": ""}');
call feeds_refused('{"unit": "stone"}');
call feeds_refused('{"url": null}');
call run_price_feed('nobody');
set client_min_messages = warning;

-- Market hours: a day by a calendar, and a market that is open through midnight but for an hour.
insert into price_feed (code, source, url, format, every, calendar_code, time_zone, opens_at, closes_at)
select n.code, 'desk', 'https://prices.example/', '{"type": "csv", "symbol": "s", "mid": "p", "currency": {"value": "USD"}}',
    '1 hour', n.calendar, n.zone, n.opens, n.closes
from (values
    ('always', null, 'UTC', time '00:00', time '24:00'),
    ('day', 'US-FED', 'America/New_York', '09:30', '16:00'),
    ('night', 'US-FED', 'America/New_York', '18:00', '17:00')
) as n (code, calendar, zone, opens, closes);
insert into calendar (code, description, weekend) values ('NEVER', 'None', '{1,2,3,4,5,6,7}');
insert into price_feed (code, source, url, format, calendar_code)
values ('never', 'desk', 'https://prices.example/', '{"type": "csv", "symbol": "s", "mid": "p", "currency": {"value": "USD"}}', 'NEVER');
select asked.at, a.at as always, d.at as day, n.at as night, z.at as never
from unnest(array['2024-03-01 14:29+00', '2024-03-01 14:30+00', '2024-03-01 20:59:59+00', '2024-03-01 21:00+00',
    '2024-03-01 22:30+00', '2024-03-02 01:00+00', '2024-03-02 23:00+00', '2024-05-26 12:00+00', '2024-07-03 21:00+00',
    '2024-03-08 22:00+00']::timestamptz[]) as asked (at)
cross join next_market_time('always', asked.at) as a (at)
cross join next_market_time('day', asked.at) as d (at)
cross join next_market_time('night', asked.at) as n (at)
cross join next_market_time('never', asked.at) as z (at);

-- Nothing is listed, so nothing is fetched, and that is kept with the time of the next attempt.
update price_feed set is_active = code = 'always', attempts = 3, retry_from = '4 hours', retry_up_to = '6 hours', every = '2 days';
\set VERBOSITY default
call run_price_feed();
call run_price_feed();
\set VERBOSITY terse
set client_min_messages = error;
select code, attempts, error_code, error, is_running, last_success_at,
    next_try_at - last_try_at between '0' and '4:00:01' as soon
from v_price_feed where is_active;
select feed_code, url, status, body_hash, passed_on, failure ->> 'code' as code, fetched_at >= started_at as ended from price_fetch;
-- Whoever names it has it tried at once: the second and third failure wait longer, by chance, and then it is left until
-- its next time and begins anew.
call run_price_feed('always');
select attempts, next_try_at - last_try_at between '0' and '6:00:01' as soon from v_price_feed where is_active;
call run_price_feed('always');
select attempts, next_try_at - last_try_at between '1 day 23:59:59' and '2 days 00:00:01' as later from v_price_feed where is_active;
call run_price_feed('always');
select attempts, next_try_at - last_try_at between '0' and '4:00:01' as soon from v_price_feed where is_active;

-- One that another has claimed is left to them, until they should have come back.
update price_feed_state set claim = gen_random_uuid(), claimed_until = clock_timestamp() + interval '1 minute' where feed_code = 'always';
set client_min_messages = notice;
call run_price_feed('always');
set client_min_messages = error;
select count(*) as fetches from price_fetch;
update price_feed_state set claimed_until = clock_timestamp() where feed_code = 'always';
call run_price_feed('always');
select count(*) as fetches from price_fetch;

-- What a list says goes through the door of all prices, whoever brings it: a price of gold under its name here, one
-- that cannot be read, one of no interest.
insert into price_feed (code, source, url, format, unit)
values ('desk', 'desk', 'https://prices.example/', '{"type": "json", "symbol": "/s", "at": "/t", "bid": "/b", "mid": "/p",
    "currency": {"value": "USD"}}', 'kilogram');
insert into price_feed_symbol values ('desk', 'gold', 'XAU'), ('desk', 'silver', 'XAG');
create procedure feeds_take(list text) language plpgsql as $$
declare
    feed price_feed := (select f from price_feed as f where f.code = 'desk');
    claim uuid := _claim_feed('desk');
    counted price_fetch := _pass_on(feed, claim, convert_to(list, 'UTF8'), '2024-03-01 12:00+00');
begin
    update price_feed_state set claim = null, claimed_until = null where feed_code = 'desk';
    raise notice 'passed on %, faults %, known %, left out %, quarantined %', counted.passed_on, counted.faults,
        counted.known, counted.left_out, counted.quarantined;
end $$;
set client_min_messages = notice;
call feeds_take('[{"s": "gold", "t": "2024-03-01", "p": 65000.123456789012345}, {"s": "silver", "t": "2024-03-01", "p": "?"},
    {"s": "platinum", "t": "2024-03-01", "p": 1}]');
call feeds_take('[{"s": "gold", "t": "2024-03-01", "p": 65000.123456789012345}, {"s": "silver", "t": "2024-03-01", "p": 700}]');
call feeds_take('<html>');
select symbol, price, unit, observed_at, raw from price_inbox order by id;
select a.code, p.price, p.observed_at, p.raw from asset_price as p join asset as a on a.id = p.asset_id order by 1;
select i.raw ->> 'fault' as fault, q.reasons from price_quarantine as q join price_inbox as i on i.id = q.inbox_id;

-- Nobody who is not a member may have prices fetched, and who lost the claim brings nothing.
create role feeds_clerk;
grant usage on schema feeds, loan_engine to feeds_clerk;
grant select on all tables in schema feeds to feeds_clerk;
set role feeds_clerk;
call run_price_feed();
reset role;
do $$
declare
    feed price_feed := (select f from price_feed as f where f.code = 'desk');
begin
    perform _pass_on(feed, gen_random_uuid(), '[]', now());
end $$;
update price_fetch set failure = null;
select * from loan_engine.check_book('feeds') where faults > 0;
set client_min_messages = warning;
reset search_path;
drop owned by feeds_clerk;
drop role feeds_clerk;
drop schema feeds cascade;
