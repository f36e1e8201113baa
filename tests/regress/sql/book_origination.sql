-- From an application to a loan: rules, four eyes, conditions, and what a product fixes.
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-01');
insert into lending.legal_entity (code, name, currency) values ('A', 'Lender A', 'EUR');
select id as entity from lending.legal_entity \gset
select lending._seed_products(:'entity'), lending._seed_products(:'entity') as again;
insert into lending.party (legal_entity_id, party_no, kind, name, born_on, country, kyc_status, actor) values
    (:'entity', 'P1', 'individual', 'Doe', '1990-05-05', 'DE', 'verified', 'ann'),
    (:'entity', 'P2', 'individual', 'Roe', '2010-05-05', 'DE', 'unverified', null);
select id as ann from lending.party where party_no = 'P1' \gset
select id as child from lending.party where party_no = 'P2' \gset

-- Holidays by their rules: Easter moves, and a holiday on a Sunday is kept on Monday.
select on_date, name from lending.holiday where calendar_code = 'TARGET' and on_date between '2024-01-01' and '2024-12-31' order by 1;
select on_date, name from lending.holiday where calendar_code = 'US-FED' and on_date between '2022-06-01' and '2022-12-31' order by 1;

-- What a product leaves open is agreed with the loan; the rest is fixed.
select lending.agree_loan('CONSUMER', :'ann', 'L1',
    '{"principal": "1000", "annual_rate": "0.08", "instalments": 12, "disbursed_on": "2024-01-15"}') is not null as agreed;
select currency, principal, status, terms -> 'accrual' as accrual, jsonb_array_length(terms -> 'due_dates' -> 'holidays') as holidays
from lending.loan;
create function refused(terms jsonb, loan_no text default 'L2', product_code text default 'CONSUMER') returns setof record language sql as $$
    select r.* from test.refusal(format('select lending.agree_loan(%L, %L, %L, %L)', product_code,
        (select id from lending.party where party_no = 'P1'), loan_no,
        '{"principal": "1000", "annual_rate": "0.08", "instalments": 12, "disbursed_on": "2024-01-15"}'::jsonb || terms)) as r
$$;
\x on
select * from refused('{"method": "flat", "interest": {"day_count": "ACT/360"}}') as r (code text, message text, detail text, hint text);
select * from refused('{"principal": "100"}') as r (code text, message text, detail text, hint text);
select * from refused('{"instalments": 120}') as r (code text, message text, detail text, hint text);
select * from refused('{"principal": "much"}') as r (code text, message text, detail text, hint text);
select * from refused('{}', 'L1') as r (code text, message text, detail text, hint text);
select * from refused('{}', 'L2', 'NONE') as r (code text, message text, detail text, hint text);
select * from refused('{"disbursed_on": "2099-06-01"}') as r (code text, message text, detail text, hint text);
\x off
-- All or none, and nothing that is not known is passed over.
select code, detail from test.refusal(format('select * from lending.agree_loans(%L)', jsonb_build_array(
    jsonb_build_object('product_code', 'RENT', 'borrower_id', :'ann', 'loan_no', 'R1',
        'terms', '{"principal": 1200, "instalments": 12, "disbursed_on": "2024-01-15"}'::jsonb),
    jsonb_build_object('product_code', 'RENT', 'borrower_id', :'ann', 'loan_no', 'R2',
        'terms', '{"principal": 1, "instalments": 12, "disbursed_on": "2024-01-15"}'::jsonb))));
select code, detail from test.refusal($$select * from lending.agree_loans('[{"product": "RENT"}]')$$);
select count(*) from lending.loan;

-- Versions of a product do not change; they are followed by others.
select code, message from test.refusal('update lending.product_version set principal_max = 90000');
select code, detail from test.refusal(format(
    $$select lending.revise_product('RENT', %L, '2024-03-01', '{"method": "none such"}')$$, :'entity'));
select lending.revise_product('RENT', :'entity', '2024-03-01', '{"fees": null}', principal_max => 5000);
select v.version, v.validity, v.terms ? 'fees' as has_fees, v.principal_max
from lending.product_version as v join lending.product as p on p.id = v.product_id where p.code = 'RENT' order by 1;

-- Rules, and who may do what.
insert into lending.product_rule (product_version_id, name, fact, at_least, at_most, one_of, all_of, severity, from_amount, reason)
select v.id, r.*
from lending.product_version as v
join lending.product as p on p.id = v.product_id and p.code = 'CONSUMER'
cross join (values
    ('age', 'age', 18::numeric, 75::numeric, null::text[], null::text[], 'refuse', 0, 'only adults up to 75 borrow'),
    ('income', 'instalment_to_income', null, 0.35, null, null, 'refer', 0, 'the instalment is too much of the income'),
    ('identity', 'kyc_status', null, null, '{verified}', null, 'refuse', 0, 'identity is not verified'),
    ('papers', 'document_kinds', null, null, null, '{payslip,id_card}', 'refuse', 5000, 'documents are missing')) as r;
select code, message from test.refusal($$insert into lending.product_rule (product_version_id, name, fact, at_least, reason)
    select id, 'x', 'kyc_status', 1, 'y' from lending.product_version limit 1$$);
insert into lending.member (actor, role) values ('clerk', 'clerk'), ('boss', 'boss');
insert into lending.authority (role, action, up_to, currency) values
    ('clerk', 'apply', null, null), ('clerk', 'approve', null, null),
    ('boss', 'approve', 10000, 'EUR'), ('boss', 'convert', null, null), ('boss', 'review', null, null);

set loan_engine.actor = 'clerk';
select lending.apply_for_loan('CONSUMER', :'ann', 'A1', 12000, 24, '{"annual_rate": "0.08"}', monthly_income => 2000) as a1 \gset
select lending.apply_for_loan('CONSUMER', :'child', 'A2', 400, 200, '{"annual_rate": "0.08"}', monthly_income => 100) as a2 \gset
select lending.apply_for_loan('CONSUMER', :'ann', 'A3', 1000, 12, '{"annual_rate": "0.08", "method": "flat"}') as a3 \gset
select lending.apply_for_loan('CONSUMER', :'ann', 'A4', 4000, 12, '{"annual_rate": "0.08"}', monthly_income => 500) as a4 \gset
select code from test.refusal(format($$select lending.apply_for_loan('CONSUMER', %L, 'A1', 1, 1)$$, :'ann'));
select * from lending.evaluate_rules(:'a1');
select * from lending.evaluate_rules(:'a2');
select * from lending.evaluate_rules(:'a3');
select * from lending.evaluate_rules(:'a4');
select code, detail from test.refusal(format('select lending.submit_application(%L)', :'a3'));
select lending.submit_application(:'a1'), lending.submit_application(:'a4');

-- Who entered it, or is the applicant, does not decide; nor does anyone beyond their authority.
select code, message from test.refusal(format($$select lending.decide_application(%L, 'approved')$$, :'a1'));
set loan_engine.actor = 'ann';
select code, message from test.refusal(format($$select lending.decide_application(%L, 'approved')$$, :'a1'));
set loan_engine.actor = 'boss';
select code, message from test.refusal(format($$select lending.decide_application(%L, 'approved')$$, :'a1'));
select code, detail from test.refusal(format($$select lending.decide_application(%L, 'approved', 9000)$$, :'a1'));
select code, hint from test.refusal(format($$select lending.decide_application(%L, 'rejected')$$, :'a1'));
-- A rule that refers takes a reason, and authority to override it.
select code, message from test.refusal(format($$select lending.decide_application(%L, 'approved')$$, :'a4'));
select code, message from test.refusal(format($$select lending.decide_application(%L, 'approved', reason => 'known well')$$, :'a4'));
select lending.decide_application(:'a4', 'rejected', reason => 'income') is not null as decided;
-- Events alone move nothing.
select lending.transition('application', :'a1', 'start_review');
select code, detail from test.refusal(format($$select lending.transition('application', %L, 'approve')$$, :'a1'));
select code from test.refusal(format($$update lending.application set status = 'approved' where id = %L$$, :'a1'));

select lending.file_document(:'entity', 'payslip', 'Payslip', 's3://x/1', sha256('1'), 'application/pdf', 100, application_id => :'a1') is not null,
    lending.file_document(:'entity', 'id_card', 'Identity card', 's3://x/2', sha256('2'), 'image/png', 100, party_id => :'ann') is not null;
-- The second of two who saw the same version is too late.
select code, detail from test.refusal(format($$select lending.decide_application(%L, 'approved', 9000, expected_version => 2)$$, :'a1'));
select lending.decide_application(:'a1', 'conditional', 9000, conditions => '{guarantor signs,account opened}', expected_version => 3) is not null as decided;
select code from test.refusal(format($$select lending.decide_application(%L, 'approved', 9000, expected_version => 3)$$, :'a1'));
select code from test.refusal(format('select lending.convert_application(%L)', :'a1'));
select lending.fulfil_condition(id, 'seen') from lending.decision_condition where position = 1;
select code, detail from test.refusal(format($$select lending.transition('application', %L, 'meet_conditions')$$, :'a1'));
select lending.fulfil_condition(id, 'seen') from lending.decision_condition where position = 2;
select lending.convert_application(:'a1') is not null as converted;
select code from test.refusal(format('select lending.convert_application(%L)', :'a1'));
select l.loan_no, l.principal, l.terms ->> 'instalments' as instalments, a.status
from lending.loan as l join lending.application as a on a.id = l.application_id;
reset loan_engine.actor;
select * from lending.check_book() where faults > 0;
drop function refused;
select loan_engine.drop_book('lending');
