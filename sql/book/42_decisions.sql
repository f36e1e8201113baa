-- What is done with applications: entered, handed in, decided by someone else, met, taken back.

create function @book@.apply_for_loan(
    product_code text, applicant_id uuid, application_no text, amount numeric, instalments integer,
    terms jsonb default '{}', disbursed_on date default null, monthly_income numeric default null,
    monthly_obligations numeric default 0, purpose text default null, officer_id uuid default null,
    branch_id uuid default null, channel text default null
) returns uuid language plpgsql as $$
declare
    applicant @book@.party;
    found_product record;
    made uuid;
begin
    select p.* into applicant from @book@.party as p where p.id = apply_for_loan.applicant_id;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no party %s', applicant_id),
            hint = 'The table party lists parties by party_no.';
    end if;
    select p.id, v.currency into found_product
    from @book@.product as p
    left join @book@.product_version as v on v.product_id = p.id and v.validity @> @book@.business_date()
    where p.code = apply_for_loan.product_code and p.legal_entity_id = applicant.legal_entity_id;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no product "%s"', product_code),
            detail = 'The legal entity of the applicant does not lend it.',
            hint = 'The table product lists products by their code.';
    elsif found_product.currency is null then
        raise exception using errcode = 'LN206', message = format('product "%s" is not lent', product_code),
            detail = format('No version of it is valid on %s.', @book@.business_date()),
            hint = 'Make a version with revise_product.';
    end if;
    if applicant.actor is distinct from @book@.actor() then
        perform @book@._authorise('apply', amount, found_product.currency, product_code, applicant.legal_entity_id);
    end if;
    insert into @book@.application (legal_entity_id, application_no, product_id, applicant_id,
        branch_id, officer_id, channel, currency, amount, instalments, disbursed_on,
        terms, purpose, monthly_income, monthly_obligations)
    values (applicant.legal_entity_id, apply_for_loan.application_no, found_product.id, applicant.id,
        apply_for_loan.branch_id, apply_for_loan.officer_id, apply_for_loan.channel, found_product.currency,
        apply_for_loan.amount, apply_for_loan.instalments, apply_for_loan.disbursed_on,
        coalesce(apply_for_loan.terms, '{}'), apply_for_loan.purpose,
        apply_for_loan.monthly_income, apply_for_loan.monthly_obligations)
    on conflict on constraint application_legal_entity_id_application_no_key do nothing
    returning id into made;
    if made is null then
        raise exception using errcode = 'LN209', message = format('application number "%s" is taken', application_no),
            hint = 'Give a number that no other application of the legal entity has.';
    end if;
    return made;
end $$;
comment on function @book@.apply_for_loan(
    text, uuid, text, numeric, integer, jsonb, date, numeric, numeric, text, uuid, uuid, text
) is
'Enters an application, a draft, and returns its key; terms are those the product leaves open, such as {"annual_rate": "0.08"}.';

-- The row is locked and must be as the caller saw it: of two who decide at once, one is too late.
create function @book@._lock_application(application_id uuid, expected_version integer) returns @book@.application
    language plpgsql as $$
declare
    seen @book@.application;
    locked @book@.application;
begin
    select a.* into seen from @book@.application as a where a.id = application_id;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no application %s', application_id),
            hint = 'The table application lists applications by application_no.';
    end if;
    select a.* into locked from @book@.application as a where a.id = application_id for no key update;
    if locked.status_version <> coalesce(expected_version, seen.status_version) then
        raise exception using errcode = 'LN409',
            message = format('application "%s" was changed by another', locked.application_no),
            detail = format('It is %s at version %s; version %s was expected.',
                locked.status, locked.status_version, coalesce(expected_version, seen.status_version)),
            hint = 'Look at it again and decide anew.';
    end if;
    return locked;
end $$;
comment on function @book@._lock_application(uuid, integer) is
'Locks an application and returns it; LN208 when there is none, LN409 when it changed since it was seen.';

create function @book@.submit_application(application_id uuid, expected_version integer default null) returns text
    language plpgsql as $$
declare
    asked @book@.application := @book@._lock_application(application_id, expected_version);
    offer record;
begin
    if @book@.actor() is distinct from (select p.actor from @book@.party as p where p.id = asked.applicant_id) then
        perform @book@._authorise('apply', asked.amount, asked.currency,
            (select p.code from @book@.product as p where p.id = asked.product_id), asked.legal_entity_id);
    end if;
    select t.* into offer from @book@._application_terms(array[asked.id]) as t where t.contradicted is not null;
    if found then
        raise exception using errcode = 'LN206',
            message = format('terms of application "%s" contradict the product', asked.application_no),
            detail = format('The product fixes %s.', array_to_string(offer.contradicted, ', ')),
            hint = 'Ask for what the product leaves open.';
    end if;
    update @book@.application as a set submitted_by = @book@.actor() where a.id = asked.id and a.status = 'draft';
    return @book@.transition('application', asked.id, 'submit', asked.status_version);
end $$;
comment on function @book@.submit_application(uuid, integer) is
'Hands an application in and returns its status. LN206 when its terms contradict the product, LN211 when it is no draft, LN409 for the loser of a race.';

create function @book@.decide_application(
    application_id uuid, outcome text, amount numeric default null, instalments integer default null,
    terms jsonb default '{}', conditions text[] default '{}', reason text default null,
    expected_version integer default null
) returns uuid language plpgsql as $$
declare
    asked @book@.application := @book@._lock_application(application_id, expected_version);
    product_code text := (select p.code from @book@.product as p where p.id = asked.product_id);
    made uuid;
begin
    perform @book@._check_decision(outcome, conditions, reason);
    perform @book@._refuse_own_application(asked);
    perform @book@._authorise('approve', case when outcome <> 'rejected' then coalesce(amount, asked.amount) end,
        asked.currency, product_code, asked.legal_entity_id);
    if asked.status = 'submitted' then
        perform @book@.transition('application', asked.id, 'start_review', asked.status_version);
        asked.status_version := asked.status_version + 1;
    end if;
    insert into @book@.decision (application_id, application_version, outcome, amount, instalments, terms, reason)
    values (asked.id, asked.status_version, decide_application.outcome,
        case when decide_application.outcome <> 'rejected' then coalesce(decide_application.amount, asked.amount) end,
        case when decide_application.outcome <> 'rejected'
            then coalesce(decide_application.instalments, asked.instalments) end,
        coalesce(decide_application.terms, '{}'), decide_application.reason)
    on conflict do nothing
    returning id into made;
    if made is null then
        raise exception using errcode = 'LN214',
            message = format('application "%s" is %s', asked.application_no, asked.status),
            detail = 'It was decided already.', hint = 'Look at its decisions.';
    end if;
    insert into @book@.decision_condition (decision_id, position, description)
    select made, c.position, c.description from unnest(conditions) with ordinality as c (description, position);
    if outcome <> 'rejected' then
        perform @book@._refuse_violations(asked.id, product_code, reason);
    end if;
    perform @book@.transition('application', asked.id,
        case outcome when 'approved' then 'approve' when 'conditional' then 'approve_conditionally' else 'reject' end,
        asked.status_version, reason);
    return made;
end $$;
comment on function @book@.decide_application(uuid, text, numeric, integer, jsonb, text[], text, integer) is
'Decides an application (approved, conditional with conditions, rejected with a reason), with an amount, instalments and terms in place of those asked for, and returns the key of the decision. LN201 without authority to approve the amount, LN202 for an application of one''s own, LN213 against a rule of the product, LN211 in another state, LN409 for the loser of a race.';

create function @book@._check_decision(outcome text, conditions text[], reason text) returns void
    language plpgsql immutable as $$
begin
    if outcome is null or outcome not in ('approved', 'conditional', 'rejected') then
        raise exception using errcode = '22023', message = format('unknown outcome: "%s"', outcome),
            hint = 'Known names: approved, conditional, rejected.';
    elsif (outcome = 'conditional') <> (coalesce(cardinality(conditions), 0) > 0) then
        raise exception using errcode = '22023', message = format('an outcome "%s" with %s conditions', outcome,
                coalesce(cardinality(conditions), 0)),
            hint = 'What is approved on conditions has some; nothing else has.';
    elsif outcome = 'rejected' and coalesce(trim(reason), '') = '' then
        raise exception using errcode = '22004', message = 'a rejection has no reason',
            hint = 'Say why, as the applicant may ask.';
    end if;
end $$;
comment on function @book@._check_decision(text, text[], text) is
'Refuses a decision that says too little or contradicts itself.';

create function @book@._refuse_own_application(asked @book@.application) returns void language plpgsql stable as $$
declare
    who text := @book@.actor();
begin
    if who in (asked.entered_by, asked.submitted_by)
        or who = (select p.actor from @book@.party as p where p.id = asked.applicant_id) then
        raise exception using errcode = 'LN202',
            message = format('"%s" may not decide application "%s"', who, asked.application_no),
            detail = 'They entered it, handed it in or are the applicant.',
            hint = 'Four eyes: ask someone else with the authority.';
    end if;
end $$;
comment on function @book@._refuse_own_application(@book@.application) is
'Refuses with LN202 who entered an application, handed it in or is the applicant.';

create function @book@._refuse_violations(application_id uuid, product_code text, reason text) returns void
    language plpgsql as $$
declare
    violated record;
begin
    select count(*) as rules, bool_or(v.severity = 'refuse') as is_refused,
        string_agg(format('%s: %s%s', v.rule, v.reason, coalesce(format(' (%s is %s; %s)', v.fact, v.value, v.limits),
            format(' (%s)', v.value), '')), '. ' order by v.severity, v.rule) as reasons
    into violated
    from @book@._violated_rules(array[application_id]) as v;
    if violated.rules = 0 then
        return;
    elsif violated.is_refused then
        raise exception using errcode = 'LN213', message = format('rules of product "%s" are violated', product_code),
            detail = violated.reasons || '.',
            hint = 'Decide another amount or term, or reject it; evaluate_rules lists the rules violated.';
    elsif coalesce(trim(reason), '') = '' then
        raise exception using errcode = 'LN213',
            message = format('rules of product "%s" ask for a reason', product_code),
            detail = violated.reasons || '.',
            hint = 'Say why it is approved all the same.';
    end if;
    perform @book@._authorise('override_rule', null, null, product_code);
end $$;
comment on function @book@._refuse_violations(uuid, text, text) is
'Refuses with LN213 to approve what violates a rule; one that refers takes a reason and authority to override_rule.';

create function @book@.fulfil_condition(condition_id uuid, note text default null) returns text
    language plpgsql as $$
declare
    asked @book@.application;
begin
    select (@book@._lock_application(d.application_id, null)).* into asked
    from @book@.decision_condition as c
    join @book@.decision as d on d.id = c.decision_id
    where c.id = condition_id;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no condition %s', condition_id),
            hint = 'The table decision_condition lists the conditions of decisions.';
    end if;
    perform @book@._refuse_own_application(asked);
    perform @book@._authorise('review', null, null,
        (select p.code from @book@.product as p where p.id = asked.product_id), asked.legal_entity_id);
    if asked.status <> 'conditionally_approved' then
        raise exception using errcode = 'LN214',
            message = format('application "%s" is %s', asked.application_no, asked.status),
            detail = 'Conditions are fulfilled while it is conditionally approved.', hint = 'Look at its history.';
    end if;
    update @book@.decision_condition as c
    set fulfilled_by = @book@.actor(), fulfilled_on = @book@.business_date(), note = fulfil_condition.note
    where c.id = condition_id and c.fulfilled_on is null;
    if @book@._application_has_conditions(asked.id) is null then
        return @book@.transition('application', asked.id, 'meet_conditions', asked.status_version);
    end if;
    return asked.status;
end $$;
comment on function @book@.fulfil_condition(uuid, text) is
'Notes that a condition of a decision is fulfilled, with what shows it; the last one approves the application. Returns its status.';

create function @book@.withdraw_application(
    application_id uuid, reason text default null, expected_version integer default null
) returns text language plpgsql as $$
declare
    asked @book@.application := @book@._lock_application(application_id, expected_version);
begin
    if @book@.actor() is distinct from (select p.actor from @book@.party as p where p.id = asked.applicant_id) then
        perform @book@._authorise('apply', null, null,
            (select p.code from @book@.product as p where p.id = asked.product_id), asked.legal_entity_id);
    end if;
    return @book@.transition('application', asked.id, 'withdraw', asked.status_version, reason);
end $$;
comment on function @book@.withdraw_application(uuid, text, integer) is
'Takes an application back, for the applicant, and returns its status; LN211 when there is nothing to take back any more.';
