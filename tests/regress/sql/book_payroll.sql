-- Pay days: cycles inferred and pooled, and what loans are to receive on them.
\set VERBOSITY terse
set client_min_messages = warning;

-- What is no cycle is refused.
select * from loan_engine.pay_dates('sometimes', '2024-01-01', '2024-02-01');
select * from loan_engine.pay_dates('monthly 1 following', '1000-01-01', '2024-02-01');
select * from loan_engine.pay_cycle('{2024-01-01,2024-01-02}', '{1}');
select * from loan_engine.pay_cycle('{2024-01-01}', prior => '{"kinds": {"hourly": 1}}');
select * from loan_engine.pay_cycle('{2024-01-01}', prior => '{"kinds": {"weekly": -1}}');
select * from loan_engine.pay_cycle('{2024-01-01}', prior => '{"people": 1}');
select kind, cycle, next_date from loan_engine.pay_cycle('{}');
select pay_date, nominal_date from loan_engine.pay_dates('semimonthly 15 31 preceding', '2024-08-01', '2024-10-01', '{2024-08-15}');

select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-02') \g /dev/null
set search_path = lending, public;
select add_legal_entity('ACME', 'Acme Lending', 'DE', 'EUR') \g /dev/null
insert into product (legal_entity_id, code, name) select id, 'PLAIN', 'Loan' from legal_entity;
insert into product_version (product_id, version, validity, currency, terms)
select id, 1, '[2020-01-01,)', 'EUR', '{"annual_rate": 0}' from product;
insert into employer (legal_entity_id, code, name, calendar_code)
select id, e.code, e.name, e.calendar from legal_entity, (values
    ('MILL', 'A mill, which pays on the 15th or before', 'TARGET'), ('YARD', 'A yard, which pays every second Friday', null),
    ('BOAT', 'A boat, which pays when it comes in', null)) as e (code, name, calendar);
insert into party (legal_entity_id, party_no, kind, name)
select id, n::text, 'individual', 'Worker ' || n from legal_entity, generate_series(1, 12) as n;
insert into employment (party_id, employer_id, validity, role)
select p.id, e.id, '[2022-01-01,)', case e.code when 'BOAT' then 'sailor' else 'hand' end
from party as p
join employer as e on e.code = (array['MILL', 'YARD', 'BOAT'])[1 + (p.party_no::integer - 1) / 4];

-- Four workers each; the last of the mill is new, the last of the yard was paid twice.
insert into pay_date (party_id, employer_id, paid_on, amount, currency, source)
select p.id, m.employer_id, d.pay_date, 1000, 'EUR', 'import'
from party as p
join employment as m on m.party_id = p.id
join employer as e on e.id = m.employer_id
join payroll_calendar as k on k.calendar_code is not distinct from e.calendar_code
cross join lateral loan_engine.pay_dates(
    case e.code when 'MILL' then 'monthly 15 preceding' else 'biweekly 2000-01-07 preceding' end,
    case p.party_no when '8' then '2023-12-01' else '2023-01-01' end::date, '2024-01-02', k.holidays, k.weekend) as d
where e.code in ('MILL', 'YARD') and p.party_no <> '4';
insert into pay_date (party_id, employer_id, paid_on, source)
select p.id, m.employer_id, day, 'import'
from party as p
join employment as m on m.party_id = p.id
cross join unnest('{2023-01-09,2023-02-20,2023-02-23,2023-05-01,2023-07-19,2023-07-30,2023-12-01}'::date[]) as day
where p.party_no::integer between 9 and 11;

select infer_pay_cycles();
select p.party_no, c.kind, c.cycle, c.payments, c.hits, c.missed, c.confidence > 0.9 as is_sure, c.next_date, c.next_earliest, c.next_latest
from pay_cycle as c
join party as p on p.id = c.party_id
order by p.party_no::integer;
select p.party_no, n.next_date, n.earliest, n.latest, round(n.confidence::numeric, 3) as confidence from party as p cross join lateral payday_next(p.id, '2024-05-20') as n where p.party_no in ('1', '4', '5', '12');

-- Loans of the first of each; days go by.
select agree_loans((
    select jsonb_agg(jsonb_build_object('product_code', 'PLAIN', 'borrower_id', p.id, 'loan_no', 'L' || p.party_no,
        'terms', '{"principal": 1200, "instalments": 12, "disbursed_on": "2024-01-02"}'::jsonb) order by p.party_no)
    from party as p where p.party_no in ('1', '2', '3', '5', '9'))) \g /dev/null
select disburse_loans(array(select id from loan order by id)) \g /dev/null
call run_end_of_day('2024-01-02');
select l.loan_no, x.due_on, x.pay_date, x.earliest, x.deadline, x.amount, x.state
from payroll_expectation as x join loan as l on l.id = x.loan_id order by l.loan_no;

-- One pays all, one a part, one nothing; the boat's window is wide.
call run_end_of_day('2024-01-15');
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency)
select id, 'payroll', 'JAN ' || p.loan_no, p.loan_no, p.amount, 'EUR'
from legal_entity, (values ('L1', 100), ('L2', 40)) as p (loan_no, amount);
call run_end_of_day('2024-02-05');
select l.loan_no, x.due_on, x.pay_date, x.deadline, x.received, x.state, x.met_on, x.missed_on
from payroll_expectation as x join loan as l on l.id = x.loan_id order by l.loan_no, x.due_on;
select loan_no, employer, pay_date, days_late, expected, received, variance, state, next_payday from payroll_missed();

-- What comes later mends it; what is taken back opens it again.
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency)
select id, 'payroll', 'LATE L2', 'L2', 60, 'EUR' from legal_entity;
call run_end_of_day('2024-02-06');
select l.loan_no, x.received, x.state, x.met_on, x.missed_on
from payroll_expectation as x join loan as l on l.id = x.loan_id where l.loan_no = 'L2' and x.due_on = '2024-02-02';
select reverse_payment((select id from payment where reference = 'JAN L1'), 'returned') \g /dev/null
call run_end_of_day('2024-02-07');
select loan_no, received, state from payroll_missed() order by loan_no;
select waive_payroll((select expectation_id from payroll_missed() where loan_no = 'L3'), 'the mill stands still') \g /dev/null
\set VERBOSITY sqlstate
select waive_payroll((select id from payroll_expectation where state = 'waived'), 'again');
select waive_payroll(null, 'nobody');
\set VERBOSITY terse
select loan_no, state from payroll_missed() order by loan_no;

-- Predictions beside what came.
select kind, predictions, round(hit_rate::numeric, 2) as hit_rate, median_error_days, round(false_miss_rate::numeric, 3) as false_miss_rate,
    round(mean_confidence::numeric, 2) as confidence
from v_payday_accuracy order by kind;
select check_name, faults, example from check_book() where faults > 0;
update payroll_expectation set received = 1 where state = 'missed';
select check_name, faults from check_book() where faults > 0;

reset search_path;
select loan_engine.drop_book('lending', with_postings => true) \g /dev/null
