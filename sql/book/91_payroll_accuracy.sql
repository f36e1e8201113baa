-- How good predictions of pay days are: each payment predicted from those before it.

create function @book@.payday_backtest(least_payments integer default 4, grace_days integer default 3)
    returns table (
        party_id uuid, employer_id uuid, nth integer, kind text, predicted date, earliest date, latest date,
        confidence double precision, actual date, error_days integer, is_hit boolean, is_false_miss boolean)
    language sql stable as $$
    with daily as (
        select d.party_id, d.employer_id, d.paid_on, sum(d.amount) as amount
        from @book@.pay_date as d
        group by d.party_id, d.employer_id, d.paid_on
    ), pay as (
        -- What pay_cycle does not count as pay is not to be predicted either.
        select y.party_id, y.employer_id, array_agg(y.paid_on order by y.paid_on) as days
        from (
            select d.*, percentile_disc(0.5) within group (order by o.amount) as median
            from daily as d
            join daily as o on o.party_id = d.party_id and o.employer_id is not distinct from d.employer_id
            group by d.party_id, d.employer_id, d.paid_on, d.amount
        ) as y
        where y.amount is null or y.median is null or y.amount >= 0.3 * y.median
        group by y.party_id, y.employer_id
    )
    select p.party_id, p.employer_id, n, c.kind, c.next_date, c.next_earliest, c.next_latest, c.next_confidence, p.days[n],
        abs(p.days[n] - c.next_date), p.days[n] between c.next_earliest and c.next_latest, p.days[n] > c.next_latest + payday_backtest.grace_days
    from pay as p
    left join @book@.employer as e on e.id = p.employer_id
    cross join lateral generate_series(greatest(payday_backtest.least_payments, 1) + 1, cardinality(p.days)) as n
    join @book@.payroll_calendar as k on k.calendar_code is not distinct from e.calendar_code
    cross join lateral loan_engine.pay_cycle(p.days[:n - 1], null, null, k.holidays, k.weekend) as c
$$;
comment on function @book@.payday_backtest(integer, integer) is
'Every payment after the first few of everybody, beside what the payments before it predicted: a hit is within the window, a false miss later than the window and the days of grace.';

create view @book@.v_payday_accuracy as
select b.kind, count(*) as predictions, avg(b.is_hit::integer)::double precision as hit_rate,
    percentile_disc(0.5) within group (order by b.error_days) as median_error_days,
    avg(b.is_false_miss::integer)::double precision as false_miss_rate, avg(b.confidence) as mean_confidence
from @book@.payday_backtest() as b
where b.predicted is not null
group by b.kind;
comment on view @book@.v_payday_accuracy is
'How good predictions of pay days are, by kind of cycle; a mean confidence near the hit rate says that confidences can be believed.';
comment on column @book@.v_payday_accuracy.kind is 'How often they were taken to be paid.';
comment on column @book@.v_payday_accuracy.predictions is 'How many payments were predicted.';
comment on column @book@.v_payday_accuracy.hit_rate is 'How many of them, as a fraction, came within the window.';
comment on column @book@.v_payday_accuracy.median_error_days is 'By how many days half of them were wrong at most.';
comment on column @book@.v_payday_accuracy.false_miss_rate is
'How many of them, as a fraction, came later than three days after the window and would have been reported as missed.';
comment on column @book@.v_payday_accuracy.mean_confidence is 'How likely they were held to be within the window, on average.';
