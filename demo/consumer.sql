-- Consumer loans of a marketplace lender: the rate in per cent, the term in months, the month of
-- issue. All columns arrive as text in `consumer`.
insert into book.loan (portfolio, loan, loan_amount, annual_rate, instalments, disbursed_on, instalment)
select 'consumer loans', rownames, loan_amount::numeric, interest_rate::numeric / 100, term::integer,
       to_date(issue_month, 'Mon-YYYY'), installment::numeric
from consumer;
