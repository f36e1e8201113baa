-- The two undertakings of a book: from an application to money paid out, and from a margin call to its end.
\set VERBOSITY terse
set client_min_messages = warning;
select loan_engine.create_book('lending', 'EUR', 'UTC', '2024-01-02');
set search_path = lending, public;
select draw_saga('origination');
select draw_saga('margin_call');
select add_legal_entity('ONE', 'First Lender', 'DE', 'EUR') as one \gset
insert into product (legal_entity_id, code, name) values (:'one', 'GOLD', 'Against gold') returning id as product \gset
insert into product_version (product_id, version, validity, currency, terms) values (:'product', 1, '[2020-01-01,)', 'EUR',
    '{"method": "bullet", "frequency": "yearly", "annual_rate": "0.12", "interest": {"day_count": "ACT/365F"}, "overpayment": "hold"}');
insert into margin_policy (product_id, version, validity, initial_ltv, warn_ltv, call_ltv, liquidation_ltv, target_ltv, release_ltv, hysteresis, cure_days)
values (:'product', 1, '[2020-01-01,)', 0.75, 0.8, 0.85, 0.95, 0.75, 0.75, 0.02, 2);
insert into asset (code, name, kind, currency, weight_unit, haircut, spike_sigmas, stale_after_days) values ('XAU', 'Gold', 'metal', 'EUR', 'troy_ounce', 0, 100, 90);
insert into party (legal_entity_id, party_no, kind, name)
select :'one', n::text, 'individual', 'Borrower ' || n from generate_series(1, 5) as n;
insert into party_contact (party_id, kind, value) select id, 'email', party_no || '@example.org' from party;
insert into member (actor, role) values ('boss', 'boss');
insert into authority (role, action) values ('boss', 'approve'), ('boss', 'review');
create function price(price numeric) returns text[] language sql as $$
    select lending.record_price('XAU', price, (select business_date from lending.book) + time '12:00' at time zone 'UTC'
        + (select count(*) from lending.asset_price) * interval '1 second')
$$;
select price(1000);
create view told as
select s.unique_key as saga, s.status, s.step, s.failure,
    (select string_agg(concat_ws(' ', n.step, n.what, nullif(n.attempt, 1)), ', ' order by n.position) from saga_note as n where n.saga_id = s.id) as notes
from saga as s;
create function look() returns bigint language sql as $$
    with seen as (update saga set due_at = clock_timestamp() where due_at is not null returning id) select count(*) from seen
$$;
create function token(saga text) returns uuid language sql as $$ select s.token from saga as s where s.unique_key = token.saga $$;

-- Five ask for a loan against gold. The first gets it, the second is not who they say they are, the third is rejected, the
-- fourth does not sign, and the bank cannot pay the fifth.
select apply_for_loan('GOLD', p.id, 'A' || p.party_no, 7000, 1) is not null as applied from party as p order by p.party_no;
select count(submit_application(id)) from application;
select count(start_saga('origination', a.id,
    jsonb_build_object('pledges', jsonb_build_array(jsonb_build_object('collateral_id', take_collateral(:'one', a.applicant_id, a.application_no, 'XAU', 10, 'troy_ounce')))),
    unique_key => a.application_no)) from application as a;
call run_sagas();
select address, details ->> 'party_no' as party_no, details ->> 'name' as name from outbox order by party_no;
select complete_saga_step(token(a.application_no), jsonb_build_object('kyc_status', case a.application_no when 'A2' then 'failed' else 'verified' end))
from application as a order by a.application_no;
call run_sagas();
select a.application_no, a.status, p.kyc_status, t.status as saga, t.step from application as a join party as p on p.id = a.applicant_id join told as t on t.saga = a.application_no order by 1;
set loan_engine.actor = 'boss';
select decide_application(id, case application_no when 'A3' then 'rejected' else 'approved' end, reason => 'as it is') is not null as decided
from application where application_no <> 'A2' order by application_no;
reset loan_engine.actor;
select look(); call run_sagas();
select signal_saga(s.id, 'signature', '{"signed": true}') from saga as s where s.unique_key in ('A1', 'A5') order by 1;
call run_sagas();
select l.loan_no is not null as has_number, l.status, t.saga, t.status as saga_is, t.step, b.principal, i.id is not null and i.released_on is null as is_pledged
from told as t join saga as s on s.unique_key = t.saga join loan as l on l.application_id = s.subject_id
join loan_balance as b on b.loan_id = l.id left join pool_loan as o on o.loan_id = l.id left join security_interest as i on i.pool_id = o.pool_id
order by t.saga;
select address, details ->> 'amount' as amount, details ->> 'name' as name from outbox where address = 'bank' order by 3;
select complete_saga_step(token('A1'), '{"reference": "T-1"}'), fail_saga_step(token('A5'), 'the account is closed', is_final => true);
call run_sagas();
call run_end_of_day('2024-02-05');
select look(); call run_sagas();
select * from told order by saga;
select t.saga, l.status, b.principal, i.id is not null and i.released_on is null as is_pledged
from told as t join saga as s on s.unique_key = t.saga join loan as l on l.application_id = s.subject_id
join loan_balance as b on b.loan_id = l.id left join pool_loan as o on o.loan_id = l.id left join security_interest as i on i.pool_id = o.pool_id
order by t.saga;
select account_id is not null as has_entries, sum(amount) from ledger_entry group by 1;
select check_name, faults, example from check_book() where faults > 0;

-- A margin call that is cured, and one that is not.
select price(820);
select start_margin_sagas(), start_margin_sagas();
call run_sagas();
select c.status, c.deadline, c.channel, n.title, n.body, (select count(*) from outbox as o where o.notification_id = n.id) as messages
from margin_call as c join notification as n on n.unique_key = c.id::text;
insert into payment (legal_entity_id, provider, reference, loan_id, amount, currency)
select l.legal_entity_id, 'bank', 'cure', l.id, 2500, 'EUR' from loan as l join application as a on a.id = l.application_id where a.application_no = 'A1';
select look(); call run_sagas();
select t.status, t.notes from told as t join saga as s on s.unique_key = t.saga and s.name = 'margin_call' order by s.started_at;
select price(600);
select start_margin_sagas();
call run_sagas();
call run_end_of_day('2024-02-07');
select look(); call run_sagas();
select c.status, t.status as saga, t.step from margin_call as c join told as t on t.saga = c.id::text order by c.id;
call run_end_of_day('2024-02-09');
select look(); call run_sagas();
select c.status, t.status as saga, t.step from margin_call as c join told as t on t.saga = c.id::text order by c.id;
select details - array['token', 'saga', 'subject', 'things'] as details, details #>> '{things,0,reference}' as thing from outbox where address = 'broker';
select complete_saga_step(s.token, '{"proceeds": 6000}') from saga as s where s.step = 'sell';
call run_sagas();
select c.status, c.proceeds, c.surplus > 0 as has_surplus, t.step from margin_call as c join told as t on t.saga = c.id::text where c.proceeds is not null;
select fail_saga_step(s.token, 'the bank is closed') from saga as s where s.step = 'refund';
select look(); call run_sagas();
select complete_saga_step(s.token, '{"reference": "R-1"}') from saga as s where s.step = 'refund';
call run_sagas();
select c.status, t.status as saga, t.notes, b.status as loan, b.principal
from margin_call as c join told as t on t.saga = c.id::text join pool_loan as o on o.pool_id = c.pool_id join loan_balance as b on b.loan_id = o.loan_id order by c.id;
select check_name, faults, example from check_book() where faults > 0;
reset search_path;
select loan_engine.drop_book('lending', with_postings => true);
