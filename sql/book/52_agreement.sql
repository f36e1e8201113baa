-- Agreeing loans: the terms of the product and those of the loan are put together, checked, and kept
-- with the loan. One loan is a list of one; a list of any length is a handful of statements.
--
-- Holidays are copied into the terms: what a loan's calendar says must not change after it is agreed.

create function @book@._agree(loans jsonb) returns table (loan_no text, loan_id uuid)
    language plpgsql as $$
#variable_conflict use_column
declare
    fault record;
begin
    perform @book@._check_intake(loans);
    with asked as materialized (
        select a.*, coalesce(a.own, '{}') as own_terms
        from rows from (jsonb_to_recordset(loans) as (product_code text, borrower_id uuid, loan_no text,
            terms jsonb, officer_id uuid, branch_id uuid, channel text, application_id uuid)) with ordinality
            as a (product_code, borrower_id, loan_no, own, officer_id, branch_id, channel, application_id, position)
    ), product as materialized (
        -- Every product a loan is asked of, once, with what a book adds to its terms.
        select p.id, p.code, p.legal_entity_id, v.id as version_id, v.currency, v.principal_min, v.principal_max,
            v.instalments_min, v.instalments_max, v.calendar_code, v.base,
            array(select jsonb_object_keys(v.base)) as fixed, @book@._weekend_names(c.weekend) as weekend
        from @book@.product as p
        left join (
            select v.*, @book@._base_terms(v.terms, v.currency) as base
            from @book@.product_version as v
            where v.validity @> @book@.business_date()
        ) as v on v.product_id = p.id
        left join @book@.calendar as c on c.code = v.calendar_code
        where p.code in (select product_code from asked)
    ), merged as materialized (
        select a.position, a.product_code, a.borrower_id, a.loan_no,
            a.officer_id, a.branch_id, a.channel, a.application_id,
            b.legal_entity_id, p.id as product_id, p.version_id, p.currency, p.principal_min, p.principal_max,
            p.instalments_min, p.instalments_max, p.calendar_code, p.weekend,
            t.terms, t.contradicted,
            (select string_agg(format('%s: %s', c.path, c.problem), '. ' order by c.path)
                from loan_engine.check_terms(t.terms) as c) as problems
        from asked as a
        left join @book@.party as b on b.id = a.borrower_id
        left join product as p on p.code = a.product_code and p.legal_entity_id = b.legal_entity_id
        left join lateral (
            select
                case when a.own_terms ?| p.fixed then @book@._merge_terms(p.base, a.own_terms)
                    else p.base || a.own_terms end as terms,
                case when a.own_terms ?| p.fixed then @book@._contradicted_terms(p.base, a.own_terms)
                    end as contradicted
            where p.version_id is not null and jsonb_typeof(a.own_terms) = 'object'
        ) as t on true
    ), amounts as materialized (
        select m.*,
            case when m.problems is null then (m.terms ->> 'principal')::numeric end as principal,
            case when m.problems is null then (m.terms ->> 'instalments')::integer end as instalments
        from merged as m
    ), kept_clear as materialized (
        -- Loans of a calendar and of the same dates share their holidays.
        select d.calendar_code, d.dates, @book@._holidays_of(d.calendar_code, d.dates) as holidays
        from (
            select distinct m.calendar_code, @book@._dated_terms(m.terms) as dates
            from amounts as m
            where m.problems is null and m.contradicted is null and m.calendar_code is not null
                and m.instalments <= coalesce(m.instalments_max, m.instalments)
                and coalesce(m.terms #>> '{due_dates,business_day}', 'none') <> 'none'
                and m.terms #> '{due_dates,holidays}' is null
        ) as d
    ), judged as materialized (
        select m.*, k.holidays,
            case
                when m.loan_no is null or m.loan_no = '' then 'unnamed'
                when m.legal_entity_id is null then 'no borrower'
                when m.product_id is null then 'no product'
                when m.version_id is null then 'not lent'
                when m.terms is null then 'no terms'
                when m.contradicted is not null then 'contradicted'
                when m.problems is not null then 'invalid'
                when m.principal not between coalesce(m.principal_min, m.principal)
                        and coalesce(m.principal_max, m.principal)
                    then 'principal'
                when m.instalments not between coalesce(m.instalments_min, m.instalments)
                        and coalesce(m.instalments_max, m.instalments)
                    then 'instalments'
                when f.legal_entity_id <> m.legal_entity_id or r.legal_entity_id <> m.legal_entity_id then 'stranger'
                when l.id is not null or count(*) over (partition by m.legal_entity_id, m.loan_no) > 1 then 'taken'
            end as fault
        from amounts as m
        left join kept_clear as k on k.calendar_code = m.calendar_code and k.dates = @book@._dated_terms(m.terms)
        left join @book@.officer as f on f.id = m.officer_id
        left join @book@.branch as r on r.id = m.branch_id
        left join @book@.loan as l on l.legal_entity_id = m.legal_entity_id and l.loan_no = m.loan_no
    ), agreed as (
        insert into @book@.loan (legal_entity_id, branch_id, loan_no, product_id, product_version_id, application_id,
            borrower_id, officer_id, channel, currency, principal, terms, agreed_on)
        select j.legal_entity_id, j.branch_id, j.loan_no, j.product_id, j.version_id, j.application_id,
            j.borrower_id, j.officer_id, j.channel, j.currency, j.principal,
            case when j.holidays is null then j.terms
                else jsonb_set(j.terms, '{due_dates}',
                    jsonb_build_object('weekend', j.weekend, 'holidays', j.holidays) || (j.terms -> 'due_dates'))
            end,
            b.business_date
        from judged as j
        cross join @book@.book as b
        where not exists (select from judged where fault is not null)
        order by j.position
        returning loan_no, id
    ), faulty as (
        select f.*, count(*) over () as faults from judged as f where f.fault is not null order by f.position limit 1
    )
    select x.loan_nos, x.ids, f.* into fault
    from (select array_agg(loan_no) as loan_nos, array_agg(id) as ids from agreed) as x
    left join faulty as f on true;
    if fault.fault is not null then
        perform @book@._refuse_agreement(jsonb_strip_nulls(to_jsonb(fault)));
    end if;
    if exists (select from jsonb_array_elements(loans) as a (asked) where a.asked ->> 'application_id' is not null) then
        perform @book@._convert_applications_of(fault.ids);
    end if;
    return query select n.no, n.id from unnest(fault.loan_nos, fault.ids) as n (no, id);
end $$;
comment on function @book@._agree(jsonb) is
'Makes loans of a list of what is asked for, all or none, and returns their numbers and keys; authority is the caller''s to check.';

create function @book@._dated_terms(terms jsonb) returns jsonb
    language sql immutable parallel safe
    return jsonb_strip_nulls(jsonb_build_object(
        'disbursed_on', terms -> 'disbursed_on', 'starts_on', terms -> 'starts_on', 'frequency', terms -> 'frequency',
        'instalments', terms -> 'instalments', 'first_due_on', terms -> 'first_due_on',
        'last_due_on', terms -> 'last_due_on',
        'due_dates', case when terms #> '{due_dates,explicit}' is not null
            then jsonb_build_object('explicit', terms #> '{due_dates,explicit}') end));
comment on function @book@._dated_terms(jsonb) is 'The terms that decide when the due dates of a loan are.';

create function @book@._check_intake(loans jsonb) returns void language plpgsql immutable parallel safe as $$
declare
    known constant text[] := array['product_code', 'borrower_id', 'loan_no', 'terms', 'officer_id', 'branch_id',
        'channel', 'application_id'];
    fault record;
begin
    if jsonb_typeof(loans) is distinct from 'array' then
        raise exception using errcode = '22023', message = 'loans to agree are no list',
            hint = 'Give a JSON list of objects with product_code, borrower_id, loan_no and terms.';
    end if;
    select a.position - 1 as place,
        case when jsonb_typeof(a.asked) = 'object' then (a.asked - known)::text end as unknown
    into fault
    from jsonb_array_elements(loans) with ordinality as a (asked, position)
    where jsonb_typeof(a.asked) <> 'object' or jsonb_typeof(a.asked) = 'object' and a.asked - known <> '{}'
    limit 1;
    if found then
        raise exception using errcode = '22023',
            message = format('loans[%s] cannot be read', fault.place),
            detail = coalesce(format('Members that are not known: %s.', fault.unknown), 'It is no object.'),
            hint = format('Its members are %s.', array_to_string(known, ', '));
    end if;
end $$;
comment on function @book@._check_intake(jsonb) is
'Refuses with 22023 a list of loans to agree that has members nobody knows.';

create function @book@._refuse_agreement(fault jsonb) returns void language plpgsql as $$
declare
    refusal record;
begin
    select * into refusal from (values
        ('unnamed', '22004', 'a loan to agree has no number', null, 'Give each loan_no, unique for the legal entity.'),
        ('no borrower', 'LN208', format('there is no party %s', fault ->> 'borrower_id'), null,
            'The table party lists parties by party_no.'),
        ('no product', 'LN208', format('there is no product "%s"', fault ->> 'product_code'),
            'The legal entity of the borrower does not lend it.', 'The table product lists products by their code.'),
        ('not lent', 'LN206', format('product "%s" is not lent', fault ->> 'product_code'),
            format('No version of it is valid on %s.', @book@.business_date()), 'Make a version with revise_product.'),
        ('no terms', '22023', 'the terms of the loan are no object', null,
            'Give what the product leaves open, such as {"principal": "1000", "instalments": 12}.'),
        ('contradicted', 'LN206',
            format('terms of loan "%s" contradict product "%s"', fault ->> 'loan_no', fault ->> 'product_code'),
            format('The product fixes %s.', (
                select string_agg(path, ', ') from jsonb_array_elements_text(fault -> 'contradicted') as path)),
            'Leave out what the product fixes, or make another version of it with revise_product.'),
        ('invalid', '22023', format('the terms of loan "%s" are not valid', fault ->> 'loan_no'),
            (fault ->> 'problems') || '.', 'Correct each of the terms named.'),
        ('principal', 'LN213', format('product "%s" does not lend %s %s',
                fault ->> 'product_code', fault ->> 'principal', fault ->> 'currency'),
            format('It lends from %s to %s.',
                coalesce(fault ->> 'principal_min', 'any amount'), coalesce(fault ->> 'principal_max', 'any amount')),
            'Give a principal within the limits of the product.'),
        ('instalments', 'LN213', format('product "%s" is not lent for %s instalments',
                fault ->> 'product_code', fault ->> 'instalments'),
            format('It has from %s to %s.',
                coalesce(fault ->> 'instalments_min', '1'), coalesce(fault ->> 'instalments_max', 'any number')),
            'Give a number of instalments within the limits of the product.'),
        ('stranger', 'LN206',
            format('officer or branch of loan "%s" belongs to another legal entity', fault ->> 'loan_no'), null,
            'Give an officer and a branch of the legal entity that lends.'),
        ('taken', 'LN209', format('loan number "%s" is taken', fault ->> 'loan_no'), null,
            'Give a number that no other loan of the legal entity has.')
    ) as r (fault, code, message, detail, hint)
    where r.fault = _refuse_agreement.fault ->> 'fault';
    raise exception using errcode = refusal.code, message = refusal.message, hint = refusal.hint,
        detail = concat_ws(' ', refusal.detail,
            case when (fault ->> 'faults')::bigint > 1 then format('It is the first of %s loans at fault, loan "%s".',
                fault ->> 'faults', fault ->> 'loan_no') end);
end $$;
comment on function @book@._refuse_agreement(jsonb) is 'Says why a loan cannot be agreed.';

-- Whoever agrees a loan needs the authority to approve it.
create function @book@._authorise_agreed(loans uuid[]) returns void language plpgsql as $$
begin
    perform @book@._authorise('approve', a.most, a.currency, a.code, a.legal_entity_id)
    from (
        select p.code, l.currency, l.legal_entity_id, max(l.principal) as most
        from @book@.loan as l
        join @book@.product as p on p.id = l.product_id
        where l.id = any (loans)
        group by p.code, l.currency, l.legal_entity_id
    ) as a;
end $$;
comment on function @book@._authorise_agreed(uuid[]) is
'Refuses with LN201 loans of more than the actor may approve, judging each product by its largest.';

create function @book@.agree_loans(loans jsonb) returns table (loan_no text, loan_id uuid)
    language plpgsql as $$
#variable_conflict use_column
declare
    loan_nos text[];
    loan_ids uuid[];
begin
    select array_agg(a.loan_no), array_agg(a.loan_id) into loan_nos, loan_ids from @book@._agree(loans) as a;
    perform @book@._authorise_agreed(loan_ids);
    return query select n.no, n.id from unnest(loan_nos, loan_ids) as n (no, id);
end $$;
comment on function @book@.agree_loans(jsonb) is
'Agrees loans, all or none: a list of objects with the members product_code, borrower_id, loan_no, terms, and officer_id, branch_id, channel, application_id if known. Refused with LN206 where terms contradict the product, LN213 beyond its limits, 22023 where they are not valid, LN208 and LN209.';

create function @book@.agree_loan(
    product_code text, borrower_id uuid, loan_no text, terms jsonb, officer_id uuid default null,
    branch_id uuid default null, channel text default null, application_id uuid default null
) returns uuid language sql as $$
    select a.loan_id
    from @book@.agree_loans(jsonb_build_array(jsonb_build_object(
        'product_code', product_code, 'borrower_id', borrower_id, 'loan_no', loan_no, 'terms', terms,
        'officer_id', officer_id, 'branch_id', branch_id, 'channel', channel, 'application_id', application_id))) as a
$$;
comment on function @book@.agree_loan(text, uuid, text, jsonb, uuid, uuid, text, uuid) is
'Agrees a loan on the terms of its product valid today and its own (principal, instalments, disbursed_on and what else the product leaves open), and returns its key. Refusals are those of agree_loans.';
