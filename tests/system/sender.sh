#!/usr/bin/env bash
# Kills senders, and the server beside them, over and over while they send: every message that somebody takes
# is sent at least once, always under its own key, and settled; what is refused is given up. KILLS=20 is how
# often. The control shows that messages were sent more than once, without which nothing was put to the test.
. "$(dirname "$0")/../../scripts/server.sh"

cd "$root"
kills=${KILLS:-20}
messages=300
work=$(mktemp -d)
servers_pid=
trap '[[ -z $servers_pid ]] || kill "$servers_pid" 2>/dev/null; rm -rf "$work"; server_destroy_own' EXIT

sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@"; }

cargo build --quiet --package loan_sender --bins --examples
"$target/debug/examples/local_servers" "$work/taken" >"$work/ports" &
servers_pid=$!
server=$(server_create sender)
server_use "$server"
sql -v loans=1 -c 'create extension loan_engine' -f tests/book/small.sql
while [[ ! -s $work/ports ]]; do sleep 0.1; done
read -r relay endpoint <"$work/ports"
cat >"$work/config.json" <<JSON
{"database": "host=$PGHOST dbname=postgres user=postgres", "lease_seconds": 4, "time_out_seconds": 1, "batch": 10,
 "channels": {"email": {"smtp": "smtp://127.0.0.1:$relay", "from": "Acme <no-reply@acme.example>"},
              "sms": {"http": "http://127.0.0.1:$endpoint/messages"}}}
JSON

# One in ten is for somebody who does not exist, and some for those who are served late or badly.
sql -c "update lending.channel set first_wait = '100 milliseconds', longest_wait = '500 milliseconds'" \
    -c "select count(lending.send_message(case n % 2 when 0 then 'email' else 'sms' end,
            (array['unknown', 'busy', 'lost', 'hang', 'a', 'b', 'c', 'd', 'e', 'f'])[1 + n / 2 % 10] || n || '@example.org',
            'Message ' || n, 'Subject'))
        from generate_series(1, $messages) as n" >/dev/null

left() { sql -c 'select count(*) from lending.outbox_pending'; }

for ((kill = 1; kill <= kills; kill++)); do
    pids=()
    for sender in 1 2; do
        "$target/debug/loan-sender" "$work/config.json" 2>>"$work/senders" & pids+=($!)
    done
    sleep "0.$((2 + RANDOM % 7))"
    if ((kill % 5 == 0)); then server_kill "$server"; fi
    kill -KILL "${pids[@]}"
    wait "${pids[@]}" 2>/dev/null || true
    if ((kill % 5 == 0)); then server_start "$server"; fi
done
"$target/debug/loan-sender" "$work/config.json" 2>>"$work/senders" & sender=$!
for ((second = 0; second < 120; second++)); do
    (($(left) > 0)) || break
    sleep 1
done
# A sender that waits hears the bell of a message written now.
sleep 1
started=$(date +%s%N)
sql -c "select lending.send_message('email', 'bell@example.org', 'Now')" >/dev/null
while ! grep -q 'bell@example.org' "$work/taken"; do
    (($(date +%s%N) - started < 15000000000)) || break
    sleep 0.02
done
heard=$((($(date +%s%N) - started) / 1000000))
sleep 1
kill "$sender" 2>/dev/null || true

missing=$(sql -c "select 'email ' || id || ' ' || address from lending.outbox where address !~ '^unknown'
    and channel = 'email' union all select 'sms ' || id || ' ' || address from lending.outbox
    where address !~ '^unknown' and channel = 'sms'" | sed 's/^email/smtp/; s/^sms/http/' | sort |
    comm -23 - <(sort -u "$work/taken") | wc -l)
foreign=$(cut -d' ' -f2 "$work/taken" | sort -u | comm -23 - <(sql -c 'select id from lending.outbox' | sort) | wc -l)
again=$(($(wc -l <"$work/taken") - $(sort -u "$work/taken" | wc -l)))
wrong=$(sql -c "select count(*) from lending.outbox as o join lending.outbox_status as s on s.message_id = o.id
    where s.status <> case when o.address ~ '^unknown' then 'gave_up' else 'sent' end")
faults=$(sql -c 'select coalesce(sum(faults), 0) from lending.check_book()')
echo "$kills kills: $missing messages not sent, $foreign under another key, $wrong not settled rightly, $(left) left," \
    "$faults faults of the book; $again sent again; the bell was heard within $heard ms"
status=0
((missing == 0 && foreign == 0 && wrong == 0 && faults == 0 && again > 0 && heard < 5000 && $(left) == 0)) || status=1
((status == 0)) || tail -n 5 "$work/senders"
echo "sender: $((status == 0)) passed, $status failed"
exit $status
