-- Loans of a Czech bank: dates as YYMMDD, the duration in months, and no rate, for the instalments
-- are the amount in equal parts.
insert into book.loan (portfolio, loan, loan_amount, annual_rate, instalments, disbursed_on, instalment)
select 'bank loans, no interest', loan_id, amount::numeric, 0, duration::integer,
       to_date('19' || date, 'YYYYMMDD'), payments::numeric
from berka;
