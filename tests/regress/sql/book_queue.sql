-- Queues: each of the promises that docs/queue.md makes. tests/isolation has what two sessions do to one
-- another.
\set VERBOSITY terse
set client_min_messages = warning;
select loan_engine.create_book('queues', 'EUR', 'UTC', '2024-03-01') \g /dev/null
set search_path = queues, public;
create table effect (job_id bigint, payload jsonb);
create function handle(job_id bigint, payload jsonb) returns jsonb language plpgsql as $$
begin
    insert into effect values (job_id, payload);
    if payload ? 'sleep' then
        perform pg_sleep((payload ->> 'sleep')::numeric);
    end if;
    if payload ? 'fail' then
        raise exception using errcode = payload ->> 'fail', message = 'the handler fails';
    end if;
    return jsonb_build_object('did', payload -> 'n');
end $$;
insert into queue (name, handler) values ('done_here', 'queues.handle');
insert into queue (name) values ('leased');

-- 1 and 2: what is enqueued is there if the transaction commits; a unique key is taken once, and who finds it
-- taken is told so, also for a while after the job is done.
begin;
select created from enqueue('leased', '{"n": 1}');
rollback;
select count(*) from job;
select job_id as first, created from enqueue('leased', '{"n": 1}', unique_key => 'event 1') \gset
select job_id = :first as same_job, created from enqueue('leased', '{"n": 2}', unique_key => 'event 1');
select created from enqueue('leased', '{"n": 2}', unique_key => 'event 2', unique_for => '1 hour');
select "position", created, job_id = :first as is_first from enqueue_many('leased', '[{"payload": {"n": 3}},
    {"unique_key": "event 1"}, {"unique_key": "event 3"}, {"unique_key": "event 3"}, {"unique_key": "event 2"}]');
select count(complete(job_id, fence)) from claim('leased', 'w', 10);
select created from enqueue('leased', unique_key => 'event 1');
select created from enqueue('leased', unique_key => 'event 2');
update job_unique set free_from = clock_timestamp() where unique_key = 'event 2';
select created from enqueue('leased', unique_key => 'event 2');
select count(cancel(id)) from job;
select created from enqueue('leased', unique_key => 'event 2');
select cancel('leased', 'event 2'), cancel('leased', 'event 2');

-- 3: the order is that of priority, to which waiting adds; those that are not due wait.
select created from enqueue('leased', '{"n": "urgent"}', priority => 0);
select created from enqueue('leased', '{"n": "normal"}');
select created from enqueue('leased', '{"n": "later"}', run_at => clock_timestamp() + interval '1 hour', priority => 0);
select created from enqueue('leased', '{"n": "long due"}', run_at => clock_timestamp() - interval '4.5 minutes', priority => 4);
select created from enqueue('leased', '{"n": "due for an hour"}', run_at => clock_timestamp() - interval '1 hour', priority => 9);
select pg_sleep(0.15);
create temporary table lease as
select c.*, row_number() over () as n from claim('leased', 'w', 2) as c;
insert into lease select c.*, 3 from claim('leased', 'w', 1) as c;
insert into lease select c.*, 4 from claim('leased', 'w', 5) as c;
select payload ->> 'n' as job, attempt, fence from lease order by n;

-- 4 and 5: only the fence of the last claim counts. Word from the worker prolongs a lease, but not the attempt.
select l.lease_until < e.lease_until as is_longer, e.lease_until <= l.end_by as is_bounded, e.is_cancelled
from lease as l, extend(l.job_id, l.fence, '1 day') as e where n = 1;
update job set lease_until = clock_timestamp() - interval '1 second' where id in (select job_id from lease where n <= 2);
update job set end_by = lease_until where id = (select job_id from lease where n = 2);
select pg_sleep(0.15);
select tend_queues();
select payload ->> 'n' as job, state, attempt, errors -> 0 ->> 'code' as code from job where id in (select job_id from lease where n <= 2) order by id;
select r.code, r.message = format('job %s is not yours any more', l.job_id) as says_so, r.detail
from lease as l, test.refusal(format('select complete(%s, %s)', l.job_id, l.fence)) as r where n <= 2 order by n;
select r.code from lease as l, test.refusal(format('select fail(%s, %s, $$late$$)', l.job_id, l.fence)) as r where n = 1;
select r.code from lease as l, test.refusal(format('select * from extend(%s, %s)', l.job_id, l.fence)) as r where n = 1;
update job set run_at = clock_timestamp() where state = 'retry';
select pg_sleep(0.15);
select c.payload ->> 'n' as job, c.attempt, c.fence from claim('leased', 'zombie slayer', 2) as c order by c.job_id;
select r.code from lease as l, test.refusal(format('select complete(%s, %s)', l.job_id, l.fence)) as r where n = 1;
select count(complete(id, fence)) from job where state = 'running' and worker = 'zombie slayer';

-- 9: what is not its fault does not count as an attempt; nor does being put off.
select snooze(job_id, fence, clock_timestamp() + interval '1 hour') from lease where n = 3;
select fail(job_id, fence, 'told to stop', 'interrupted') from lease where n = 4;
select payload ->> 'n' as job, state, attempt, interruptions from job where state in ('scheduled', 'retry') order by id;
insert into job_error_class (queue, code_like, outcome, attempts, retry_from, retry_up_to, reason)
values ('leased', 'HTTP 4%', 'dead', null, null, null, 'The other side says that it is our fault.'),
    ('leased', 'HTTP 429', 'retry', 2, '1 day', '1 day', 'The other side is busy.');
select count(cancel(id)) from job where state <> 'running';
select created from enqueue_many('leased', '[{"payload": {"n": 1}}, {"payload": {"n": 2}}, {"payload": {"n": 3}}]');
select c.payload -> 'n' as n, fail(job_id, fence, 'no', (array['HTTP 404', 'HTTP 429', 'HTTP 500'])[(c.payload ->> 'n')::integer])
from claim('leased', 'w', 3) as c order by job_id;
select payload -> 'n' as n, state, run_at > clock_timestamp() as waits from job where state = 'retry' order by id;

-- 10: dead jobs keep all their errors and can be driven again, some of them and so fast.
update job set attempt = 9, run_at = clock_timestamp() where state = 'retry';
select pg_sleep(0.15);
select c.payload -> 'n' as n, c.attempt, fail(job_id, fence, 'still no', 'HTTP 503') from claim('leased', 'w', 3) as c order by job_id;
select payload -> 'n' as n, code, reason, attempt, jsonb_array_length(errors) as errors, errors -> 0 ->> 'message' as first from job_dead order by id;
select redrive('leased', 'HTTP 9%'), redrive('leased', 'HTTP 5%', per_second => 0.001), redrive('leased', 'HTTP 4%', most => 0);
select count(*) from job_dead;
select payload -> 'n' as n, attempt, jsonb_array_length(errors) as errors, run_at <= clock_timestamp() as is_due from job
where queue = 'leased' and state in ('ready', 'scheduled') order by id;
select redrive('leased');
select count(*) from job_dead;
select count(cancel(id)) from job where state <> 'running';

-- 11: a job is cancelled at once while nobody has it, else who has it is asked.
select job_id as asked from enqueue('leased', '{"n": "asked"}') \gset
select count(*) from claim('leased', 'w', 1);
select cancel(:asked);
select is_cancelled from job as j, extend(j.id, j.fence) where j.id = :asked;
select is_cancelled(:asked);
select fail(id, fence, 'stopped as asked') from job where id = :asked;
select cancel(:asked);
select state, attempt from v_job where id = :asked;

-- 13: handlers. Job, effect and completion are one; what fails has had no effect.
select created from enqueue_many('done_here', '[{"payload": {"n": 1}}, {"payload": {"n": 2, "fail": "P0001"}},
    {"payload": {"n": 3, "fail": "23505"}}, {"payload": {"n": 4, "fail": "40001"}}, {"payload": {"n": 5}}]');
begin;
select work_one('done_here');
rollback;
select count(*) from effect;
call work('done_here', batch => 3);
select payload -> 'n' as n from effect order by 1;
select payload -> 'n' as n, state, attempt, error, result from v_job where queue = 'done_here' order by id;
select count(cancel(id)) from job where queue = 'done_here';
update queue set time_limit = '1 second' where name = 'done_here';
select created from enqueue('done_here', '{"n": 6, "sleep": 30}');
select work_one('done_here');
select state, attempt, error from v_job where payload -> 'n' = '6';
select count(cancel(id)) from job where queue = 'done_here';
update queue set handler = 'queues.gone' where name = 'done_here';
select created from enqueue('done_here', '{"n": 7}');
select work_one('done_here'), work_one('done_here');
select reason from job_dead where payload -> 'n' = '7';
update queue set handler = 'queues.handle', concurrency = 1 where name = 'done_here';
select work_one('done_here');

-- 6: strict order of a key. A head that fails blocks its key, has the others wait, or lets them pass.
insert into queue (name, on_failed_head, attempts, retry_from, retry_up_to) values
    ('blocks', 'block', 1, '0', '0'), ('waits', 'dead', 2, '1 hour', '1 hour'), ('passes', 'skip', 2, '1 hour', '1 hour');
select count(*) from unnest(array['blocks', 'waits', 'passes']) as q (name),
    enqueue_many(q.name, (select jsonb_agg(jsonb_build_object('key', 'k' || n % 2, 'payload', jsonb_build_object('n', n)) order by n)
        from generate_series(1, 6) as n)) as e;
create function heads(of_queue text) returns text language sql as $$
    select string_agg(format('%s:%s', c.key, c.payload ->> 'n'), ' ' order by c.job_id) from queues.claim(of_queue, 'w', 10) as c
$$;
select q as queue, heads(q), heads(q) as nothing from unnest(array['blocks', 'waits', 'passes']) as q;
select queue, fail(id, fence, 'no') from job where state = 'running' and queue in ('blocks', 'waits', 'passes') and key = 'k1' order by id;
select complete(id, fence) from job where state = 'running' and queue in ('blocks', 'waits', 'passes') and key = 'k0' order by id;
select q as queue, heads(q) from unnest(array['blocks', 'waits', 'passes']) as q;
select queue, key, attempt, error, waiting from blocked_keys();
select unblock('blocks', 'k1');
select heads('blocks');
select fail(id, fence, 'no') from job where queue = 'blocks' and state = 'running' and key = 'k1';
select unblock('blocks', 'k1', discard => true);
select heads('blocks');
update job set run_at = clock_timestamp() where queue = 'waits' and state = 'queued' and attempt = 1;
update job_key set run_at = clock_timestamp() where queue = 'waits' and state = 'waiting';
select pg_sleep(0.15);
select heads('waits');
select fail(id, fence, 'no') from job where queue = 'waits' and state = 'running' and key = 'k1';
select heads('waits');
select check_name, faults, example from check_book() where faults > 0;

-- 7: a rate is kept for each key, and a token is taken for a job that is claimed and for no other.
insert into queue (name, rate_jobs, rate_per, rate_burst) values ('slow', 1, '1 hour', 2);
select count(*) from enqueue_many('slow', (select jsonb_agg(jsonb_build_object('key', 'k' || n % 2)) from generate_series(1, 10) as n));
begin;
select key, count(*) from claim('slow', 'w', 100) group by key order by key;
rollback;
select key, count(*) from claim('slow', 'w', 100) group by key order by key;
select count(*) from claim('slow', 'w', 100);
select key, state, run_at > clock_timestamp() + interval '50 minutes' as waits from job_key where queue = 'slow' order by key;

-- 8: what may be worked on at once is counted by the leases that live.
insert into queue (name, concurrency) values ('few', 3);
insert into queue (name, key_concurrency) values ('few_of_a_key', 2);
select count(*) from unnest(array['few', 'few_of_a_key']) as q, enqueue_many(q, (select jsonb_agg(jsonb_build_object('key', 'k' || n % 2)) from generate_series(1, 10) as n));
select count(*) from claim('few', 'w', 2);
select count(*) from claim('few', 'w', 2);
select count(*) from claim('few', 'w', 2);
select complete(id, fence) from job where queue = 'few' and state = 'running' order by id limit 1;
select count(*) from claim('few', 'w', 2);
update job set lease_until = clock_timestamp() - interval '1 second' where queue = 'few' and state = 'running';
select count(*) from claim('few', 'w', 9);
select key, count(*) from claim('few_of_a_key', 'w', 100) group by key order by key;
select complete(id, fence) from job where queue = 'few_of_a_key' and state = 'running' and key = 'k1' order by id limit 1;
select key, count(*) from claim('few_of_a_key', 'w', 100) group by key order by key;

-- 14: the breaker of a target opens after failures, lets a trial through after a while, and closes when it succeeds.
insert into queue (name, breaker_failures, breaker_open_for, retry_from, retry_up_to) values ('calls', 3, '1 hour', '0', '0');
select count(*) from enqueue_many('calls', (select jsonb_agg(jsonb_build_object('key', (array['down', 'up'])[1 + n % 2])) from generate_series(1, 12) as n));
select key, count(*), count(fail(job_id, fence, 'unreachable')) filter (where key = 'down') as failed from claim('calls', 'w', 8) group by key order by key;
select key, count(*) from claim('calls', 'w', 100) group by key order by key;
select key, state, failures >= 3 as is_open, open_until > clock_timestamp() + interval '50 minutes' as stays_open from job_key where queue = 'calls' and key = 'down';
update job_key set open_until = clock_timestamp(), run_at = clock_timestamp() where queue = 'calls' and key = 'down';
select pg_sleep(0.15);
select key, count(*) from claim('calls', 'trial', 100) group by key order by key;
select fail(id, fence, 'still unreachable') from job where queue = 'calls' and worker = 'trial';
select count(*) from claim('calls', 'trial', 100);
update job_key set open_until = clock_timestamp(), run_at = clock_timestamp() where queue = 'calls' and key = 'down';
select pg_sleep(0.15);
select count(complete(job_id, fence)) from claim('calls', 'trial', 100);
select key, count(*) > 1 as all_again from claim('calls', 'w', 100) where key = 'down' group by key;

-- Refused, with nothing left behind.
select code, message from test.refusal('select queues.enqueue(''nowhere'')');
select code, message from test.refusal('select queues.enqueue(''leased'', null)');
select code, message from test.refusal('select queues.enqueue(''leased'', priority => 10)');
select code, message from test.refusal('select queues.enqueue(''leased'', run_at => ''infinity'')');
select code, message from test.refusal('select queues.enqueue_many(''leased'', ''[{"pay": 1}]'')');
select code, message from test.refusal('select queues.enqueue_many(''leased'', ''{}'')');
select code, message from test.refusal('select * from queues.claim(''done_here'', ''w'')');
select code, message from test.refusal('select * from queues.claim(''leased'', null)');
select code, message from test.refusal('select queues.work_one(''leased'')');
select code, message from test.refusal('select queues.unblock(''blocks'', ''k7'')');
select code, message from test.refusal('delete from queues.queue where name = ''few''');
select code, message from test.refusal('update queues.queue set rate_jobs = 1, rate_per = ''1 s'' where name = ''few''');
begin isolation level repeatable read;
select code, message from test.refusal('select * from queues.claim(''leased'', ''w'')');
rollback;
update queue set is_paused = true;
select count(*) from claim('few', 'w', 100);

-- Partitions of days.
select _keep_job_days('2031-05-01') > 8 as dropped_and_made, _keep_job_days('2031-05-01') as again;
select count(*) from job_done;
select check_name, faults, example from check_book() where faults > 0;
reset search_path;
select loan_engine.drop_book('queues', with_postings => true) \g /dev/null
