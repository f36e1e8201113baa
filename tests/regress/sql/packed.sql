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
    select step.number + 1, served.state_after, terms, operations
    from step
    cross join lateral _loan_serve(state, jsonb_build_array(operations -> step.number), '2024-05-01') as served
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
select served.*
from given
cross join step
cross join lateral _loan_serve(
    step.state, jsonb_path_query_array(given.operations, '$[2 to 5]'), '2024-05-01') as served
where step.number = 2;

select interest_moved, fees_moved, penalties_moved, posted, cardinality(posted_as) as transactions,
    status, principal, outstanding, closed_on, days_past_due, holds_until
from brought;
select array_position(posted_as, e.of) as transaction, e.position, e.account, e.amount
from brought, unnest(entry_of, entry_position, entry_account, entry_amount) as e (of, position, account, amount);
select p.*
from brought, unnest(part_of, part_transaction, part_instalment, part_due_date, part_principal, part_interest, part_fees,
    part_penalties, part_held, part_is_given_back)
    as p (operation, transaction, instalment, due_date, principal, interest, fees, penalties, held, is_given_back);

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

select (select count(*) from _loan_serve(state, late, '2024-05-01')) as late,
    (select count(*) from _loan_serve(
        state, '[{"type": "repay", "on": "2024-03-01", "amount": 5}]', '2024-05-01')) as next,
    (select count(*) from _loan_serve(
        state, '[{"type": "reverse", "on": "2024-03-01", "of": "first"}]', '2024-05-01')) as back
from late;
select * from test.refusal($$select _loan_serve(null, late, '2024-05-01') from late$$);

-- What it pays is taken back of what later payments had paid.
select p.*
from late, _loan_serve(null, late, '2024-05-01', terms, history),
    unnest(part_of, part_transaction, part_instalment, part_principal, part_interest, part_held)
    as p (operation, transaction, instalment, principal, interest, held);

-- What history brought and what came on top of it are all there is.
select served.state_after = _loan_fold(terms, history || late) as is_the_fold
from late, _loan_serve(null, late, '2024-05-01', terms, history) as served;

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
