-- The end of the day: what a book earns by time alone, however its days are run.
set client_min_messages = warning;

-- Loans of every kind, in books that live through the same.
create table test.kind (loan_no text primary key, terms jsonb not null);
insert into test.kind values
    ('act/365', '{"annual_rate": "0.145", "interest": {"day_count": "ACT/365F"}}'),
    ('30/360', '{"annual_rate": "0.0999"}'),
    ('weekly', '{"annual_rate": "0.21", "frequency": "weekly", "interest": {"day_count": "ACT/360"}}'),
    ('daily', '{"annual_rate": "0.12", "interest": {"day_count": "ACT/365F"}, "recalculation": {"interest": "daily"}}'),
    ('zero', '{"annual_rate": 0}'),
    ('flat', '{"annual_rate": "0.08", "method": "flat"}'),
    ('fees', '{"annual_rate": "0.11", "fees": [{"name": "service", "value": "2.50"},
        {"name": "opening", "value": "0.01", "basis": "amount", "charged": "at_disbursement"}]}'),
    ('penalties', '{"annual_rate": "0.11", "penalties": [{"name": "late", "value": 5, "grace_days": 3}]}'),
    ('late', '{"annual_rate": "0.18", "interest": {"day_count": "ACT/365F"}}'),
    ('late daily', '{"annual_rate": "0.18", "interest": {"day_count": "ACT/365F"}, "recalculation": {"interest": "daily"}}'),
    ('prepaid', '{"annual_rate": "0.12"}'),
    ('prepaid daily', '{"annual_rate": "0.12", "recalculation": {"interest": "daily"}}'),
    ('payoff', '{"annual_rate": "0.12"}'),
    ('payoff daily', '{"annual_rate": "0.12", "interest": {"day_count": "ACT/365F"}, "recalculation": {"interest": "daily"}}');

-- When something is paid: an amount, or what is due by then.
create table test.paid (loan_no text, paid_on date, amount numeric);
insert into test.paid
select k.loan_no, d.due_date, null
from test.kind as k
cross join lateral (
    select '2024-01-02'::date + case when k.loan_no = 'weekly' then interval '7 days' else interval '1 month' end * n as due_date
    from generate_series(1, 6) as n) as d
where k.loan_no !~ '^(late|prepaid|payoff)' and (k.loan_no <> 'penalties' or d.due_date in ('2024-05-02', '2024-07-02'));
insert into test.paid values ('late', '2024-04-20', 250), ('late daily', '2024-04-20', 250), ('late', '2024-05-20', 1100),
    ('late daily', '2024-05-20', 1100), ('prepaid', '2024-01-20', 700), ('prepaid daily', '2024-01-20', 700),
    ('prepaid', '2024-03-09', 250), ('prepaid', '2024-07-02', null), ('prepaid daily', '2024-05-02', null),
    ('prepaid daily', '2024-06-02', null), ('prepaid daily', '2024-07-02', null);

create procedure test.open_book(book text) language plpgsql as $$
begin
    perform loan_engine.create_book(book, 'EUR', 'UTC', '2024-01-02');
    perform set_config('search_path', book || ', public', false);
    perform add_legal_entity('ACME', 'Acme Lending', 'DE', 'EUR');
    insert into product (legal_entity_id, code, name) select id, 'ANY', 'Loan' from legal_entity;
    insert into product_version (product_id, version, validity, currency, terms)
    select id, 1, '[2020-01-01,)', 'EUR', '{}' from product;
    insert into party (legal_entity_id, party_no, kind, name) select id, '1', 'individual', 'Borrower' from legal_entity;
    perform agree_loans((
        select jsonb_agg(jsonb_build_object('product_code', 'ANY', 'borrower_id', p.id, 'loan_no', k.loan_no,
            'terms', k.terms || '{"principal": 1200, "instalments": 6, "disbursed_on": "2024-01-02"}') order by k.loan_no)
        from test.kind as k, party as p));
    perform disburse_loans(array(select id from loan));
end $$;

create procedure test.pay(day date) language plpgsql as $$
begin
    insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date)
    select l.legal_entity_id, 'bank', concat_ws(' ', p.loan_no, p.paid_on), p.loan_no,
        coalesce(p.amount, b.overdue + case when b.next_due <= day then b.next_due_amount else 0 end), 'EUR', p.paid_on
    from test.paid as p
    join loan as l using (loan_no)
    join loan_balance as b on b.loan_id = l.id
    where p.paid_on = day;
end $$;

-- Days of the book in the search path, each ended by itself. No loan may be left behind.
create procedure test.live(through date) language plpgsql as $$
declare
    behind bigint;
begin
    while business_date() <= through loop
        call test.pay(business_date());
        if business_date() = '2024-03-15' then
            perform service(loan_no, 'pay_off') from loan where loan_no like 'payoff%';
        end if;
        call run_end_of_day();
        select count(*) into behind from receivable as r where r.through <> business_date() - 1;
        if behind > 0 then
            raise exception '% loans did not end %', behind, business_date() - 1;
        end if;
    end loop;
end $$;

-- What two books differ in: balances of loans, sums of accruals, balances of accounts.
create function test.differences(one text, other text, but_for text default '') returns table (place text, one_has jsonb, other_has jsonb)
    language plpgsql as $$
declare
    said text := $q$
        select 'loan ' || l.loan_no as place,
            to_jsonb(b) - array['loan_id', 'legal_entity_id', 'product_id', 'hash', 'version', 'latest_on', 'earned_from', 'earned_base', 'holds_until',
                'receivable_through', 'interest_receivable', 'fee_receivable', 'penalty_receivable']
                || (select to_jsonb(r) - array['loan_id', 'product_id'] from %1$I.receivable as r where r.loan_id = l.id)
                || jsonb_build_object('accrued', (
                    select jsonb_build_array(sum(a.interest), sum(a.fees), sum(a.penalties)) from %1$I.accrual as a where a.loan_id = l.id)) as has
        from %1$I.loan as l join %1$I.loan_balance as b on b.loan_id = l.id
        where %2$L = '' or l.loan_no !~ %2$L
        union all
        select 'account ' || code, to_jsonb(balance) from %1$I.v_trial_balance where %2$L = '' $q$;
begin
    return query execute format('select place, o.has, p.has from (%s) as o full join (%s) as p using (place)
        where o.has is distinct from p.has order by place', format(said, one, but_for), format(said, other, but_for));
end $$;

-- What is earned day by day sums to what the instalments ask for, and nothing remains receivable.
call test.open_book('prompt');
call test.live('2024-07-03');
select l.loan_no, b.status, b.principal + b.interest + b.fees + b.penalties as owed, b.overpaid,
    r.interest + r.fees + r.penalties as receivable,
    s.interest as agreed, a.interest as accrued, s.fees, a.fees as fees_accrued, s.penalties, a.penalties as penalties_accrued, a.days
from loan as l
join loan_balance as b on b.loan_id = l.id
join receivable as r on r.loan_id = l.id
cross join lateral (
    select sum(interest) as interest, sum(fees) as fees, sum(penalties) as penalties, count(*) filter (where interest <> 0) as days
    from accrual where loan_id = l.id) as a
cross join lateral (
    select sum(interest) as interest, sum(fees) as fees, sum(penalties) as penalties from amortisation_line where loan_id = l.id) as s
order by l.loan_no collate "C";

-- Instalment by instalment, but for those whose interest was paid or asked for at another time.
create view test.by_instalment as
select l.loan_no, s.instalment, s.due_date, s.interest, coalesce(sum(a.interest), 0) as accrued
from prompt.loan as l
join (
    select s.*, lag(s.due_date, 1, '2024-01-02') over (partition by s.loan_id order by s.due_date) as after
    from prompt.amortisation_line as s
) as s on s.loan_id = l.id
left join prompt.accrual as a on a.loan_id = l.id and a.on_date > s.after and a.on_date <= s.due_date
group by l.loan_no, s.instalment, s.due_date, s.interest;
select count(*) as instalments, count(*) filter (where interest = accrued) as accrued_in_their_period from test.by_instalment;
select * from test.by_instalment where interest <> accrued order by loan_no collate "C", due_date;
select code, name, debit, credit, balance from v_trial_balance order by code;
select * from check_book() where faults > 0;
select on_date, chunks, chunks_done, loans, loans_done, per_cent, time_left, finished_at > started_at as is_finished, loans_per_second > 0 as is_timed
from end_of_day_progress order by on_date desc limit 2;

-- A day ended before is not ended again.
call run_end_of_day('2024-07-03');
select business_date() as business_date, (select count(*) from end_of_day) as days, (select count(*) from accrual) as accruals;

-- Missed days, run later in one call, come to the same.
call test.open_book('daily');
call test.live('2024-02-10');
create procedure test.every_day(through date) language plpgsql as $$
begin
    while business_date() <= through loop
        call run_end_of_day();
    end loop;
end $$;
call test.every_day('2024-03-25');
call test.open_book('missed');
call test.live('2024-02-10');
call run_end_of_day('2024-03-25', 3);
select * from test.differences('daily', 'missed');
select * from check_book() where faults > 0;

-- A loan whose day cannot be ended is set aside, and the others go on.
create table test.damaged as
select s.* from loan_snapshot as s join loan as l on l.id = s.loan_id where l.loan_no in ('flat', 'late daily');
update loan_snapshot as s set state = set_byte(s.state, 200, get_byte(s.state, 200) # 255) from test.damaged as d where d.loan_id = s.loan_id;
call run_end_of_day('2024-04-03', 5);
select l.loan_no, f.on_date, f.code, f.message, r.through
from end_of_day_fault as f join loan as l on l.id = f.loan_id join receivable as r using (loan_id) order by l.loan_no;
select through, count(*) from receivable group by 1 order by 1;
select check_name, faults from check_book() where faults > 0;
-- Mended, it makes up for the days it missed.
update loan_snapshot as s set state = d.state from test.damaged as d where d.loan_id = s.loan_id;
call run_end_of_day('2024-04-04', 5);
set search_path = daily, public;
call test.every_day('2024-04-04');
select * from end_of_day_fault;
select * from test.differences('daily', 'missed');

-- A run that is stopped between chunks goes on where it was.
set search_path = missed, public;
create function test.stop() returns trigger language plpgsql as $$
begin
    raise exception using errcode = '57014', message = 'stopped';
end $$;
select id as eighth from loan order by id offset 7 limit 1 \gset
create trigger stop before update of done_at on end_of_day_chunk for each row when (new.first_loan = :'eighth') execute function test.stop();
\set VERBOSITY terse
call run_end_of_day('2024-04-06', 1);
call run_end_of_day('2024-04-06', 1);
\set VERBOSITY default
select on_date, chunks, chunks_done, loans, loans_done, per_cent, time_left is not null as is_timed, finished_at from end_of_day_progress order by 1 desc limit 1;
select business_date() as business_date, count(*) filter (where through = business_date()) as ended, count(*) as loans from receivable;
drop trigger stop on end_of_day_chunk;
call run_end_of_day('2024-04-06', 1);
set search_path = daily, public;
call test.every_day('2024-04-06');
select * from test.differences('daily', 'missed');
set search_path = missed, public;
select * from check_book() where faults > 0;
select * from test.refusal('call missed.run_end_of_day(chunk_size => 0)');

-- Payments that are recorded late, and one that was never made, leave the income of a book in which
-- all was in order; penalties that were charged meanwhile stand.
call test.open_book('belated');
create procedure test.live_late(through date) language plpgsql as $$
declare
    wrong uuid;
begin
    while business_date() <= through loop
        if extract(isodow from business_date()) = 5 or business_date() = through then
            insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date)
            select e.id, p.provider, p.reference, p.loan_no, p.amount, p.currency, p.value_date
            from prompt.payment as p, legal_entity as e
            where p.value_date <= business_date()
            order by p.value_date;
        end if;
        if business_date() = '2024-03-20' then
            perform service(loan_no, 'pay_off', valid_on => '2024-03-15') from loan where loan_no like 'payoff%';
        end if;
        if business_date() in ('2024-01-25', '2024-02-14', '2024-03-13') then
            insert into payment (legal_entity_id, provider, reference, loan_no, amount, currency)
            select l.legal_entity_id, 'error', concat_ws(' ', l.loan_no, business_date()), l.loan_no, 33.33, 'EUR'
            from loan as l where l.loan_no !~ '^(weekly|payoff)';
        end if;
        if extract(day from business_date()) = 27 then
            perform reverse_payment(p.id, 'never made') from payment as p
            where p.provider = 'error' and not exists (select from payment_reversal as r where r.payment_id = p.id);
        end if;
        call run_end_of_day();
    end loop;
end $$;
call test.live_late('2024-07-03');
select * from test.differences('prompt', 'belated', 'penalties');
select l.loan_no, r.interest - (a.earned - b.interest_settled) as off
from loan as l
join loan_balance as b on b.loan_id = l.id
join receivable as r on r.loan_id = l.id
cross join lateral (select sum(interest) as earned from amortisation_line where loan_id = l.id) as a
where r.interest <> a.earned - b.interest_settled;
select o.code, o.balance, p.balance from v_trial_balance as o full join prompt.v_trial_balance as p using (code)
where o.balance is distinct from p.balance order by code;
select * from end_of_day_fault;
select * from check_book() where faults > 0;

-- What is given up, for a time or for good, is no income in the end, and nothing of it is receivable.
delete from test.kind;
delete from test.paid;
insert into test.kind
select k, '{"annual_rate": "0.145", "interest": {"day_count": "ACT/365F"}, "fees": [{"name": "service", "value": "2.50"}],
    "penalties": [{"name": "late", "value": 5, "grace_days": 3}]}'
from unnest(array['charged off', 'charged off in error', 'paid after all', 'waived', 'written off', 'written off in error', 'kept']) as k;
call test.open_book('given_up');
call run_end_of_day('2024-02-18');
select count(_record(id, case when loan_no ~ '^written' then 'write_off' when loan_no = 'waived' then 'waive_interest' else 'charge_off' end,
    business_date(), case loan_no when 'waived' then '{"amount": 20}' else '{}' end::jsonb)) as given_up
from loan where loan_no <> 'kept';
call run_end_of_day('2024-03-20');
create view test.receivable as
select l.loan_no, b.status, b.charged_off_on, r.interest as interest_receivable, r.fees as fee_receivable, r.penalties as penalty_receivable,
    a.interest as interest_accrued, a.fees as fees_accrued, a.penalties as penalties_accrued
from given_up.loan as l
join given_up.loan_balance as b on b.loan_id = l.id
join given_up.receivable as r on r.loan_id = l.id
cross join lateral (
    select sum(interest) as interest, sum(fees) as fees, sum(penalties) as penalties from given_up.accrual where loan_id = l.id) as a;
select * from test.receivable order by loan_no;
select count(_record(id, case loan_no when 'charged off in error' then 'undo_charge_off' when 'paid after all' then 'pay_off' else 'reverse' end,
    business_date(), case loan_no when 'written off in error' then '{"of": "3"}' else '{}' end::jsonb)) as made_good
from loan where loan_no ~ 'error|after all';
call run_end_of_day('2024-07-10');
select * from test.receivable order by loan_no;
select count(_record(id, 'pay_off', business_date())) as paid_off from loan where loan_no ~ 'error|waived|kept';
call run_end_of_day();
select * from test.receivable order by loan_no;
select code, name, debit, credit, balance from v_trial_balance order by code;
select * from check_book() where faults > 0;

reset search_path;
set client_min_messages = warning;
-- One statement each, for a book has many objects to lock.
select format('select loan_engine.drop_book(%L, true)', book) from unnest(array['prompt', 'daily', 'missed', 'belated', 'given_up']) as book \gexec
drop table test.kind, test.paid, test.damaged cascade;
