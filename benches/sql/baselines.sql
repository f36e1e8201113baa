-- What the schedule function is measured against: the same nine columns by the means a database
-- has without an extension. A SET clause keeps PostgreSQL from inlining the functions in SQL, after
-- which it would compute only the columns that are read.

create schema baseline;

-- A row at a time in PL/pgSQL over numeric, as a careful application would write it.
create function baseline.schedule_plpgsql(
    principal numeric, annual_rate numeric, instalments integer, disbursed_on date
) returns table (
    instalment integer, period_start date, due_date date, opening_balance numeric,
    principal_due numeric, interest numeric, fees numeric, instalment_total numeric,
    closing_balance numeric
) language plpgsql immutable parallel safe as $$
declare
    rate numeric := annual_rate / 12;
    growth numeric := power(1 + rate, instalments);
    payment numeric := round(principal * rate * growth / (growth - 1), 2);
begin
    closing_balance := principal;
    due_date := disbursed_on;
    fees := 0.00;
    for n in 1 .. instalments loop
        instalment := n;
        period_start := due_date;
        due_date := disbursed_on + make_interval(months => n);
        opening_balance := closing_balance;
        interest := round(opening_balance * rate, 2);
        if n < instalments then
            principal_due := payment - interest;
        else
            principal_due := opening_balance;
        end if;
        instalment_total := principal_due + interest + fees;
        closing_balance := opening_balance - principal_due;
        return next;
    end loop;
end $$;

-- The annuity formula in one SQL statement, each balance from its closed form.
create function baseline.schedule_closed_form(
    principal numeric, annual_rate numeric, instalments integer, disbursed_on date
) returns table (
    instalment integer, period_start date, due_date date, opening_balance numeric,
    principal_due numeric, interest numeric, fees numeric, instalment_total numeric,
    closing_balance numeric
) language sql immutable parallel safe set jit = off as $$
    with loan as materialized (
        select annual_rate / 12 as rate,
               power(1 + annual_rate / 12, instalments) as growth
    ), balance as materialized (
        select n,
               round(principal * (growth - power(1 + rate, n - 1)) / (growth - 1), 2) as opening,
               round(principal * (growth - power(1 + rate, n)) / (growth - 1), 2) as closing,
               rate
        from loan, generate_series(1, instalments) as n
    )
    select n,
           (disbursed_on + make_interval(months => n - 1))::date,
           (disbursed_on + make_interval(months => n))::date,
           opening,
           opening - closing,
           round(opening * rate, 2),
           0.00,
           opening - closing + round(opening * rate, 2),
           closing
    from balance
$$;

-- Rows of the same shape that need next to no computing: what a set-returning function in C pays
-- for its rows alone.
create function baseline.rows_of_that_shape(instalments integer, disbursed_on date)
returns table (
    instalment integer, period_start date, due_date date, opening_balance numeric,
    principal_due numeric, interest numeric, fees numeric, instalment_total numeric,
    closing_balance numeric
) language sql immutable parallel safe set jit = off as $$
    select n, disbursed_on + n, disbursed_on + n + 30, n + 0.01, n + 0.02, n + 0.03, 0.00,
           n + 0.04, n + 0.05
    from generate_series(1, instalments) as n
$$;

create table baseline.loan as
select id,
       (100000 + id * 17.13)::numeric(14, 2) as principal,
       (0.03 + (id % 50) * 0.001)::numeric as annual_rate,
       360 as instalments,
       date '2024-01-31' + id % 365 as disbursed_on
from generate_series(1, 10000) as id;

analyze baseline.loan;

create table baseline.thousand_loans as
select * from baseline.loan where id <= 1000;

analyze baseline.thousand_loans;
