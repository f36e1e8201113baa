-- Calendars of business days that payment systems keep, computed by their rules.

create function @book@._easter(year integer) returns date
    language sql immutable strict parallel safe as $$
    -- The anonymous Gregorian computus (Meeus, Astronomical Algorithms, chapter 8).
    select make_date(year, (h + l - 7 * m + 114) / 31, (h + l - 7 * m + 114) % 31 + 1)
    from (select year % 19 as a, year / 100 as b, year % 100 as c) as parts
    cross join lateral (select (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30 as h) as moon
    cross join lateral (select (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7 as l) as sunday
    cross join lateral (select (a + 11 * h + 22 * l) / 451 as m) as correction
$$;
comment on function @book@._easter(integer) is 'Easter Sunday of a year of the Gregorian calendar.';

create function @book@._nth_weekday(year integer, month integer, weekday integer, nth integer) returns date
    language sql immutable strict parallel safe as $$
    select case
        when nth > 0 then first_day + (weekday - extract(isodow from first_day)::integer + 7) % 7 + 7 * (nth - 1)
        else last_day - (extract(isodow from last_day)::integer - weekday + 7) % 7
    end
    from (select make_date(year, month, 1) as first_day) as opening
    cross join lateral (select (first_day + interval '1 month' - interval '1 day')::date as last_day) as closing
$$;
comment on function @book@._nth_weekday(integer, integer, integer, integer) is
'The n-th of a weekday in a month, Monday being 1; the last when n is -1.';

insert into @book@.calendar (code, description, known_through) values
    ('TARGET', 'Days on which TARGET, the payment system of the Eurosystem, is open', '2099-12-31'),
    ('US-FED', 'Days on which the Federal Reserve Banks are open', '2099-12-31');

insert into @book@.holiday (calendar_code, on_date, name)
select 'TARGET', kept.on_date, kept.name
from generate_series(2002, 2099) as year
cross join lateral (values
    (make_date(year, 1, 1), 'New Year''s Day'),
    (@book@._easter(year) - 2, 'Good Friday'),
    (@book@._easter(year) + 1, 'Easter Monday'),
    (make_date(year, 5, 1), 'Labour Day'),
    (make_date(year, 12, 25), 'Christmas Day'),
    (make_date(year, 12, 26), 'Christmas holiday')
) as kept (on_date, name)
union all
-- One that falls on a Sunday is kept on the Monday; on the Friday before a Saturday the banks are open.
select 'US-FED', kept.on_date + (extract(isodow from kept.on_date) = 7)::integer, kept.name
from generate_series(2000, 2099) as year
cross join lateral (values
    (make_date(year, 1, 1), 'New Year''s Day'),
    (@book@._nth_weekday(year, 1, 1, 3), 'Birthday of Martin Luther King, Jr.'),
    (@book@._nth_weekday(year, 2, 1, 3), 'Washington''s Birthday'),
    (@book@._nth_weekday(year, 5, 1, -1), 'Memorial Day'),
    (make_date(year, 6, 19), 'Juneteenth'),
    (make_date(year, 7, 4), 'Independence Day'),
    (@book@._nth_weekday(year, 9, 1, 1), 'Labor Day'),
    (@book@._nth_weekday(year, 10, 1, 2), 'Columbus Day'),
    (make_date(year, 11, 11), 'Veterans Day'),
    (@book@._nth_weekday(year, 11, 4, 4), 'Thanksgiving Day'),
    (make_date(year, 12, 25), 'Christmas Day')
) as kept (on_date, name)
where kept.name <> 'Juneteenth' or year >= 2022;

create function @book@._holidays_between(calendar_code text, from_date date, through date) returns jsonb
    language sql stable parallel safe as $$
    select coalesce(jsonb_agg(h.on_date order by h.on_date), '[]')
    from @book@.calendar as c
    join @book@.holiday as h on h.calendar_code = c.code
    where c.code = _holidays_between.calendar_code and h.on_date between from_date and through
        and extract(isodow from h.on_date)::smallint <> all (c.weekend)
$$;
comment on function @book@._holidays_between(text, date, date) is
'The holidays of a calendar from one day through another that fall on no weekend, as the terms of a loan list them.';

create function @book@._weekend_names(weekend smallint[]) returns jsonb
    language sql immutable strict parallel safe as $$
    select coalesce(jsonb_agg((array['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'])[day] order by day), '[]')
    from unnest(weekend) as day
$$;
comment on function @book@._weekend_names(smallint[]) is 'Days of the week as the terms of a loan name them.';

create function @book@._holidays_of(calendar_code text, terms jsonb) returns jsonb
    language plpgsql stable parallel safe as $$
declare
    first_day date := least(terms ->> 'disbursed_on', terms ->> 'starts_on');
    last_day date;
    known_through date := (select c.known_through from @book@.calendar as c where c.code = calendar_code);
begin
    -- A year more than the last due date, for what may be agreed later: holidays, added instalments.
    select 366 + greatest(
        max(p.due_date) + greatest((terms ->> 'first_due_on')::date - min(p.due_date), 0),
        (terms ->> 'last_due_on')::date,
        (select max(e.on_date::date) from jsonb_array_elements_text(terms #> '{due_dates,explicit}') as e (on_date)))
    into last_day
    from loan_engine.payment_dates(
        (terms ->> 'disbursed_on')::date,
        coalesce(terms ->> 'frequency', 'monthly'),
        (terms ->> 'instalments')::integer) as p;
    if last_day > known_through then
        raise exception using errcode = 'LN207',
            message = format('holidays of calendar "%s" are not known until %s', calendar_code, last_day),
            detail = format('They are entered through %s.', known_through),
            hint = 'Enter those that are missing, then set known_through of the calendar.';
    end if;
    return @book@._holidays_between(calendar_code, first_day, last_day);
end $$;
comment on function @book@._holidays_of(text, jsonb) is
'The holidays that loans of some terms may meet, from disbursement to a year after the last due date; LN207 when they are not all known.';
