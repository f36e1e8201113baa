-- Builds the list of calls that tests/system/bad_input.sh makes. It knows no routine by name: it
-- reads them from the catalog, so a new one is tested from its first day.
set client_min_messages = warning;
create schema bad_input;
create schema bad_input_control;

-- What each type offers that a careless function would choke on; NULL is added for all.
create table bad_input.hostile (
    type regtype not null,
    literal text not null,
    expression text not null
);

insert into bad_input.hostile
select type::regtype, value, format('%L::%s', value, type)
from (values
    ('smallint', array['0', '-1', '-32768', '32767']),
    ('integer', array['0', '-1', '-2147483648', '2147483647']),
    ('bigint', array['0', '-1', '-9223372036854775808', '9223372036854775807']),
    ('numeric', array['0', '-1', '1e30', '-1e30', '1e-30', 'NaN', 'Infinity', '-Infinity',
        '9e131071', '1e-16383', '79228162514264337593543950335', '79228162514264337593543950336',
        '0.0000000000000000000000000001']),
    ('double precision', array['0', '-0', '-1', '1e30', '1e-30', '1e308', '-1e308', '5e-324',
        'NaN', 'Infinity', '-Infinity']),
    ('real', array['0', '-1', '1e38', '1e-38', 'NaN', 'Infinity', '-Infinity']),
    ('boolean', array['false', 'true']),
    ('text', array['', ' ', 'no such thing', '''; drop schema loan_engine', U&'\202E\FFFD',
        repeat('x', 100000)]),
    ('date', array['-infinity', 'infinity', '4714-11-24 BC', '0001-01-01', '1582-10-10',
        '9999-12-31', '5874897-12-31']),
    ('timestamp', array['-infinity', 'infinity', '4714-11-24 BC', '294276-12-31']),
    ('timestamptz', array['-infinity', 'infinity', '4714-11-24 BC', '294276-12-31']),
    ('interval', array['0', '-1 day', '178000000 years', '-178000000 years']),
    ('uuid', array['00000000-0000-0000-0000-000000000000']),
    ('bytea', array['', '\x00', '\xff', '\x' || repeat('ff', 1000)]),
    ('daterange', array['empty', '(,)', '[2024-01-01,)', '(,2024-01-01)']),
    ('jsonb', array['null', 'true', '0', '-1', '1e400', '""', '"no such thing"', '[]', '{}',
        '[null]', '[[]]', '[{}]', '{"": null}', '{"no such thing": 1}', '1e30', '-1e30', '1e-30',
        '2147483648', '18446744073709551616', '"NaN"', '"1e30"', '"infinity"', '"0001-01-01"',
        '"9999-12-31"', '"10000-01-01"', '"2024-02-30"',
        repeat('[', 500) || repeat(']', 500)]),
    ('json', array['null', '1', '""', '[]', '{}', '{"a": 1, "a": 2}'])
) as listed (type, literals)
cross join lateral unnest(literals) as value;

-- A sane value for each argument, so that only one thing is wrong with a call: the most particular
-- line applies. Arguments with a default are left to it,
-- but for those that are needed.
create table bad_input.sane (routine text, argument text, type regtype, expression text);

insert into bad_input.sane
select routine, argument, type::regtype, expression
from (values
    ('%', '%', 'smallint', '2'),
    ('%', '%', 'integer', '12'),
    ('%', '%', 'bigint', '12'),
    ('%', '%', 'numeric', '100'),
    ('%', '%', 'double precision', '0.05'),
    ('%', '%', 'real', '0.05'),
    ('%', '%', 'boolean', 'true'),
    ('%', '%', 'date', 'date ''2024-01-31'''),
    ('%', '%', 'timestamp', 'timestamp ''2024-01-31'''),
    ('%', '%', 'timestamptz', 'timestamptz ''2024-01-31'''),
    ('%', '%', 'interval', 'interval ''1 month'''),
    ('%', '%', 'daterange', 'daterange ''[2024-01-01,2024-07-01)'''),
    ('%', '%', 'uuid', 'gen_random_uuid()'),
    ('%', '%', 'jsonb', '''{}''::jsonb'),
    ('%', '%', 'json', '''{}''::json'),
    ('%', '%', 'bytea', '''''::bytea'),
    ('%', '%rate%', 'numeric', '0.065'),
    ('%', '%currency%', 'text', '''EUR'''),
    ('%', '%day_count%', 'text', '''ACT/365F'''),
    ('%', 'convention', 'text', '''following'''),
    ('%', '%frequency%', 'text', '''monthly'''),
    ('%', '%end%', 'date', 'date ''2024-07-31'''),
    ('%', '%compounding%', 'text', '''monthly'''),
    ('%', 'rates_from', 'date[]', 'array[date ''2024-01-01'', date ''2024-03-01'']'),
    ('%', 'amounts', 'numeric[]', 'array[-100.0, 110.0]'),
    ('%', 'dates', 'date[]', 'array[date ''2024-01-31'', date ''2025-01-31'']'),
    ('apr%', 'amounts', 'numeric[]', 'array[100.0, -110.0]'),
    ('payment_dates', 'periods', 'integer', '3'),
    ('solve_rate', 'instalment', 'numeric', '9'),
    ('amortisation_schedule', 'terms', 'jsonb', '''{"principal": 100, "annual_rate": 0.065,
        "instalments": 12, "disbursed_on": "2024-01-31"}''::jsonb'),
    ('actus_events', 'terms', 'jsonb', '''{"contractType": "PAM", "contractID": "1",
        "contractRole": "RPA", "currency": "EUR", "statusDate": "2023-12-31T00:00:00",
        "initialExchangeDate": "2024-01-01T00:00:00", "maturityDate": "2025-01-01T00:00:00",
        "notionalPrincipal": "1000", "nominalInterestRate": "0.12", "dayCountConvention": "30E360",
        "cycleAnchorDateOfInterestPayment": "2024-04-01T00:00:00",
        "cycleOfInterestPayment": "P3ML0"}''::jsonb')
) as listed (routine, argument, type, expression);

-- Arguments with a default of NULL that only together may be left out.
create table bad_input.needed as
select 'payment_dates' as routine, 'periods' as argument;

create function bad_input.sane_value(routine_name text, argument_name text, argument_type regtype)
returns text language sql stable as $$
    select coalesce(
        (
            select expression
            from bad_input.sane as s
            where routine_name like s.routine
                and coalesce(argument_name, '') like s.argument
                and s.type = argument_type
            order by length(replace(s.routine, '%', '')) desc,
                length(replace(s.argument, '%', '')) desc
            limit 1
        ),
        -- Several elements, of which two are the sane value.
        (
            select format('array[%s, %s]::%s', element.value, element.value, argument_type)
            from pg_type as t
            cross join lateral bad_input.sane_value(routine_name, argument_name, t.typelem)
                as element (value)
            where t.oid = argument_type and t.typcategory = 'A' and element.value is not null
        ))
$$;

-- Documents in which every member in turn is bad. Members that exclude each other stand apart; what
-- stands beside arguments has none of theirs, what stands alone is complete. Documents for a
-- routine take the place of those for all.
create table bad_input.document (routine text, argument text, document jsonb);

insert into bad_input.document
select routine, 'terms', required || more::jsonb
from (values ('%', '{}'::jsonb), ('check_terms', '{"principal": 100, "annual_rate": 0.065,
        "instalments": 12, "disbursed_on": "2024-01-31"}'),
    ('amortisation_schedule', '{}'), ('amortisation_schedule', '{"principal": 100,
        "annual_rate": 0.065, "instalments": 12, "disbursed_on": "2024-01-31"}')) as beside (routine, required)
cross join unnest(array[
    '{"frequency": "monthly", "first_due_on": "2024-03-15", "starts_on": "2024-01-15",
        "method": "annuity", "instalment": 12, "negative_amortisation": "defer", "recast": false,
        "rounding": {"family": "progressive", "mode": "half_up", "minor_units": 2, "precision": 19,
            "multiple": 0.05, "multiple_mode": "up", "levelling": "smooth", "residue": "last"},
        "due_dates": {"roll": "last_day", "business_day": "following", "weekend": ["Sat", "Sun"],
            "holidays": ["2024-04-01"]}}',
    '{"last_due_on": "2025-02-15", "balloon": 10, "step": {"every": 6, "fraction": 0.1},
        "interest": {"days_in_month": "actual", "days_in_year": "365", "leap_day": "full_year",
            "year_end": "january_1", "period": "daily", "partial_periods": true},
        "fees": [{"name": "service", "value": 0.01, "basis": "amount", "charged": "per_instalment"},
            {"value": 15, "charged": "on_date", "on": "2024-05-01"}]}',
    '{"grace": {"principal": 2, "interest_payment": 1, "interest_free": 1, "moratorium": 1,
            "recurring_principal": 1, "interest_from": "2024-02-10", "capitalise": true},
        "down_payment": {"fraction": 0.25}, "disbursements": [{"on": "2024-04-01", "amount": 10}],
        "index": {"spread": 0.02, "multiplier": 1, "cap": 0.2, "floor": 0, "periodic_cap": 0.01,
            "periodic_floor": 0.01, "fixings": [{"from": "2024-06-01", "value": 0.04}]}}',
    '{"custom": [{"number": 3, "skip": true}, {"number": 4, "instalment": 5},
            {"number": 5, "principal": 5}],
        "rate_changes": [{"from": "2024-06-01", "annual_rate": 0.07}],
        "down_payment": {"amount": 10}, "step": {"every": 3, "amount": 1},
        "interest": {"day_count": "ACT/360", "capitalise": false}}']) as more;

insert into bad_input.document
select 'actus_events', 'terms', '{"contractType": "PAM", "contractID": "1",
    "contractRole": "RPA", "currency": "EUR", "statusDate": "2023-12-31T00:00:00",
    "initialExchangeDate": "2024-01-01T00:00:00", "maturityDate": "2025-01-01T00:00:00",
    "notionalPrincipal": "1000", "nominalInterestRate": "0.12", "dayCountConvention": "30E360",
    "cycleAnchorDateOfInterestPayment": "2024-04-01T00:00:00",
    "cycleOfInterestPayment": "P3ML0", "premiumDiscountAtIED": "0", "calendar": "MF",
    "businessDayConvention": "SCF", "endOfMonthConvention": "EOM", "feeRate": "0.01",
    "feeBasis": "N", "cycleAnchorDateOfFee": "2024-07-01T00:00:00", "cycleOfFee": "P6ML0",
    "cycleAnchorDateOfRateReset": "2024-07-01T00:00:00", "cycleOfRateReset": "P6ML0",
    "marketObjectCodeOfRateReset": "INDEX", "rateSpread": "0.01", "rateMultiplier": "1",
    "cycleAnchorDateOfPrincipalRedemption": "2024-04-01T00:00:00",
    "cycleOfPrincipalRedemption": "P1ML0", "nextPrincipalRedemptionPayment": "100"}'::jsonb
        || format('{"contractType": "%s"}', type)::jsonb
from unnest(array['PAM', 'LAM', 'NAM', 'ANN', 'CLM']) as type;

insert into bad_input.document
values ('actus_events', 'observed', '{"dataObserved": {"INDEX": {"identifier": "INDEX",
    "data": [{"timestamp": "2024-07-01T00:00:00", "value": "0.05"}]}}, "eventsObserved": []}');

-- Every place of a document that has a value: members, elements, and what is inside them.
create function bad_input.places(document jsonb)
returns setof text[] language sql immutable as $$
    with recursive place as (
        select '{}'::text[] as path, document as value
        union all
        select place.path || inner_place.name, inner_place.value
        from place
        cross join lateral (
            select key as name, value
            from jsonb_each(case jsonb_typeof(place.value) when 'object' then place.value else '{}' end)
            union all
            select (ordinality - 1)::text, value
            from jsonb_array_elements(
                case jsonb_typeof(place.value) when 'array' then place.value else '[]' end)
                with ordinality
        ) as inner_place
    )
    select path from place where path <> '{}'
$$;

-- Arrays: none, one NULL, a NULL among others, two dimensions, very many, and each bad element.
create function bad_input.hostile_values(routine_name text, argument_name text, argument_type regtype)
returns setof text language sql stable as $$
    select format('null::%s', argument_type)
    union all
    select expression from bad_input.hostile where type = argument_type
    union all
    select format(shape, usual.value, argument_type)
    from pg_type as t
    cross join lateral bad_input.sane_value(routine_name, argument_name, argument_type)
        as usual (value)
    cross join unnest(array[
        '''{}''::%2$s',
        'array[null]::%2$s',
        '(%1$s)[1:1]',
        '(%1$s)[1:1] || array[null]::%2$s || (%1$s)[3:]',
        '(%1$s)[1:1] || array[null]::%2$s || (%1$s)[2:]',
        'array[%1$s]',
        '(%1$s)[2:2] || (%1$s)[1:1] || (%1$s)[3:]',
        'array_fill((%1$s)[1], array[100001])'
    ]) as shape
    where t.oid = argument_type and t.typcategory = 'A' and usual.value is not null
    union all
    -- As many elements as before, so that lists which belong together keep one length.
    select format('(%1$s)[1:1] || array[%2$s]::%3$s || (%1$s)[3:]', usual.value, h.expression,
        argument_type)
    from pg_type as t
    join bad_input.hostile as h on h.type = t.typelem
    cross join lateral bad_input.sane_value(routine_name, argument_name, argument_type)
        as usual (value)
    where t.oid = argument_type and t.typcategory = 'A' and usual.value is not null
    union all
    select format('%L::jsonb', jsonb_set(d.document, path, h.literal::jsonb))
    from bad_input.document as d
    cross join lateral bad_input.places(d.document) as path
    join bad_input.hostile as h on h.type = 'jsonb'::regtype
    where argument_type = 'jsonb'::regtype and argument_name = d.argument
        and d.routine = coalesce(
            (select o.routine from bad_input.document as o
                where o.routine = routine_name and o.argument = argument_name limit 1),
            '%')
$$;

-- The control: what this test must find, or it would find nothing.
create function bad_input_control.internal(number integer)
returns integer language plpgsql immutable as $$
begin
    if number < -1 then
        raise exception 'cache lookup failed' using errcode = 'internal_error';
    end if;
    return number;
end
$$;

-- What SQL can call. Support functions of aggregates take internal states, which it cannot give.
create table bad_input.routine as
select
    p.oid as routine_oid,
    p.pronamespace::regnamespace::text as schema,
    p.proname::text as name,
    p.prokind as kind,
    p.prorettype = 'trigger'::regtype as is_trigger,
    a.aggkind as aggregate_kind,
    a.aggnumdirectargs as direct_arguments
from pg_proc as p
left join pg_aggregate as a on a.aggfnoid = p.oid
where p.pronamespace in ('loan_engine'::regnamespace, 'bad_input_control'::regnamespace)
    and not ('internal'::regtype = any (p.proargtypes))
    and p.prorettype <> 'internal'::regtype;

create table bad_input.argument as
select
    r.routine_oid,
    ordinality::integer as position,
    coalesce(
        (p.proargnames::text[])[ordinality],
        '') as name,
    case
        when t.typtype = 'p' then 'numeric'::regtype
        else t.oid::regtype
    end as type,
    ordinality > p.pronargs - p.pronargdefaults
        and (r.name, (p.proargnames::text[])[ordinality]) not in (select * from bad_input.needed)
        as has_default,
    coalesce(usual.value, format('null::%s', t.oid::regtype)) as sane,
    usual.value is null and ordinality <= p.pronargs - p.pronargdefaults as unknown
from bad_input.routine as r
join pg_proc as p on p.oid = r.routine_oid
cross join lateral unnest(p.proargtypes::oid[]) with ordinality as argument (type, ordinality)
join pg_type as t on t.oid = argument.type
cross join lateral bad_input.sane_value(
    r.name,
    (p.proargnames::text[])[ordinality],
    case when t.typtype = 'p' then 'numeric'::regtype else t.oid::regtype end) as usual (value);

-- statement ROUTINE VALUES: the call with these values, NULL standing for the default.
create function bad_input.statement(routine bad_input.routine, given text[], usual text[])
returns text language plpgsql stable as $$
declare
    function_name constant text = format('%I.%I', routine.schema, routine.name);
    named constant boolean = not exists (
        select from bad_input.argument as a
        where a.routine_oid = routine.routine_oid and a.name = '');
    arguments text[];
    direct constant integer = coalesce(routine.direct_arguments, 0);
begin
    if routine.kind = 'a' then
        -- Three rows, the bad value in the middle one; direct arguments are the same for all.
        select coalesce(array_agg(
            case
                when position <= direct then coalesce(given[position], usual[position])
                else format('case when row = 2 then %s else %s end',
                    coalesce(given[position], usual[position]), usual[position])
            end order by position), '{}')
        into arguments
        from generate_subscripts(usual, 1) as position;
        return format(
            'select count(answer::text) from (select %s as answer from generate_series(1, 3) as row) as called',
            case when routine.aggregate_kind = 'n'
                then format('%s(%s)', function_name, array_to_string(arguments, ', '))
                else format('%s(%s) within group (order by %s)', function_name,
                    array_to_string(arguments[1:direct], ', '),
                    array_to_string(arguments[direct + 1:], ', '))
            end);
    end if;
    select coalesce(array_agg(
        case when named then format('%I => %s', a.name, value) else value end
        order by a.position), '{}')
    into arguments
    from bad_input.argument as a
    cross join lateral (
        select coalesce(
            given[a.position],
            case when named and a.has_default then null else usual[a.position] end) as value
    ) as chosen
    where a.routine_oid = routine.routine_oid and value is not null;
    if routine.kind = 'p' then
        return format('call %s(%s)', function_name, array_to_string(arguments, ', '));
    end if;
    -- The text of the answer is asked for, so that a malformed value is noticed.
    return format('select count(answer::text) from %s(%s) as answer', function_name,
        array_to_string(arguments, ', '));
end
$$;

create table bad_input.call (
    id bigint generated always as identity primary key,
    routine_oid oid not null,
    name text not null,
    wrong text not null,
    statement text not null
);

-- First each routine as it should be called, then with one wrong argument, then with all wrong.
insert into bad_input.call (routine_oid, name, wrong, statement)
select r.routine_oid, r.name, c.wrong, bad_input.statement(r, c.given, s.sane)
from bad_input.routine as r
cross join lateral (
    select coalesce(array_agg(a.sane order by a.position), '{}') as sane
    from bad_input.argument as a
    where a.routine_oid = r.routine_oid
) as s
cross join lateral (
    select 0 as rank, 'nothing' as wrong, array_fill(null::text, array[cardinality(s.sane)]) as given
    union all
    select
        1,
        coalesce(nullif(a.name, ''), 'argument ' || a.position),
        (array_fill(null::text, array[cardinality(s.sane)]))[:a.position - 1] || value
            || (array_fill(null::text, array[cardinality(s.sane)]))[a.position + 1:]
    from bad_input.argument as a
    cross join lateral bad_input.hostile_values(r.name, a.name, a.type) as value
    where a.routine_oid = r.routine_oid
    union all
    select 2, 'everything', array_agg(value order by position)
    from (
        select
            a.position,
            listed.value,
            row_number() over (partition by a.position order by listed.rank) as turn
        from bad_input.argument as a
        cross join lateral (
            -- Shorter lists start again, so that every turn has a value for every argument.
            select v.value, v.rank + round * count(*) over (partition by round) as rank
            from bad_input.hostile_values(r.name, a.name, a.type) with ordinality as v (value, rank)
            cross join generate_series(0, 20) as round
        ) as listed
        where a.routine_oid = r.routine_oid
    ) as turns
    where turn <= 20
    group by turn
) as c
order by r.name, r.routine_oid, c.rank;

-- An ordinary table, so that what was noted survives a crash.
create table bad_input.outcome (
    id bigint primary key,
    backend integer not null,
    duration interval not null,
    code text,
    message text,
    detail text,
    hint text
);

-- Makes one call and notes how it ended. Whatever it did is undone.
create function bad_input.attempt(call_id bigint)
returns void language plpgsql as $$
declare
    started constant timestamptz = clock_timestamp();
    made constant text = (select c.statement from bad_input.call as c where c.id = call_id);
    code text;
    message text;
    detail text;
    hint text;
begin
    begin
        execute made;
        raise exception using errcode = 'ZZ001';
    exception
        when sqlstate 'ZZ001' then
            null;
        when others then
            get stacked diagnostics
                code = returned_sqlstate,
                message = message_text,
                detail = pg_exception_detail,
                hint = pg_exception_hint;
    end;
    insert into bad_input.outcome
    values (call_id, pg_backend_pid(), clock_timestamp() - started, code, message, detail, hint);
end
$$;

-- What is wrong with how a call ended.
create view bad_input.complaint as
select c.*, o.code, o.message, o.detail, o.hint, reason
from bad_input.call as c
join bad_input.routine as r on r.routine_oid = c.routine_oid
left join bad_input.outcome as o on o.id = c.id
cross join lateral (
    select case
        when o.id is null and exists (select from bad_input.outcome as later where later.id > c.id)
            then 'took longer than allowed'
        when o.id is null and exists (
                select from bad_input.outcome as earlier where earlier.id = c.id - 1)
            then 'ended the backend'
        when o.code like 'XX%' then 'internal error'
        when o.code in ('22000', 'P0001', '38000') then 'no particular SQLSTATE'
        when o.code is not null and coalesce(o.message, '') = '' then 'no message'
        -- Whatever a routine does with the rest, what is no number, no day or beyond exact
        -- arithmetic must not pass for one.
        when o.id is not null and o.code is null and c.wrong <> 'everything'
                and c.statement ~ '''-?(NaN|Infinity|1e30|9e131071)''::numeric|''-?infinity''::date'
            then 'accepted'
        when o.code like '42%' and not r.is_trigger then 'no such call'
        when c.wrong = 'nothing' and not r.is_trigger
                and (o.code is not null or exists (
                    select from bad_input.argument as a
                    where a.routine_oid = c.routine_oid and a.unknown))
            then 'no sane call known'
    end as reason
) as judged
where reason is not null and r.schema = 'loan_engine';
