-- A book's queue with a handler that does nothing, and a bare table of as many rows.
set client_min_messages = warning;
select loan_engine.create_book('lending') \g /dev/null
create function lending.nothing(job_id bigint, payload jsonb) returns jsonb language sql as $$ select null::jsonb $$;
insert into lending.queue (name, handler) values ('asked', 'lending.nothing'), ('done', 'lending.nothing');
create table bench.asked (id bigint generated always as identity primary key, payload jsonb not null);
create table bench.bare (id bigint generated always as identity primary key, payload jsonb not null);
insert into bench.bare (payload) select '{"loan": 17, "amount": "12.50"}' from generate_series(1, :jobs);
select count(e.job_id)
from generate_series(1, :jobs / 50000) as n
cross join lateral lending.enqueue_many('done',
    (select jsonb_agg('{"payload": {"loan": 17, "amount": "12.50"}}'::jsonb) from generate_series(1, 50000 + 0 * n))) as e \g /dev/null
vacuum analyze;
