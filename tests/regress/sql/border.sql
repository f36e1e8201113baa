-- What crosses between numeric, date and the engine keeps its value and its digits, and what the
-- engine cannot hold is refused with a code, the values and the next step.

-- A million numerics of every size and scale come back as they went in; one of more than 96 bits
-- gives up zeros at its end, and nothing else.
with drawn as (
    select round(trunc(random()::numeric * 10::numeric ^ (i % 20)) / 10::numeric ^ (i % 9), i % 11)
            * (1 - 2 * (i % 2)) as value
    from generate_series(1, 1000000) as i
), returned as (
    select value, loan_engine.npv(0, array[value]) as back from drawn
)
select count(*) as numbers,
    count(*) filter (where value <> back or value::text <> back::text
        and abs(value) * 10::numeric ^ scale(value) < 2::numeric ^ 96) as changed
from returned;

-- The edges: whole groups of zeros, a lone last decimal, 96 bits, 28 decimals.
with edge (value) as (
    values ('0'), ('0.00'), ('1'), ('-1'), ('9999'), ('10000'), ('100000000'), ('0.0001'),
        ('0.00010000'), ('-0.5'), ('1.10'), ('12345678901234567890.12345678'),
        ('79228162514264337593543950335'), ('-79228162514264337593543950335'),
        ('7922816251426433759354395033.5'), ('0.0000000000000000000000000001'),
        ('0.7922816251426433759354395033'), ('1e28'), ('1e-20'), ('10000.0001000000'), ('10000.00'), ('-120000000.0000000000')
)
select value, loan_engine.npv(0, array[value::numeric]) as back
from edge;

-- A compressed numeric and one stored out of line read like any other.
create temporary table wide (value numeric);
alter table wide alter column value set storage external;
insert into wide values (1.5), (repeat('0', 5000)::numeric + 2.25), (null);
select loan_engine.round_money(value, 'EUR') from wide;

\set VERBOSITY default
select loan_engine.round_money('NaN', 'EUR');
select loan_engine.round_money('Infinity', 'EUR');
select loan_engine.round_money('-Infinity', 'EUR');
select loan_engine.round_money(1e30, 'EUR');
select loan_engine.round_money(79228162514264337593543950336, 'EUR');
select loan_engine.round_money(repeat('9', 131072)::numeric, 'EUR');
select loan_engine.round_money(1e-29, 'EUR');

-- Dates from year 1 to year 9999.
select loan_engine.add_business_days('0001-01-01', 0), loan_engine.add_business_days('9999-12-31', 0);
select loan_engine.is_business_day('infinity');
select loan_engine.is_business_day('-infinity');
select loan_engine.is_business_day('0001-12-31 BC');
select loan_engine.is_business_day('10000-01-01');
select loan_engine.add_business_days('9999-12-31', 1);

-- NULL: a strict function answers NULL; one with optional arguments refuses it by name.
select loan_engine.round_money(null, 'EUR') is null as strict;
select loan_engine.year_fraction(null, '2024-01-01', 'ACT/360');
select loan_engine.allocate(1, array[1, null]);
select * from loan_engine.payment_dates('2024-01-31', null, 3);
