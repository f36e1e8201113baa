-- A book of 10,000 loans whose instalments follow from the annuity formula in PostgreSQL's own
-- numeric, rounded up to the cent: an independent lender, so to say.
with drawn as (
    select n as loan,
           1000 + n * 7919 % 39000 as loan_amount,
           (5 + n * 104729 % 2500 / 100.0) / 100 as annual_rate,
           case when n % 3 = 0 then 60 else 36 end as instalments,
           date '2018-01-01' + n % 90 as disbursed_on
    from generate_series(1, 10000) as n
), formula as (
    select *, annual_rate / 12 as rate, power(1 + annual_rate / 12, instalments) as growth
    from drawn
)
insert into book.loan (portfolio, loan, loan_amount, annual_rate, instalments, disbursed_on, instalment)
select 'generated', loan, loan_amount, annual_rate, instalments, disbursed_on,
       ceil(loan_amount * rate * growth / (growth - 1) * 100) / 100
from formula;
