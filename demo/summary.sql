\pset footer off
\echo
\echo 'How many instalments agree with the lender''s to the cent'
select portfolio, rule as "rounding", count(*) as loans,
       count(*) filter (where instalment = lender) as agree,
       round(100.0 * count(*) filter (where instalment = lender) / count(*), 2) as "per cent"
from book.priced
group by portfolio, rule
order by portfolio, rule;

\echo 'How far the rest are off (ours less the lender''s)'
select portfolio, rule as "rounding", instalment - lender as difference, count(*) as loans
from book.priced
where instalment <> lender
group by portfolio, rule, difference
order by portfolio, rule, loans desc, difference;
