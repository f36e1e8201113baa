-- Schedules through SQL: 10,000 loans of 360 rows. None of the functions is inlined, so each makes
-- every column of every row, whichever are read.

call bench.pair(
    'schedule rows', 'PL/pgSQL over numeric', 2.5,
    array[$$select count(*), sum(line.interest) from baseline.loan,
        lateral loan_engine.amortisation_schedule(principal, annual_rate, instalments, disbursed_on) as line$$],
    array[$$select count(*), sum(line.interest) from baseline.loan,
        lateral baseline.schedule_plpgsql(principal, annual_rate, instalments, disbursed_on) as line$$]);

call bench.pair(
    'schedule rows, 1,000 loans', 'closed-form SQL over numeric', 10,
    array[$$select count(*), sum(line.interest) from baseline.thousand_loans,
        lateral loan_engine.amortisation_schedule(principal, annual_rate, instalments, disbursed_on) as line$$],
    array[$$select count(*), sum(line.interest) from baseline.thousand_loans,
        lateral baseline.schedule_closed_form(principal, annual_rate, instalments, disbursed_on) as line$$]);

call bench.pair(
    'schedule rows', 'generate_series with numeric columns', 0.34,
    array[$$select count(*), sum(line.interest) from baseline.loan,
        lateral loan_engine.amortisation_schedule(principal, annual_rate, instalments, disbursed_on) as line$$],
    array[$$select count(*), sum(line.interest) from baseline.loan,
        lateral baseline.rows_of_that_shape(instalments, disbursed_on) as line$$]);

create table baseline.stored as
select loan.id as loan_id, line.* from baseline.loan,
    lateral loan_engine.amortisation_schedule(principal, annual_rate, instalments, disbursed_on) as line;
create table baseline.target (like baseline.stored, primary key (loan_id, instalment));
create table baseline.heap (like baseline.stored);
-- Nothing but the two statements runs: no vacuum of its own accord, and no hint bits left to set.
alter table baseline.stored set (autovacuum_enabled = off);
alter table baseline.target set (autovacuum_enabled = off);
alter table baseline.heap set (autovacuum_enabled = off);
vacuum analyze baseline.stored;

-- At most 1.3 times the cost, so at least 0.77 times the speed: into a table with the key that lines
-- of a schedule have, and into a bare one, where nothing but the copying of tuples is compared.
call bench.pair(
    'schedule stored, with primary key', 'the same rows from a table', 0.77,
    array['truncate baseline.target', 'checkpoint', $$insert into baseline.target select loan.id, line.* from baseline.loan,
        lateral loan_engine.amortisation_schedule(principal, annual_rate, instalments, disbursed_on) as line$$],
    array['truncate baseline.target', 'checkpoint', 'insert into baseline.target select * from baseline.stored'],
    rounds => 7);

call bench.pair(
    'schedule stored, no index at all', 'the same rows from a table', 0.77,
    array['truncate baseline.heap', 'checkpoint', $$insert into baseline.heap select loan.id, line.* from baseline.loan,
        lateral loan_engine.amortisation_schedule(principal, annual_rate, instalments, disbursed_on) as line$$],
    array['truncate baseline.heap', 'checkpoint', 'insert into baseline.heap select * from baseline.stored'],
    rounds => 7);
