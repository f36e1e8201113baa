#!/usr/bin/env bash
# Dumps a book that has lived for some weeks and restores it into another database, in each format of
# pg_dump: every row is there once, no trigger fired, check_book finds nothing, consumers go on after
# the last event they took, and the next payment and the next end of day come to the same in both.
. "$(dirname "$0")/../../scripts/server.sh"

server_ensure dump
cd "$root"
work=$(mktemp -d)
trap 'rm -rf "$work"; server_destroy_own' EXIT

sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@"; }

passed=0
failed=0
# expect WHAT EXPECTED FOUND: counts, and shows what differs.
expect() {
    if [[ $2 == "$3" ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'not ok: %s\n' "$1"
        diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") | head -n 10 || true
    fi
}

# A book with payments on time, late, in advance, of nobody and taken back, and with two consumers.
live() {
    sql -d "$1" <<'SQL' >/dev/null
create extension loan_engine;
\set loans 20
\i tests/book/small.sql
create function lending.pay(prefix text, value_date date default lending.business_date()) returns bigint language sql as $$
    with paid as (
        insert into lending.payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date)
        select e.id, 'bank', pay.prefix || n, n::text, 50 + n, 'EUR', pay.value_date
        from lending.legal_entity as e, generate_series(1, 21) as n where n % 3 <> 0 returning 1)
    select count(*) from paid
$$;
insert into lending.event_consumer (name) values ('mail'), ('warehouse');
call lending.run_end_of_day('2024-02-01');
select lending.pay('a');
call lending.run_end_of_day('2024-02-08', 7);
select lending.pay('b', '2024-02-05');
select lending.reverse_payment(id, 'mistake') from lending.payment where reference in ('a2', 'b4', 'b20');
select count(*) from lending.take_events('mail', 33);
call lending.run_end_of_day('2024-02-12', 7);
select count(*) from lending.take_events('warehouse', 1000);
select lending.pay('c');
SQL
}

# What every table has: its rows and a sum over them, in order.
rows() {
    sql -d "$1" <<'SQL'
select format('select %L, count(*), md5(coalesce(string_agg(t::text, e''\n'' order by t::text), '''')) from lending.%I as t', relname, relname)
from pg_class where relnamespace = 'lending'::regnamespace and relkind in ('r', 'p') order by relname
\gexec
SQL
}

# What belongs to the book beside its rows.
objects() {
    sql -d "$1" <<'SQL'
select kind, count(*), md5(string_agg(definition, e'\n' order by definition)) from (
    select 'trigger' as kind, pg_get_triggerdef(t.oid) || t.tgenabled::text as definition
    from pg_trigger as t join pg_class as c on c.oid = t.tgrelid where c.relnamespace = 'lending'::regnamespace and not t.tgisinternal
    union all
    select 'function', pg_get_functiondef(p.oid) from pg_proc as p where p.pronamespace = 'lending'::regnamespace and p.prokind <> 'a'
    union all
    select 'constraint', pg_get_constraintdef(oid) from pg_constraint where connamespace = 'lending'::regnamespace
    union all
    select 'index', indexdef from pg_indexes where schemaname = 'lending'
    union all
    select 'view', viewname || definition from pg_views where schemaname = 'lending'
    union all
    select 'comment', description from pg_description as d join pg_class as c on c.oid = d.objoid and d.classoid = 'pg_class'::regclass
    where c.relnamespace = 'lending'::regnamespace
) as o group by kind order by kind
SQL
}

# What the next payments and the next days come to: balances by loan, and the ledger by account.
go_on() {
    sql -d "$1" -c "select count(*) > 0 from lending.pay('d')" -c "call lending.run_end_of_day('2024-02-20', 5)" \
        -c "select l.loan_no, to_jsonb(b) - array['hash'] from lending.loan as l join lending.loan_balance as b on b.loan_id = l.id order by l.loan_no::integer" \
        -c 'select code, debit, credit from lending.v_trial_balance order by code' \
        -c 'select * from lending.check_book() where faults > 0'
}

# taken DATABASE CONSUMER: the events it takes until there are none, by loan and version.
taken() {
    local n
    for n in 1 2 3 4; do
        sql -d "$1" -c "select l.loan_no, e.version from lending.take_events('$2', 60) as e join lending.loan as l on l.id = e.loan_id"
    done
}

# restored FORMAT DATABASE: restores what was dumped, and looks at it.
restored() {
    local format=$1 database=$2
    createdb "$database"
    case $format in
        custom) pg_restore --exit-on-error --dbname="$database" "$work/book.custom" ;;
        parallel) pg_restore --exit-on-error --jobs=2 --dbname="$database" "$work/book.custom" ;;
        plain) sql -d "$database" -f "$work/book.plain" >/dev/null ;;
    esac
    expect "$format: rows" "$before" "$(rows "$database")"
    expect "$format: objects" "$objects" "$(objects "$database")"
    expect "$format: check_book" '' "$(sql -d "$database" -c 'select * from lending.check_book() where faults > 0')"
    expect "$format: triggers guard" LN205 "$(sql -d "$database" -v VERBOSITY=sqlstate \
        -c 'delete from lending.loan_event where version = 1' 2>&1 | grep -oE 'LN[0-9]+' || true)"
}

createdb lived
live lived
pg_dump --format=custom --file="$work/book.custom" lived
pg_dump --format=plain --file="$work/book.plain" lived
before=$(rows lived)
objects=$(objects lived)
expect 'the book has rows' t "$(sql -d lived -c 'select count(*) > 60 from lending.loan_event')"

restored custom restored_custom
restored parallel restored_parallel
restored plain restored_plain

# A restore that fires triggers, or loses a row, would be seen.
createdb spoilt
pg_restore --dbname=spoilt "$work/book.custom"
sql -d spoilt -c "set session_replication_role = replica" -c "delete from lending.accrual_line where ctid = (
    select min(ctid) from lending.accrual_line where tableoid = (select min(tableoid::oid) from lending.accrual_line))"
expect 'a lost row is seen' no "$([[ $before == "$(rows spoilt)" ]] && echo yes || echo no)"

# The events that were left to take, then those of the next days; in a fresh cluster transactions begin
# anew, which here is made so by raising the numbers of those that were restored.
for database in restored_custom restored_plain; do
    sql -d "$database" <<'SQL' >/dev/null
set session_replication_role = replica;
update lending.loan_event set xid = (xid::text::bigint + 1000000000)::text::xid8;
update lending.event_consumer set xid = (xid::text::bigint + 1000000000)::text::xid8 where position > 0;
set session_replication_role = origin;
select lending.resume_after_restore();
SQL
done
after=$(go_on lived)
mail=$(taken lived mail | sort)
warehouse=$(taken lived warehouse | sort)
for database in restored_custom restored_plain; do
    expect "$database: the next days" "$after" "$(go_on "$database")"
    expect "$database: a consumer that was behind" "$mail" "$(taken "$database" mail | sort)"
    expect "$database: a consumer that had all" "$warehouse" "$(taken "$database" warehouse | sort)"
done

echo "dump and restore: $passed passed, $failed failed"
((failed == 0))
