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
    cross join lateral _loan_serve(state, jsonb_build_array(operations -> step.number)) as served
    where step.number < jsonb_array_length(operations) and served.fact = 'state'
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

-- What the payments brought.
select fact, operation, transaction, kind, on_date, instalment, due_date, amount, principal,
    interest, overpayment, replaces, served.state is not null as has_state
from given
cross join step
cross join lateral _loan_serve(
    step.state, jsonb_path_query_array(given.operations, '$[2 to 5]')) as served
where step.number = 2;

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

select _loan_needs_history(state, late) as late,
    _loan_needs_history(state, '[{"type": "repay", "on": "2024-03-01", "amount": 5}]') as next,
    _loan_needs_history(state, '[{"type": "reverse", "on": "2024-03-01", "of": "first"}]') as back
from late;

select fact, kind, state is null as no_state from late, _loan_serve(state, late);
select * from test.refusal('select _loan_serve(null, late) from late');

select fact, operation, transaction, kind, instalment, amount, principal, interest, replaces
from late, _loan_serve(null, late, terms, history);

-- What history brought and what came on top of it are all there is.
select served.state = _loan_fold(terms, history || late) as is_the_fold
from late, _loan_serve(null, late, terms, history) as served
where fact = 'state';

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
