-- A million loans on the morning of 2 February 2024, on which a fifth have an instalment due. With
-- -v loans=100000 a tenth of them.

\if :{?loans}
\else
    \set loans 1000000
\endif
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-02') \g /dev/null
select lending.add_legal_entity('ACME', 'Acme Lending', 'DE', 'EUR') \g /dev/null
insert into lending.product (legal_entity_id, code, name) select id, 'YEARLY', 'Loan at 12 %' from lending.legal_entity;
insert into lending.product_version (product_id, version, validity, currency, terms)
select id, 1, daterange('2020-01-01', null), 'EUR', '{"annual_rate": "0.12"}' from lending.product;
insert into lending.party (legal_entity_id, party_no, kind, name)
select id, 'all', 'individual', 'Borrower' from lending.legal_entity;

-- Ten loans, two of which have an instalment on 2 February, are the pattern of all.
select lending.agree_loans((
    select jsonb_agg(jsonb_build_object('product_code', 'YEARLY', 'borrower_id', p.id, 'loan_no', n::text,
        'terms', jsonb_build_object('principal', 1000 + n, 'instalments', 36, 'disbursed_on', '2024-01-02',
            'first_due_on', case when n <= 2 then '2024-02-02' else '2024-02-15' end)))
    from lending.party as p, generate_series(1, 10) as n)) \g /dev/null
select lending.disburse_loans(array(select id from lending.loan)) \g /dev/null
call lending.run_end_of_day('2024-01-31');

set session_replication_role = replica;
create temporary table copy as
select loan_engine.uuid_v7() as id, p.id as pattern, n
from generate_series(11, :loans) as n
join (select l.id, row_number() over (order by l.loan_no::integer) - 1 as place from lending.loan as l) as p on p.place = n % 10;
analyze copy;
-- Each table has the rows of the pattern again, but for the keys.
select format('insert into lending.%1$I (%2$I, %3$s) select c.id, %4$s from copy as c join lending.%1$I as t on t.%2$I = c.pattern order by c.id',
    k.name, k.key, string_agg(quote_ident(a.attname), ', '),
    string_agg(case a.attname when 'loan_no' then 'c.n::text' else 't.' || quote_ident(a.attname) end, ', '))
from (values ('loan', 'id'), ('loan_snapshot', 'loan_id'), ('loan_balance', 'loan_id'), ('status_history', 'subject_id')) as k (name, key)
join pg_attribute as a on a.attrelid = format('lending.%I', k.name)::regclass and a.attnum > 0 and a.attname <> k.key
group by k.name, k.key
\gexec
reset session_replication_role;
vacuum analyze;
call lending.run_end_of_day('2024-02-01');
