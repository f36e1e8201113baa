-- A Czech bank, 1993 to 1998. Of its transactions the files have those up to March 1994; afterwards
-- the standing orders pay, every month on the day of the loan, rounded to whole crowns as the bank's
-- own instalments are. The files do not say which payments of the loans that it calls B and D failed:
-- here the last three of those that fell due by the end are taken to.
create function pg_temp.on_day(text) returns date
    language sql immutable return to_date('19' || $1, 'YYYYMMDD');

insert into bank.district select a1, a2, a3 from district;

insert into bank.loan (loan_no, district, borrower_no, born_on, amount, instalments, disbursed_on, verdict)
select l.loan_id, a.district_id, c.client_id,
    to_date('19' || left(c.birth_number, 2)
        || lpad((substr(c.birth_number, 3, 2)::integer % 50)::text, 2, '0') || right(c.birth_number, 2), 'YYYYMMDD'),
    l.amount::numeric, l.duration::integer, pg_temp.on_day(l.date), l.status
from loan as l
join account as a using (account_id)
join disp as d on d.account_id = l.account_id and d.type = 'OWNER'
join client as c using (client_id);

with paid as (
    select t.trans_id, l.loan_id, pg_temp.on_day(t.date) as on_date, t.amount::numeric as amount
    from trans as t
    join loan as l using (account_id)
    where trim(t.k_symbol) = 'UVER'
), ordered as (
    select l.loan_id, n, (pg_temp.on_day(l.date) + n * interval '1 month')::date as on_date,
        round(o.amount::numeric) as amount, l.status,
        least(l.duration::integer, (12 * (1999 - extract(year from pg_temp.on_day(l.date)))
            + 1 - extract(month from pg_temp.on_day(l.date)))::integer) as by_the_end
    from loan as l
    join "order" as o on o.account_id = l.account_id and trim(o.k_symbol) = 'UVER'
    cross join generate_series(1, l.duration::integer) as n
), instructed as (
    select o.loan_id, o.n, o.on_date, o.amount
    from ordered as o
    where o.on_date between '1994-04-01' and '1998-12-31'
        and o.n > (select count(*) from paid as p where p.loan_id = o.loan_id) 
        and not (o.status in ('B', 'D') and o.n > o.by_the_end - 3)
)
insert into bank.payment (reference, loan_no, on_date, amount)
select 'transaction ' || trans_id, loan_id, on_date, amount from paid
union all
select format('order %s/%s', loan_id, n), loan_id, on_date, amount from instructed;

insert into bank.income (client_no, on_date, amount)
select d.client_id, pg_temp.on_day(t.date), t.amount::numeric
from trans as t
join disp as d on d.account_id = t.account_id and d.type = 'OWNER'
where t.type = 'PRIJEM' and trim(t.k_symbol) <> 'UROK' and t.amount::numeric > 0;
