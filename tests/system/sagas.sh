#!/usr/bin/env bash
# Kills the server over and over while sagas run, are answered, and turn back: each ends, each step of SQL was done
# once, and each that was undone, once and after those behind it. KILLS=20 is how often.
. "$(dirname "$0")/../../scripts/server.sh"

cd "$root"
kills=${KILLS:-20}
sagas=120

sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@"; }

run() { while sql -c 'call lending.run_sagas()' >/dev/null 2>&1; do sleep 0.05; done; }

# Others answer what they were asked, some more than once, one in five by a refusal.
answer() {
    while sql -c "select case when n % 5 = 0 then lending.fail_saga_step(token, 'no', true)
            else lending.complete_saga_step(token, '{}') end
        from (select (n.result ->> 'token')::uuid as token, s.unique_key::integer as n
            from lending.saga_note as n join lending.saga as s on s.id = n.saga_id
            where n.what = 'asked' order by random() limit 5) as asked" >/dev/null 2>&1; do sleep 0.02; done
}

server=$(server_create sagas)
server_use "$server"
sql -v loans=1 -c 'create extension loan_engine' -f tests/book/small.sql
sql >/dev/null <<SQL
create table lending.deed (at bigint generated always as identity, saga uuid, what text);
create function lending.deed(saga uuid, what text) returns jsonb language plpgsql as \$\$
begin
    -- So that a server often dies in the middle of a step.
    perform pg_sleep(0.01);
    insert into lending.deed (saga, what) values (deed.saga, deed.what);
    if random() < 0.2 then
        raise exception 'not this time';
    end if;
    return '{}';
end \$\$;
insert into lending.saga_definition (name, version, description) values ('trip', 1, 'there');
insert into lending.saga_step
    (name, version, position, step, kind, call, compensation, attempts_max, first_wait, look_every, description) values
    ('trip', 1, 1, 'one', 'sql', 'select lending.deed(\$1, ''one'')', 'select lending.deed(\$1, ''not one'')', 1000, '0', '1 second', 'one'),
    ('trip', 1, 2, 'two', 'sql', 'select lending.deed(\$1, ''two'')', 'select lending.deed(\$1, ''not two'')', 1000, '0', '1 second', 'two'),
    ('trip', 1, 3, 'ask', 'external', 'select jsonb_build_object(''address'', ''others'')', null, 1000, '0', '1 second', 'ask'),
    ('trip', 1, 4, 'three', 'sql', 'select lending.deed(\$1, ''three'')', null, 1000, '0', '1 second', 'three');
select count(lending.start_saga('trip', gen_random_uuid(), unique_key => n::text)) from generate_series(1, $sagas) as n;
SQL

for ((kill = 1; kill <= kills; kill++)); do
    pids=()
    for runner in 1 2 3; do run & pids+=($!); done
    answer & pids+=($!)
    sleep "0.$((2 + RANDOM % 7))"
    server_kill "$server"
    wait "${pids[@]}" 2>/dev/null || true
    server_start "$server"
done
run & runner=$!
answer & answerer=$!
for ((second = 0; second < 120; second++)); do
    left=$(sql -c "select count(*) from lending.saga where status not in ('done', 'undone')")
    ((left > 0)) || break
    sleep 1
done
kill "$runner" "$answerer" 2>/dev/null || true
wait "$runner" "$answerer" 2>/dev/null || true

wrong=$(sql -c "select count(*) from (
    select s.status, s.unique_key::integer % 5 = 0 as is_refused, string_agg(d.what, ' ' order by d.at) as deeds
    from lending.saga as s left join lending.deed as d on d.saga = s.id group by s.id, s.status, s.unique_key) as t
    where t.deeds is distinct from case when is_refused then 'one two not two not one' else 'one two three' end
        or t.status <> case when is_refused then 'undone' else 'done' end")
faults=$(sql -c 'select coalesce(sum(faults), 0) from lending.check_book()')
failures=$(sql -c "select count(*) from lending.saga_note where what in ('failed', 'undo_failed')")
echo "$sagas sagas, $kills kills, $failures failures: $left did not end, $wrong ended otherwise than they should, $faults faults of the book"
status=0
((left == 0 && wrong == 0 && faults == 0 && failures > 0)) || status=1
echo "sagas: $((status == 0)) passed, $status failed"
exit $status
