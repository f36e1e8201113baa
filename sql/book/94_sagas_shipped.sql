-- Two undertakings a book begins with: from an application to money paid out, and from a margin call to
-- collateral sold. A lender changes them by ending their validity and inserting another version.

-- Origination: the subject is the application.

create function @book@._ask_identity(application_id uuid) returns jsonb language sql stable as $$
    select jsonb_build_object('address', 'identity', 'details', jsonb_build_object(
        'party_no', p.party_no, 'name', p.name, 'given_name', p.given_name, 'born_on', p.born_on, 'country', p.country))
    from @book@.application as a
    join @book@.party as p on p.id = a.applicant_id
    where a.id = application_id and p.kyc_status <> 'verified'
$$;
comment on function @book@._ask_identity(uuid) is 'What is asked of who verifies identities; NULL where the applicant''s is.';

create function @book@._note_identity(application_id uuid, known jsonb) returns jsonb language plpgsql as $$
begin
    if known ->> 'kyc_status' is not null then
        update @book@.party as p set kyc_status = known ->> 'kyc_status'
        from @book@.application as a where a.id = application_id and p.id = a.applicant_id;
    end if;
    return (
        select case p.kyc_status when 'verified' then '{"next": "decision"}' else '{}' end::jsonb
        from @book@.application as a join @book@.party as p on p.id = a.applicant_id where a.id = application_id);
end $$;
comment on function @book@._note_identity(uuid, jsonb) is 'Notes what came of verifying an applicant; who was not verified is turned down.';

create function @book@._turn_down(application_id uuid) returns jsonb language plpgsql as $$
begin
    perform @book@.transition('application', a.id, 'withdraw', reason => 'the identity was not verified')
    from @book@.application as a where a.id = application_id and a.status not in ('rejected', 'withdrawn');
    return '{"next": "end"}';
end $$;
comment on function @book@._turn_down(uuid) is 'Takes back an application of somebody who was not verified.';

create function @book@._decision_of(application_id uuid) returns jsonb language sql stable as $$
    select case when a.status in ('approved', 'converted') then '{}' when a.status in ('rejected', 'withdrawn') then '{"next": "end"}' end::jsonb
    from @book@.application as a where a.id = application_id
$$;
comment on function @book@._decision_of(uuid) is 'Goes on with an approved application and ends with a rejected one; NULL while it is not decided.';

create function @book@._pledge_known(known jsonb) returns jsonb language plpgsql as $$
declare
    pool uuid;
    interests uuid[];
begin
    if jsonb_array_length(coalesce(known -> 'pledges', '[]')) = 0 then
        return '{}';
    end if;
    pool := @book@.open_pool(array[(known ->> 'loan_id')::uuid]);
    select array_agg(@book@.pledge(pool, (p.pledge ->> 'collateral_id')::uuid, coalesce((p.pledge ->> 'share')::numeric, 1)))
    into interests
    from jsonb_array_elements(known -> 'pledges') as p (pledge);
    return jsonb_build_object('pool_id', pool, 'security_interests', to_jsonb(interests));
end $$;
comment on function @book@._pledge_known(jsonb) is 'Pledges what a saga was told to pledge for its loan.';

create function @book@._release_known(known jsonb) returns jsonb language plpgsql as $$
begin
    perform @book@.release_collateral(i.id)
    from jsonb_array_elements_text(coalesce(known -> 'security_interests', '[]')) as k (id)
    join @book@.security_interest as i on i.id = k.id::uuid
    where i.released_on is null;
    return '{}';
end $$;
comment on function @book@._release_known(jsonb) is 'Releases what a saga had pledged.';

create function @book@._lend_known(known jsonb) returns jsonb language plpgsql as $$
begin
    return jsonb_build_object('disbursement', (
        select @book@.disburse(l.loan_no, legal_entity_id => l.legal_entity_id)
        from @book@.loan as l where l.id = (known ->> 'loan_id')::uuid));
end $$;
comment on function @book@._lend_known(jsonb) is 'Lends the loan of a saga, or asks a second person to.';

-- What was lent by mistake is reversed, and a request that nobody agreed to is refused.
create function @book@._unlend_known(known jsonb) returns jsonb language plpgsql as $$
begin
    update @book@.action_request as r set status = 'rejected'
    where r.id = (known ->> 'disbursement')::uuid and r.status = 'open';
    perform @book@._record(e.loan_id, 'reverse', @book@.business_date(), jsonb_build_object('of', e.version::text))
    from @book@.action_request as r
    join @book@.loan_event as e on e.loan_id = r.loan_id and e.version = r.loan_version
    join @book@.loan_balance as b on b.loan_id = r.loan_id
    where r.id = (known ->> 'disbursement')::uuid and r.status = 'done' and b.status <> 'approved';
    return '{}';
end $$;
comment on function @book@._unlend_known(jsonb) is 'Takes back what a saga lent and nobody was paid.';

create function @book@._lent_known(known jsonb) returns jsonb language sql stable as $$
    select '{}'::jsonb from @book@.loan_balance as b where b.loan_id = (known ->> 'loan_id')::uuid and b.status = 'active'
$$;
comment on function @book@._lent_known(jsonb) is 'Whether the loan of a saga is lent; NULL while it is not.';

create function @book@._ask_payout(known jsonb) returns jsonb language sql stable as $$
    select jsonb_build_object('address', 'bank', 'details', jsonb_build_object('loan_no', l.loan_no, 'amount', r.amount,
        'currency', l.currency, 'party_no', p.party_no, 'name', p.name, 'account', i.masked_number))
    from @book@.loan as l
    join @book@.party as p on p.id = l.borrower_id
    join @book@.action_request as r on r.id = (known ->> 'disbursement')::uuid
    left join @book@.payment_instrument as i on i.party_id = p.id and i.currency = l.currency and i.is_default
    where l.id = (known ->> 'loan_id')::uuid
$$;
comment on function @book@._ask_payout(jsonb) is 'What the bank is asked to pay out.';

-- From a margin call to its end: the subject is the margin call.

create function @book@._owners_of(margin_call_id uuid) returns table (legal_entity_id uuid, party_id uuid, name text, loan_id uuid)
    language sql stable as $$
    select distinct on (l.borrower_id) c.legal_entity_id, l.borrower_id, concat_ws(' ', p.given_name, p.name), l.id
    from @book@.margin_call as c
    join @book@.pool_loan as o on o.pool_id = c.pool_id
    join @book@.loan as l on l.id = o.loan_id
    join @book@.party as p on p.id = l.borrower_id
    where c.id = margin_call_id
    order by l.borrower_id, o.rank, l.id
$$;
comment on function @book@._owners_of(uuid) is 'The borrowers that a margin call is for.';

create function @book@._tell_margin_call(margin_call_id uuid) returns jsonb language plpgsql as $$
begin
    perform @book@._notify('margin_call', array_agg(row(o.legal_entity_id, o.party_id, null, c.id::text, o.loan_id,
        jsonb_build_object('name', o.name, 'currency', c.currency, 'money_needed', c.money_needed,
            'collateral_needed', c.collateral_needed, 'deadline', c.deadline))::@book@._notice))
    from @book@.margin_call as c cross join lateral @book@._owners_of(c.id) as o where c.id = margin_call_id;
    perform @book@.notify_margin_call(c.id, 'notification') from @book@.margin_call as c where c.id = margin_call_id and c.status = 'opened';
    return '{}';
end $$;
comment on function @book@._tell_margin_call(uuid) is 'Tells the borrowers of a margin call.';

create function @book@._outcome_of_call(margin_call_id uuid) returns jsonb language sql stable as $$
    select case when c.status in ('cured', 'settled', 'surplus_refunded') then '{"next": "end"}'
        when c.status = 'liquidation' then '{"next": "sell"}'
        when @book@._margin_call_is_not_due(c.id) is null then '{}' end::jsonb
    from @book@.margin_call as c where c.id = margin_call_id
$$;
comment on function @book@._outcome_of_call(uuid) is
'Ends with a margin call that is cured, and goes on with one that may be sold: its deadline has passed, or its ratio is that of liquidation; NULL before.';

create function @book@._decide_sale(margin_call_id uuid) returns jsonb language plpgsql as $$
begin
    perform @book@._share_prices();
    perform from @book@.margin_call as c where c.id = margin_call_id for update;
    -- Cured at the last moment: nothing is sold.
    if @book@._outcome_of_call(margin_call_id) is distinct from '{}' then
        return coalesce(@book@._outcome_of_call(margin_call_id), '{"next": "cure_or_deadline"}');
    end if;
    perform @book@.liquidate_collateral(margin_call_id, 'not cured in time');
    return '{}';
end $$;
comment on function @book@._decide_sale(uuid) is 'Decides that collateral is sold, unless the margin call was cured meanwhile.';

create function @book@._ask_sale(margin_call_id uuid) returns jsonb language sql stable as $$
    select jsonb_build_object('address', 'broker', 'details', jsonb_build_object('currency', min(c.currency), 'things', jsonb_agg(
        jsonb_build_object('collateral_id', k.id, 'reference', k.reference, 'description', k.description,
            'quantity', k.quantity, 'unit', k.unit, 'share', i.share) order by k.reference)))
    from @book@.margin_call as c
    join @book@.security_interest as i on i.pool_id = c.pool_id and i.released_on is null
    join @book@.collateral as k on k.id = i.collateral_id
    where c.id = margin_call_id
$$;
comment on function @book@._ask_sale(uuid) is 'What a broker is asked to sell.';

create function @book@._settle_sale(margin_call_id uuid, known jsonb) returns jsonb language plpgsql as $$
declare
    surplus numeric;
begin
    surplus := @book@.settle_margin_call(margin_call_id, (known ->> 'proceeds')::numeric,
        case when known -> 'sold' is not null then array(select s.id::uuid from jsonb_array_elements_text(known -> 'sold') as s (id)) end);
    perform @book@._notify('collateral_sold', array_agg(row(o.legal_entity_id, o.party_id, null, c.id::text, o.loan_id,
        jsonb_build_object('name', o.name, 'currency', c.currency, 'proceeds', c.proceeds, 'surplus', c.surplus))::@book@._notice))
    from @book@.margin_call as c cross join lateral @book@._owners_of(c.id) as o where c.id = margin_call_id;
    return jsonb_build_object('surplus', surplus) || case when surplus > 0 then '{}' else '{"next": "end"}' end::jsonb;
end $$;
comment on function @book@._settle_sale(uuid, jsonb) is 'Books what a sale brought; ends where nothing is left of it.';

create function @book@._ask_refund(margin_call_id uuid) returns jsonb language sql stable as $$
    select jsonb_build_object('address', 'bank', 'details', jsonb_build_object('amount', c.surplus, 'currency', c.currency,
        'name', o.name, 'account', i.masked_number))
    from @book@.margin_call as c
    cross join lateral @book@._owners_of(c.id) as o
    left join @book@.payment_instrument as i on i.party_id = o.party_id and i.currency = c.currency and i.is_default
    where c.id = margin_call_id limit 1
$$;
comment on function @book@._ask_refund(uuid) is 'What the bank is asked to give back.';

create function @book@._note_refund(margin_call_id uuid, known jsonb) returns jsonb language sql as $$
    select jsonb_build_object('refunded', @book@.refund_surplus(margin_call_id, coalesce(known ->> 'reference', 'paid out')))
$$;
comment on function @book@._note_refund(uuid, jsonb) is 'Records that a surplus was given back.';

insert into @book@.saga_definition (name, version, within_days, description) values
    ('origination', 1, 180, 'from an application to money paid out'),
    ('margin_call', 1, null, 'from a margin call to its cure, or to collateral sold');

insert into @book@.saga_step
    (name, version, position, step, kind, call, compensation, within_days, leads_to, description) values
    ('origination', 1, 1, 'verify_identity', 'external', 'select @book@._ask_identity($2)', null, 14, null,
        'who applies is verified by others'),
    ('origination', 1, 2, 'note_identity', 'sql', 'select @book@._note_identity($2, $3)', null, null, '{turn_down,decision}',
        'what they found is noted'),
    ('origination', 1, 3, 'turn_down', 'sql', 'select @book@._turn_down($2)', null, null, '{end}', 'who was not verified is turned down'),
    ('origination', 1, 4, 'decision', 'wait', 'select @book@._decision_of($2)', null, 60, '{agree,end}',
        'the application is decided by people'),
    ('origination', 1, 5, 'agree', 'sql', 'select jsonb_build_object(''loan_id'', @book@.convert_application($2))',
        'select to_jsonb(@book@.transition(''loan'', ($3 ->> ''loan_id'')::uuid, ''cancel'', reason => ''not lent after all''))',
        null, null, 'the loan is agreed'),
    ('origination', 1, 6, 'signature', 'wait', null, null, 30, null, 'the borrower signs: the event signature'),
    ('origination', 1, 7, 'pledge', 'sql', 'select @book@._pledge_known($3)', 'select @book@._release_known($3)', null, null,
        'what is to be pledged is pledged'),
    ('origination', 1, 8, 'lend', 'sql', 'select @book@._lend_known($3)', 'select @book@._unlend_known($3)', null, null,
        'the loan is lent, or a second person is asked'),
    ('origination', 1, 9, 'lent', 'wait', 'select @book@._lent_known($3)', null, 14, null, 'whoever must agree has agreed'),
    ('origination', 1, 10, 'pay_out', 'external', 'select @book@._ask_payout($3)', null, 14, null, 'the bank pays out'),
    ('margin_call', 1, 1, 'tell', 'sql', 'select @book@._tell_margin_call($2)', null, null, null, 'the borrower is told'),
    ('margin_call', 1, 2, 'cure_or_deadline', 'wait', 'select @book@._outcome_of_call($2)', null, null, '{decide,sell,end}',
        'it is cured, or its deadline passes'),
    ('margin_call', 1, 3, 'decide', 'sql', 'select @book@._decide_sale($2)', null, null, '{sell,cure_or_deadline,end}',
        'it is to be sold'),
    ('margin_call', 1, 4, 'sell', 'external', 'select @book@._ask_sale($2)', null, null, null, 'a broker sells'),
    ('margin_call', 1, 5, 'settle', 'sql', 'select @book@._settle_sale($2, $3)', null, null, '{refund,end}', 'the proceeds pay the loans'),
    ('margin_call', 1, 6, 'refund', 'external', 'select @book@._ask_refund($2)', null, null, null, 'the bank gives back what is left'),
    ('margin_call', 1, 7, 'note_refund', 'sql', 'select @book@._note_refund($2, $3)', null, null, null, 'that is recorded');
-- What was decided to be sold is not given up for a broker who is away.
update @book@.saga_step set attempts_max = 1000 where name = 'margin_call' and step in ('sell', 'settle', 'refund', 'note_refund');

create function @book@.start_margin_sagas() returns bigint language sql as $$
    select count(@book@.start_saga('margin_call', c.id, legal_entity => e.code))
    from @book@.margin_call as c
    join @book@.legal_entity as e on e.id = c.legal_entity_id
    where c.status in ('opened', 'notified', 'partly_cured', 'expired')
        and not exists (select from @book@.saga as s where s.name = 'margin_call' and s.unique_key = c.id::text)
$$;
comment on function @book@.start_margin_sagas() is
'Starts the undertaking of each open margin call that has none; returns how many. To be called before run_sagas. Refuses with LN201.';
