#!/usr/bin/env bash
# A burst of webhooks in any order, some of them twice, from providers that send again whatever was not
# acknowledged, while the server is killed as they are received and as they are posted. Each payment
# must be there once, those of a loan in the order in which they happened, and check_book must find
# nothing. EVENTS=10000 is how many, KILLS=3 how often in each of the two parts.
. "$(dirname "$0")/../../scripts/server.sh"

cd "$root"
events=${EVENTS:-10000}
kills=${KILLS:-3}
loans=500
clients=4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@"; }

server=$(server_create webhooks)
server_use "$server"
sql -v loans=$loans -c 'create extension loan_engine' -f tests/book/small.sql
sql -v loans=$loans -v events="$events" -f benches/sql/webhooks.sql >/dev/null
sql <<<"select format('alter database %I set loan_engine.fetch_credentials = %L', current_database(),
    current_setting('data_directory') || '/secrets') \\gexec"

# What each provider sends: its share in any order, half of it twice; then all of it again.
for ((client = 0; client < clients; client++)); do
    for round in 1 2; do
        seq 1 "$events" | awk -v c="$client" -v of="$clients" '$1 % of == c { print; if ($1 % 8 == c) print }' |
            shuf --random-source=<(yes "$client$round")
    done | awk '{ printf "select lending.receive_webhook('\''burst'\'', e.headers, e.body) from burst.event as e where e.n = %s \\g /dev/null\n\\echo %s\n", $1, $1 }' \
        >"$work/send.$client"
    : >"$work/acknowledged.$client"
done

# client NUMBER: goes on after the last delivery acknowledged, so that the one in doubt is sent again.
client() {
    local from
    from=$((2 * $(wc -l <"$work/acknowledged.$1") + 1))
    tail -n "+$from" "$work/send.$1" | sql >>"$work/acknowledged.$1" 2>/dev/null
}

for ((round = 0; round <= kills; round++)); do
    pids=()
    for ((client = 0; client < clients; client++)); do client "$client" & pids+=($!); done
    if ((round < kills)); then
        sleep "$((1 + RANDOM % 2)).$((RANDOM % 10))"
        server_kill "$server"
    fi
    wait "${pids[@]}" || ((round < kills)) || fail 'a provider could not send'
    if ((round < kills)); then server_start "$server"; fi
done
kept=$(sql -c 'select count(*) from lending.webhook_event')
sent=$(cat "$work"/acknowledged.* | wc -l)

cut=0
for ((round = 0; round < kills; round++)); do
    sql -c "select lending.post_webhooks(2 * $events)" >/dev/null 2>&1 & poster=$!
    sleep "0.$((3 + RANDOM % 7))"
    server_kill "$server"
    wait "$poster" || cut=$((cut + 1))
    server_start "$server"
done
sql -c "select lending.post_webhooks(2 * $events)" >/dev/null
# The control: by far not all came in the order in which they happened.
read -r once wrong shuffled < <(sql -F ' ' <<SQL
select (select count(*) from (
        select e.payment_id from lending.loan_event as e where e.type = 'repay' group by e.payment_id having count(*) = 1) as o),
    (select count(*) from (
        select row_number() over (partition by e.loan_id order by e.version)
            - row_number() over (partition by e.loan_id order by w.body ->> 'at', v.id) as moved
        from lending.loan_event as e
        join lending.payment as p on p.id = e.payment_id
        join lending.payment_inbox as i on i.payment_id = p.id and i.status = 'posted'
        join lending.webhook_event as v on v.id = i.webhook_event_id
        cross join lateral (select convert_from(v.body, 'UTF8')::jsonb as body) as w
        where e.type = 'repay') as o
    where o.moved <> 0),
    (select count(*) from (
        select row_number() over (order by v.id) - row_number() over (order by convert_from(v.body, 'UTF8')::jsonb ->> 'at', v.id) as moved
        from lending.webhook_event as v) as o
    where o.moved <> 0)
SQL
)
faults=$(sql -c 'select coalesce(sum(faults), 0) from lending.check_book()')
echo "$sent deliveries of $events events, $kills kills while they came and $cut while they were posted:" \
    "$kept kept, $once paid once, $wrong out of order, $faults faults of the book"
server_destroy "$server"
((kept == events && once == events && wrong == 0 && shuffled > events / 2 && faults == 0 && sent > events && (kills == 0 || cut > 0)))
