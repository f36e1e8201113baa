-- Sixteen years of made-up prices: a long rise, three crashes and a slow recovery, with the same noise each time.
insert into metals.price
select d.on_date, round((430 * exp(s.trend + 0.35 * s.noise))::numeric, 2), round((7 * exp(1.1 * s.trend + 0.8 * s.noise))::numeric, 3)
from (
    select on_date::date, row_number() over (order by on_date) as n
    from generate_series(date '2005-01-03', date '2020-12-31', interval '1 day') as on_date
    where extract(isodow from on_date) < 6
) as d
cross join lateral (
    select 1.4 * (1 - exp(-d.n / 1500.0)) - 0.18 * exp(-((d.n - 1000) / 40.0) ^ 2) - 0.20 * exp(-((d.n - 1740) / 30.0) ^ 2)
            - 0.25 / (1 + exp(-(d.n - 2160) / 2.0)) as trend,
        0.08 * sin(d.n / 37.0) + 0.05 * sin(d.n / 11.0) + 0.03 * sin(d.n * 1.7) + 0.02 * sin(d.n * 2.9) as noise
) as s;
