-- The terms of products: what they fix for every loan, and what they leave to be agreed with each.
--
-- A version is checked when it is written, with the least that a loan would add, so that no loan is the
-- first to find that its product cannot be lent. It never changes afterwards: other terms are another
-- version.

create function @book@._base_terms(terms jsonb, currency text) returns jsonb
    language sql immutable parallel safe as $$
    select terms
        || jsonb_build_object(
            'currency', currency,
            'accrual', coalesce(terms -> 'accrual', '{}') || '{"periodic": false}')
        || case
            when loan_engine.minor_units(currency) = 2 or terms -> 'rounding' ? 'minor_units'
                or terms -> 'rounding' ->> 'family' = 'none' then '{}'
            else jsonb_build_object('rounding',
                coalesce(terms -> 'rounding', '{}')
                    || jsonb_build_object('minor_units', loan_engine.minor_units(currency)))
        end
$$;
comment on function @book@._base_terms(jsonb, text) is
'Terms of a product with what a book adds to all of them: its currency and minor units, and that the book recognises income itself.';

create function @book@._merge_terms(product jsonb, own jsonb) returns jsonb
    language plpgsql immutable parallel safe as $$
begin
    return (
        select coalesce(jsonb_object_agg(coalesce(p.key, o.key), case
            when jsonb_typeof(p.value) = 'object' and jsonb_typeof(o.value) = 'object'
                then @book@._merge_terms(p.value, o.value)
            else coalesce(p.value, o.value)
        end), '{}')
        from jsonb_each(product) as p
        full join jsonb_each(own) as o on o.key = p.key);
end $$;
comment on function @book@._merge_terms(jsonb, jsonb) is
'Terms of a product and of a loan put together member by member; where both say something, the product prevails.';

create function @book@._contradicted_terms(product jsonb, own jsonb, path text default '') returns text[]
    language plpgsql immutable parallel safe as $$
begin
    return (
        select array_agg(contradicted.path order by contradicted.path)
        from jsonb_each(product) as p
        join jsonb_each(own) as o on o.key = p.key and o.value <> p.value
        cross join lateral unnest(case
            when jsonb_typeof(p.value) = 'object' and jsonb_typeof(o.value) = 'object'
                then @book@._contradicted_terms(p.value, o.value, concat(_contradicted_terms.path, p.key, '.'))
            else array[concat(_contradicted_terms.path, p.key)]
        end) as contradicted (path));
end $$;
comment on function @book@._contradicted_terms(jsonb, jsonb, text) is
'The paths at which terms of a loan differ from what its product fixes; NULL when none does.';

create function @book@._check_product_versions() returns trigger language plpgsql as $$
declare
    fault record;
begin
    select p.code, w.version, string_agg(format('%s: %s', t.path, t.problem), '. ' order by t.path) as problems
    into fault
    from written as w
    join @book@.product as p on p.id = w.product_id
    cross join lateral (
        select c.path, c.problem
        from loan_engine.check_terms(
            jsonb_build_object(
                'principal', coalesce(w.principal_max, w.principal_min, 1000000)::text,
                'annual_rate', '0.1',
                'instalments', coalesce(w.instalments_max, w.instalments_min, 12),
                'disbursed_on', coalesce(lower(w.validity), @book@.business_date(), current_date))
            || @book@._base_terms(w.terms, w.currency)) as c
        union all
        select 'currency', format('%s is not the currency of the product, %s', w.terms ->> 'currency', w.currency)
        where w.terms ->> 'currency' <> w.currency
        union all
        select 'accrual.periodic', 'the book recognises income itself'
        where w.terms -> 'accrual' -> 'periodic' = 'true'
    ) as t
    group by p.code, w.version
    order by p.code, w.version
    limit 1;
    if found then
        raise exception using errcode = '22023',
            message = format('version %s of product "%s" has terms no loan can be agreed on',
                fault.version, fault.code),
            detail = fault.problems || '.',
            hint = 'Correct each of the terms named; the guide to terms says what there is.';
    end if;
    return null;
end $$;
comment on function @book@._check_product_versions() is 'Refuses terms of products that no loan could be agreed on.';
create trigger checked after insert on @book@.product_version
    referencing new table as written for each statement execute function @book@._check_product_versions();

create function @book@._keep_product_versions() returns trigger language plpgsql as $$
declare
    fault record;
begin
    select p.code, o.version into fault
    from before as o
    left join after as n on n.id = o.id
    join @book@.product as p on p.id = o.product_id
    where to_jsonb(o) - 'validity' is distinct from to_jsonb(n) - 'validity'
        or lower(o.validity) is distinct from lower(n.validity)
    limit 1;
    if found then
        raise exception using errcode = 'LN205',
            message = format('version %s of product "%s" does not change', fault.version, fault.code),
            detail = 'Loans are agreed on the terms of a version; only the day it ends may be set.',
            hint = 'Make another version with revise_product.';
    end if;
    return null;
end $$;
comment on function @book@._keep_product_versions() is 'Lets nothing of a version change but the day it ends.';
create trigger kept after update on @book@.product_version
    referencing old table as before new table as after
    for each statement execute function @book@._keep_product_versions();

create function @book@.revise_product(
    product_code text, legal_entity_id uuid, valid_from date, changes jsonb default '{}',
    principal_min numeric default null, principal_max numeric default null,
    instalments_min integer default null, instalments_max integer default null
) returns integer language plpgsql as $$
declare
    latest @book@.product_version;
begin
    perform @book@._authorise('revise_product', null, null, product_code, legal_entity_id);
    select v.* into latest
    from @book@.product_version as v
    join @book@.product as p on p.id = v.product_id
    where p.code = revise_product.product_code and p.legal_entity_id = revise_product.legal_entity_id
    order by v.version desc
    limit 1
    for update of v;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no product "%s"', product_code),
            hint = 'The table product lists products by their code.';
    elsif valid_from is null or valid_from <= coalesce(lower(latest.validity), '-infinity') then
        raise exception using errcode = 'LN210',
            message = format('a version of product "%s" cannot begin on %s',
                product_code, coalesce(valid_from::text, 'NULL')),
            detail = format('Version %s begins on %s.', latest.version, lower(latest.validity)),
            hint = 'Give a later day.';
    end if;
    update @book@.product_version as v
    set validity = daterange(lower(v.validity), valid_from)
    where v.id = latest.id and v.validity @> valid_from;
    insert into @book@.product_version (product_id, version, validity, currency, terms, principal_min, principal_max,
        instalments_min, instalments_max, disbursement_approvals, calendar_code)
    values (latest.product_id, latest.version + 1, daterange(valid_from, null), latest.currency,
        jsonb_strip_nulls(latest.terms || changes),
        coalesce(revise_product.principal_min, latest.principal_min),
        coalesce(revise_product.principal_max, latest.principal_max),
        coalesce(revise_product.instalments_min, latest.instalments_min),
        coalesce(revise_product.instalments_max, latest.instalments_max),
        latest.disbursement_approvals, latest.calendar_code);
    return latest.version + 1;
end $$;
comment on function @book@.revise_product(text, uuid, date, jsonb, numeric, numeric, integer, integer) is
'Makes the next version of a product: the terms of the last with changes, a null leaving a term open; returns its number. Loans agreed before keep theirs.';
