-- Pledging: pools are opened, things are taken, pledged, appraised and given back.

create function @book@.open_pool(loan_ids uuid[], ranks smallint[] default null) returns uuid language plpgsql as $$
declare
    found_loans record;
    policy uuid;
    made uuid;
begin
    select count(*) as loans, min(l.legal_entity_id::text)::uuid as legal_entity_id, min(l.currency) as currency,
        count(distinct (l.legal_entity_id, l.currency)) as kinds, (array_agg(l.product_id order by i.place))[1] as product_id
    into found_loans
    from unnest(loan_ids) with ordinality as i (id, place)
    join @book@.loan as l on l.id = i.id;
    if found_loans.loans = 0 or found_loans.loans <> cardinality(loan_ids) then
        raise exception using errcode = 'LN208', message = 'a pool needs loans that are there',
            detail = format('Of %s loans named %s are known.', coalesce(cardinality(loan_ids), 0), found_loans.loans),
            hint = 'The table loan lists loans by loan_no.';
    elsif found_loans.kinds > 1 then
        raise exception using errcode = 'LN206', message = 'loans of one pool are of one legal entity and one currency',
            hint = 'Open a pool for each.';
    elsif ranks is not null and cardinality(ranks) <> cardinality(loan_ids) then
        raise exception using errcode = '22023', message = 'there are not as many ranks as loans',
            hint = 'Give a rank for each loan, or none.';
    end if;
    perform @book@._authorise('pledge', legal_entity_id => found_loans.legal_entity_id);
    select m.id into policy from @book@.margin_policy as m
    where m.product_id = found_loans.product_id and m.validity @> @book@.business_date();
    if policy is null then
        raise exception using errcode = 'LN208', message = 'the product of the first loan has no margin policy',
            detail = format('The business date is %s.', @book@.business_date()),
            hint = 'Insert its levels into margin_policy.';
    end if;
    insert into @book@.pool (legal_entity_id, policy_id, currency)
    values (found_loans.legal_entity_id, policy, found_loans.currency)
    returning id into made;
    insert into @book@.pool_loan (loan_id, pool_id, rank)
    select i.id, made, coalesce(i.rank, 1) from unnest(loan_ids, ranks) as i (id, rank);
    insert into @book@.margin_standing (pool_id, policy_id, level_since, debt_from, laid_through)
    values (made, policy, @book@._margin_date(), @book@._margin_date(), @book@._margin_date());
    perform @book@._share_prices();
    perform @book@._bring_debts(array[made]);
    return made;
end $$;
comment on function @book@.open_pool(uuid[], smallint[]) is
'Opens a pool for loans of one currency, with ranks if given, on the levels of the product of the first; returns its key. Refuses with LN201, LN206, LN208, and 23505 a loan that is in a pool.';

create function @book@.take_collateral(
    legal_entity_id uuid, owner_id uuid, reference text, asset_code text, quantity numeric default 1, unit text default null,
    purity_mark text default null, currency text default null, new_price numeric default null, new_on date default null,
    description text default null, attributes jsonb default '{}'
) returns uuid language plpgsql as $$
declare
    asset uuid := (select a.id from @book@.asset as a where a.code = asset_code);
    made uuid;
begin
    perform @book@._authorise('pledge', legal_entity_id => legal_entity_id);
    if asset is null then
        raise exception using errcode = 'LN208', message = format('there is no asset "%s"', asset_code),
            hint = 'The table asset lists assets by their code.';
    end if;
    insert into @book@.collateral (legal_entity_id, owner_id, reference, asset_id, description, quantity, unit, purity, currency,
        new_price, new_on, attributes)
    values (take_collateral.legal_entity_id, take_collateral.owner_id, take_collateral.reference, asset, take_collateral.description,
        take_collateral.quantity, take_collateral.unit, coalesce(loan_engine.purity(purity_mark), 1), take_collateral.currency,
        take_collateral.new_price, take_collateral.new_on, take_collateral.attributes)
    returning id into made;
    return made;
end $$;
comment on function @book@.take_collateral(uuid, uuid, text, text, numeric, text, text, text, numeric, date, text, jsonb) is
'Takes a thing that may be pledged: how much of which asset, of metal its unit and a mark of purity such as 22K or 916, and attributes that its expression asks for. Returns its key; refuses with LN201, LN206, LN208 and 22023.';

create function @book@._collateral_is_pledged(subject_id uuid) returns text language sql stable as $$
    select format('of collateral "%s" %s is pledged', c.reference, trim_scale(c.pledged))
    from @book@.collateral as c
    where c.id = subject_id and c.pledged > 0
$$;
comment on function @book@._collateral_is_pledged(uuid) is 'Against giving back or selling what is pledged.';

create function @book@.pledge(
    pool_id uuid, collateral_id uuid, share numeric default 1, rank smallint default 1::smallint, haircut numeric default null
) returns uuid language plpgsql as $$
declare
    held record;
    made uuid;
begin
    select p.legal_entity_id, c.legal_entity_id as held_for, c.asset_id, c.reference, (
            select max(b.maturity) from @book@.pool_loan as l join @book@.loan_balance as b on b.loan_id = l.loan_id
            where l.pool_id = p.id) as maturity
    into held
    from @book@.pool as p
    left join @book@.collateral as c on c.id = pledge.collateral_id
    where p.id = pledge.pool_id;
    if not found or held.reference is null then
        raise exception using errcode = 'LN208', message = 'there is no such pool or collateral',
            detail = format('Pool %s, collateral %s.', pool_id, collateral_id),
            hint = 'open_pool and take_collateral return their keys.';
    elsif held.held_for <> held.legal_entity_id then
        raise exception using errcode = 'LN206', message = format('collateral "%s" is held for another legal entity', held.reference),
            hint = 'Take it for this one.';
    end if;
    perform @book@._authorise('pledge', legal_entity_id => held.legal_entity_id);
    -- Who gives it back locks the same row, and finds the share that is pledged here.
    perform from @book@.collateral as c where c.id = pledge.collateral_id for no key update;
    if (select s.state from @book@._status('collateral', pledge.collateral_id) as s) in ('released', 'sold') then
        raise exception using errcode = 'LN214', message = format('collateral "%s" is not held any more', held.reference),
            detail = format('It is %s.', (select s.state from @book@._status('collateral', pledge.collateral_id) as s)),
            hint = 'Take it anew.';
    end if;
    insert into @book@.security_interest (collateral_id, pool_id, rank, share, haircut)
    values (pledge.collateral_id, pledge.pool_id, pledge.rank, pledge.share, coalesce(pledge.haircut,
        @book@._haircut(held.asset_id, held.maturity - @book@.business_date())))
    returning id into made;
    perform @book@._share_prices();
    perform @book@._bring_parts(array[pledge.pool_id]);
    perform @book@._look_at_pools(array[pledge.pool_id], 'pledge');
    return made;
end $$;
comment on function @book@.pledge(uuid, uuid, numeric, smallint, numeric) is
'Pledges a share of a thing to a pool, with the haircut of its asset for how long the loans run unless given, and returns the key of the interest. Refuses with LN201, LN203 more than the whole, LN206, LN207 what has no price, LN208, LN214 what was given back or sold.';

create function @book@.release_collateral(security_interest_id uuid) returns void language plpgsql as $$
declare
    held @book@.security_interest;
    fault record;
begin
    select i.* into held from @book@.security_interest as i where i.id = security_interest_id for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no security interest %s', security_interest_id),
            hint = 'pledge returns its key; the table security_interest lists those of each pool.';
    elsif held.released_on is not null then
        raise exception using errcode = 'LN214', message = 'the collateral was released before',
            detail = format('That was on %s.', held.released_on), hint = 'Look at the interest that is open.';
    end if;
    perform @book@._authorise('release', legal_entity_id => (select p.legal_entity_id from @book@.pool as p where p.id = held.pool_id));
    update @book@.security_interest as i set released_on = @book@.business_date() where i.id = held.id;
    perform @book@._share_prices();
    perform @book@._bring_parts(array[held.pool_id]);
    perform @book@._look_at_pools(array[held.pool_id], 'release');
    select k.debt, k.value, k.is_held, m.release_ltv, p.currency into fault
    from @book@._pool_look as k
    join @book@.pool as p on p.id = k.pool_id
    join @book@.margin_policy as m on m.id = p.policy_id
    where k.pool_id = held.pool_id and k.debt > 0 and (k.is_held or k.debt > m.release_ltv * k.value);
    if found then
        raise exception using errcode = 'LN203', message = 'what is left would not be enough',
            detail = format('%s %s would be owed on %s%s; the highest ratio is %s.', round(fault.debt, 2), fault.currency, round(fault.value, 2),
                case when fault.is_held then ', by a stale price' else '' end, fault.release_ltv),
            hint = 'Have something paid first, or release less.';
    end if;
end $$;
comment on function @book@.release_collateral(uuid) is
'Gives back what an interest holds, where the ratio of the pool without it does not exceed release_ltv. Refuses with LN201, LN203, LN208 and LN214.';

create function @book@.appraise(collateral_id uuid, value numeric, appraiser text, appraised_on date default null)
    returns void language plpgsql as $$
declare
    held record;
    day date := coalesce(appraised_on, @book@.business_date());
    index_then numeric;
    pools uuid[];
begin
    select c.*, a.kind, a.code into held
    from @book@.collateral as c join @book@.asset as a on a.id = c.asset_id where c.id = appraise.collateral_id
    for update of c;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no collateral %s', collateral_id),
            hint = 'The table collateral lists things by their reference.';
    elsif held.kind not in ('appraised', 'property_index') then
        raise exception using errcode = 'LN214', message = format('collateral "%s" is not appraised', held.reference),
            detail = format('Its asset is of kind %s.', held.kind), hint = 'Record the price of its asset.';
    elsif day > @book@.business_date() then
        raise exception using errcode = 'LN210', message = 'an appraisal is of a day to come',
            detail = format('It is of %s; the business date is %s.', day, @book@.business_date()), hint = 'Record it then.';
    end if;
    perform @book@._authorise('appraise', value, held.currency, legal_entity_id => held.legal_entity_id);
    if held.kind = 'property_index' then
        select p.price into index_then
        from @book@.asset_price as p
        where p.asset_id = held.asset_id and p.priced_on <= day
        order by p.observed_at desc, p.revision desc limit 1;
        if index_then is null then
            raise exception using errcode = 'LN207', message = format('index "%s" is not known on %s', held.code, day),
                detail = 'The appraisal is carried on by what the index was then.', hint = 'Record the index first.';
        end if;
    end if;
    insert into @book@.appraisal (collateral_id, appraised_on, position, value, index_value, appraiser)
    select held.id, day, count(*) + 1, appraise.value, index_then, appraise.appraiser
    from @book@.appraisal as e where e.collateral_id = held.id and e.appraised_on = day;
    pools := array(select i.pool_id from @book@.security_interest as i where i.collateral_id = held.id and i.released_on is null);
    if cardinality(pools) > 0 then
        perform @book@._share_prices();
        perform @book@._bring_parts(pools);
        perform @book@._look_at_pools(pools, 'appraisal');
    end if;
end $$;
comment on function @book@.appraise(uuid, numeric, text, date) is
'Records what a thing is worth by somebody who knows, in its currency, on the business date unless given; pools it is pledged to follow. Refuses with LN201, LN207, LN208, LN210 and LN214.';

create function @book@.waive_claim(loan_no text, amount numeric, reason text, legal_entity_id uuid default null)
    returns numeric language plpgsql as $$
declare
    loan @book@.loan := @book@._loan(loan_no, legal_entity_id);
    claim numeric;
    pools uuid[];
begin
    perform @book@._authorise('waive', waive_claim.amount, loan.currency, legal_entity_id => loan.legal_entity_id);
    perform @book@._hold(array[loan.id]);
    claim := case (select b.status from @book@.loan_balance as b where b.loan_id = loan.id)
        when 'written_off' then @book@._claim(loan.id) end;
    if claim is null then
        raise exception using errcode = 'LN214', message = format('loan "%s" is not written off', loan_no),
            hint = 'Use waive for what is owed of a loan that runs.';
    elsif waive_claim.amount is null or waive_claim.amount <= 0
        or waive_claim.amount <> loan_engine.round_money(waive_claim.amount, loan.currency)
    then
        raise exception using errcode = 'LN105', message = 'what is waived is whole minor units above zero',
            detail = format('It is %s %s.', waive_claim.amount, loan.currency), hint = 'Give such an amount.';
    elsif waive_claim.amount > claim then
        raise exception using errcode = 'LN104', message = 'more would be waived than is owed',
            detail = format('%s %s are still owed.', claim, loan.currency), hint = 'Waive no more than that.';
    elsif reason is null or reason = '' then
        raise exception using errcode = '22004', message = 'a waiver needs a reason', hint = 'Say why.';
    end if;
    insert into @book@.claim_waiver (loan_id, amount, reason) values (loan.id, waive_claim.amount, waive_claim.reason);
    pools := array(select l.pool_id from @book@.pool_loan as l where l.loan_id = loan.id);
    if cardinality(pools) > 0 then
        perform @book@._share_prices();
        perform @book@._bring_debts(pools);
        perform @book@._look_at_pools(pools, 'debt');
    end if;
    return claim - waive_claim.amount;
end $$;
comment on function @book@.waive_claim(text, numeric, text, uuid) is
'Lets the borrower of a loan that is written off off an amount, in currency units, and returns what is still owed; what is pledged for it can be given back when nothing is. Refuses with LN104, LN105, LN201, LN208, LN214 and 22004.';

create function @book@.revalue(pool_id uuid) returns integer language plpgsql as $$
begin
    if not exists (select from @book@.margin_standing as s where s.pool_id = revalue.pool_id) then
        raise exception using errcode = 'LN208', message = format('there is no pool %s', pool_id), hint = 'open_pool returns its key.';
    end if;
    perform @book@._share_prices();
    perform @book@._bring_parts(array[revalue.pool_id]);
    perform @book@._look_at_pools(array[revalue.pool_id], 'revaluation');
    return (select s.version from @book@.margin_standing as s where s.pool_id = revalue.pool_id);
end $$;
comment on function @book@.revalue(uuid) is
'Values a pool from what is pledged to it, the prices and the debts of now; returns the number of the valuation that keeps it. Refuses with LN207 and LN208.';

create function @book@.explain_valuation(pool_id uuid, version integer default null)
    returns table (part text, quantity numeric, price numeric, exchange_rate numeric, amount numeric)
    language sql stable as $$
    with kept as materialized (
        select v.* from @book@.collateral_valuation as v
        where v.pool_id = explain_valuation.pool_id and (explain_valuation.version is null or v.version = explain_valuation.version)
        order by v.version desc limit 1
    )
    select e.part, e.quantity, e.price, e.exchange_rate, trim_scale(e.amount)
    from (
        select 1 as place, a.code as part, u.weight as quantity, u.price, u.rate as exchange_rate,
            u.weight * u.price * coalesce(u.rate, 1) as amount
        from kept as k
        cross join lateral unnest(k.asset_ids, k.weights, k.prices, k.rates) as u (asset_id, weight, price, rate)
        join @book@.asset as a on a.id = u.asset_id
        union all
        select 2, 'fixed', null, null, null, k.fixed from kept as k where k.fixed <> 0
        union all
        select 3, 'value', null, null, null, k.value from kept as k
        union all
        select 4, 'debt', null, null, null, k.debt from kept as k
        union all
        select 5, 'loan to value', null, null, null, round(loan_engine.loan_to_value(k.debt, k.value), 6) from kept as k
        union all
        select 6, 'level', null, null, null, k.level from kept as k
    ) as e
    order by e.place, e.part
$$;
comment on function @book@.explain_valuation(uuid, integer) is
'How a valuation of a pool, the last unless given, came to its value: quantities after haircut and share, prices, exchange rates; what was owed; the ratio and the level, 0 to 3.';
