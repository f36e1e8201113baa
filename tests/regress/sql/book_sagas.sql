-- Sagas: steps that are done once, answers of others, waits, and what was done undone in reverse.
set client_min_messages = warning;
\set loans 2
\i tests/book/small.sql
set search_path = lending, public;

-- A saga of every kind of step, over a table that says what was done.
create table public.deed (id bigint generated always as identity, saga uuid, what text);
create function public.deed(saga uuid, what text) returns jsonb language sql as $$
    insert into public.deed (saga, what) values (deed.saga, deed.what); select jsonb_build_object(deed.what, 'done')
$$;
create table public.trouble (what text primary key);
create function public.troubled(saga uuid, what text) returns jsonb language plpgsql as $$
begin
    perform public.deed(saga, what);
    if exists (select from public.trouble as t where t.what = troubled.what) then
        raise exception 'trouble with %', what;
    end if;
    return jsonb_build_object(troubled.what, 'done');
end $$;
insert into saga_definition (name, version, within_days, description) values ('trip', 1, 30, 'all that a saga can do');
insert into saga_step (name, version, position, step, kind, call, compensation, attempts_max, first_wait, within_days, when_late, leads_to, description) values
    ('trip', 1, 1, 'book_flight', 'sql', $$select public.troubled($1, 'flight')$$, $$select public.troubled($1, 'no flight')$$, 3, '0', null, null, null, 'here'),
    ('trip', 1, 2, 'book_hotel', 'external', $$select jsonb_build_object('address', 'hotel', 'body', $3 ->> 'guest')$$, $$select public.troubled($1, 'no hotel')$$, 2, '0', null, null, null, 'there'),
    ('trip', 1, 3, 'rest', 'timer', null, null, 5, '0', 2, null, null, 'two days'),
    ('trip', 1, 4, 'choose', 'sql', $$select case $3 ->> 'way' when 'short' then '{"next": "end"}' when 'wrong' then '{"next": "nowhere"}' else '{}' end::jsonb$$, null, 2, '0', null, null, '{visa,end}', 'whether'),
    ('trip', 1, 5, 'visa', 'wait', null, null, 5, '0', 3, 'ask_again', null, 'an event, or late'),
    ('trip', 1, 6, 'depart', 'sql', $$select public.troubled($1, 'depart')$$, $$select public.troubled($1, 'turn back')$$, 2, '0', null, null, '{end}', 'off'),
    ('trip', 1, 7, 'ask_again', 'wait', $$select case when exists (select from public.trouble where what = 'visa') then '{"next": "depart"}'::jsonb end$$, null, 5, '0', 3, null, '{depart}', 'or never');
update saga_step set call = $$select public.troubled($1, 'depart') || '{"next": "end"}'$$ where step = 'depart';
create view told as
select s.unique_key as saga, s.status, s.step, s.failure,
    (select string_agg(concat_ws(' ', n.step, n.what, nullif(n.attempt, 1)), ', ' order by n.position) from saga_note as n where n.saga_id = s.id) as notes,
    (select string_agg(d.what, ', ' order by d.id) from public.deed as d where d.saga = s.id) as deeds
from saga as s order by s.started_at;
create function token(saga text) returns uuid language sql as $$ select s.token from saga as s where s.unique_key = token.saga $$;
create function look(saga text) returns void language sql as $$ update saga as s set due_at = clock_timestamp() where s.unique_key = look.saga and due_at is not null $$;
\set anything '\'00000000-0000-0000-0000-000000000001\''

-- All goes well; started twice, it is one.
select start_saga('trip', :anything, '{"guest": "Bo"}', 'well') = start_saga('trip', :anything, '{"guest": "Al"}', 'well') as is_one;
call run_sagas();
select * from told;
select channel, address, topic, body, details - array['token', 'saga'] as details, details ->> 'token' = token('well')::text as has_token from outbox;
select complete_saga_step(token('well'), '{"room": 7}');
call run_sagas();
select status, step, known from saga;
call run_end_of_day('2024-01-03');
select look('well'); call run_sagas();
select status, step from saga;
-- The event comes before it is waited for; the first of its name counts.
select signal_saga(id, 'visa', '{"visa": 1}'), signal_saga(id, 'visa', '{"visa": 2}') from saga;
call run_end_of_day('2024-01-04');
select look('well'); call run_sagas();
select * from told;
select known from saga;

-- The result of a step names the next, of those it leads to.
select start_saga('trip', :anything, '{"way": "short"}', 'short') is not null, start_saga('trip', :anything, '{"way": "wrong"}', 'wrong') is not null;
call run_sagas();
select complete_saga_step(token('short')), complete_saga_step(token('wrong'));
call run_sagas();
call run_end_of_day('2024-01-06');
select look('short'), look('wrong'); call run_sagas();
select * from told where saga in ('short', 'wrong');

-- What fails is tried again, and what it did with it is gone; failing for good, what was done is undone in reverse.
insert into public.trouble values ('flight');
select start_saga('trip', :anything, '{}', 'no flight') is not null as started;
call run_sagas();
select * from told where saga = 'no flight';
delete from public.trouble;
select start_saga('trip', :anything, '{}', 'refused') is not null, start_saga('trip', :anything, '{}', 'silent') is not null,
    start_saga('trip', :anything, '{}', 'bounced') is not null, start_saga('trip', :anything, '{}', 'cancelled') is not null;
call run_sagas();
select fail_saga_step(token('refused'), 'no room', is_final => true);
select fail_saga_step(token('bounced'), 'try later');
-- Others are asked twice, under one token; then they are given up.
select token('silent') as silent \gset
update saga set answer_by = clock_timestamp() - interval '1 second'; select look('silent'); call run_sagas();
select token('silent') = :'silent' as is_the_same, status, attempt from saga where unique_key = 'silent';
update saga set answer_by = clock_timestamp() - interval '1 second'; select look('silent'); call run_sagas();
-- A message that its sender gave up is no different.
select fail_message(p.message_id, 1, '404', true) from take_messages('{http}', 100) as t join outbox_pending as p on p.message_id = t.id
where (t.details ->> 'saga')::uuid = (select id from saga where unique_key = 'bounced') order by p.message_id desc limit 1;
select look('bounced'); call run_sagas();
select cancel_saga(id, 'not wanted') from saga where unique_key = 'cancelled';
call run_sagas();
select * from told where saga in ('refused', 'silent', 'bounced', 'cancelled') order by saga;
-- An answer to who has turned round is kept where it is seen.
select complete_saga_step(:'silent', '{"room": 8}'), complete_saga_step(:'silent', '{"room": 9}');
select name, status, why, last_failure from stuck_saga;
select check_name, faults from check_book() where faults > 0;

-- What cannot be undone is stuck, until somebody mends it, or has undone it.
insert into public.trouble values ('no flight'), ('depart');
select start_saga('trip', :anything, '{}', 'stuck') is not null, start_saga('trip', :anything, '{}', 'by hand') is not null;
call run_sagas();
select complete_saga_step(token('stuck')), complete_saga_step(token('by hand')); call run_sagas();
call run_end_of_day('2024-01-08');
select signal_saga(id, 'visa') from saga where unique_key in ('stuck', 'by hand');
select look('stuck'), look('by hand'); call run_sagas();
select * from told where saga in ('stuck', 'by hand');
select name, status, step, failure, why, last_failure from stuck_saga where status = 'stuck';
select code, hint from test.refusal($$select lending.cancel_saga(id, 'late') from lending.saga where unique_key = 'stuck'$$);
select code from test.refusal($$select lending.resume_saga(id, true) from lending.saga where unique_key = 'stuck'$$);
select resume_saga(id, true, 'telephoned the airline') from saga where unique_key = 'by hand';
delete from public.trouble;
select resume_saga(id) from saga where unique_key = 'stuck';
call run_sagas();
select * from told where saga in ('stuck', 'by hand');

-- Late: at a step that says what then, at one that does not, and as a whole.
select start_saga('trip', :anything, '{}', 'late') is not null, start_saga('trip', :anything, '{}', 'later') is not null;
call run_sagas();
select complete_saga_step(token('late')); call run_sagas();
call run_end_of_day('2024-01-10'); select look('late'); call run_sagas();
call run_end_of_day('2024-01-14'); select look('late'); call run_sagas();
select * from told where saga = 'late';
call run_end_of_day('2024-01-18'); select look('late'); call run_sagas();
call run_end_of_day('2024-02-08'); select look('later'); call run_sagas();
select * from told where saga in ('late', 'later');

-- A running saga goes on by the version it began with.
select start_saga('trip', :anything, '{}', 'old') is not null as started;
update saga_definition set validity = tstzrange(lower(validity), clock_timestamp()) where name = 'trip';
insert into saga_definition (name, version, validity, description) values ('trip', 2, tstzrange(clock_timestamp(), null), 'nothing but a flight');
insert into saga_step (name, version, position, step, kind, call, description) values ('trip', 2, 1, 'book_flight', 'sql', $$select public.deed($1, 'flight of 2')$$, 'here');
select start_saga('trip', :anything, '{}', 'new') is not null as started;
call run_sagas();
select version, t.* from told as t join saga as s on s.unique_key = t.saga where saga in ('old', 'new') order by version;

select code, message from test.refusal($$select lending.start_saga('voyage', gen_random_uuid())$$);
select code, message from test.refusal($$select lending.complete_saga_step('00000000-0000-0000-0000-000000000001')$$);
select code, message from test.refusal($$select lending.complete_saga_step(gen_random_uuid(), '[]')$$);
select code, message from test.refusal($$select lending.fail_saga_step(gen_random_uuid(), '')$$);
select code, message from test.refusal($$select lending.signal_saga('00000000-0000-0000-0000-000000000001', 'x')$$);
select code, message from test.refusal($$update lending.saga_note set what = 'done'$$);

-- Whatever happened: each step of a saga is done at most once more than undone, and an undone saga has nothing left.
select count(*) as sagas, count(*) filter (where status = 'undone' and _last_done(id) is not null) as left_over from saga;

reset search_path;
set client_min_messages = warning;
select loan_engine.drop_book('lending', with_postings => true);
drop table public.deed, public.trouble;
drop function public.deed(uuid, text), public.troubled(uuid, text);
