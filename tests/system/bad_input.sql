-- Builds the list of calls that tests/system/bad_input.sh makes. It knows no routine by name: it
-- reads them from the catalog, so a new one is tested from its first day.
set client_min_messages = warning;
\set actus `cat tests/fixtures/actus/actus-tests-own.json`
create schema bad_input;
create schema bad_input_control;

-- What each type offers that a careless function would choke on; NULL is added for all.
create table bad_input.hostile (type regtype not null, expression text not null);

insert into bad_input.hostile
select type::regtype, format('%L::%s', value, type)
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
    ('name', array['', ' ', 'no such thing', '''; drop schema loan_engine', '"', '@book@', 'loan_engine', 'pg_catalog']),
    ('bytea', array['', '\x00', '\xff', '\x' || repeat('ff', 1000)]),
    ('daterange', array['empty', '(,)', '[2024-01-01,)', '(,2024-01-01)']),
    ('jsonb', array['null', 'true', '0', '-1', '1e400', '""', '"no such thing"', '[]', '{}',
        '[null]', '[[]]', '[{}]', '{"": null}', '{"no such thing": 1}',
        repeat('[', 500) || repeat(']', 500)]),
    ('json', array['null', '1', '""', '[]', '{}', '{"a": 1, "a": 2}'])
) as listed (type, literals)
cross join lateral unnest(literals) as value;

-- What a member of a document may be that it should not.
create table bad_input.hostile_member (value jsonb not null);

insert into bad_input.hostile_member
select value::jsonb
from unnest(array['null', 'true', '0', '-1', '0.5', '1e30', '-1e30', '1e-30', '1e400', '2147483648',
    '18446744073709551616', '""', '"no such thing"', '"-1"', '"1e30"', '"NaN"', '"Infinity"',
    '"0001-01-01"', '"9999-12-31"', '"99999-01-01"', '"2024-02-30"', '"infinity"', '[]', '[null]',
    '{}', '{"no such thing": 1}']) as value;

-- A book of the call's own, for routines that want one.
create function bad_input.book() returns name language plpgsql as $$
declare
    book constant name := 'b_' || replace(gen_random_uuid()::text, '-', '');
begin
    perform loan_engine.create_book(book);
    return book;
end $$;

select loan_engine.create_book('kept') \g /dev/null

-- A sane value for each argument, so that only one thing is wrong with a call: the most particular
-- line applies. `routine` is a pattern for the name with its argument types. Arguments with a
-- default are left to it, unless a line is for their routine.
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
    ('read\_payments(%', 'body', 'bytea', 'convert_to(''{"type": "paid", "currency": "EUR", "data": [{"id": 1, "amount": 5}]}'', ''UTF8'')'),
    ('%', '%', 'name', 'bad_input.book()'),
    ('create_book%', 'book', 'name', '(''b_'' || replace(gen_random_uuid()::text, ''-'', ''''))::name'),
    -- On a standby no book can be made, and it is asked for the version of one.
    ('_version_of%', 'book', 'name', '''kept''::name'),
    ('_book_parts%', 'book', 'text', '''lending'''),
    ('_hash_%', 'content', 'text', '''said'''),
    ('name_similarity%', '%', 'text', '''Ada Lovelace'''),
    ('%webhook%', 'scheme', 'jsonb', '''{"signature": {"header": "x-signature"}}''::jsonb'),
    ('%webhook%', 'mapping', 'jsonb', '''{"reference": "/id", "amount": "/amount"}''::jsonb'),
    ('read\_payments(%', 'mapping', 'jsonb', '''{"reference": "/id", "amount": "/amount"}''::jsonb'),
    ('\_webhook\_fault(%', 'secret', 'text', '''desk'''),
    ('pay_dates%', 'cycle', 'text', '''monthly 15 preceding'''),
    ('pay_dates%', 'through', 'date', 'date ''2024-07-31'''),
    ('pay_cycle%', 'amounts', 'numeric[]', 'array[100, 100, 90]::numeric[]'),
    ('pay_cycle%', 'paid_on', 'date[]', 'array[''2024-01-31'', ''2024-02-29'', ''2024-03-29'']::date[]'),
    ('convert_weight%', '%', 'text', '''tola'''),
    ('purity%', 'mark', 'text', '''22K'''),
    ('%_value(%', 'haircut', 'numeric', '0.1'),
    ('haircut_value%', 'purity', 'numeric', '0.75'),
    ('depreciated_value%', 'curve_months', 'integer[]', 'array[0, 12, 36]'),
    ('depreciated_value%', 'curve_remaining', 'numeric[]', 'array[1, 0.8, 0.5]::numeric[]'),
    ('expression_%', 'expression', 'text', '''quantity * price + 5'''),
    ('expression_%', 'named_values', 'jsonb', '''{"quantity": "2.5"}''::jsonb'),
    ('margin_%', 'target', 'numeric', '0.75'),
    ('margin_%', 'level', 'numeric', '0.85'),
    ('tiered_ltv%', 'up_to', 'numeric[]', 'array[2500, 5000]::numeric[]'),
    ('tiered_ltv%', 'ltv', 'numeric[]', 'array[0.85, 0.8, 0.75]::numeric[]'),
    ('suggest_haircut%', 'prices', 'double precision[]', '(select array_agg(100 + n % 7) from generate_series(1, 200) as n)::float8[]'),
    ('suggest_haircut%', 'confidence', 'double precision', '0.95'),
    ('_margin_look%', 'enters', 'numeric[]', 'array[0.7, 0.8, 0.9]::numeric[]'),
    ('_margin_look%', 'hysteresis', 'numeric', '0.02'),
    ('_margin_look%', 'weights', 'numeric[]', 'array[10, 5]::numeric[]'),
    ('_margin_look%', 'prices', 'numeric[]', 'array[100, 50]::numeric[]'),
    ('_margin_look%', 'rates', 'numeric[]', 'array[null, 1.1]::numeric[]'),
    ('create_book%', 'base_currency', 'text', '''EUR'''),
    ('create_book%', 'time_zone', 'text', '''UTC'''),
    ('%', '%rate%', 'numeric', '0.065'),
    ('%', 'instalment', 'numeric', '10'),
    ('%', 'period', 'integer', '3'),
    ('%', 'periods', 'integer', '12'),
    ('%', 'currency', 'text', '''EUR'''),
    ('%', 'rounding', 'text', '''half_even'''),
    ('%', 'day_count', 'text', '''ACT/365F'''),
    ('%', 'convention', 'text', '''following'''),
    ('%', 'frequency', 'text', '''monthly'''),
    ('%', 'from_compounding', 'text', '''annual'''),
    ('%', 'to_compounding', 'text', '''continuous'''),
    ('%', '%end%', 'date', 'date ''2024-07-31'''),
    ('%', 'amounts', 'numeric[]', 'array[-1000, 500, 600]::numeric[]'),
    ('apr_%', 'amounts', 'numeric[]', 'array[1000, -500, -600]::numeric[]'),
    ('%', 'dates', 'date[]', 'array[''2024-01-31'', ''2024-07-31'', ''2025-01-31'']::date[]'),
    ('%', 'rates_from', 'date[]', 'array[''2024-01-01'', ''2024-04-01'']::date[]'),
    ('xirr(numeric, date)', 'amount', 'numeric', '(array[-1000, 500, 600]::numeric[])[row]'),
    ('xirr(numeric, date)', 'on_date', 'date', 'date ''2024-01-31'' + row'),
    ('\_fetch(%', 'url', 'text', '''https://prices.example/'''),
    ('\_call(%', 'statement', 'text', '''select 1'''),
    ('\_limit\_time(%', 'seconds', 'double precision', '1000000'),
    ('cron\_slots(%', 'cron', 'text', '''*/5 * * * *'''),
    ('cron\_slots(%', 'time_zone', 'text', '''Europe/Berlin'''),
    ('check\_fetch(%', 'url', 'text', '''https://prices.example/'''),
    ('read\_prices(%', 'list', 'bytea', 'convert_to(''{"prices": [{"symbol": "XAU", "price": "1.5", '
        '"at": "2024-01-31"}, {"symbol": "XAG"}]}'', ''UTF8'')'),
    ('payment_dates%', 'periods', 'integer', '12'),
    ('log_return(%', '%', 'double precision', '1900.5'),
    ('simple_return(%', '%', 'double precision', '1900.5'),
    ('price_%', 'on_date', 'date', 'date ''2024-01-31'' + row'),
    ('maximum_drawdown_%', 'on_date', 'date', 'date ''2024-01-31'' + row'),
    ('%', 'span', 'double precision', '12'),
    ('%', 'distribution', 'text', '''normal'''),
    ('garch_fit(%', 'returns', 'double precision[]', '(select array_agg(sin(i * i) / 100) '
        'from generate_series(1, 60) as i)'),
    ('%', 'state', 'jsonb', 'loan_engine.fold(''{"principal": 100, "annual_rate": "0.07", '
        '"instalments": 3, "disbursed_on": "2024-01-01"}'', ''[{"type": "disburse", '
        '"on": "2024-01-01", "amount": 100}]'')'),
    ('fold_difference(%', 'earlier', 'jsonb', 'loan_engine.fold(''{"principal": 100, '
        '"annual_rate": "0.07", "instalments": 3, "disbursed_on": "2024-01-01"}'', ''[]'')'),
    ('fold_difference(%', 'later', 'jsonb', 'loan_engine.fold(''{"principal": 100, '
        '"annual_rate": "0.07", "instalments": 3, "disbursed_on": "2024-01-01"}'', ''[]'')'),
    ('explain(%', 'path', 'text', '''outstanding.principal'''),
    ('accrued_interest(%', 'on_date', 'date', 'date ''2024-03-31'''),
    ('loan_outlook(%', 'on_date', 'date', 'date ''2024-03-31'''),
    ('delinquency(%', 'on_date', 'date', 'date ''2024-03-31'''),
    ('delinquent_instalments(%', 'on_date', 'date', 'date ''2024-03-31'''),
    ('payoff_quote(%', 'on_date', 'date', 'date ''2024-03-31'''),
    ('loan_state(%', 'operation', 'jsonb', '''{"type": "disburse", "on": "2024-01-01", "amount": 1}''::jsonb'),
    ('loan_state(%', 'terms', 'jsonb', '''{"principal": 100, "annual_rate": "0.07", '
        '"instalments": 3, "disbursed_on": "2024-01-01", "lend_beyond": 1}''::jsonb'),
    ('_loan_%', 'terms', 'jsonb', '''{"principal": 100, "annual_rate": "0.07", '
        '"instalments": 3, "disbursed_on": "2024-01-01", "lend_beyond": 1}''::jsonb'),
    ('_loan_%', 'history', 'jsonb', '''[{"type": "disburse", "on": "2024-01-01", '
        '"amount": 100}]''::jsonb'),
    ('_loan_%', 'operations', 'jsonb', '''[{"type": "disburse", "on": "2024-01-01", '
        '"amount": 1}, {"type": "repay", "on": "2024-01-10", "amount": 1}]''::jsonb'),
    ('_loan_%', 'state', 'bytea', 'loan_engine._loan_open(''{"principal": 100, "annual_rate": '
        '"0.07", "instalments": 3, "disbursed_on": "2024-01-01", "lend_beyond": 1}'')')
) as listed (routine, argument, type, expression);

-- Documents for arguments that take one. Each is accepted as it stands, then with each of its
-- members left out and replaced by every bad value.
create table bad_input.document (routine text, argument text, content jsonb);

insert into bad_input.document
select routine, 'terms', loan.base || options
from (values
    ('amortisation_schedule(jsonb)'),
    ('check_terms(jsonb)')
) as listed (routine)
cross join (values
    ('{"principal": 10000, "annual_rate": "0.065", "instalments": 12, "disbursed_on": "2024-01-31"}'
        ::jsonb)
) as loan (base)
cross join jsonb_array_elements($$[
    {},
    {"first_due_on": "2024-03-15", "frequency": "monthly", "method": "annuity", "balloon": 100,
        "fees": [{"name": "service", "value": "0.01", "basis": "amount_and_interest"},
            {"value": 15, "charged": "on_date", "on": "2024-05-01"}],
        "rounding": {"family": "cumulative", "mode": "half_up", "minor_units": 2, "precision": 12,
            "multiple": 1, "multiple_mode": "ceiling", "levelling": "remainder",
            "residue": "first"}},
    {"method": "equal_principal", "frequency": "every 2 weeks",
        "grace": {"principal": 2, "interest_payment": 1, "capitalise": true},
        "down_payment": {"fraction": 0.25},
        "disbursements": [{"on": "2024-04-01", "amount": 10}],
        "custom": [{"number": 3, "skip": true}, {"number": 4, "principal": 50}]},
    {"step": {"every": 6, "fraction": "-0.1"}, "negative_amortisation": "capitalise",
        "index": {"spread": "0.02", "multiplier": 1, "cap": 0.2, "floor": 0, "periodic_cap": 0.01,
            "periodic_floor": 0.01, "fixings": [{"from": "2024-06-01", "value": "0.04"}]},
        "interest": {"days_in_month": "actual", "days_in_year": 365,
            "leap_day": "feb_29_period_only", "year_end": "january_1", "period": "daily",
            "partial_periods": false}},
    {"rate_changes": [{"from": "2024-06-01", "annual_rate": 0.07}], "recast": true,
        "interest": {"day_count": "ACT/ACT ISDA"},
        "due_dates": {"roll": "first_day_of_next_month", "weekend": ["Fri", "Sat"],
            "business_day": "modified_following unadjusted", "holidays": ["2024-12-25"]}},
    {"instalment": 900, "rounding": {"family": "none"}}
]$$) as options;

-- A loan's life: terms and operations of every kind, and the state they come to.
insert into bad_input.document
select routine, argument, content
from (values
    ('terms', '{"principal": 1000, "annual_rate": "0.07", "instalments": 4,
        "disbursed_on": "2024-01-01", "version": 1, "currency": "EUR",
        "allocation": {"default": {"future": "next_last"}, "walk": "horizontal",
            "chargeback": ["penalty", "fee", "interest", "principal"],
            "by_transaction": [{"transaction": "goodwill_credit", "future": "last"}]},
        "recalculation": {"interest": "daily", "prepayment": "last_instalment",
            "payoff": "to_payoff_date", "spare_overdue_principal": false},
        "lend_beyond": 100, "arrears": {"grace_days": 3, "tolerance": 1},
        "penalties": [{"name": "late", "value": "0.1", "basis": "amount", "grace_days": 5}],
        "overpayment": "hold", "charge_off": "regular", "delinquency_by_instalment": true,
        "delinquency": [{"name": "a", "from_days": 1, "to_days": 30}, {"name": "b", "from_days": 31}],
        "accrual": {"periodic": true}, "interest_refund": ["merchant_refund"]}'::jsonb),
    ('operations', '[{"type": "disburse", "on": "2024-01-01", "amount": 1000, "currency": "EUR"},
        {"type": "repay", "on": "2024-02-01", "amount": 100, "id": "paid", "kind": "repayment"},
        {"type": "charge", "on": "2024-02-10", "name": "fee", "value": 5, "timing": "on_date",
            "due_on": "2024-02-20", "basis": "flat", "id": "fee"},
        {"type": "chargeback", "on": "2024-02-15", "of": "paid", "amount": 10},
        {"type": "pause_interest", "on": "2024-02-16", "to": "2024-02-18"},
        {"type": "change_rate", "on": "2024-02-20", "annual_rate": "0.08"},
        {"type": "end_of_day", "on": "2024-02-25", "recorded_on": "2024-02-26"}]'),
    ('operation', '{"type": "repay", "on": "2024-03-10", "amount": 50, "recorded_on": "2024-03-11"}')
) as given (argument, content)
cross join (values
    ('fold(%'), ('fold_schedule(%, %'), ('loan_at(%'), ('apply(%'), ('check_terms(%')
) as listed (routine)
where (routine = 'apply(%') = (argument = 'operation')
    and (routine <> 'check_terms(%' or argument = 'terms');

-- A state has many places, so that only one routine is given all that can be wrong with it.
insert into bad_input.document
select 'apply(%', 'state', loan_engine.fold(terms.content, operations.content)
from bad_input.document as terms
join bad_input.document as operations
    on operations.routine = 'fold(%' and operations.argument = 'operations'
where terms.routine = 'fold(%' and terms.argument = 'terms';

-- A price list's format, with everything that one may say.
insert into bad_input.document
values ('read\_prices(%', 'format', '{"type": "json", "rows": "/prices", "each": "element",
    "symbol": "/symbol", "at": "/at", "bid": "/bid", "ask": "/ask", "mid": "/price",
    "currency": {"value": "USD"}, "time": "iso", "offset": "+01:00", "time_of_day": "16:00:00",
    "decimal": ",", "group": "."}');

-- How a provider signs and what its events say, and what is known of pay cycles beforehand.
insert into bad_input.document values
    ('check\_webhook\_format(%', 'scheme', '{"algorithm": "sha512", "encoding": "base64", "secret_encoding": "base64",
        "secret_prefix": "whsec_", "signature": {"header": "webhook-signature", "split": " ", "before": "v1,"},
        "timestamp": {"header": "webhook-timestamp"}, "signed": "{header:webhook-id}.{timestamp}.{body}",
        "tolerance_seconds": 60}'),
    ('read\_payments(%', 'mapping', '{"event_id": "/id", "type": "/type", "only": ["paid"], "payments": "/data",
        "reference": "/id", "amount": "/amount", "amount_in": "minor_units", "currency": {"root": "/currency"},
        "loan_no": "/loan", "party_no": "/who", "kind": {"value": "repayment"}, "occurred_at": {"root": "/at"},
        "time": "iso", "offset": "+01:00", "decimal": ",", "group": "."}'),
    ('pay\_cycle(%', 'prior', '{"kinds": {"monthly": 0.7, "weekly": 0.3}, "cycles": {"monthly 15 preceding": 4,
        "irregular": 1}, "rolls": {"preceding": 2}, "gaps": [10, 20.5]}');

-- The project's own ACTUS contracts, with all that any of them observes, but for those whose events
-- are observed too.
insert into bad_input.document
select 'actus_events%', 'terms', contract.value -> 'terms'
from jsonb_each(:'actus'::jsonb) as contract
where contract.value -> 'eventsObserved' = '[]'
union all
select 'actus_events%', 'observed', jsonb_build_object('dataObserved', jsonb_object_agg(series.key, series.value))
from jsonb_each(:'actus'::jsonb) as contract
cross join lateral jsonb_each(contract.value -> 'dataObserved') as series (key, value);

-- Every place in a document.
create function bad_input.places(document jsonb)
returns setof text[] language sql immutable as $$
    with recursive node (path, value) as (
        select '{}'::text[], document
        union all
        select path || child.key, child.value
        from node
        cross join lateral (
            select key, value from jsonb_each(
                case when jsonb_typeof(node.value) = 'object' then node.value else '{}' end)
            union all
            select (number - 1)::text, element
            from jsonb_array_elements(
                case when jsonb_typeof(node.value) = 'array' then node.value else '[]' end)
                with ordinality as listed (element, number)
        ) as child
    )
    select path from node where path <> '{}'
$$;

create table bad_input.spoilt_document as
select d.routine, d.argument, spoilt.content
from bad_input.document as d
cross join lateral bad_input.places(d.content) as place
cross join lateral (
    select d.content #- place
    union all
    select jsonb_set(d.content, place, value) from bad_input.hostile_member
) as spoilt (content);

create function bad_input.sane_value(signature text, argument_name text, argument_type regtype)
returns text language sql stable as $$
    select coalesce(
        (
            select format('%L::jsonb', content)
            from bad_input.document as d
            where argument_type = 'jsonb'::regtype
                and signature like d.routine
                and argument_name = d.argument
            limit 1
        ),
        (
            select expression
            from bad_input.sane as s
            where signature like s.routine
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
            cross join lateral bad_input.sane_value(signature, argument_name, t.typelem)
                as element (value)
            where t.oid = argument_type and t.typcategory = 'A' and element.value is not null
        ))
$$;

-- Arrays: none, one NULL, a NULL among others, two dimensions, very many, and each bad element.
create function bad_input.hostile_values(signature text, argument_name text, argument_type regtype)
returns setof text language sql stable as $$
    select format('null::%s', argument_type)
    union all
    select expression from bad_input.hostile where type = argument_type
    union all
    select format(shape, element.value, argument_type)
    from pg_type as t
    cross join lateral bad_input.sane_value(signature, argument_name, t.typelem)
        as element (value)
    cross join unnest(array[
        '''{}''::%2$s',
        'array[null]::%2$s',
        'array[%1$s]::%2$s',
        'array[%1$s, null, %1$s]::%2$s',
        'array[array[%1$s, %1$s], array[%1$s, %1$s]]::%2$s',
        'array_fill(%1$s, array[100001])::%2$s'
    ]) as shape
    where t.oid = argument_type and t.typcategory = 'A' and element.value is not null
    union all
    select format('array[%s, %s, %s]::%s', sane.value, h.expression, sane.value, argument_type)
    from pg_type as t
    join bad_input.hostile as h on h.type = t.typelem
    cross join lateral bad_input.sane_value(signature, argument_name, t.typelem) as sane (value)
    where t.oid = argument_type and t.typcategory = 'A' and sane.value is not null
    union all
    select format('%L::jsonb', d.content)
    from bad_input.spoilt_document as d
    where argument_type = 'jsonb'::regtype
        and signature like d.routine
        and argument_name = d.argument
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
    format('%s(%s)', p.proname, oidvectortypes(p.proargtypes)) as signature,
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
        and not exists (
            select from bad_input.document as d
            where r.signature like d.routine
                and (p.proargnames::text[])[ordinality] = d.argument
            union all
            select from bad_input.sane as s
            where s.routine <> '%'
                and r.signature like s.routine
                and (p.proargnames::text[])[ordinality] = s.argument
        ) as has_default,
    coalesce(usual.value, format('null::%s', t.oid::regtype)) as sane,
    usual.value is null and ordinality <= p.pronargs - p.pronargdefaults as unknown
from bad_input.routine as r
join pg_proc as p on p.oid = r.routine_oid
cross join lateral unnest(p.proargtypes::oid[]) with ordinality as argument (type, ordinality)
join pg_type as t on t.oid = argument.type
cross join lateral bad_input.sane_value(
    r.signature,
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

create table bad_input.hostile_value as
select a.routine_oid, a.position, h.value, h.rank, count(*) over (partition by a.routine_oid, a.position)
    as of
from bad_input.routine as r
join bad_input.argument as a on a.routine_oid = r.routine_oid
cross join lateral bad_input.hostile_values(r.signature, a.name, a.type) with ordinality
    as h (value, rank);
create index on bad_input.hostile_value (routine_oid, rank);
create index on bad_input.argument (routine_oid);
analyze bad_input.hostile_value, bad_input.argument, bad_input.routine, bad_input.document;

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
        0,
        'nothing',
        (array_fill(null::text, array[cardinality(s.sane)]))[:a.position - 1]
            || format('%L::jsonb', d.content)
            || (array_fill(null::text, array[cardinality(s.sane)]))[a.position + 1:]
    from bad_input.argument as a
    join bad_input.document as d on r.signature like d.routine and a.name = d.argument
    where a.routine_oid = r.routine_oid
    union all
    select
        1,
        coalesce(nullif(a.name, ''), 'argument ' || a.position),
        (array_fill(null::text, array[cardinality(s.sane)]))[:a.position - 1] || h.value
            || (array_fill(null::text, array[cardinality(s.sane)]))[a.position + 1:]
    from bad_input.argument as a
    join bad_input.hostile_value as h using (routine_oid, position)
    where a.routine_oid = r.routine_oid
    union all
    -- Shorter lists start again, so that every turn has a value for every argument.
    select 2, 'everything', array_agg(h.value order by h.position)
    from generate_series(1, 20) as turn
    join bad_input.hostile_value as h
        on h.routine_oid = r.routine_oid and h.rank = 1 + (turn - 1) % h.of
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
        when o.code is not null and coalesce(o.hint, '') = '' then 'no hint'
        when o.code like '42%' and not r.is_trigger then 'no such call'
        -- A procedure that commits has taken its arguments when it finds that it may not commit here.
        when c.wrong = 'nothing' and not r.is_trigger
                and (o.code is not null and (r.kind, o.code) <> ('p', '2D000') or exists (
                    select from bad_input.argument as a
                    where a.routine_oid = c.routine_oid and a.unknown))
            then 'no sane call known'
    end as reason
) as judged
where reason is not null and r.schema = 'loan_engine';
