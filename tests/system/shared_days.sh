#!/usr/bin/env bash
# Days that several sessions end together, in a server that is killed over and over meanwhile, come to
# what one session makes of them undisturbed: the same balances, income, states, collections and faults.
# Two loans are damaged; they are set aside, and rejoin when they are mended. KILLS=30 is how often.
. "$(dirname "$0")/../../scripts/server.sh"

cd "$root"
kills=${KILLS:-30}
loans=150
chunk=10
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# in_book DATABASE ARGUMENT...: psql there, told nothing but what it asks for.
in_book() {
    local database=$1
    shift
    psql -X -q -At -v ON_ERROR_STOP=1 -d "$database" "$@"
}

damage="create table public.damaged as select s.* from lending.loan_snapshot as s
        join lending.loan as l on l.id = s.loan_id where l.loan_no in ('44', '45');
    update lending.loan_snapshot as s set state = set_byte(s.state, 100, get_byte(s.state, 100) # 255)
    from public.damaged as d where d.loan_id = s.loan_id"
mend="update lending.loan_snapshot as s set state = d.state from public.damaged as d where d.loan_id = s.loan_id"

# What a book has come to, in words that do not depend on who wrote it and when.
state() {
    in_book "$1" <<'SQL'
select 'book', b.business_date from lending.book as b;
select 'day', e.on_date, e.finished_at is not null, count(c.*), sum(c.loans) from lending.end_of_day as e
    join lending.end_of_day_chunk as c using (on_date) group by e.on_date, e.finished_at order by 2;
select 'fault', f.* from lending.end_of_day_fault as f order by f.loan_id;
select 'loan', to_jsonb(b) - array['hash'] from lending.loan_balance as b order by b.loan_id;
select 'income', a.* from lending.accrual as a order by a.loan_id, a.on_date;
select 'event', e.loan_id, e.version, e.type, e.valid_on, e.business_date, e.operation
    from lending.loan_event as e order by 2, 3;
select 'account', t.* from lending.v_trial_balance as t order by t::text;
select 'status', h.machine, coalesce(c.loan_id, h.subject_id), h.version, h.state, h.business_date, h.event
    from lending.status_history as h left join lending.collections_case as c on c.id = h.subject_id order by 2, 3, 4;
select 'case', c.loan_id, e.type, e.business_date, e.stage, e.days_past_due
    from lending.collections_event as e join lending.collections_case as c on c.id = e.case_id order by 2, 4, 3;
select 'check', k.* from lending.check_book() as k where k.faults > 0;
SQL
}

# Three sessions end days together until the server is killed, or they are done.
together() {
    local through=$1 session pids=()
    for session in 1 2 3; do
        in_book shared -c "call lending.run_end_of_day('$through', $chunk)" >/dev/null 2>&1 & pids+=($!)
    done
    if ((kills > killed)); then
        sleep "$((RANDOM % 2)).$((2 + RANDOM % 8))"
        server_kill "$server"
        killed=$((killed + 1))
        wait "${pids[@]}" 2>/dev/null || true
        server_start "$server"
        halfway=$((halfway + $(in_book shared -c 'select count(*) from lending.end_of_day_progress
            where finished_at is null and (chunks_done > 0 or steps_done > 0)')))
    else
        wait "${pids[@]}" || fail 'a session that was not disturbed did not end the days'
    fi
}

# both THROUGH: one book by one session, the other by three.
both() {
    in_book alone -c "call lending.run_end_of_day('$1', $chunk)"
    while [[ $(in_book shared -c 'select business_date from lending.book') < $1 ]]; do together "$1"; done
    together "$1"
}

server=$(server_create shared_days)
server_use "$server"
createdb alone
in_book alone -v loans=$loans -c 'create extension loan_engine' -f tests/book/small.sql
in_book alone -c "call lending.run_end_of_day('2024-01-31', $chunk)" -c "$damage"
createdb -T alone shared
killed=0
halfway=0
both 2024-03-10
in_book alone -c 'select count(*) from lending.end_of_day_fault' >"$work/faults"
in_book alone -c "$mend"
in_book shared -c "$mend"
both 2024-05-03
while ((kills > killed)); do
    through=$(in_book alone -c 'select business_date + 9 from lending.book')
    both "$through"
done
both "$(in_book alone -c 'select business_date + 1 from lending.book')"
state alone >"$work/alone"
state shared >"$work/shared"
several=$(in_book shared -c 'select count(*) from lending.end_of_day_progress where sessions > 1')
in_book shared -c "update lending.loan_balance set interest_receivable = interest_receivable + 0.01
    where loan_id = (select id from lending.loan where loan_no = '2')"
state shared >"$work/tampered"

status=0
diff "$work/alone" "$work/shared" >"$work/difference" || status=1
head -n 20 "$work/difference"
if diff -q "$work/alone" "$work/tampered" >/dev/null; then
    echo 'control: a cent too much was not seen'
    status=1
fi
echo "$(in_book shared -c 'select count(*) from lending.end_of_day') days, $several shared by several sessions," \
    "$killed kills, $halfway in the middle of a day, $(<"$work/faults") loans set aside and mended"
((killed >= kills && halfway > 0 && several > 0 && $(<"$work/faults") == 2)) || status=1
echo "shared days: $((status == 0)) passed, $status failed"
exit $status
