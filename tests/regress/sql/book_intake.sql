-- Remittances split by employee, bank statements reconciled, and the file of a day.
\set VERBOSITY terse
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-02') \g /dev/null
set search_path = lending, public;
select add_legal_entity('ACME', 'Acme Lending', 'DE', 'EUR') \g /dev/null
insert into product (legal_entity_id, code, name) select id, 'PLAIN', 'Loan' from legal_entity;
insert into product_version (product_id, version, validity, currency, terms)
select id, 1, '[2020-01-01,)', 'EUR', '{"annual_rate": 0}' from product;
insert into employer (legal_entity_id, code, name) select id, 'MILL', 'The "old" mill, Ltd' from legal_entity;
insert into party (legal_entity_id, party_no, kind, name, given_name)
select e.id, p.party_no, 'individual', p.name, p.given_name
from legal_entity as e, (values ('1', 'Müller', 'Anna'), ('2', 'Novák', 'Jan'), ('3', 'O''Brien', 'Sean'), ('4', 'Kowalska', 'Ewa')) as p (party_no, name, given_name);
insert into employment (party_id, employer_id, validity, role) select p.id, e.id, '[2022-01-01,)', 'miller' from party as p, employer as e;
insert into pay_date (party_id, employer_id, paid_on, amount, currency, source)
select p.id, e.id, d.pay_date, 1000, 'EUR', 'import'
from party as p, employer as e, loan_engine.pay_dates('monthly 15 preceding', '2023-01-01', '2024-01-01') as d;
select agree_loans((
    select jsonb_agg(jsonb_build_object('product_code', 'PLAIN', 'borrower_id', p.id, 'loan_no', 'L' || p.party_no || s.suffix,
        'terms', '{"principal": 1200, "instalments": 12, "disbursed_on": "2024-01-02"}'::jsonb) order by p.party_no, s.suffix)
    from party as p, (values (''), ('B')) as s (suffix) where s.suffix = '' or p.party_no = '2')) \g /dev/null
select disburse_loans(array(select id from loan order by id)) \g /dev/null
call run_end_of_day('2024-01-14');

-- One payment of the employer for four; one line names nobody, and more was received than the lines say.
insert into remittance (legal_entity_id, employer_id, reference, value_date, total, currency)
select e.id, m.id, 'JAN', '2024-01-15', 530, 'EUR' from legal_entity as e, employer as m;
create temporary table file (party_no text, loan_no text, amount numeric, pay_amount numeric, name text);
copy file from stdin (format csv);
1,,100,1000,Müller
2,,150,1000,Novak
3,L3,100,1000,O'Brien
9,,100,1000,Nobody
4,L9,50,1000,Kowalska
\.
insert into remittance_line (remittance_id, line_no, party_no, loan_no, amount, pay_amount, name)
select r.id, row_number() over (), f.party_no, f.loan_no, f.amount, f.pay_amount, f.name from remittance as r, file as f;
select line_no, loan_no, splits from _split_remittance((select id from remittance)) order by line_no;
select * from post_remittance((select id from remittance));
\set VERBOSITY sqlstate
select * from post_remittance((select id from remittance));
insert into remittance_line (remittance_id, line_no, amount) select id, 9, 1 from remittance;
\set VERBOSITY terse
select p.reference, p.loan_no, p.splits, p.amount, u.amount as waits, u.reason
from payment as p left join unmatched_payment as u on u.payment_id = p.id order by p.reference;
select party_no, paid_on, amount from pay_date join party on party.id = party_id where source = 'remittance' order by 1;
select employer, lines, of_lines, rest from v_remittance;
insert into remittance (legal_entity_id, employer_id, reference, value_date, total, currency)
select e.id, m.id, 'FEB', '2024-01-15', 10, 'EUR' from legal_entity as e, employer as m;
insert into remittance_line (remittance_id, line_no, party_no, amount) select id, 1, '1', 11 from remittance where reference = 'FEB';
select * from post_remittance((select id from remittance where reference = 'FEB'));

-- The file of the day: not while somebody is missing; then after half an hour of quiet.
select reason, expected, came from daily_file_due((select id from legal_entity), '2024-01-15', '2024-01-15 12:00+00');
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, received_at)
select id, 'card', 'py_1', l.loan_no, l.amount, 'EUR', '2024-01-15 11:45+00' from legal_entity, (values ('L2B', 50)) as l (loan_no, amount);
select reason, expected, came from daily_file_due((select id from legal_entity), '2024-01-15', '2024-01-15 12:00+00');
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, received_at)
select id, 'card', 'py_2', 'L4', 100, 'EUR', '2024-01-15 11:50+00' from legal_entity;
select reason, expected, came from daily_file_due((select id from legal_entity), '2024-01-15', '2024-01-15 12:00+00');
select close_daily_file((select id from legal_entity), '2024-01-15', '2024-01-15 12:00+00') is null as is_open;
select reason, expected, came from daily_file_due((select id from legal_entity), '2024-01-15', '2024-01-15 12:20+00');
select close_daily_file((select id from legal_entity), '2024-01-15', '2024-01-15 12:20+00') = close_daily_file((select id from legal_entity), '2024-01-15') as is_kept;
select on_date, reason, row_count, expected, received from daily_file;
copy (select r.* from daily_file as f cross join lateral daily_file_rows(f.id) as r) to stdout (format csv, header);
copy (select r.* from daily_file as f cross join lateral daily_file_rows(f.id) as r) to '/tmp/loan_engine_daily_file.csv' (format csv, header);
select f.sha256 = sha256(pg_read_binary_file('/tmp/loan_engine_daily_file.csv')) as is_the_file from daily_file as f;
copy (select) to program 'rm /tmp/loan_engine_daily_file.csv';
select confirm_shipping(f.id, 's3://files/2024-01-15', f.sha256, 'etag 1') from daily_file as f \g /dev/null
\set VERBOSITY sqlstate
select confirm_shipping(f.id, 's3://backup/2024-01-15', sha256('other')) from daily_file as f;
\set VERBOSITY terse
select destination, receipt from daily_file_receipt;
select reason from daily_file_due((select id from legal_entity), '2024-01-16', '2024-01-16 19:59+00');
insert into daily_file_rule select id, 10, '18:00', 'Europe/Berlin' from legal_entity;
select reason from daily_file_due((select id from legal_entity), '2024-01-16', '2024-01-16 17:00+00');
insert into daily_file_rule select id, 10, '18:00', 'Mars' from legal_entity;

-- A bank statement.
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date)
select id, 'bank', r.reference, r.loan_no, r.amount, 'EUR', '2024-01-14'
from legal_entity, (values ('TX1', 'L1', 11), ('TX2', 'L2', 12), ('TX3', 'L3', 13)) as r (reference, loan_no, amount);
insert into bank_statement (legal_entity_id, account, statement_no, opening, closing, currency)
select id, 'DE01', '1', 1000, 1107.5, 'EUR' from legal_entity;
create temporary table line (line_no integer, value_date date, amount numeric, bank_reference text, counterparty text, purpose text);
copy line from stdin (format csv);
1,2024-01-14,11,TX1,Muller Anna,
2,2024-01-13,12,,Jan Novak,instalment
3,2024-01-13,13,,A stranger,
4,2024-01-14,25,,Ewa Kowalska,"loan L4, January"
5,2024-01-14,26,,Sean,L1 or L3
6,2024-01-14,30.5,,,
7,2024-01-14,-10,,The bank,fee
\.
select reconcile_statement(id) from bank_statement;
insert into statement_line (statement_id, line_no, value_date, amount, bank_reference, counterparty, purpose)
select s.id, l.* from bank_statement as s, line as l;
select r.* from bank_statement as s cross join lateral reconcile_statement(s.id) as r;
select r.* from bank_statement as s cross join lateral reconcile_statement(s.id) as r;
select n.line_no, n.amount, n.status, n.matched_by, p.reference, p.loan_no, round(n.likeness::numeric, 2) as likeness
from statement_line as n left join payment as p on p.id = n.payment_id order by n.line_no;
select decide_statement_line(n.statement_id, 2, n.payment_id) from statement_line as n where n.line_no = 2 \g /dev/null
select decide_statement_line(s.id, 3, payment_id => p.id) from bank_statement as s, payment as p where p.reference = 'TX3' \g /dev/null
select decide_statement_line(s.id, 5, loan_no => 'L3') from bank_statement as s \g /dev/null
select decide_statement_line(s.id, 7, ignore_because => 'a fee of the bank') from bank_statement as s \g /dev/null
\set VERBOSITY sqlstate
select decide_statement_line(s.id, 7, ignore_because => 'again') from bank_statement as s;
select decide_statement_line(s.id, 6) from bank_statement as s;
select decide_statement_line(s.id, 6, payment_id => p.id) from bank_statement as s, payment as p where p.reference = 'TX3';
update statement_line set amount = 1 where line_no = 6;
\set VERBOSITY terse
select r.* from bank_statement as s cross join lateral reconcile_statement(s.id, to_suspense => true) as r;
select statement_no, lines, matched, proposed, ignored, open, undecided, adds_up from v_reconciliation;
select n.line_no, n.matched_by, u.reason from statement_line as n join unmatched_payment as u on u.payment_id = n.payment_id;
select check_name, faults, example from check_book() where faults > 0;

reset search_path;
select loan_engine.drop_book('lending', with_postings => true) \g /dev/null
