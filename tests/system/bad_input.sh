#!/usr/bin/env bash
# Calls every routine of the extension with every kind of bad value and looks at how it is refused.
#
#   tests/system/bad_input.sh [ROUTINE]
#
# A refusal must carry a SQLSTATE of its own and a message. An internal error, a lost backend and a
# call that does not end fail the test. So does a routine for which no sane call is known, since its
# bad values would be refused for another reason: tests/system/bad_input.sql says where to add one.
. "$(dirname "$0")/../../scripts/server.sh"

cd "$root"
server_ensure bad_input
export PGDATABASE=bad_input
dropdb --if-exists bad_input 2>/dev/null
createdb bad_input
# A secret, for what looks at signatures.
psql -X -q -v ON_ERROR_STOP=1 -c "copy (select 'secret') to program 'mkdir -p secrets && cat > secrets/desk'" \
    -f - <<<"select format('alter database bad_input set loan_engine.fetch_credentials = %L', current_setting('data_directory') || '/secrets') \\gexec"
psql -X -q -v ON_ERROR_STOP=1 -c 'create extension loan_engine' -f tests/system/bad_input.sql

only=${1:-%}
ask() { psql -X -q -At -v ON_ERROR_STOP=1 -v only="$only" "$@"; }

# One statement a call, so that the limits hold for each. A refusal is caught by the server; only a
# call that is cut off leaves a line here.
{
    echo "set statement_timeout = '20s';"
    echo "select format('select bad_input.attempt(%s)', id) from bad_input.call
          where name like '$only' or name = 'internal' order by id \gexec"
} | psql -X -q -At 2>&1 >/dev/null | tail -n 20 || true
for _ in {1..100}; do if pg_isready -q; then break; else sleep 0.2; fi; done

ask -f - <<'SQL'
\pset fieldsep ' | '
\echo Calls by how they ended:
select coalesce(o.code, 'accepted'), count(*)
from bad_input.call as c join bad_input.outcome as o using (id)
where c.name like :'only' and c.name <> 'internal'
group by o.code order by count(*) desc;
\echo
\echo Slowest:
select c.name, extract(milliseconds from o.duration)::integer || ' ms', c.wrong
from bad_input.call as c join bad_input.outcome as o using (id)
where c.name like :'only'
order by o.duration desc limit 5;
\echo
\echo Refusals without a hint:
select c.name, o.code, min(o.message), count(*)
from bad_input.call as c join bad_input.outcome as o using (id)
where c.name like :'only' and c.name <> 'internal' and o.code is not null
    and coalesce(o.hint, '') = ''
group by c.name, o.code, left(regexp_replace(o.message, '[0-9.]+|".*"', '', 'g'), 40)
order by c.name, o.code limit 200;
\echo
\echo Complaints:
select name, reason, coalesce(code, ''), count(*), coalesce(min(message), ''),
    left((array_agg(statement order by length(statement)))[1], 400)
from bad_input.complaint
where name like :'only'
group by name, reason, code, left(regexp_replace(message, '[0-9.]+|".*"', '', 'g'), 40)
order by min(id);
SQL

read -r routines calls hintless < <(ask -F ' ' -f - <<'SQL'
select count(distinct c.routine_oid), count(*),
    count(*) filter (where o.code is not null and coalesce(o.hint, '') = '')
from bad_input.call as c left join bad_input.outcome as o using (id)
where c.name like :'only' and c.name <> 'internal';
SQL
)
complaints=$(ask -f - <<'SQL'
select count(*) from bad_input.complaint where name like :'only';
SQL
)
# The control, a routine with an internal error, must have been found out, and all calls must have
# been made by one backend.
control=$(ask -f - <<'SQL'
select count(*) filter (where c.name = 'internal' and o.code = 'XX000') > 0
    and count(distinct backend) = 1
from bad_input.outcome as o join bad_input.call as c using (id);
SQL
)
if [[ $control != t ]]; then
    echo 'the control was not found out, or there was more than one backend'
    complaints=$((complaints + 1))
fi
echo
echo "$routines routines, $calls calls, $hintless refusals without a hint"
echo "bad input: $((calls - complaints)) passed, $complaints failed"
((complaints == 0))
