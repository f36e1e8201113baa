-- Documents: filed once, found by the words of their language and by synonyms.
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-01');
insert into lending.legal_entity (code, name, currency) values ('A', 'Lender A', 'EUR'), ('B', 'Lender B', 'EUR');
select id as entity from lending.legal_entity where code = 'A' \gset
insert into lending.party (legal_entity_id, party_no, kind, name) select id, 'P1', 'individual', 'Doe' from lending.legal_entity;
select id as party from lending.party where legal_entity_id = :'entity' \gset
select id as stranger from lending.party where legal_entity_id <> :'entity' \gset
select lending.file_document(:'entity', 'payslip', 'Payslip May', 's3://x/1', sha256('1'), 'application/pdf', 100, 'en',
    'Wages of Ann Doe for May: gross salary 2,000.00', party_id => :'party') as payslip \gset
select lending.file_document(:'entity', 'id_card', 'Ausweis', 's3://x/2', sha256('2'), 'image/png', 100, 'de',
    'Personalausweis der Bundesrepublik', party_id => :'party') is not null as filed;
-- The same bytes are the same document.
select lending.file_document(:'entity', 'payslip', 'Again', 's3://y/1', sha256('1'), 'application/pdf', 100) = :'payslip' as same;
select count(*) from lending.document;
select code, message from test.refusal(format('insert into lending.document_link (document_id, party_id) values (%L, %L)', :'payslip', :'stranger'));
select kind, title, excerpt, rank between 0 and 1 as ranked from lending.search_documents('salaries');
select title from lending.search_documents('payslips');
select title from lending.search_documents('personalausweise');
select title from lending.search_documents('"gross salary"');
select title from lending.search_documents('salary -doe');
select title from lending.search_documents('salary', kinds => '{id_card}');
select title from lending.search_documents('salary', party_id => :'stranger');
insert into lending.search_synonym values ('remuneration', 'salary or wage');
select title from lending.search_documents('remuneration');
select loan_engine.drop_book('lending');
