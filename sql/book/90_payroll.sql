-- Pay days of borrowers: when they were paid, by which rule that is, and when they are paid next.
--
-- Rules are inferred by loan_engine.pay_cycle in one statement for everybody, twice: each for themselves,
-- then with what the first pass found of colleagues in the same role, of the role, and of all.

create table @book@.pay_cycle (
    party_id uuid primary key references @book@.party,
    employer_id uuid references @book@.employer,
    role text,
    kind text not null,
    cycle text,
    roll text,
    confidence double precision not null,
    payments integer not null,
    expected integer,
    hits integer,
    missed integer,
    spurious integer,
    rolled integer,
    support double precision,
    gap_p10 double precision,
    gap_p50 double precision,
    gap_p90 double precision,
    next_date date,
    next_earliest date,
    next_latest date,
    next_confidence double precision,
    as_of date not null,
    inferred_at timestamptz not null default clock_timestamp()
);
create index on @book@.pay_cycle (employer_id, role);
comment on table @book@.pay_cycle is 'By which rule people are paid, as infer_pay_cycles found it; made anew each time.';
comment on column @book@.pay_cycle.party_id is 'Who is paid.';
comment on column @book@.pay_cycle.employer_id is 'By whom they were employed on the day.';
comment on column @book@.pay_cycle.role is 'As what.';
comment on column @book@.pay_cycle.kind is 'How often: weekly, biweekly, monthly and so on, or irregular.';
comment on column @book@.pay_cycle.cycle is 'The rule, as loan_engine.pay_dates takes it; none when irregular.';
comment on column @book@.pay_cycle.roll is 'What becomes of pay days without business: preceding, following or unrolled.';
comment on column @book@.pay_cycle.confidence is 'The probability of the kind, from 0 to 1.';
comment on column @book@.pay_cycle.payments is 'How many payments were looked at.';
comment on column @book@.pay_cycle.expected is 'How many the rule would have had.';
comment on column @book@.pay_cycle.hits is 'How many of those came, on the day or a business day beside it.';
comment on column @book@.pay_cycle.missed is 'How many of those did not.';
comment on column @book@.pay_cycle.spurious is 'How many payments are on no day of the rule.';
comment on column @book@.pay_cycle.rolled is 'How many came on the day to which they were moved because there was no business.';
comment on column @book@.pay_cycle.support is 'Hits by what was expected and what is on no day of the rule.';
comment on column @book@.pay_cycle.gap_p10 is 'Days from one payment to the next: one in ten is shorter.';
comment on column @book@.pay_cycle.gap_p50 is 'Days from one payment to the next: half are shorter.';
comment on column @book@.pay_cycle.gap_p90 is 'Days from one payment to the next: one in ten is longer.';
comment on column @book@.pay_cycle.next_date is 'When they are likely paid next after as_of.';
comment on column @book@.pay_cycle.next_earliest is 'Not before this day.';
comment on column @book@.pay_cycle.next_latest is 'Not after this day.';
comment on column @book@.pay_cycle.next_confidence is 'How likely it is within these days, from 0 to 1.';
comment on column @book@.pay_cycle.as_of is 'Until which day payments were looked at.';
comment on column @book@.pay_cycle.inferred_at is 'When.';

create view @book@.payroll_calendar as
select c.code as calendar_code, c.weekend::integer[] as weekend,
    array(select h.on_date from @book@.holiday as h
        where h.calendar_code = c.code and h.on_date between b.business_date - 1200 and b.business_date + 800
        order by h.on_date) as holidays
from @book@.book as b
cross join (
    select k.code, k.weekend from @book@.calendar as k
    union all
    select null::text as code, '{6,7}'::smallint[] as weekend
) as c;
comment on view @book@.payroll_calendar is
'Calendars as pay cycles take them, some three years back and two ahead of the business date; the one without a code is for employers that have none.';
comment on column @book@.payroll_calendar.calendar_code is 'The calendar; NULL for Monday to Friday without holidays.';
comment on column @book@.payroll_calendar.weekend is 'Days of the week without business, Monday being 1.';
comment on column @book@.payroll_calendar.holidays is 'Its holidays, in order.';

-- Who is paid by whom, and when they were: three years are enough, for rules change with employers.
create function @book@._paid(as_of date)
    returns table (party_id uuid, employer_id uuid, role text, calendar_code text, days date[], amounts numeric[])
    language sql stable as $$
    with employed as (
        select distinct on (e.party_id) e.party_id, e.employer_id, e.role, r.calendar_code
        from @book@.employment as e
        join @book@.employer as r on r.id = e.employer_id
        where e.validity @> as_of
        order by e.party_id, lower(e.validity) desc, e.employer_id
    ), seen as (
        select d.party_id, d.employer_id, array_agg(d.paid_on order by d.paid_on) as days,
            case when bool_and(d.amount is not null) then array_agg(d.amount order by d.paid_on) end as amounts
        from @book@.pay_date as d
        where d.paid_on > as_of - 1100 and d.paid_on <= as_of
        group by d.party_id, d.employer_id
    ), chosen as (
        -- What the present employer paid; of whom none is known, what most often came.
        select distinct on (s.party_id) s.party_id, s.employer_id, s.days, s.amounts
        from seen as s
        left join employed as e on e.party_id = s.party_id
        where e.party_id is null or s.employer_id is null or s.employer_id = e.employer_id
        order by s.party_id, s.employer_id = e.employer_id desc nulls last, cardinality(s.days) desc, s.employer_id
    )
    select coalesce(e.party_id, c.party_id), coalesce(e.employer_id, c.employer_id), e.role,
        coalesce(e.calendar_code, r.calendar_code), coalesce(c.days, '{}'), c.amounts
    from employed as e
    full join chosen as c on c.party_id = e.party_id
    left join @book@.employer as r on r.id = c.employer_id
$$;
comment on function @book@._paid(date) is
'Who is or was paid, by whom and as what, and on which days of the last three years with which amounts.';

create function @book@.infer_pay_cycles(as_of date default @book@.business_date()) returns integer
    language plpgsql as $$
declare
    inferred integer;
begin
    if as_of is null then
        raise exception using errcode = '22004', message = 'as_of is NULL',
            hint = 'Give the day until which payments are looked at.';
    end if;
    delete from @book@.pay_cycle;
    with alone as materialized (
        select p.*, k.holidays, k.weekend, c.kind, coalesce(c.cycle, 'irregular') as cycle, c.roll, c.rolled, c.confidence,
            c.payments, c.gap_p10, c.gap_p50, c.gap_p90, c.payments >= 3 as is_known
        from @book@._paid(as_of) as p
        join @book@.payroll_calendar as k on k.calendar_code is not distinct from p.calendar_code
        cross join lateral loan_engine.pay_cycle(p.days, p.amounts, as_of, k.holidays, k.weekend) as c
    ), of_all as (
        select a.kind, sum(a.confidence) as people, sum(a.confidence) / sum(sum(a.confidence)) over () as share
        from alone as a
        where a.is_known
        group by a.kind
    ), of_role as (
        -- Five people's worth of everybody stand behind the few that a role may have.
        select r.role, jsonb_object_agg(o.kind, coalesce(k.people, 0) + 5 * o.share) as kinds
        from (select distinct a.role from alone as a) as r
        cross join of_all as o
        left join (
            select a.role, a.kind, sum(a.confidence) as people from alone as a where a.is_known group by a.role, a.kind
        ) as k on k.role = r.role and k.kind = o.kind
        group by r.role
    ), role_gaps as (
        select a.role, array_agg(g.days order by a.party_id, g.days) as gaps
        from (
            select a.*, row_number() over (partition by a.role order by a.party_id) as place
            from alone as a where a.is_known and a.kind = 'irregular' and a.role is not null
        ) as a
        cross join lateral (values (a.gap_p10), (a.gap_p50), (a.gap_p90)) as g (days)
        where a.place <= 100 and g.days is not null
        group by a.role
    ), colleagues as (
        select c.employer_id, c.role, jsonb_object_agg(c.cycle, c.people) as cycles
        from (
            select a.employer_id, a.role, a.cycle, sum(a.confidence) as people
            from alone as a
            where a.is_known and a.employer_id is not null
            group by a.employer_id, a.role, a.cycle
        ) as c
        group by c.employer_id, c.role
    ), moves as (
        select m.employer_id, jsonb_object_agg(m.roll, m.times) as rolls
        from (
            select a.employer_id, a.roll, sum(a.rolled) as times
            from alone as a
            where a.is_known and a.employer_id is not null and a.roll is not null
            group by a.employer_id, a.roll
        ) as m
        group by m.employer_id
    ), known as (
        -- Nobody is their own colleague.
        select a.party_id, jsonb_strip_nulls(jsonb_build_object(
            'kinds', r.kinds, 'rolls', m.rolls, 'gaps', to_jsonb(g.gaps),
            'cycles', case when a.is_known and c.cycles is not null
                then c.cycles || jsonb_build_object(a.cycle, greatest((c.cycles ->> a.cycle)::double precision - a.confidence, 0))
                else c.cycles end)) as prior
        from alone as a
        left join of_role as r on r.role is not distinct from a.role
        left join role_gaps as g on g.role = a.role
        left join colleagues as c on c.employer_id = a.employer_id and c.role is not distinct from a.role
        left join moves as m on m.employer_id = a.employer_id
    ), pooled as (
        insert into @book@.pay_cycle (
            party_id, employer_id, role, kind, cycle, roll, confidence, payments, expected, hits, missed, spurious, rolled,
            support, gap_p10, gap_p50, gap_p90, next_date, next_earliest, next_latest, next_confidence, as_of)
        select a.party_id, a.employer_id, a.role, c.kind, c.cycle, c.roll, c.confidence, c.payments, c.expected, c.hits,
            c.missed, c.spurious, c.rolled, c.support, c.gap_p10, c.gap_p50, c.gap_p90, c.next_date, c.next_earliest,
            c.next_latest, c.next_confidence, as_of
        from alone as a
        join known as n on n.party_id = a.party_id
        cross join lateral loan_engine.pay_cycle(a.days, a.amounts, as_of, a.holidays, a.weekend, n.prior) as c
        returning party_id
    )
    select count(*) into inferred from pooled;
    return inferred;
end $$;
comment on function @book@.infer_pay_cycles(date) is
'Infers for everybody who is employed, or was seen to be paid, by which rule and when next; returns how many. Who was paid fewer than three times is taken to be paid as colleagues in the same role are.';

create function @book@.payday_next(
    party_id uuid, after date default @book@.business_date(), out next_date date, out earliest date, out latest date,
    out confidence double precision
) language sql stable as $$
    select coalesce(d.pay_date, case when c.cycle is null and c.next_date > after then c.next_date end),
        case when d.pay_date is null then c.next_earliest else d.pay_date - greatest(c.next_date - c.next_earliest, 0) end,
        case when d.pay_date is null then c.next_latest else d.pay_date + greatest(c.next_latest - c.next_date, 0) end,
        c.next_confidence
    from @book@.pay_cycle as c
    left join @book@.employer as e on e.id = c.employer_id
    join @book@.payroll_calendar as k on k.calendar_code is not distinct from e.calendar_code
    left join lateral (
        select p.pay_date from loan_engine.pay_dates(c.cycle, after + 1, after + 400, k.holidays, k.weekend) as p
        where c.cycle is not null
        order by p.pay_date limit 1
    ) as d on true
    where c.party_id = payday_next.party_id
$$;
comment on function @book@.payday_next(uuid, date) is
'When somebody is paid next after a day, with the days between which and the probability of that; nothing for whom no cycle was inferred.';
