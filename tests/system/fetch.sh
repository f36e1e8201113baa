#!/usr/bin/env bash
# Fetches from inside a server: what comes of good and bad answers, that nothing is held while it waits,
# and that it can be given up at any moment.
. "$(dirname "$0")/../../scripts/server.sh"

cd "$root"
cargo build -q --example price_server --no-default-features --features net
folder=$(mktemp -d /tmp/loan_engine_fetch.XXXXXX)
chmod 755 "$folder"
coproc hosts { exec "$target/debug/examples/price_server" "$folder"; }
hosts_pid=$!
trap 'kill "$hosts_pid" 2>/dev/null; rm -rf "$folder"; server_destroy_own' EXIT
read -r trusted expired plain <&"${hosts[0]}"
printf 'host: localhost:%s\nx-api-key: hush-a\n?key=hush-b\n' "$trusted" >"$folder/desk"

server=$(server_create fetch \
    loan_engine.fetch_hosts="localhost:$trusted, localhost:$expired" \
    loan_engine.fetch_networks=127.0.0.1 loan_engine.fetch_ca_file="$folder/authority.pem" \
    loan_engine.fetch_credentials="$folder" log_statement=all log_min_messages=debug1)
server_use "$server"
createdb fetch
export PGDATABASE=fetch
ask() { psql -X -q -At -v VERBOSITY=verbose -v ON_ERROR_STOP=1 "$@" 2>&1; }
ask -c 'create extension loan_engine' -c 'create role clerk login' \
    -c 'create table note (text text)' -f - <<'SQL'
create procedure note_and_fetch(url text) language plpgsql as $$
declare
    status integer; kind text; again integer; body bytea; at timestamptz; failure jsonb;
begin
    insert into note values ('before');
    call loan_engine._fetch(url, '{}', null, 30, 1000, status, kind, again, body, at, failure);
    insert into note values (coalesce(failure ->> 'code', status::text));
end $$;
create procedure text_of(url text, credential text, inout text text default null) language plpgsql as $$
declare
    status integer; kind text; again integer; body bytea; at timestamptz; failure jsonb;
begin
    call loan_engine._fetch(url, '{}', credential, 30, 10000, status, kind, again, body, at, failure);
    text := coalesce(convert_from(body, 'UTF8'), failure::text);
end $$;
create procedure note_text(url text) language plpgsql as $$
declare
    text text;
begin
    call text_of(url, null, text);
    insert into note values (text);
end $$;
SQL

passed=0
failed=0
# is WHAT WANTED FOUND
is() {
    if [[ $3 == "$2" ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'not as it should be: %s\n  wanted %s\n  found  %s\n' "$1" "$2" "$3"
    fi
}
url() { printf 'https://localhost:%s%s' "$trusted" "$1"; }
# The columns of a fetch, parted by |: status, kind, when again, body, at, failure.
fetch() { ask -c "call loan_engine._fetch($1)"; }
code() { fetch "$1" | sed -E 's/^.*"code": "(LN...)".*$/\1/'; }
sqlstate() { ask "$@" | sed -nE 's/^(psql:.*)?ERROR:  ([0-9A-Z]{5}):.*/\2/p'; }
# until SECONDS CONDITION: whether the condition comes to hold in time.
until_true() {
    local turn
    for ((turn = 0; turn < $1 * 20; turn++)); do
        if [[ $(ask -c "select $2") == t ]]; then echo yes; return; fi
        sleep 0.05
    done
    echo no
}
waiting="exists (select from pg_stat_activity where query ~ '/slow' and pid <> pg_backend_pid()
    and wait_event = 'Extension')"

is 'a good answer' '200|application/json|' "$(fetch "'$(url /prices.json)'" | grep -o '^200|application/json|')"
is 'its prices' 'XAU|2040.10|2041.30|USD|' "$(ask -c "call note_text('$(url /prices.json)')" -f - <<'SQL' | head -n 1
select p.symbol, p.bid, p.ask, p.currency, p.fault
from note cross join lateral loan_engine.read_prices(convert_to(text, 'UTF8'), '{"type": "json", "rows": "/prices",
    "symbol": "/symbol", "at": "/at", "bid": "/bid", "ask": "/ask", "currency": "/currency"}') as p
order by p.row_number;
truncate note;
SQL
)"
is 'an answer of its status' 500 "$(fetch "'$(url /broken)'" | cut -d '|' -f 1)"
is 'a busy host' '429||7' "$(fetch "'$(url /busy)'" | cut -d '|' -f 1-3)"
for case in /truncated:LN302 /endless:LN307 /noise:LN307 /huge:LN305 /circle:LN306 \
    '/to?https://elsewhere.example/:LN301'; do
    is "fetch of $case" "${case##*:}" "$(code "'$(url "${case%:*}")'")"
done
is 'an expired certificate' LN303 "$(code "'https://localhost:$expired/page'")"
is 'a host that is not listed' LN301 "$(code "'http://localhost:$plain/page'")"
is 'a time-out' LN304 "$(SECONDS=0; code "'$(url /slow)', time_out_seconds => 1"; ((SECONDS <= 2)) || echo late)"

is 'a URL that is none' 22023 "$(sqlstate -c "call loan_engine._fetch('prices')")"
is 'no URL' 22004 "$(sqlstate -c "call loan_engine._fetch(null)")"
is 'a header that is a secret' 22023 \
    "$(sqlstate -c "call loan_engine._fetch('https://localhost/', '{\"authorization\": \"hush-c\"}')")"
is 'a transaction block' 2D000 "$(sqlstate -c begin -c "call loan_engine._fetch('$(url /page)')")"
is 'a function' 2D000 "$(sqlstate -c "do \$\$ begin call note_and_fetch('$(url /page)');
    exception when division_by_zero then null; end \$\$")"

# What an ordinary user may not: fetch, or allow a host, also before the library is there.
is 'a clerk who fetches' 42501 "$(sqlstate -U clerk -c "call loan_engine._fetch('$(url /page)')")"
is 'a clerk who allows' 42501 "$(sqlstate -U clerk -c "select loan_engine.round_money(1, 'EUR')" \
    -c "set loan_engine.fetch_hosts = 'elsewhere.example'")"
ask -c 'grant execute on all procedures in schema loan_engine to clerk; grant usage on schema loan_engine to clerk'
is 'a clerk who allows early' 'LN301' "$(ask -U clerk -c "set loan_engine.fetch_hosts = 'elsewhere.example'" \
    -c "call loan_engine._fetch('https://elsewhere.example/')" | sed -nE 's/^.*"code": "(LN...)".*$/\1/p')"
is 'what a clerk sees of it' 42501 "$(sqlstate -U clerk -c "select loan_engine.round_money(1, 'EUR')" \
    -c 'show loan_engine.fetch_credentials')"

ask -c "alter database \"fetch\" set loan_engine.fetch_hosts = 'nobody.example'"
is 'a database that allows other hosts' LN301 "$(code "'$(url /page)'")"
ask -c 'alter database "fetch" reset loan_engine.fetch_hosts'

# While it waits nothing is held, whatever was written before is there, and anybody may change it.
ask -c "call note_and_fetch('$(url /slow)')" >"$folder/cancelled" &
cancelled=$!
is 'a procedure that waits' yes "$(until_true 10 "$waiting")"
is 'what it wrote' before "$(ask -c 'select text from note')"
is 'a row it wrote, changed' '' "$(ask -c "set lock_timeout = '1s'" -c "update note set text = 'changed'")"
is 'what it holds' 't|t|virtualxid' "$(ask -c "select a.backend_xid is null, a.backend_xmin is null,
    (select string_agg(distinct locktype, ',') from pg_locks as l where l.pid = a.pid)
    from pg_stat_activity as a where a.query ~ '/slow' and a.pid <> pg_backend_pid()")"
# The server's signals (HUP, INT, USR1, ALRM, TERM) reach the session's own thread and no other.
blocked() {
    local task
    for task in "/proc/$1/task"/*; do
        if [[ ($(<"$task/comm") == fetch && $2 == other) || (${task##*/} == "$1" && $2 == own) ]]; then
            echo $((16#$(awk '/^SigBlk/ { print $2 }' "$task/status") & 0x6203))
        fi
    done
}
waits=$(ask -c "select pid from pg_stat_activity where query ~ '/slow' and pid <> pg_backend_pid()")
is 'signals of the thread of the network' $((0x6203)) "$(blocked "$waits" other)"
is 'signals of the session' 0 "$(blocked "$waits" own)"
# The control: a statement that waits holds a snapshot, and is seen to.
ask -c "select pg_sleep(30) /* control */" >/dev/null &
is 'what a statement holds' yes "$(until_true 10 "exists (select from pg_stat_activity
    where query ~ 'control' and pid <> pg_backend_pid() and backend_xmin is not null)")"
ask -c "select pg_cancel_backend(pid) from pg_stat_activity where query ~ 'control' and pid <> pg_backend_pid()" >/dev/null

cancel="from pg_stat_activity where query ~ '/slow' and pid <> pg_backend_pid()"
is 'a procedure that is cancelled' t "$(ask -c "select pg_cancel_backend(pid) $cancel")"
is 'its end' yes "$(until_true 1 "not $waiting")"
wait "$cancelled" || true
is 'its error' 57014 "$(sed -nE 's/^ERROR:  ([0-9A-Z]{5}):.*/\1/p' "$folder/cancelled")"
is 'a statement that takes too long' 57014 \
    "$(sqlstate -c "set statement_timeout = '500ms'" -c "call loan_engine._fetch('$(url /slow)')")"
is 'the session after it' 200 "$(psql -X -q -At -c "set statement_timeout = '500ms'" \
    -c "call loan_engine._fetch('$(url /slow)')" -c "call loan_engine._fetch('$(url /page)')" 2>/dev/null | cut -d '|' -f 1)"

ask -c "call loan_engine._fetch('$(url /slow)')" >/dev/null &
is 'a session that waits' yes "$(until_true 10 "$waiting")"
is 'a session that is ended' t "$(ask -c "select pg_terminate_backend(pid) $cancel")"
is 'its end' yes "$(until_true 1 "not $waiting")"

# Credentials prove who is asking, and stand in no row, message or log.
text() { ask -c "call text_of('$1', $2)"; }
is 'a credential' 'GET /echo?key=hush-b HTTP/1.1|x-api-key: hush-a' \
    "$(text "$(url /echo)" "'desk'" | grep -E '^(GET|x-api-key)' | paste -sd '|')"
is 'no credential' 'GET /echo HTTP/1.1' \
    "$(text "$(url /echo)" null | grep -E '^(GET|x-api-key)' | paste -sd '|')"
is 'one that is not there' LN308 "$(code "'$(url /echo)', credential => 'nobody'")"
is 'one by a way out of its folder' LN308 "$(code "'$(url /echo)', credential => '../authority.pem'")"
is 'one for another host' LN308 "$(code "'https://localhost:$expired/echo', credential => 'desk'")"
is 'what the log tells' 0 "$(grep -c 'hush-[ab]' "$(. "$server/env" && echo "$log")" || true)"

# A book's feeds: what is fetched goes through the door of all prices.
ask -f - <<SQL
select loan_engine.create_book('lending', 'USD', 'UTC', '2024-03-01') \g /dev/null
set search_path = lending;
insert into asset (code, name, kind, currency, weight_unit) values
    ('XAU', 'Gold', 'metal', 'USD', 'troy_ounce'), ('XAG', 'Silver', 'metal', 'USD', 'troy_ounce');
insert into price_feed (code, source, url, format, time_out_seconds) values
    ('list', 'desk', '$(url /prices.json)', '{"type": "json", "rows": "/prices", "symbol": "/symbol", "at": "/at",
        "bid": "/bid", "ask": "/ask", "currency": "/currency"}', 30),
    ('lines', 'bourse', '$(url /prices.csv)', '{"type": "csv", "delimiter": ";", "symbol": "symbol", "at": "at",
        "time": "epoch_seconds", "mid": "price", "decimal": ",", "currency": "currency"}', 30),
    ('broken', 'none', '$(url /broken)', '{"type": "csv", "symbol": "a", "mid": "b", "currency": "c"}', 30),
    ('page', 'none', '$(url /page)', '{"type": "json", "symbol": "/a", "mid": "/b", "currency": "/c"}', 30),
    ('busy', 'none', '$(url /busy)', '{"type": "json", "symbol": "/a", "mid": "/b", "currency": "/c"}', 30),
    ('slow', 'none', '$(url /slow)', '{"type": "json", "symbol": "/a", "mid": "/b", "currency": "/c"}', 30);
update price_feed set is_active = false where code = 'slow';
SQL
rows() { ask -c "$1" | paste -sd ' '; }
export PGOPTIONS='-c client_min_messages=error'
ask -c 'call lending.run_price_feed()'
is 'prices that were accepted' 'XAG|22.63|bourse XAG|22.63|desk XAU|2040.7|bourse XAU|2040.7|desk' \
    "$(rows 'select a.code, p.price, p.source from lending.asset_price as p
        join lending.asset as a on a.id = p.asset_id order by 1, 3')"
is 'a row that cannot be read' 'bid: "n/a" is no number of up to 28 digits' \
    "$(rows "select i.raw ->> 'fault' from lending.v_price_quarantine as q join lending.price_inbox as i on i.id = q.inbox_id")"
is 'what became of feeds' \
    'broken|LN310|| busy|LN310|| lines||2|t list||3|t page|LN309||' \
    "$(rows "select feed_code, failure ->> 'code', passed_on, case when failure is null then length(body_hash) = 32 end
        from lending.price_fetch order by 1")"
is 'when a busy host is asked again' t \
    "$(rows "select next_try_at - last_try_at between '7 s' and '11 s' from lending.price_feed_state where feed_code = 'busy'")"
ask -c "call lending.run_price_feed('list')"
is 'a list that is the same' '0|3|0' "$(rows "select passed_on, known, quarantined
    from lending.price_fetch where feed_code = 'list' order by id desc limit 1")"

ask -c "call lending.run_price_feed('slow') /* /slow */" >"$folder/feed" &
is 'a feed that waits' yes "$(until_true 10 "$waiting")"
is 'what it holds' 't|t|virtualxid' "$(ask -c "select a.backend_xid is null, a.backend_xmin is null,
    (select string_agg(distinct locktype, ',') from pg_locks as l where l.pid = a.pid)
    from pg_stat_activity as a where a.query ~ '/slow' and a.pid <> pg_backend_pid()")"
is 'what others see of it' t "$(rows "select is_running from lending.v_price_feed where code = 'slow'")"
is 'a second session' 'NOTICE:  00000: feed "slow" is being fetched by another' \
    "$(PGOPTIONS='' ask -c "call lending.run_price_feed('slow')" | grep NOTICE)"
ask -c "call lending.run_price_feed('lines')"
is 'another feed meanwhile' 2 "$(rows "select count(*) from lending.price_fetch where feed_code = 'lines' and failure is null")"
ask -c "select pg_terminate_backend(pid) $cancel" >/dev/null
is 'its end' yes "$(until_true 1 "not $waiting")"
is 'one whose session was ended' '1|the fetch did not come to its end|t' \
    "$(rows "select attempts, error, next_try_at <= last_try_at + interval '10 s' from lending.v_price_feed where code = 'slow'")"
is 'the book' '' "$(rows "select * from loan_engine.check_book('lending') where faults > 0")"
unset PGOPTIONS

# A server that stops does not wait for hosts.
ask -c "call loan_engine._fetch('$(url /slow)')" >/dev/null &
is 'a session that waits' yes "$(until_true 10 "$waiting")"
SECONDS=0
server_stop "$server" fast
is 'the end of the server' yes "$( ((SECONDS <= 3)) && echo yes || echo "after $SECONDS s")"
is 'what died on the way' 0 \
    "$(grep -cE 'terminated by signal|PANIC|panicked' "$(. "$server/env" && echo "$log")" || true)"

echo "fetch: $passed passed, $failed failed"
((failed == 0))
