#!/usr/bin/env bash
# Kills the server over and over under load, and looks for what was lost or doubled: eight clients
# insert payments and read back which were taken, another reverses some, another ends days. Whatever
# was acknowledged must be there once after each restart, and check_book must find nothing.
# CRASHES=100 is how often. The control runs with synchronous_commit = off, where acknowledged payments
# are lost; a harness that does not find that would find nothing.
. "$(dirname "$0")/../../scripts/server.sh"

cd "$root"
crashes=${CRASHES:-100}
clients=8
loans=200
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@"; }

# Payments of one client from one number on, without end; each answers with its number when committed.
payments() {
    local client=$1 n=$2
    while :; do
        n=$((n + 1))
        printf "insert into lending.payment (legal_entity_id, provider, reference, loan_no, amount, currency)
            select id, 'client %s', '%s', '%s', 1, 'EUR' from lending.legal_entity;\n\\\\echo %s\n" \
            "$client" "$n" $((1 + (client * 7919 + n * 31) % loans)) "$n"
    done
}

# client NUMBER: goes on after the last payment acknowledged, so that the one in doubt is sent again.
client() {
    payments "$1" "$(tail -n 1 "$work/acknowledged.$1")" | sql >>"$work/acknowledged.$1" 2>/dev/null || true
}

others() {
    while sql -c "select lending.reverse_payment(p.id, 'crash test') from (
            select p.id from lending.payment as p
            where not exists (select from lending.payment_reversal as r where r.payment_id = p.id)
            order by p.received_at desc limit 1) as p" >/dev/null 2>&1; do sleep 0.05; done
}

days() {
    while sql -c 'call lending.run_end_of_day(chunk_size => 50)' >/dev/null 2>&1; do sleep 0.2; done
}

# run CRASHES SETTING...: how many acknowledged payments are missing, doubled, and faults of the book.
run() {
    local rounds=$1 server round client n missing=0 doubled=0 faults=0 pids
    shift
    server=$(server_create crash "$@")
    server_use "$server"
    sql -v loans=$loans -c 'create extension loan_engine' -f tests/book/small.sql
    for ((client = 1; client <= clients; client++)); do echo 0 >"$work/acknowledged.$client"; done
    for ((round = 1; round <= rounds; round++)); do
        pids=()
        for ((client = 1; client <= clients; client++)); do client "$client" & pids+=($!); done
        others & pids+=($!)
        days & pids+=($!)
        sleep "0.$((3 + RANDOM % 7))"
        server_kill "$server"
        wait "${pids[@]}" 2>/dev/null || true
        server_start "$server"
        for ((client = 1; client <= clients; client++)); do
            n=$(tail -n 1 "$work/acknowledged.$client")
            missing=$((missing + $(sql -c "select $n - count(*) from lending.payment
                where provider = 'client $client' and reference::integer <= $n")))
        done
        doubled=$((doubled + $(sql -c 'select count(*) from (
            select payment_id from lending.loan_event
            where type = $$repay$$ group by payment_id having count(*) <> 1) as twice')))
        if ((round % 10 == 0 || round == rounds)); then
            faults=$((faults + $(sql -c 'select coalesce(sum(faults), 0) from lending.check_book()')))
        fi
    done
    printf '%s %s %s %s\n' "$missing" "$doubled" "$faults" "$(sql -c 'select count(*) from lending.payment')"
    server_destroy "$server"
}

read -r missing doubled faults payments < <(run "$crashes")
echo "$crashes kills, $payments payments: $missing lost, $doubled doubled, $faults faults of the book"
read -r lost _ _ unsafe < <(run 5 synchronous_commit=off wal_writer_delay=10s)
echo "control without synchronous commit: $lost of $unsafe payments lost"

status=0
((missing == 0 && doubled == 0 && faults == 0 && payments > crashes)) || status=1
((lost > 0)) || status=1
echo "crash: $((status == 0)) passed, $status failed"
exit $status
