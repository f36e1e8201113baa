-- Payments one by one, payments in one statement, and operations written by hand come to the same.
\set VERBOSITY terse
set client_min_messages = warning;

create schema test_bulk;
-- Twelve hundred payments of sixty loans: several on a loan and a day, of earlier days, too much, of no loan, in another
-- currency, split. The list is always the same.
create table test_bulk.paid as
select n, format('p%s', n) as reference, 'L' || (1 + (n * 7919) % 60) as loan_no,
    (array[5, 17.30, 106.62, 0.01, 250])[1 + (n * 31) % 5] as amount, case when n % 40 = 0 then 'USD' else 'EUR' end as currency,
    '2024-03-01'::date - ((n * 13) % 3) * 10 as value_date,
    case when n % 50 = 0 then format(
        '[{"loan_no": "L%s", "amount": 2}, {"loan_no": "L%s", "amount": 1}, {"loan_no": "nobody", "amount": 1}]',
        1 + n % 60, 1 + (n + 1) % 60)::jsonb end as splits
from generate_series(1, 1200) as n;
update test_bulk.paid set loan_no = 'nobody' where n % 97 = 0 and splits is null;
update test_bulk.paid set loan_no = null, amount = 5, currency = 'EUR' where splits is not null;

create procedure test_bulk.open_book(book text) language plpgsql as $$
begin
    perform loan_engine.create_book(book, 'EUR', 'UTC', '2024-01-02');
    perform set_config('search_path', book || ', public', false);
    perform add_legal_entity('ACME', 'Acme Lending', 'DE', 'EUR');
    perform add_ledger_currency('ACME', 'USD');
    insert into fx_rate (base, quote, on_date, rate) select distinct 'USD', 'EUR', value_date, 0.9 from test_bulk.paid;
    insert into product (legal_entity_id, code, name) select id, 'ANY', 'Loan' from legal_entity;
    insert into product_version (product_id, version, validity, currency, terms)
    select id, 1, '[2020-01-01,)', 'EUR', '{"annual_rate": "0.12"}' from product;
    insert into party (legal_entity_id, party_no, kind, name) select id, '1', 'individual', 'Borrower' from legal_entity;
    perform agree_loans((
        select jsonb_agg(jsonb_build_object('product_code', 'ANY', 'borrower_id', p.id, 'loan_no', 'L' || n,
            'terms', '{"principal": 1200, "instalments": 12, "disbursed_on": "2024-01-02"}'::jsonb) order by n)
        from generate_series(1, 60) as n, party as p));
    perform disburse_loans(array(select id from loan));
    call run_end_of_day('2024-02-29');
end $$;
call test_bulk.open_book('single');
call test_bulk.open_book('bulk');

-- What a book says of its loans and its ledger, by names that two books share. Where several events are of one day the
-- order they were recorded in may differ, and with it who paid what, but for nothing that remains.
create function test_bulk.said(book text) returns table (place text, says jsonb) language plpgsql as $$
begin
    return query execute format($q$
        select 'loan ' || l.loan_no, to_jsonb(b) - array['loan_id', 'product_id', 'legal_entity_id', 'hash']
            || jsonb_build_object('lines', (
                select jsonb_agg(to_jsonb(a) - 'loan_id' order by a.instalment)
                from %1$I.amortisation_line as a where a.loan_id = l.id))
        from %1$I.loan as l join %1$I.loan_balance as b on b.loan_id = l.id
        union all
        select format('payment %%s of %%s', p.reference, l.loan_no), jsonb_build_object(
            'allocated', sum(a.principal + a.interest + a.fees + a.penalties + a.held))
        from %1$I.payment_allocation as a
        join %1$I.payment as p on p.id = a.payment_id
        join %1$I.loan as l on l.id = a.loan_id
        group by p.reference, l.loan_no
        union all
        select 'unmatched ' || p.reference, jsonb_build_object('amount', u.amount, 'currency', u.currency, 'reason', u.reason)
        from %1$I.unmatched_payment as u join %1$I.payment as p on p.id = u.payment_id
        union all
        select format('account %%s in %%s', a.code, e.currency), jsonb_build_object('balance', sum(e.amount))
        from %1$I.ledger_entry as e join %1$I.ledger_account as a on a.id = e.account_id
        group by a.code, e.currency
    $q$, book);
end $$;

-- One by one, and in the order in which a statement of many records them; the keys of loans rise with their numbers.
set search_path = single, public;
do $$
declare
    one record;
begin
    for one in
        select p.*, e.id as legal_entity_id
        from test_bulk.paid as p left join loan as l using (loan_no) cross join legal_entity as e
        order by p.splits is not null, l.id, p.value_date, p.n
    loop
        insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date, splits)
        values (one.legal_entity_id, 'bank', one.reference, one.loan_no, one.amount, one.currency, one.value_date, one.splits);
    end loop;
end $$;
set search_path = bulk, public;
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date, splits)
select e.id, 'bank', p.reference, p.loan_no, p.amount, p.currency, p.value_date, p.splits
from test_bulk.paid as p cross join legal_entity as e
where p.splits is null order by p.n desc;
insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date, splits)
select e.id, 'bank', p.reference, p.loan_no, p.amount, p.currency, p.value_date, p.splits
from test_bulk.paid as p cross join legal_entity as e
where p.splits is not null order by p.n desc;

select count(*) as said, count(*) filter (where s.says is distinct from b.says) as different
from test_bulk.said('single') as s full join test_bulk.said('bulk') as b using (place);
select place, s.says as single, b.says as bulk
from test_bulk.said('single') as s full join test_bulk.said('bulk') as b using (place)
where s.says is distinct from b.says order by place limit 3;
select * from single.check_book() where faults > 0;
select * from bulk.check_book() where faults > 0;

-- All reversed again, in one transaction, nothing of them remains but what is owed.
select count(reverse_payment(id, 'test')) as reversed from bulk.payment;
select sum(principal) as principal, sum(overpaid) as overpaid from bulk.loan_balance;
select * from bulk.check_book() where faults > 0;

-- More events in a statement than are served at once.
set search_path = bulk, public;
select count(*) as agreed from agree_loans((
    select jsonb_agg(jsonb_build_object('product_code', 'ANY', 'borrower_id', p.id, 'loan_no', 'M' || n,
        'terms', '{"principal": 1200, "instalments": 2, "disbursed_on": "2024-03-01"}'::jsonb) order by n)
    from generate_series(1, 2050) as n, party as p));
select count(disburse_loans(array(select id from loan where loan_no ~ '^M'), '2024-03-01')) as done;
select b.version, b.status, count(*) as loans, sum(b.principal) as principal
from loan_balance as b join loan as l on l.id = b.loan_id where l.loan_no ~ '^M' group by b.version, b.status;
select * from bulk.check_book() where faults > 0;
reset search_path;
reset client_min_messages;
