-- Loans in the short form: what operations bring, told as facts, with and without history.
set search_path = loan_engine, public;

create temporary table given as
select
    '{"principal": 100, "annual_rate": "0.07", "instalments": 6, "disbursed_on": "2024-01-01",
      "recalculation": {"interest": "daily"}, "accrual": {"periodic": false}}'::jsonb as terms,
    '[{"type": "disburse", "on": "2024-01-01", "amount": 100},
      {"type": "repay", "on": "2024-02-01", "amount": "17.01", "id": "first"},
      {"type": "repay", "on": "2024-02-15", "amount": 30},
      {"type": "end_of_day", "on": "2024-04-05"},
      {"type": "repay", "on": "2024-04-10", "amount": "17.05"},
      {"type": "pay_off", "on": "2024-04-20"}]'::jsonb as operations;

-- One operation after the other is the whole of them at once.
create temporary table step as
with recursive step as (
    select 0 as number, _loan_open(terms) as state, terms, operations
    from given
    union all
    select step.number + 1, served.state, terms, operations
    from step
    cross join lateral _served_states(_loan_serve(state, jsonb_build_array(operations -> step.number), '2024-05-01')) as served
    where step.number < jsonb_array_length(operations)
)
select * from step;

select step.number, octet_length(step.state) < 1000 as is_short,
    step.state = _loan_fold(terms, (
        select coalesce(jsonb_agg(operation order by place), '[]')
        from jsonb_array_elements(operations) with ordinality as list (operation, place)
        where place <= step.number
    )) as is_the_fold
from step
order by step.number;

-- What the payments brought: entries of a ledger, and what they paid of instalments.
create temporary table brought as
select _loan_serve(
    step.state, jsonb_path_query_array(given.operations, '$[2 to 5]'), '2024-05-01', version => 6, kind => 'pay_off',
    receivable_through => '2024-04-01', ended_through => '2024-04-19', interest_before => 0.5, fees_before => 0, penalties_before => null
    ) as served
from given
cross join step
where step.number = 2;

select b.version, b.receivable_through, b.interest_receivable, b.fee_receivable, b.penalty_receivable,
    b.status, b.principal, b.interest, b.charged_off_on, b.holds_until
from brought, _served_balances(served) as b;
select t.operation, t.version, t.kind, row_number() over (order by t.operation) as transaction, count(*) as entries,
    sum(e.amount) as difference
from brought, _served_transactions(served) as t, _served_entries(served) as e
where e.transaction_id = t.id
group by t.operation, t.version, t.kind, t.id
order by t.operation;
select dense_rank() over (order by t.operation) as transaction, e.position, e.account, e.amount
from brought, _served_transactions(served) as t, _served_entries(served) as e
where e.transaction_id = t.id
order by t.operation, e.position;
select p.version, p.operation, p.transaction, p.instalment, p.due_date, p.principal, p.interest, p.fees, p.penalties, p.held,
    p.is_given_back
from brought, _served_portions(served) as p;
select through, interest, fees, penalties from brought, _served_lines(served);

-- Answers stand one behind the other; what is no answer is refused.
select count(*), count(distinct id) from brought, _served_transactions(served || served);
select refusal.*
from brought, test.refusal(format('select count(*) from _served_states(%L::bytea)', substr(served, 1, octet_length(served) - 1))) as refusal;

-- What one operation says may be given alone, with its head beside it.
select (select state from _served_states(_loan_serve(state, '{"amount": 5}', '2024-05-01', kind => 'repay',
        valid_on => '2024-04-05', recorded_on => '2024-04-06', version => 4)))
    = (select state from _served_states(_loan_serve(state,
        '[{"type": "repay", "on": "2024-04-05", "recorded_on": "2024-04-06", "id": "4", "amount": 5}]', '2024-05-01'))) as is_the_same
from step where number = 3;
select _loan_serve(state, '{"amount": 5}', '2024-05-01', kind => 'repay', valid_on => '2024-04-05',
    recorded_on => '2024-04-06', version => 3) is null as is_of_another
from step where number = 3;
select refusal.*
from step, test.refusal(format('select _loan_serve(%L::bytea, ''[{"amount": 5}]'', ''2024-05-01'', kind => ''repay'',
    valid_on => ''2024-04-05'', recorded_on => ''2024-04-06'')', state)) as refusal
where number = 3;

-- The short form shows the schedule that the state shows.
select count(*) as lines, count(*) filter (where short is distinct from long) as different
from given
cross join lateral fold(terms, operations) as folded
cross join lateral _loan_fold(terms, operations) as packed
cross join lateral (
    select coalesce(short.instalment, long.instalment) as number, short::text, long::text
    from _loan_lines(packed) as short
    full join fold_schedule(folded) as long using (instalment)
) as lines (number, short, long);

-- A payment of an earlier day needs history: without it the answer says so, and with it the loan is
-- folded anew.
create temporary view late as
select state, terms, jsonb_path_query_array(operations, '$[0 to 2]') as history,
    '[{"type": "repay", "on": "2024-02-10", "amount": 5, "recorded_on": "2024-02-20"}]'::jsonb as late
from step
where number = 3;

select _loan_serve(state, late, '2024-05-01') is null as late,
    _loan_serve(state, '[{"type": "repay", "on": "2024-03-01", "amount": 5}]', '2024-05-01') is null as next,
    _loan_serve(state, '[{"type": "reverse", "on": "2024-03-01", "of": "first"}]', '2024-05-01') is null as back
from late;
select * from test.refusal($$select _loan_serve(null, late, '2024-05-01') from late$$);

-- What it pays is taken back of what later payments had paid.
select p.operation, p.transaction, p.instalment, p.principal, p.interest, p.held
from late, _served_portions(_loan_serve(null, late, '2024-05-01', terms, history)) as p;

-- What history brought and what came on top of it are all there is.
select served.state = _loan_fold(terms, history || late) as is_the_fold
from late, _served_states(_loan_serve(null, late, '2024-05-01', terms, history)) as served;

-- The aggregate is the fold, whatever the order of effect, and of a loan to which nothing happened, too.
select loan_state(terms, operation order by place) = fold(terms, operations) as is_the_fold
from given, jsonb_array_elements(operations) with ordinality as list (operation, place)
group by terms, operations;
select loan_state(terms, null) = fold(terms, '[]') as is_the_fold from given group by terms;
select loan_state(terms, '{}') is null as is_nothing from given where false;

-- Other versions and spoiled bytes are refused.
select name, refusal.*
from (values
    ('empty', 'select _loan_lines('''')'),
    ('version', 'select _loan_lines(set_byte(state, 0, 9)) from late'),
    ('spoiled', 'select _loan_lines(set_byte(state, 300, get_byte(state, 300) # 1)) from late'),
    ('cut', 'select _loan_lines(substr(state, 1, 100)) from late')
) as given (name, statement)
cross join lateral test.refusal(statement) as refusal;

reset search_path;
