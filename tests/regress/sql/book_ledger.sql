-- The general ledger: what it refuses, what it counts, and that its reports agree with its entries.
set client_min_messages = warning;
select loan_engine.create_book('ledger_test', 'EUR', 'UTC', '2024-01-01');
set search_path = ledger_test;
select add_legal_entity('ONE', 'First Lender', 'DE') as one \gset
select add_legal_entity('TWO', 'Second Lender', 'DE') as two \gset
select add_ledger_currency('ONE', 'USD') as accounts_added, add_ledger_currency('ONE', 'USD') as added_again;
select refused.code, refused.message from test.refusal($$ select ledger_test.add_legal_entity('ONE', 'Again') $$) as refused;

-- Every account of a loan's journal has a rule, and every rule an account.
select account, ledger_code from posting_rule where legal_entity_id = :'one' order by account collate "C";

-- Direct writers. A transaction, then entries that are wrong in one way each.
create temporary table account as
select l.code as legal_entity, a.currency, a.code, a.id
from ledger_account as a join legal_entity as l on l.id = a.legal_entity_id;
create function pg_temp.a(code text, currency text default 'EUR', legal_entity text default 'ONE') returns uuid
    language sql stable as $$
    select t.id from pg_temp.account as t where (t.code, t.currency, t.legal_entity) = ($1, $2, $3)
$$;
insert into ledger_transaction (id, legal_entity_id, kind, booking_date, value_date, status) values
    ('00000000-0000-7000-8000-000000000001', :'one', 'test', '2024-01-01', '2024-01-01', 'posted'),
    ('00000000-0000-7000-8000-000000000002', :'one', 'test', '2024-01-01', '2024-01-01', 'pending');
create function pg_temp.refused(rows text, target text default 'ledger_entry')
    returns table (code text, message text, detail text) language sql as $$
    select r.code, r.message, regexp_replace(r.detail, '01[0-9a-f]{6}-[0-9a-f-]{27}', '…')
    from test.refusal(format('insert into ledger_test.%I
        select (''00000000-0000-7000-8000-'' || lpad(t::text, 12, ''0''))::uuid, p, d::date, a, c, m
        from (values %s) as v (t, p, d, a, c, m)', target, rows)) as r
$$;
select 'unbalanced' as entries, r.* from pg_temp.refused(
    $$ (1, 1, '2024-01-01', pg_temp.a('1010'), 'EUR', 5), (1, 2, '2024-01-01', pg_temp.a('3000'), 'EUR', -4) $$) as r
union all
select 'single', r.* from pg_temp.refused($$ (1, 1, '2024-01-01', pg_temp.a('1010'), 'EUR', 5) $$) as r
union all
select 'balanced across currencies', r.* from pg_temp.refused(
    $$ (1, 1, '2024-01-01', pg_temp.a('1010'), 'EUR', 5), (1, 2, '2024-01-01', pg_temp.a('3000', 'USD'), 'USD', -5) $$) as r
union all
select 'currency not of the account', r.* from pg_temp.refused(
    $$ (1, 1, '2024-01-01', pg_temp.a('1010'), 'USD', 5), (1, 2, '2024-01-01', pg_temp.a('3000'), 'USD', -5) $$) as r
union all
select 'account of another legal entity', r.* from pg_temp.refused(
    $$ (1, 1, '2024-01-01', pg_temp.a('1010'), 'EUR', 5), (1, 2, '2024-01-01', pg_temp.a('3000', 'EUR', 'TWO'), 'EUR', -5) $$) as r
union all
select 'no such account', r.* from pg_temp.refused(
    $$ (1, 1, '2024-01-01', loan_engine.uuid_v7(), 'EUR', 5), (1, 2, '2024-01-01', pg_temp.a('3000'), 'EUR', -5) $$) as r
union all
select 'another booking date', r.* from pg_temp.refused(
    $$ (1, 1, '2024-01-02', pg_temp.a('1010'), 'EUR', 5), (1, 2, '2024-01-02', pg_temp.a('3000'), 'EUR', -5) $$) as r
union all
select 'no transaction', r.* from pg_temp.refused(
    $$ (9, 1, '2024-01-01', pg_temp.a('1010'), 'EUR', 5), (9, 2, '2024-01-01', pg_temp.a('3000'), 'EUR', -5) $$) as r
union all
select 'pending transaction', r.* from pg_temp.refused(
    $$ (2, 1, '2024-01-01', pg_temp.a('1010'), 'EUR', 5), (2, 2, '2024-01-01', pg_temp.a('3000'), 'EUR', -5) $$) as r
union all
select 'positions from two', r.* from pg_temp.refused(
    $$ (1, 2, '2024-01-01', pg_temp.a('1010'), 'EUR', 5), (1, 3, '2024-01-01', pg_temp.a('3000'), 'EUR', -5) $$) as r
union all
select 'nothing', r.* from pg_temp.refused(
    $$ (1, 1, '2024-01-01', pg_temp.a('1010'), 'EUR', 0), (1, 2, '2024-01-01', pg_temp.a('3000'), 'EUR', 0) $$) as r
union all
select 'straight into a partition', r.* from pg_temp.refused(
    $$ (1, 1, '2024-01-01', pg_temp.a('1010'), 'EUR', 5), (1, 2, '2024-01-01', pg_temp.a('3000'), 'EUR', -4) $$, 'ledger_entry_202401') as r
union all
select 'pending, unbalanced', r.* from pg_temp.refused(
    $$ (2, 1, '2024-01-01', pg_temp.a('1010'), 'EUR', 5), (2, 2, '2024-01-01', pg_temp.a('3000'), 'EUR', -4) $$, 'ledger_pending_entry') as r
union all
select 'pending, of a posted one', r.* from pg_temp.refused(
    $$ (1, 1, '2024-01-01', pg_temp.a('1010'), 'EUR', 5), (1, 2, '2024-01-01', pg_temp.a('3000'), 'EUR', -5) $$, 'ledger_pending_entry') as r;

-- Two currencies in one transaction are taken if each balances, and nothing can be added afterwards.
select 'exchange' as entries, r.* from pg_temp.refused(
    $$ (1, 1, '2024-01-01', pg_temp.a('1010'), 'EUR', 5), (1, 2, '2024-01-01', pg_temp.a('1700'), 'EUR', -5),
       (1, 3, '2024-01-01', pg_temp.a('1700', 'USD'), 'USD', 6), (1, 4, '2024-01-01', pg_temp.a('1010', 'USD'), 'USD', -6) $$) as r;
select 'a second statement' as entries, r.* from pg_temp.refused(
    $$ (1, 5, '2024-01-01', pg_temp.a('1010'), 'EUR', 5), (1, 6, '2024-01-01', pg_temp.a('3000'), 'EUR', -5) $$) as r;

-- The same check for many rows, which has a plan of its own: one fault among ten thousand.
select r.code, regexp_replace(r.message, '[0-9a-f-]{36}', '…') as message, r.detail
from test.refusal($$
    with booked as (
        insert into ledger_test.ledger_transaction (legal_entity_id, kind, booking_date, value_date)
        select a.legal_entity_id, 'many', '2024-01-01', '2024-01-01'
        from ledger_test.ledger_account as a, generate_series(1, 5000) where a.id = pg_temp.a('1010')
        returning id
    )
    insert into ledger_test.ledger_entry
    select n.id, p, '2024-01-01', pg_temp.a((array['1010', '3000']) [p]), 'EUR',
        case p when 1 then 2.00 when 2 then case n.no when 4321 then -2.01 else -2.00 end end
    from (select id, row_number() over () as no from booked) as n, generate_series(1, 2) as p $$) as r;

-- What is written stays.
select statement, r.code, r.message from (values
    ('update ledger_test.ledger_entry set amount = -amount'),
    ('delete from ledger_test.ledger_entry'),
    ('truncate ledger_test.ledger_entry'),
    ('update ledger_test.ledger_entry_202401 set amount = -amount'),
    ('delete from ledger_test.ledger_entry_202401'),
    ('truncate ledger_test.ledger_entry_202401'),
    ('update ledger_test.ledger_transaction set kind = ''other'' where status = ''posted'''),
    ('update ledger_test.ledger_transaction set status = ''void'' where status = ''posted'''),
    ('update ledger_test.ledger_transaction set kind = ''other'' where status = ''pending'''),
    ('update ledger_test.ledger_transaction set kind = ''other'', status = ''posted'' where status = ''pending'''),
    ('delete from ledger_test.ledger_transaction'),
    ('truncate ledger_test.ledger_transaction cascade'),
    ('update ledger_test.ledger_account set class = ''liability'' where id = pg_temp.a(''1010'')'),
    ('update ledger_test.ledger_account set currency = ''GBP'' where id = pg_temp.a(''1010'')'),
    ('delete from ledger_test.ledger_account where id = pg_temp.a(''1010'')'),
    ('truncate ledger_test.ledger_account cascade'),
    ('update ledger_test.ledger_account set name = ''Main bank account'' where id = pg_temp.a(''1010'')'),
    ('update ledger_test.ledger_account set class = ''asset'' where id = pg_temp.a(''2400'')'),
    ('delete from ledger_test.ledger_account where id = pg_temp.a(''2400'')')
) as attempt (statement)
left join lateral test.refusal(attempt.statement) as r on true;

-- By hand: once for each key.
select post_transaction('ONE', 'capital', '2024-01-01',
    '[{"account": "1010", "amount": 1000}, {"account": "3000", "amount": -1000}]', 'capital') as capital \gset
select post_transaction('ONE', 'capital', '2024-01-01',
    '[{"account": "1010", "amount": 1000}, {"account": "3000", "amount": -1000}]', 'capital') = :'capital' as is_the_same;
select attempt, regexp_replace(r.code || ' ' || r.message, '[0-9a-f-]{36}', '…') as refused from (values
    ('other amount', $$ 'ONE', 'capital', '2024-01-01', '[{"account": "1010", "amount": 1001}, {"account": "3000", "amount": -1001}]', 'capital' $$),
    ('other status', $$ 'ONE', 'capital', '2024-01-01', '[{"account": "1010", "amount": 1000}, {"account": "3000", "amount": -1000}]', 'capital', status => 'pending' $$),
    ('fewer entries', $$ 'ONE', 'capital', '2024-01-01', '[{"account": "1010", "amount": 1000}, {"account": "3000", "amount": -900}]', 'capital' $$),
    ('no legal entity', $$ 'NONE', 'capital', '2024-01-01', '[]' $$),
    ('one entry', $$ 'ONE', 'capital', '2024-01-01', '[{"account": "1010", "amount": 1}]' $$),
    ('unbalanced', $$ 'ONE', 'capital', '2024-01-01', '[{"account": "1010", "amount": 1}, {"account": "3000", "amount": -2}]' $$),
    ('no account', $$ 'ONE', 'capital', '2024-01-01', '[{"account": "1011", "amount": 1}, {"account": "3000", "amount": -1}]' $$),
    ('no account in GBP', $$ 'ONE', 'capital', '2024-01-01', '[{"account": "1010", "amount": 1, "currency": "GBP"}, {"account": "3000", "amount": -1, "currency": "GBP"}]' $$),
    ('control account', $$ 'ONE', 'capital', '2024-01-01', '[{"account": "1210", "amount": 1}, {"account": "3000", "amount": -1}]' $$),
    ('part of a cent', $$ 'ONE', 'capital', '2024-01-01', '[{"account": "1010", "amount": 1.001}, {"account": "3000", "amount": -1.001}]' $$),
    ('later booking date', $$ 'ONE', 'capital', '2024-01-01', '[{"account": "1010", "amount": 1}, {"account": "3000", "amount": -1}]', booking_date => '2024-01-02' $$),
    ('before the book', $$ 'ONE', 'capital', '2024-01-01', '[{"account": "1010", "amount": 1}, {"account": "3000", "amount": -1}]', booking_date => '2023-12-31' $$)
) as v (attempt, arguments)
left join lateral test.refusal(format('select ledger_test.post_transaction(%s)', v.arguments)) as r on true;

-- Held back, then posted or given up.
select post_transaction('ONE', 'rent', '2024-01-01',
    '[{"account": "5900", "amount": 70}, {"account": "1010", "amount": -70}]', 'rent', status => 'pending') as rent \gset
select post_transaction('ONE', 'gift', '2024-01-01',
    '[{"account": "5900", "amount": 9}, {"account": "1010", "amount": -9}]', status => 'pending') as gift \gset
select code, debit, credit, balance from trial_balance('2024-01-01', 'ONE') where currency = 'EUR';
update book set business_date = '2024-01-02';
select post_pending(:'rent'), post_pending(:'rent'), void_pending(:'gift'), void_pending(:'gift');
select regexp_replace(r.code || ' ' || r.message, '[0-9a-f-]{36}', '…') as refused
from unnest(array['select ledger_test.void_pending(%L)', 'select ledger_test.post_pending(%L)'], array[:'rent', :'gift']) as v (statement, id)
cross join lateral test.refusal(format(v.statement, v.id)) as r;
select kind, status, booking_date, value_date,
    (select count(*) from ledger_entry as e where e.transaction_id = t.id and e.booking_date = t.booking_date) as entries
from ledger_transaction as t where id in (:'rent', :'gift') order by kind;
select post_transaction('ONE', 'rent', '2024-01-01',
    '[{"account": "5900", "amount": 70}, {"account": "1010", "amount": -70}]', 'rent', status => 'pending') = :'rent' as is_the_same;

-- Taken back, once: it nets to zero.
select reverse_transaction(:'rent', 'wrong month') as reversal \gset
select code, balance from trial_balance('2024-01-02', 'ONE') where code = '5900';
select regexp_replace(r.code || ' ' || r.message, '[0-9a-f-]{36}', '…', 'g') as refused
from unnest(array[:'rent', :'reversal', :'gift']) as v (id)
cross join lateral test.refusal(format('select ledger_test.reverse_transaction(%L, ''again'')', v.id)) as r;

-- Random postings of sixty days, some of them with another value date, by two legal entities.
select setseed(0.4);
create temporary table random_posting as
select loan_engine.uuid_v7() as id, case when random() < 0.7 then 'ONE' else 'TWO' end as legal_entity,
    date '2024-01-02' + (random() * 59)::integer as booking_date, (random() * 30)::integer as days_back,
    (1 + floor(random() * 100000))::numeric / 100 as amount,
    (array['1010', '5900', '5300', '2000', '5600', '3000', '4900']) [1 + floor(random() * 7)] as debit,
    (array['1010', '4900', '4400', '2000', '2300', '3100', '5500']) [1 + floor(random() * 7)] as credit
from generate_series(1, 3000);
delete from random_posting where debit = credit;
insert into account
select l.code, a.currency, a.code, a.id from ledger_account as a join legal_entity as l on l.id = a.legal_entity_id
on conflict do nothing;
with booked as (
    insert into ledger_transaction (id, legal_entity_id, kind, booking_date, value_date)
    select p.id, l.id, 'random', p.booking_date, p.booking_date - case when p.days_back > 20 then p.days_back else 0 end
    from random_posting as p join legal_entity as l on l.code = p.legal_entity
)
insert into ledger_entry
select p.id, e.position, p.booking_date, a.id, 'EUR', e.amount
from random_posting as p
cross join lateral (values (1, p.debit, p.amount), (2, p.credit, -p.amount)) as e (position, code, amount)
join ledger_account as a on a.code = e.code and a.currency = 'EUR'
join legal_entity as l on l.id = a.legal_entity_id and l.code = p.legal_entity;
update book set business_date = '2024-03-02';

-- Reports of days before, on and after those kept are the same with and without what is kept.
create function pg_temp.reports() returns table (report text, on_day date, line jsonb) language sql as $$
    select r.report, d::date, r.line
    from generate_series('2023-12-31'::timestamp, '2024-03-02', '4 days') as d
    cross join unnest(array['booking', 'value']) as basis
    cross join lateral (
        select 'trial balance by ' || basis, to_jsonb(t) from ledger_test.trial_balance(d::date, date_basis => basis) as t
        union all
        select 'income by ' || basis, to_jsonb(t) from ledger_test.income_statement(d::date - 20, d::date, date_basis => basis) as t
        union all
        select 'balance sheet by ' || basis, to_jsonb(t) from ledger_test.balance_sheet(d::date, date_basis => basis) as t
    ) as r (report, line)
$$;
create temporary table before as select * from pg_temp.reports();
select _snapshot_ledger('2024-01-31') > 0 as kept, _snapshot_ledger('2024-01-31') as kept_again,
    _snapshot_ledger('2024-02-20') > 0 as kept_later, _snapshot_ledger('2024-02-10') > 0 as kept_between;
create temporary table after as select * from pg_temp.reports();
select count(*) > 1000 as has_lines, count(*) filter (where b.report is null or a.report is null) as differ
from before as b full join after as a using (report, on_day, line);

-- They are the sums of the entries, by either date.
with summed as (
    select d::date as on_day, basis, l.code as legal_entity, a.currency, a.code, sum(e.amount) as balance
    from generate_series('2023-12-31'::timestamp, '2024-03-02', '4 days') as d
    cross join unnest(array['booking', 'value']) as basis
    cross join ledger_entry as e
    join ledger_transaction as t on t.id = e.transaction_id
    join ledger_account as a on a.id = e.account_id
    join legal_entity as l on l.id = a.legal_entity_id
    where case basis when 'value' then t.value_date else t.booking_date end <= d
    group by d, basis, l.code, a.currency, a.code
)
select count(*) > 500 as has_sums,
    count(*) filter (where s.balance is distinct from (r.line ->> 'balance')::numeric) as differ
from summed as s
full join (select * from after where report like 'trial%') as r
    on r.on_day = s.on_day and r.report = 'trial balance by ' || s.basis and r.line ->> 'legal_entity' = s.legal_entity
    and r.line ->> 'currency' = s.currency and r.line ->> 'code' = s.code;

-- Assets equal liabilities and equity, on every day and by either date.
select count(*) > 50 as has_days, count(*) filter (where difference <> 0) as differ
from (
    select sum(case line ->> 'class' when 'asset' then 1 else -1 end * (line ->> 'amount')::numeric) as difference
    from after where report like 'balance sheet%'
    group by report, on_day, line ->> 'legal_entity', line ->> 'currency'
) as sheet;
select count(*) filter (where s.balance <> l.balance) as differ
from (
    select (array_agg(s.balance order by s.no desc)) [1] as balance
    from account_statement('1010', '2024-01-10', '2024-02-15', 'ONE') with ordinality as s (b, v, t, k, d, debit, credit, balance, no)
) as s
cross join (select balance from trial_balance('2024-02-15', 'ONE') where code = '1010' and currency = 'EUR') as l;
select r.code, r.message, r.detail from test.refusal($$ select * from ledger_test.account_statement('1010', '2024-01-01', '2024-01-31') $$) as r;

-- What is booked on a day whose balances are kept corrects them.
select post_transaction('ONE', 'late', '2024-01-15', '[{"account": "5900", "amount": 7.5}, {"account": "1600", "amount": -7.5}]',
    booking_date => '2024-01-20') is not null as posted;
select b.as_of, b.balance from ledger_balance as b where b.account_id = pg_temp.a('1600') order by b.as_of;
select * from check_book() where faults > 0;

-- Closed periods.
select close_period('ONE', '2024-01-31') is not null as closed;
select attempt, r.code, r.message from (values
    ('close again', $$ select ledger_test.close_period('ONE', '2024-01-31') $$),
    ('close a day that has not ended', $$ select ledger_test.close_period('ONE', '2024-03-02') $$),
    ('post', $$ select ledger_test.post_transaction('ONE', 'late', '2024-01-15',
        '[{"account": "5900", "amount": 1}, {"account": "1010", "amount": -1}]', booking_date => '2024-01-31') $$),
    ('post with an old value date', $$ select ledger_test.post_transaction('ONE', 'late', '2024-01-15',
        '[{"account": "5900", "amount": 1}, {"account": "1010", "amount": -1}]') $$),
    ('post for another legal entity', $$ select ledger_test.post_transaction('TWO', 'late', '2024-01-15',
        '[{"account": "5900", "amount": 1}, {"account": "1010", "amount": -1}]', booking_date => '2024-01-31') $$),
    ('write entries', $$ with t as (
            insert into ledger_test.ledger_transaction (legal_entity_id, kind, booking_date, value_date)
            select id, 'late', '2024-01-31', '2024-01-31' from ledger_test.legal_entity where code = 'ONE' returning id
        )
        insert into ledger_test.ledger_entry_202401
        select t.id, p, '2024-01-31', pg_temp.a((array['1010', '3000']) [p]), 'EUR', (array[1, -1]) [p] from t, generate_series(1, 2) as p $$),
    ('delete', 'delete from ledger_test.period_close'),
    ('change', 'update ledger_test.period_close set period = ''[2024-01-01,2024-01-02)'''),
    ('overlap', $$ insert into ledger_test.period_close (legal_entity_id, period)
        select id, '[2024-01-15,2024-02-10)' from ledger_test.legal_entity where code = 'ONE' $$),
    ('reopen an open day', $$ select ledger_test.reopen_period('ONE', '2024-02-01', 'x') $$),
    ('reopen without a reason', $$ select ledger_test.reopen_period('ONE', '2024-01-15', '') $$)
) as v (attempt, statement)
left join lateral test.refusal(v.statement) as r on true;
select reopen_period('ONE', '2024-01-31', 'audit adjustment') as reopened;
select post_transaction('ONE', 'late', '2024-01-15', '[{"account": "5900", "amount": 1}, {"account": "1010", "amount": -1}]',
    booking_date => '2024-01-31') is not null as posted;
select close_period('ONE', '2024-02-29') is not null as closed;
select period, reopened_for, reopened_by is not null as reopened from period_close order by closed_at;

-- Authority.
create role book_ledger_clerk;
grant usage on schema ledger_test, loan_engine, test to book_ledger_clerk;
grant select, insert, update on all tables in schema ledger_test to book_ledger_clerk;
insert into member (actor, role) values ('book_ledger_clerk', 'clerk');
insert into authority (role, action, currency, up_to, within_days) values ('clerk', 'post_ledger', 'EUR', 100, 5);
set role book_ledger_clerk;
select attempt, r.code, r.message, r.detail from (values
    ('within', $$ select ledger_test.post_transaction('TWO', 'fee', '2024-03-01',
        '[{"account": "5900", "amount": 100}, {"account": "1010", "amount": -100}]') $$),
    ('too much', $$ select ledger_test.post_transaction('TWO', 'fee', '2024-03-01',
        '[{"account": "5900", "amount": 101}, {"account": "1010", "amount": -101}]') $$),
    ('too old', $$ select ledger_test.post_transaction('TWO', 'fee', '2024-02-01',
        '[{"account": "5900", "amount": 1}, {"account": "1010", "amount": -1}]') $$),
    ('reverse', format('select ledger_test.reverse_transaction(%L, ''x'')', :'capital')),
    ('close', $$ select ledger_test.close_period('TWO', '2024-01-31') $$),
    ('reopen', $$ select ledger_test.reopen_period('ONE', '2024-02-01', 'x') $$),
    ('legal entity', $$ select ledger_test.add_legal_entity('THREE', 'Third Lender') $$)
) as v (attempt, statement)
left join lateral test.refusal(v.statement) as r on true;
reset role;

-- The checks find what they look for, where the guards are lifted.
select * from check_book() where faults > 0;
alter table ledger_entry_202402 disable trigger all;
update ledger_entry_202402 set amount = amount + 1
where transaction_id = (select id from random_posting where booking_date = '2024-02-05' and legal_entity = 'ONE' and days_back < 10 order by id limit 1)
    and position = 1;
alter table ledger_entry_202402 enable trigger all;
update ledger_horizon set closed_through = '2024-01-01';
insert into ledger_transaction (legal_entity_id, kind, booking_date, value_date) values (:'one', 'empty', '2024-03-01', '2024-03-01');
select check_name, faults from check_book() where faults > 0;

reset search_path;
drop owned by book_ledger_clerk;
drop role book_ledger_clerk;
select loan_engine.drop_book('ledger_test', with_postings => true);
