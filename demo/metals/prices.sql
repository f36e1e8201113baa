-- The fixings of sixteen years, of days on which there were both.
insert into metals.price
select f.date::date, f.gold_usd_pm::numeric, f.silver_usd::numeric
from fixing as f
where f.date between '2005-01-01' and '2020-12-31' and f.gold_usd_pm <> '' and f.silver_usd <> '';
