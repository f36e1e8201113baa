-- Products to begin with: examples that a lender revises or ends as any other.

create function @book@._seed_products(legal_entity_id uuid) returns integer language sql as $$
    with entity as (
        select e.id, e.currency, b.business_date
        from @book@.legal_entity as e cross join @book@.book as b
        where e.id = _seed_products.legal_entity_id
    ), shared (terms) as (
        values ('{
            "delinquency": [
                {"name": "1-30", "from_days": 1, "to_days": 30},
                {"name": "31-60", "from_days": 31, "to_days": 60},
                {"name": "61-90", "from_days": 61, "to_days": 90},
                {"name": "over 90", "from_days": 91}
            ],
            "overpayment": "hold"
        }'::jsonb)
    ), example (
        code, name, category, terms, principal_min, principal_max, instalments_min, instalments_max, approvals
    ) as (
        values
        -- Level instalments; interest by the day on what is really owed; what is paid ahead of time
        -- shortens the loan. Costs come first, then principal, interest last.
        ('CONSUMER', 'Consumer loan', 'instalment', '{
            "method": "annuity",
            "frequency": "monthly",
            "interest": {"day_count": "ACT/365F"},
            "due_dates": {"business_day": "modified_following unadjusted"},
            "recalculation": {"interest": "daily"},
            "allocation": {"default": {"order": [
                "past_due_fee", "past_due_penalty", "past_due_principal", "past_due_interest",
                "due_fee", "due_penalty", "due_principal", "due_interest",
                "in_advance_fee", "in_advance_penalty", "in_advance_principal", "in_advance_interest"],
                "future": "last"}},
            "arrears": {"grace_days": 3, "tolerance": 1},
            "penalties": [{"name": "late payment interest", "value": "0.08", "basis": "amount_and_interest",
                "daily": true, "grace_days": 3}],
            "charge_off": "zero_interest"
        }'::jsonb, 500, 50000, 3, 84, 1),
        -- Everything on one day, with the interest of the whole time; gold is held for it.
        ('GOLD', 'Loan against gold', 'secured', '{
            "method": "bullet",
            "frequency": "monthly",
            "interest": {"day_count": "ACT/365F"},
            "recalculation": {"interest": "daily"},
            "allocation": {"default": {"order": [
                "past_due_penalty", "past_due_fee", "past_due_interest", "past_due_principal",
                "due_penalty", "due_fee", "due_interest", "due_principal",
                "in_advance_penalty", "in_advance_fee", "in_advance_interest", "in_advance_principal"],
                "future": "next"}},
            "fees": [{"name": "valuation", "value": 15, "basis": "flat", "charged": "at_disbursement"}],
            "penalties": [{"name": "default interest", "value": "0.03", "basis": "amount_and_interest", "daily": true}],
            "charge_off": "accelerate"
        }'::jsonb, 100, 250000, 1, 24, 2),
        -- The rent of a year, lent at no interest for a fee, in twelve parts; lateness costs once.
        ('RENT', 'Rent now, pay later', 'rent', '{
            "method": "equal_principal",
            "frequency": "monthly",
            "annual_rate": 0,
            "fees": [{"name": "service", "value": "0.06", "basis": "amount", "charged": "per_instalment"}],
            "due_dates": {"business_day": "following unadjusted"},
            "allocation": {"default": {"order": [
                "past_due_penalty", "past_due_fee", "past_due_interest", "past_due_principal",
                "due_penalty", "due_fee", "due_interest", "due_principal",
                "in_advance_penalty", "in_advance_fee", "in_advance_interest", "in_advance_principal"],
                "future": "next"}},
            "arrears": {"grace_days": 5},
            "penalties": [{"name": "late payment", "value": "0.03", "basis": "amount", "grace_days": 5, "cap": 50}],
            "charge_off": "regular"
        }'::jsonb, 600, 60000, 1, 12, 1)
    ), made as (
        insert into @book@.product (legal_entity_id, code, name, category)
        select e.id, x.code, x.name, x.category from entity as e cross join example as x
        on conflict do nothing
        returning id, code
    ), versions as (
        insert into @book@.product_version (product_id, version, validity, currency, terms,
            principal_min, principal_max, instalments_min, instalments_max, disbursement_approvals, calendar_code)
        select m.id, 1, daterange(e.business_date, null), e.currency, s.terms || x.terms,
            x.principal_min, x.principal_max, x.instalments_min, x.instalments_max, x.approvals,
            case e.currency when 'EUR' then 'TARGET' when 'USD' then 'US-FED' end
        from made as m
        join example as x using (code)
        cross join entity as e
        cross join shared as s
        returning id
    )
    select count(*)::integer from versions
$$;
comment on function @book@._seed_products(uuid) is
'Gives a legal entity three products to begin with, valid from the business date: CONSUMER, GOLD and RENT; returns how many it did not have.';
