#!/usr/bin/env bash
# Calls every function that claims not to write where writing is impossible: on a standby if it is
# stable or immutable, in a parallel worker if it is parallel safe. A function that assigns a
# transaction id by accident works everywhere else.
. "$(dirname "$0")/../../scripts/server.sh"

cd "$root"
primary=$(server_create primary)
server_use "$primary"
createdb calls
export PGDATABASE=calls
# The control breaks its promises, so both places must refuse it.
psql -X -q -v ON_ERROR_STOP=1 -c 'create extension loan_engine' \
    -f tests/system/bad_input.sql -f - <<'SQL'
create function bad_input.control() returns xid8 language sql volatile parallel safe
    as 'select pg_catalog.pg_current_xact_id()';
SQL
standby=$(server_standby standby "$primary")

# calls CONDITION: the sane calls of the functions that meet it.
calls() {
    psql -X -At -c "
        select c.statement
        from bad_input.call as c
        join bad_input.routine as r using (routine_oid)
        join pg_catalog.pg_proc as p on p.oid = r.routine_oid
        where c.wrong = 'nothing' and r.schema = 'loan_engine' and not r.is_trigger and $1"
}

# run PLACE SETTING CONDITION: one line for each call that fails there, and the counts.
run() {
    local place=$1 setting=$2 statement found=() passed=0 failed=0
    export PGDATABASE=calls PGOPTIONS=$setting
    mapfile -t found < <(calls "$3")
    ((${#found[@]} > 0)) || fail "no function to call on a $place"
    for statement in "${found[@]}"; do
        if psql -X -q -At -c "$statement" >/dev/null; then
            passed=$((passed + 1))
        else
            echo "failed in a $place: $statement"
            failed=$((failed + 1))
        fi
    done
    if psql -X -q -At -c 'select bad_input.control()' >/dev/null 2>&1; then
        echo "the control was not refused in a $place"
        failed=$((failed + 1))
    fi
    unset PGOPTIONS
    echo "$place: $passed passed, $failed failed"
    ((failed == 0))
}

if ((pg < 16)); then
    parallel='-c force_parallel_mode=on'
else
    parallel='-c debug_parallel_query=on'
fi
status=0
run worker "$parallel" "p.proparallel = 's'" || status=1
server_use "$standby"
run standby '' "p.provolatile <> 'v'" || status=1
exit $status
