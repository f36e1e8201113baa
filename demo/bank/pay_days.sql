-- When clients are paid, told from what came in on their accounts, and how well that is told.
set client_min_messages = warning;
insert into lending.party (legal_entity_id, party_no, kind, name)
select distinct on (i.client_no) e.id, i.client_no, 'individual', 'Client ' || i.client_no
from lending.legal_entity as e, bank.income as i
where not exists (select from lending.party as p where p.party_no = i.client_no);
insert into lending.pay_date (party_id, paid_on, amount, currency, source)
select p.id, i.on_date, sum(i.amount), 'CZK', 'account'
from bank.income as i
join lending.party as p on p.party_no = i.client_no
group by p.id, i.on_date;
select lending.infer_pay_cycles((select max(paid_on) from lending.pay_date)) \g /dev/null
reset client_min_messages;

\echo 'By which rule clients are paid'
select kind, count(*) as clients, round(avg(confidence)::numeric, 2) as confidence, sum(payments) as payments,
    sum(hits) as on_a_pay_day, sum(spurious) as on_none
from lending.pay_cycle
where payments >= 3
group by kind
order by count(*) desc;

\echo 'Each payment predicted from those before it'
select kind, predictions, round(hit_rate::numeric, 3) as within_window, median_error_days, round(false_miss_rate::numeric, 3) as falsely_missed,
    round(mean_confidence::numeric, 3) as confidence
from lending.v_payday_accuracy
order by predictions desc;
