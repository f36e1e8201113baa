-- Product rules: what must be so of an application, as data.
--
-- A rule names one fact and its limits in typed columns. It is no expression: what a lender types into
-- a table is compared and never executed, and each rule can be listed, explained and told to the
-- applicant. What no fact says yet is one more row of rule_fact and one more line of the function.

create table @book@.rule_fact (
    name text primary key,
    kind text not null check (kind in ('number', 'words')),
    description text not null,
    unique (name, kind)
);
comment on table @book@.rule_fact is 'What rules can be about.';
comment on column @book@.rule_fact.name is 'The fact.';
comment on column @book@.rule_fact.kind is 'Whether it is a number or a set of words.';
comment on column @book@.rule_fact.description is 'What it says of an application.';
insert into @book@.rule_fact values
    ('amount', 'number', 'how much is lent, in currency units'),
    ('instalments', 'number', 'in how many instalments'),
    ('annual_rate', 'number', 'the annual rate, a fraction'),
    ('largest_instalment', 'number', 'the largest instalment of the schedule, with fees'),
    ('monthly_income', 'number', 'income a month, declared or from employment'),
    ('instalment_to_income', 'number', 'the largest instalment as a fraction of income a month'),
    ('debt_to_income', 'number', 'the largest instalment and all other obligations a month as a fraction of income'),
    ('existing_exposure', 'number', 'principal the applicant owes already, in the currency of the application'),
    ('exposure_after', 'number', 'the same with the amount'),
    ('open_loans', 'number', 'how many loans of the applicant have principal outstanding'),
    ('days_past_due', 'number', 'the most days any loan of the applicant is past due'),
    ('open_applications', 'number', 'how many other applications of the applicant are handed in and not decided'),
    ('age', 'number', 'completed years of age today'),
    ('age_at_end', 'number', 'completed years of age on the last due date'),
    ('kyc_status', 'words', 'whether the identity of the applicant was verified'),
    ('party_kind', 'words', 'what the applicant is'),
    ('country', 'words', 'the country the applicant lives in'),
    ('channel', 'words', 'how the application came'),
    ('purpose', 'words', 'what it is for'),
    ('document_kinds', 'words', 'the kinds of documents of the application and of the applicant that have not expired');

create table @book@.product_rule (
    product_version_id uuid not null references @book@.product_version,
    name text not null check (name <> ''),
    fact text not null,
    fact_kind text not null generated always as (
        case when at_least is null and at_most is null then 'words' else 'number' end) stored,
    at_least numeric,
    at_most numeric check (at_most >= at_least),
    one_of text[] check (cardinality(one_of) > 0),
    all_of text[] check (cardinality(all_of) > 0),
    from_amount numeric not null default 0 check (from_amount >= 0),
    severity text not null default 'refuse' check (severity in ('refuse', 'refer')),
    reason text not null check (reason <> ''),
    primary key (product_version_id, name),
    foreign key (fact, fact_kind) references @book@.rule_fact (name, kind),
    check (num_nonnulls(at_least, at_most) > 0 and num_nonnulls(one_of, all_of) = 0
        or num_nonnulls(at_least, at_most) = 0 and num_nonnulls(one_of, all_of) > 0)
);
comment on table @book@.product_rule is 'What must be so of applications for a product.';
comment on column @book@.product_rule.product_version_id is 'On which terms of the product.';
comment on column @book@.product_rule.name is 'What the rule is called.';
comment on column @book@.product_rule.fact is 'What it is about.';
comment on column @book@.product_rule.fact_kind is 'Whether its limits are of numbers or of words.';
comment on column @book@.product_rule.at_least is 'The least that is allowed.';
comment on column @book@.product_rule.at_most is 'The most that is allowed.';
comment on column @book@.product_rule.one_of is 'Words of which it must have one.';
comment on column @book@.product_rule.all_of is 'Words all of which it must have.';
comment on column @book@.product_rule.from_amount is 'It holds for amounts from this on.';
comment on column @book@.product_rule.severity is
'Refuse: what violates it is not approved. Refer: only who has authority to override_rule approves it, and says why.';
comment on column @book@.product_rule.reason is
'Why an application that violates it is refused, as the applicant is told.';

create function @book@._schedule_terms(terms jsonb) returns jsonb
    language sql immutable parallel safe
    return terms - array[
        'version', 'currency', 'allocation', 'recalculation', 'collect_down_payment', 'lend_beyond', 'arrears',
        'penalties', 'overpayment', 'delinquency', 'delinquency_by_instalment', 'charge_off', 'accrual',
        'interest_refund', 'capitalised_income'];
comment on function @book@._schedule_terms(jsonb) is 'Those of the terms of a loan that its schedule follows from.';

create function @book@._application_terms(applications uuid[])
    returns table (application_id uuid, version_id uuid, terms jsonb, contradicted text[], problems text)
    language sql stable as $$
    select o.application_id, v.id, m.terms, @book@._contradicted_terms(b.base, o.terms),
        (select string_agg(format('%s: %s', c.path, c.problem), '. ' order by c.path)
            from loan_engine.check_terms(m.terms) as c)
    from @book@.application_offer as o
    join @book@.product_version as v on v.product_id = o.product_id and v.validity @> @book@.business_date()
    cross join lateral (select @book@._base_terms(v.terms, v.currency) as base) as b
    cross join lateral (select @book@._merge_terms(b.base, o.terms) as terms) as m
    where o.application_id = any (applications)
$$;
comment on function @book@._application_terms(uuid[]) is
'The terms that loans of applications would have today, with the paths that contradict the product and what is not valid.';

create function @book@._application_facts(applications uuid[])
    returns table (application_id uuid, fact text, number numeric, words text[])
    language plpgsql stable as $$
#variable_conflict use_column
begin
    return query
    with asked as materialized (
        select o.*, a.channel, a.purpose, a.monthly_obligations, a.monthly_income, p.born_on, p.kyc_status,
            p.kind, p.country, b.business_date
        from @book@.application_offer as o
        join @book@.application as a on a.id = o.application_id
        join @book@.party as p on p.id = o.applicant_id
        cross join @book@.book as b
        where o.application_id = any (applications)
    ), schedule as (
        select t.application_id, max(s.instalment_total) as largest, max(s.due_date) as last_due_on,
            (t.terms ->> 'annual_rate')::numeric as annual_rate
        from @book@._application_terms(applications) as t
        cross join lateral loan_engine.amortisation_schedule(@book@._schedule_terms(t.terms)) as s
        where t.problems is null
        group by t.application_id, t.terms
    ), income as (
        select a.application_id, coalesce(a.monthly_income, sum(
            case when e.party_id is not null then
                e.monthly_income * @book@.exchange_rate(e.currency, a.currency, a.business_date) end)) as monthly
        from asked as a
        left join @book@.employment as e on e.party_id = a.applicant_id and e.validity @> a.business_date
            and e.monthly_income is not null and a.monthly_income is null
        group by a.application_id, a.monthly_income
    ), owed as (
        select a.application_id, coalesce(sum(
                case when g.loan_id is not null then
                    g.principal * @book@.exchange_rate(l.currency, a.currency, a.business_date) end), 0) as exposure,
            count(g.loan_id) as loans, coalesce(max(a.business_date - g.oldest_unpaid), 0) as days_past_due
        from asked as a
        left join @book@.loan as l on l.borrower_id = a.applicant_id
        left join @book@.loan_balance as g on g.loan_id = l.id and g.principal > 0
        group by a.application_id
    ), others as (
        select a.application_id, count(x.id) as applications
        from asked as a
        left join @book@.application as x on x.applicant_id = a.applicant_id and x.id <> a.application_id
            and x.status in ('submitted', 'under_review')
        group by a.application_id
    ), documents as (
        select a.application_id, array_agg(distinct d.kind) as kinds
        from asked as a
        join @book@.document_link as k on k.application_id = a.application_id or k.party_id = a.applicant_id
        join @book@.document as d on d.id = k.document_id and coalesce(d.expires_on > a.business_date, true)
        group by a.application_id
    )
    select a.application_id, f.fact, f.number, f.words
    from asked as a
    left join schedule as s using (application_id)
    join income as i using (application_id)
    join owed as w using (application_id)
    join others as x using (application_id)
    left join documents as d using (application_id)
    cross join lateral (values
        ('amount', a.amount, null::text[]),
        ('instalments', a.instalments::numeric, null),
        ('annual_rate', s.annual_rate, null),
        ('largest_instalment', s.largest, null),
        ('monthly_income', i.monthly, null),
        ('instalment_to_income', s.largest / nullif(i.monthly, 0), null),
        ('debt_to_income', (s.largest + a.monthly_obligations) / nullif(i.monthly, 0), null),
        ('existing_exposure', w.exposure, null),
        ('exposure_after', w.exposure + a.amount, null),
        ('open_loans', w.loans::numeric, null),
        ('days_past_due', w.days_past_due::numeric, null),
        ('open_applications', x.applications::numeric, null),
        ('age', extract(year from age(a.business_date, a.born_on)), null),
        ('age_at_end', extract(year from age(s.last_due_on, a.born_on)), null),
        ('kyc_status', null, array[a.kyc_status]),
        ('party_kind', null, array[a.kind]),
        ('country', null, array_remove(array[a.country], null)),
        ('channel', null, array_remove(array[a.channel], null)),
        ('purpose', null, array_remove(array[a.purpose], null)),
        ('document_kinds', null, coalesce(d.kinds, '{}'))
    ) as f (fact, number, words);
end $$;
comment on function @book@._application_facts(uuid[]) is
'What rules can ask of applications, as they are today: a row for each fact; NULL where it is not known. LN207 where an amount is in a currency without a rate today.';

create function @book@._violated_rules(applications uuid[])
    returns table (application_id uuid, rule text, severity text, fact text, value text, limits text, reason text)
    language plpgsql stable as $$
#variable_conflict use_column
begin
    return query
    with asked as (
        select o.application_id, o.amount, o.instalments, o.currency, v.id as version_id,
            v.principal_min, v.principal_max, v.instalments_min, v.instalments_max
        from @book@.application_offer as o
        left join @book@.product_version as v on v.product_id = o.product_id and v.validity @> @book@.business_date()
        where o.application_id = any (applications)
    ), limited as (
        select a.application_id, r.name, r.severity, r.fact, r.at_least, r.at_most, r.one_of, r.all_of, r.reason
        from asked as a
        join @book@.product_rule as r on r.product_version_id = a.version_id and a.amount >= r.from_amount
        union all
        select a.application_id, l.name, 'refuse', l.fact, l.at_least, l.at_most, null, null, l.reason
        from asked as a
        cross join lateral (values
            ('principal of the product', 'amount', a.principal_min, a.principal_max,
                'the amount is not one the product is lent for'),
            ('instalments of the product', 'instalments', a.instalments_min::numeric, a.instalments_max::numeric,
                'the number of instalments is not one the product is lent for')
        ) as l (name, fact, at_least, at_most, reason)
    ), judged as (
        select l.*, f.number, f.words
        from limited as l
        join @book@._application_facts(applications) as f on f.application_id = l.application_id and f.fact = l.fact
        where num_nonnulls(l.at_least, l.at_most) > 0
                and not coalesce(
                    f.number >= coalesce(l.at_least, f.number) and f.number <= coalesce(l.at_most, f.number), false)
            or l.one_of is not null and not coalesce(f.words && l.one_of, false)
            or l.all_of is not null and not coalesce(f.words @> l.all_of, false)
    )
    select j.application_id, j.name, j.severity, j.fact,
        coalesce(trim_scale(round(j.number, 4))::text, nullif(array_to_string(j.words, ', '), ''), 'not known'),
        concat_ws(', ', 'at least ' || j.at_least, 'at most ' || j.at_most,
            'one of ' || array_to_string(j.one_of, ' '), 'all of ' || array_to_string(j.all_of, ' ')),
        j.reason
    from judged as j
    union all
    select a.application_id, 'product is lent', 'refuse', null, null, null, 'the product is not lent today'
    from asked as a where a.version_id is null
    union all
    select t.application_id, 'terms of the product', 'refuse', null, array_to_string(t.contradicted, ', '), null,
        'terms asked for contradict the product'
    from @book@._application_terms(applications) as t where t.contradicted is not null
    union all
    select t.application_id, 'terms are valid', 'refuse', null, t.problems, null, 'no schedule follows from the terms'
    from @book@._application_terms(applications) as t where t.problems is not null
    order by 1, 3, 2;
end $$;
comment on function @book@._violated_rules(uuid[]) is
'The rules that applications violate, as they were decided or else asked for; what is not known violates its rule.';

create function @book@.evaluate_rules(application_id uuid)
    returns table (rule text, severity text, fact text, value text, limits text, reason text)
    language sql stable as $$
    select v.rule, v.severity, v.fact, v.value, v.limits, v.reason
    from @book@._violated_rules(array[application_id]) as v
$$;
comment on function @book@.evaluate_rules(uuid) is
'Every rule of its product that an application violates, with the value, the limits and the reason; no row when it may be approved.';
