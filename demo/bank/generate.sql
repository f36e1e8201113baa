-- A bank drawn by a rule: 700 loans of six years, one in nine of which stops paying before its end.
insert into bank.district
select n::text, 'District ' || n, 'Region ' || n % 8 from generate_series(1, 77) as n;

insert into bank.loan (loan_no, district, borrower_no, born_on, amount, instalments, disbursed_on, verdict)
select n::text, (1 + n * 31 % 77)::text, (1000 + n)::text, date '1940-01-01' + n * 37 % 12000,
    instalments * (500 + n * 7919 % 9000), instalments, disbursed_on,
    case when disbursed_on + instalments * 31 < '1998-12-31' then case when n % 9 = 0 then 'B' else 'A' end
        else case when n % 9 = 0 then 'D' else 'C' end end
from (
    select n, 12 * (1 + n * 13 % 5) as instalments, date '1993-07-05' + n * 2003 % 1950 as disbursed_on
    from generate_series(1, 700) as n
) as drawn;

insert into bank.payment (reference, loan_no, on_date, amount)
select format('order %s/%s', l.loan_no, n), l.loan_no, due.on_date, l.amount / l.instalments
from bank.loan as l
cross join generate_series(1, l.instalments) as n
cross join lateral (select (l.disbursed_on + n * interval '1 month')::date as on_date) as due
where due.on_date <= '1998-12-31'
    and not (l.verdict in ('B', 'D') and n > least(l.instalments, ('1998-12-31' - l.disbursed_on) / 31) - 3);

-- Of every ten clients eight are paid on a day of the month, one every second Friday, one now and then.
insert into bank.income (client_no, on_date, amount)
select (1000 + n)::text, d.pay_date, 10000 + n * 7919 % 9000
from generate_series(1, 700) as n
cross join lateral loan_engine.pay_dates(
    case n % 10 when 0 then 'biweekly 2000-01-07 preceding' else format('monthly %s unrolled', 5 + n % 10) end,
    '1993-01-01'::date + n * 31 % 200, '1994-03-31') as d
where n % 10 <> 1
union all
select (1000 + n)::text, '1993-01-01'::date + m * 37 + n * m * m * 13 % 29, 5000 + n * m * 977 % 9000
from generate_series(1, 700, 10) as n, generate_series(0, 11) as m;
