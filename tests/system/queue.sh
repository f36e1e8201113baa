#!/usr/bin/env bash
# Kills the server, and workers, over and over while jobs are asked for and done, and then looks for jobs that
# were lost, done twice, done out of order, or that ended more than once. Whatever was acknowledged must end
# once, and what a handler wrote must be there once for each of its jobs that is done.
# CRASHES=50 is how often. The control does the same with synchronous_commit = off, where acknowledged jobs are
# lost; a harness that does not find that would find nothing.
. "$(dirname "$0")/../../scripts/server.sh"

cd "$root"
crashes=${CRASHES:-50}
askers=4
keys=20
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@"; }

prepare() {
    sql <<'SQL'
set client_min_messages = warning;
create extension loan_engine;
select loan_engine.create_book('lending') \g /dev/null
create table lending.effect (queue text, key text, n bigint, done_at bigint generated always as identity);
create function lending.handle(job_id bigint, payload jsonb) returns jsonb language plpgsql as $$
begin
    insert into lending.effect (queue, key, n) values (payload ->> 'queue', payload ->> 'key', (payload ->> 'n')::bigint);
    -- Some fail after what they did, most of those by no fault of their own.
    if random() < 0.05 then
        raise exception using errcode = (array['40001', '40P01', 'P0001'])[1 + trunc(random() * 3)::integer];
    end if;
    return null;
end $$;
insert into lending.queue (name, handler, on_failed_head, attempts, retry_from, retry_up_to) values
    ('plain', 'lending.handle', null, 1000, '10 milliseconds', '100 milliseconds'),
    ('ordered', 'lending.handle', 'dead', 1000, '10 milliseconds', '100 milliseconds');
insert into lending.queue (name, lease, attempts, retry_from, retry_up_to)
values ('leased', '1 second', 1000, '10 milliseconds', '100 milliseconds');
update lending.job_error_class set retry_from = '10 milliseconds', retry_up_to = '100 milliseconds';
SQL
}

# asker NUMBER: asks for jobs of three queues, from the one on that was acknowledged last, without end.
asks() {
    local asker=$1 n=$2
    while :; do
        n=$((n + 1))
        printf "select count(lending.enqueue(q.name, jsonb_build_object('queue', q.name, 'key', k.key, 'n', %s), k.key,
                priority => %s, unique_key => '%s/%s', unique_for => '1 day'))
            from unnest(array['plain', 'ordered', 'leased']) as q (name), format('%s/%%s', %s %% $keys) as k (key);\n\\\\echo %s\n" \
            "$n" $((n % 3 + 4)) "$asker" "$n" "$asker" "$n" "$n"
    done
}

asker() { asks "$1" "$(tail -n 1 "$work/acknowledged.$1")" | sql -o /dev/null >>"$work/acknowledged.$1" 2>/dev/null || true; }

handlers() { while sql -c 'call lending.work(most => 200, batch => 3)' >/dev/null 2>&1; do sleep 0.02; done; }

# A worker that claims, forgets some jobs, and completes the others in another transaction.
worker() {
    while sql >/dev/null 2>&1 <<'SQL'
create temporary table got as select * from lending.claim('leased', 'worker', 20);
select lending.complete(job_id, fence) from got where random() < 0.9;
SQL
    do sleep 0.02; done
}

# Kills one client as a fault would.
kill_some_client() { pkill -KILL -n -P "$1" psql 2>/dev/null || true; }

drain() {
    local left tries
    for ((tries = 0; tries < 600; tries++)); do
        sql -c 'call lending.work(batch => 10)' >/dev/null
        sql -c "select lending.complete(job_id, fence) from lending.claim('leased', 'last', 1000)" >/dev/null
        left=$(sql -c 'select count(*) from lending.job')
        if ((left == 0)); then return; fi
        sleep 0.1
    done
}

# run CRASHES SETTING...: jobs acknowledged and lost, ended twice, effects missing or doubled, out of order, faults.
run() {
    local rounds=$1 server round n lost=0 pids worker_pid
    shift
    server=$(server_create queue "$@")
    server_use "$server"
    prepare
    for ((n = 1; n <= askers; n++)); do echo 0 >"$work/acknowledged.$n"; done
    for ((round = 1; round <= rounds; round++)); do
        pids=()
        for ((n = 1; n <= askers; n++)); do asker "$n" & pids+=($!); done
        for n in 1 2 3; do handlers & pids+=($!); done
        worker & worker_pid=$!
        pids+=($!)
        sleep "0.$((3 + RANDOM % 6))"
        kill_some_client "$worker_pid"
        server_kill "$server"
        wait "${pids[@]}" 2>/dev/null || true
        server_start "$server"
        for ((n = 1; n <= askers; n++)); do
            lost=$((lost + $(sql -v asker="$n" -v last="$(tail -n 1 "$work/acknowledged.$n")" <<'SQL'
select 3 * :last - count(*) from lending.v_job
where unique_key like :'asker' || '/%' and split_part(unique_key, '/', 2)::integer <= :last;
SQL
            )))
        done
    done
    drain
    sql <<SQL
select $lost,
    (select count(*) from lending.job),
    (select count(*) from (select queue, unique_key from lending.v_job group by queue, unique_key having count(*) <> 1) as twice),
    (select count(*) from lending.v_job as j full join lending.effect as e
        on e.queue = j.queue and e.key = j.key and e.n = (j.payload ->> 'n')::bigint
        where j.queue is distinct from 'leased' and (j.id is null or (e.n is null) <> (j.state <> 'done'))),
    (select count(*) from (select queue, key, n from lending.effect group by queue, key, n having count(*) > 1) as doubled),
    (select count(*) from (select n < lag(n) over (partition by key order by done_at) as is_late
        from lending.effect where queue = 'ordered') as o where is_late),
    (select coalesce(sum(faults), 0) from lending.check_book()),
    (select count(*) from lending.v_job);
SQL
    server_destroy "$server"
}

IFS='|' read -r lost unfinished twice astray doubled late faults jobs < <(run "$crashes")
echo "$crashes kills, $jobs jobs: $lost lost, $unfinished not ended, $twice ended twice, $astray effects astray," \
    "$doubled doubled, $late out of order, $faults faults of the book"
IFS='|' read -r control _ < <(run 5 synchronous_commit=off wal_writer_delay=10s)
echo "control without synchronous commit: $control acknowledged jobs lost"

status=0
((lost == 0 && unfinished == 0 && twice == 0 && astray == 0 && doubled == 0 && late == 0 && faults == 0 && jobs > crashes)) || status=1
((control > 0)) || status=1
echo "queue: $((status == 0)) passed, $status failed"
exit $status
