-- What a lender does to a loan: commands that check who may do it, and record operations. What an
-- operation means, and whether the loan takes it, is decided by the fold.

create function @book@._loan(loan_no text, legal_entity_id uuid default null) returns @book@.loan
    language plpgsql stable as $$
declare
    found_loan @book@.loan;
    matches bigint;
begin
    select count(*) into matches from @book@.loan as l
    where l.loan_no = _loan.loan_no and (_loan.legal_entity_id is null or l.legal_entity_id = _loan.legal_entity_id);
    if matches <> 1 then
        raise exception using errcode = 'LN208',
            message = case matches when 0 then format('there is no loan "%s"', loan_no)
                else format('%s legal entities have a loan "%s"', matches, loan_no) end,
            hint = 'The table loan lists loans by loan_no; name the legal entity where several lend.';
    end if;
    select l.* into found_loan from @book@.loan as l
    where l.loan_no = _loan.loan_no and (_loan.legal_entity_id is null or l.legal_entity_id = _loan.legal_entity_id);
    return found_loan;
end $$;
comment on function @book@._loan(text, uuid) is 'The loan of a number; LN208 where there is none, or one with each of several legal entities.';

create function @book@._product_code(product_id uuid) returns text language sql stable
    begin atomic select p.code from @book@.product as p where p.id = product_id; end;
comment on function @book@._product_code(uuid) is 'The short name of a product.';

-- Authority of the actor for an action on a loan, by its product, currency and day.
create function @book@._authorise_for(loan @book@.loan, action text, amount numeric, valid_on date) returns void
    language plpgsql stable as $$
declare
    today date := @book@.business_date();
begin
    if valid_on is null then
        raise exception using errcode = '22004',
            message = 'the day is NULL', hint = 'Leave it out for the business date.';
    elsif valid_on > today then
        raise exception using errcode = 'LN210', message = format('%s is a day to come', valid_on),
            detail = format('The business date is %s.', today),
            hint = 'Record it on its day, or from an earlier one.';
    end if;
    perform @book@._authorise(action, amount, loan.currency, @book@._product_code(loan.product_id),
        loan.legal_entity_id, today - valid_on);
    if valid_on < today then
        perform @book@._authorise('backdate', amount, loan.currency, @book@._product_code(loan.product_id),
            loan.legal_entity_id, today - valid_on);
    end if;
end $$;
comment on function @book@._authorise_for(@book@.loan, text, numeric, date) is
'Refuses what the actor has no authority for on a loan (LN201) and days to come (LN210).';

-- What two must agree to: one asks, another approves, and the last approval carries it out.

create table @book@.action_request (
    id uuid primary key default loan_engine.uuid_v7(),
    loan_id uuid not null references @book@.loan,
    action text not null check (action in ('disburse', 'waive', 'write_off')),
    valid_on date not null,
    amount numeric,
    operation jsonb not null,
    reason text not null,
    approvals_needed smallint not null check (approvals_needed > 0),
    status text not null default 'open' check (status in ('open', 'done', 'withdrawn')),
    requested_by text not null default @book@.actor(),
    requested_at timestamptz not null default clock_timestamp(),
    loan_version integer
);
create index on @book@.action_request (loan_id) where status = 'open';
comment on table @book@.action_request is 'What someone asked for that others must agree to: disbursements, waivers, write-offs.';
comment on column @book@.action_request.id is 'Key.';
comment on column @book@.action_request.loan_id is 'The loan.';
comment on column @book@.action_request.action is 'What authority it takes.';
comment on column @book@.action_request.valid_on is 'The day it is to count from.';
comment on column @book@.action_request.amount is 'How much, in currency units.';
comment on column @book@.action_request.operation is 'The operation it will record.';
comment on column @book@.action_request.reason is 'Why.';
comment on column @book@.action_request.approvals_needed is 'How many must agree.';
comment on column @book@.action_request.status is 'Open, done or withdrawn.';
comment on column @book@.action_request.requested_by is 'Who asked.';
comment on column @book@.action_request.requested_at is 'When.';
comment on column @book@.action_request.loan_version is 'The event it became.';

-- Nobody asks or agrees in the name of another, whatever statement they write.
create function @book@._sign_request() returns trigger language plpgsql as $$
declare
    named text := to_jsonb(new) ->> case tg_table_name when 'action_request' then 'requested_by' else 'actor' end;
begin
    perform @book@._check_actor();
    if named is distinct from @book@.actor() then
        raise exception using errcode = 'LN202', message = format('"%s" cannot sign for "%s"', @book@.actor(), named),
            hint = 'Leave out who asks or agrees: it is whoever acts.';
    end if;
    return new;
end $$;
comment on function @book@._sign_request() is 'Refuses with LN202 to ask or agree in the name of another.';
create trigger signed before insert on @book@.action_request for each row execute function @book@._sign_request();

create function @book@._keep_requests() returns trigger language plpgsql as $$
declare
    outcome constant text[] := '{status,amount,loan_version}';
begin
    if old.status <> 'open' or to_jsonb(old) - outcome <> to_jsonb(new) - outcome then
        raise exception using errcode = 'LN205', message = format('request %s stays as it was made', old.id),
            detail = format('It is %s.', old.status), hint = 'Withdraw it while it is open and ask anew.';
    end if;
    return new;
end $$;
comment on function @book@._keep_requests() is 'Lets a request be done or withdrawn once, and nothing else of it change.';
create trigger kept before update on @book@.action_request for each row execute function @book@._keep_requests();
create trigger kept_all before delete or truncate on @book@.action_request
    for each statement execute function @book@._refuse_change();

create table @book@.action_approval (
    request_id uuid not null references @book@.action_request,
    actor text not null default @book@.actor(),
    approved_at timestamptz not null default clock_timestamp(),
    primary key (request_id, actor)
);
select @book@._make_append_only('@book@.action_approval');
create trigger signed before insert on @book@.action_approval for each row execute function @book@._sign_request();
comment on table @book@.action_approval is 'Who agreed to what was asked for.';
comment on column @book@.action_approval.request_id is 'What was asked for.';
comment on column @book@.action_approval.actor is 'Who agreed.';
comment on column @book@.action_approval.approved_at is 'When.';

create view @book@.disbursement as
select r.id, r.loan_id, r.amount, r.valid_on, r.status, r.requested_by, r.loan_version
from @book@.action_request as r where r.action = 'disburse';
comment on view @book@.disbursement is 'Money lent or to be lent.';
comment on column @book@.disbursement.id is 'The request, or what was lent at once.';
comment on column @book@.disbursement.loan_id is 'The loan.';
comment on column @book@.disbursement.amount is 'How much, in currency units.';
comment on column @book@.disbursement.valid_on is 'The day it counts from.';
comment on column @book@.disbursement.status is 'Open, done or withdrawn.';
comment on column @book@.disbursement.requested_by is 'Who lent it or asked to.';
comment on column @book@.disbursement.loan_version is 'The event it became.';
create view @book@.waiver as
select r.id, r.loan_id, r.operation ->> 'type' as kind, r.amount, r.valid_on, r.reason, r.status, r.requested_by,
    (select string_agg(a.actor, ', ' order by a.approved_at)
        from @book@.action_approval as a where a.request_id = r.id) as approved_by,
    r.loan_version
from @book@.action_request as r where r.action = 'waive';
comment on view @book@.waiver is 'What was forgiven or is to be.';
comment on column @book@.waiver.id is 'The request.';
comment on column @book@.waiver.loan_id is 'The loan.';
comment on column @book@.waiver.kind is 'The operation: waive_interest or waive_charge.';
comment on column @book@.waiver.amount is 'How much, in currency units; what was outstanding, once it is done.';
comment on column @book@.waiver.valid_on is 'The day it counts from.';
comment on column @book@.waiver.reason is 'Why.';
comment on column @book@.waiver.status is 'Open, done or withdrawn.';
comment on column @book@.waiver.requested_by is 'Who asked.';
comment on column @book@.waiver.approved_by is 'Who agreed, in order.';
comment on column @book@.waiver.loan_version is 'The event it became.';

-- An operation is tried before others are asked to agree to it: what the loan does not take is refused
-- to whoever asks.
create function @book@._try(loan_id uuid, operation jsonb, valid_on date) returns void language plpgsql stable as $$
begin
    perform loan_engine._loan_fold(l.terms, @book@._operations(l.id) || jsonb_build_array(
        operation || jsonb_build_object(
            'on', valid_on, 'recorded_on', @book@.business_date(), 'id', (b.version + 1)::text)))
    from @book@.loan as l
    join @book@.loan_balance as b on b.loan_id = l.id
    where l.id = _try.loan_id;
end $$;
comment on function @book@._try(uuid, jsonb, date) is 'Refuses what the loan would refuse, and records nothing.';

create function @book@._at_stake(loan_id uuid, operation jsonb) returns numeric language plpgsql stable as $$
begin
    return case operation ->> 'type'
        when 'write_off' then (
            select b.principal + b.interest + b.fees + b.penalties
            from @book@.loan_balance as b where b.loan_id = _at_stake.loan_id)
        when 'waive_charge' then (
            select c.outstanding
            from loan_engine.fold_charges(@book@.loan_state_as_of(_at_stake.loan_id)) as c
            where c.charge = _at_stake.operation ->> 'charge')
        else (operation ->> 'amount')::numeric
    end;
end $$;
comment on function @book@._at_stake(uuid, jsonb) is
'What an operation is about, in currency units: its amount, or what is outstanding of what it gives up.';

create function @book@._request(
    loan @book@.loan, action text, valid_on date, operation jsonb, reason text, approvals_needed integer
) returns uuid language plpgsql as $$
declare
    amount numeric := @book@._at_stake(loan.id, operation);
    request uuid;
begin
    if reason is null or reason = '' then
        raise exception using errcode = '22004', message = 'a request needs a reason', hint = 'Say why.';
    end if;
    perform @book@._authorise_for(loan, action || '_request', amount, valid_on);
    perform @book@._try(loan.id, operation, valid_on);
    insert into @book@.action_request (loan_id, action, valid_on, amount, operation, reason, approvals_needed)
    values (loan.id, action, valid_on, amount, operation, reason, approvals_needed)
    returning id into request;
    return request;
end $$;
comment on function @book@._request(@book@.loan, text, date, jsonb, text, integer) is
'Notes what someone asks for, if they may and the loan takes it.';

create function @book@.approve(request_id uuid) returns integer language plpgsql as $$
declare
    asked @book@.action_request;
    loan @book@.loan;
    agreed bigint;
    at_stake numeric;
begin
    select * into asked from @book@.action_request as r where r.id = approve.request_id for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no request %s', request_id),
            hint = 'The table action_request lists what waits for approval.';
    elsif asked.status <> 'open' then
        raise exception using errcode = 'LN409', message = format('request %s is %s', request_id, asked.status),
            detail = format('It was to %s %s.', asked.action, asked.amount),
            hint = 'Someone else was first; nothing is left to approve.';
    elsif asked.requested_by = @book@.actor() then
        raise exception using errcode = 'LN202', message = format('"%s" asked for it', @book@.actor()),
            hint = 'Someone else must approve what you ask for.';
    elsif exists (
        select from @book@.action_approval as a
        where a.request_id = approve.request_id and a.actor = @book@.actor()) then
        raise exception using errcode = 'LN202', message = format('"%s" approved it before', @book@.actor()),
            hint = 'The next approval is someone else''s.';
    end if;
    select * into loan from @book@.loan as l where l.id = asked.loan_id;
    -- What is outstanding may have changed since. Nobody forgives more than was asked for; a loan is
    -- written off as a whole, and takes the authority for what it has come to.
    perform @book@._hold(array[asked.loan_id]);
    at_stake := @book@._at_stake(asked.loan_id, asked.operation);
    if at_stake > asked.amount and asked.action <> 'write_off' then
        raise exception using errcode = 'LN203', message = format('more is outstanding than was asked for'),
            detail = format('Asked for were %s, outstanding are %s %s.', asked.amount, at_stake, loan.currency),
            hint = 'Withdraw the request and ask anew.';
    end if;
    perform @book@._authorise_for(loan, asked.action, coalesce(at_stake, asked.amount), asked.valid_on);
    insert into @book@.action_approval (request_id) values (request_id);
    select count(*) into agreed from @book@.action_approval as a where a.request_id = approve.request_id;
    if agreed < asked.approvals_needed then
        return null;
    end if;
    asked.loan_version := @book@._record(
        asked.loan_id, asked.operation ->> 'type', asked.valid_on, asked.operation - 'type');
    update @book@.action_request as r
    set status = 'done', amount = coalesce(at_stake, asked.amount), loan_version = asked.loan_version
    where r.id = asked.id;
    return asked.loan_version;
end $$;
comment on function @book@.approve(uuid) is
'Agrees to what someone asked for. The last approval needed carries it out and returns the version of the event; NULL when more are needed. LN202 for whoever asked or approved before, LN201 without authority, LN203 when more is outstanding than was asked for, LN409 when it is done.';

create function @book@.withdraw_request(request_id uuid) returns void language plpgsql as $$
begin
    perform @book@._check_actor();
    update @book@.action_request as r set status = 'withdrawn'
    where r.id = withdraw_request.request_id and r.status = 'open'
        and (r.requested_by = @book@.actor() or @book@._is_owner());
    if not found then
        raise exception using errcode = 'LN214', message = format('request %s cannot be withdrawn', request_id),
            hint = 'Whoever asked may withdraw what is still open.';
    end if;
end $$;
comment on function @book@.withdraw_request(uuid) is 'Withdraws what one asked for, as long as it is open.';

-- Lending. A product says how many must agree; with one, whoever asks and has the authority lends.

create function @book@.disburse(
    loan_no text, amount numeric default null, valid_on date default @book@.business_date(),
    legal_entity_id uuid default null
) returns uuid language plpgsql as $$
declare
    loan @book@.loan := @book@._loan(loan_no, legal_entity_id);
    needed smallint;
    request uuid;
begin
    select v.disbursement_approvals into needed from @book@.product_version as v where v.id = loan.product_version_id;
    amount := coalesce(amount, loan.principal - coalesce((
        select sum(t.amount) from loan_engine.fold_transactions(@book@.loan_state_as_of(loan.id)) as t
        where t.kind = 'disbursement' and t.reversed_by is null), 0) - coalesce((
        select sum(r.amount) from @book@.action_request as r
        where r.loan_id = loan.id and r.action = 'disburse' and r.status = 'open'), 0));
    if needed > 1 then
        return @book@._request(loan, 'disburse', valid_on,
            jsonb_build_object('type', 'disburse', 'amount', amount), 'disbursement', needed - 1);
    end if;
    perform @book@._authorise_for(loan, 'disburse', amount, valid_on);
    insert into @book@.action_request
        (loan_id, action, valid_on, amount, operation, reason, approvals_needed, status, loan_version)
    values (loan.id, 'disburse', valid_on, amount, jsonb_build_object('type', 'disburse', 'amount', amount),
        'disbursement', 1, 'done',
        @book@._record(loan.id, 'disburse', valid_on, jsonb_build_object('amount', amount)))
    returning id into request;
    return request;
end $$;
comment on function @book@.disburse(text, numeric, date, uuid) is
'Lends money, all that is agreed and not lent yet unless an amount is given; a tranche for each call. Where the product wants two to agree it becomes a request that another approves. Returns the disbursement.';

create function @book@.disburse_loans(loan_ids uuid[], valid_on date default @book@.business_date()) returns integer
    language plpgsql as $$
declare
    lent @book@._asked[];
begin
    perform @book@._authorise('disburse', max(l.principal), null, null, null, @book@.business_date() - valid_on)
    from @book@.loan as l where l.id = any (loan_ids);
    if exists (
        select from @book@.loan as l join @book@.product_version as v on v.id = l.product_version_id
        where l.id = any (loan_ids) and v.disbursement_approvals > 1) then
        raise exception using errcode = 'LN202', message = 'a loan among them needs two to agree',
            hint = 'Disburse loans of products with two approvals one by one, and approve them.';
    end if;
    perform @book@._hold(loan_ids);
    with noted as (
        insert into @book@.action_request
            (loan_id, action, valid_on, amount, operation, reason, approvals_needed, status, loan_version)
        select l.id, 'disburse', disburse_loans.valid_on, l.principal,
            jsonb_build_object('type', 'disburse', 'amount', l.principal), 'disbursement', 1, 'done', b.version + 1
        from @book@.loan as l
        join @book@.loan_balance as b on b.loan_id = l.id
        where l.id = any (loan_ids)
        returning loan_id, amount
    )
    select array_agg(row(n.loan_id, 'disburse', valid_on, jsonb_build_object('amount', n.amount), null)::@book@._asked)
    into lent
    from noted as n;
    perform @book@._record(lent);
    return coalesce(cardinality(lent), 0);
end $$;
comment on function @book@.disburse_loans(uuid[], date) is
'Lends the principal of many loans at once; returns how many.';

-- One operation, for whoever has the authority.
create function @book@.service(
    loan_no text, type text, members jsonb default '{}', valid_on date default @book@.business_date(),
    legal_entity_id uuid default null
) returns integer language plpgsql as $$
declare
    loan @book@.loan := @book@._loan(loan_no, legal_entity_id);
begin
    if type in (
        'disburse', 'repay', 'refund', 'waive_interest', 'waive_charge', 'write_off', 'reverse', 'transfer_owner') then
        raise exception using errcode = 'LN214',
            message = format('%s has a command of its own', replace(type, '_', ' ')),
            hint = 'Use disburse, an insert into payment (direction out to refund), waive, write_off, '
                || 'reverse_payment, transfer_loan.';
    elsif not exists (select from @book@.event_type as t where t.type = service.type) then
        raise exception using errcode = '22023', message = format('unknown operation: "%s"', type),
            hint = 'The table event_type lists them.';
    end if;
    if jsonb_typeof(members) is distinct from 'object' then
        raise exception using errcode = '22023', message = 'the members of an operation are an object',
            hint = 'Such as {"annual_rate": "0.08"}; the guide to the fold lists them.';
    end if;
    perform @book@._authorise_for(loan, type, coalesce(
        (members ->> 'amount')::numeric,
        case when type = 'charge' and coalesce(members ->> 'basis', 'flat') = 'flat' then
            (members ->> 'value')::numeric end,
        (select b.principal + b.interest + b.fees + b.penalties
            from @book@.loan_balance as b where b.loan_id = loan.id)), valid_on);
    return @book@._record(loan.id, type, valid_on, members);
end $$;
comment on function @book@.service(text, text, jsonb, date, uuid) is
'Records an operation of loan_engine.fold for a loan: charge, change_rate, change_due_date, reschedule, payment_holiday, skip_instalment, re_age, re_amortise, pause_interest, charge_off, undo_charge_off, terminate and so on, each with the authority of its name, up to its amount or, where it has none, to what is outstanding. Returns the version of the event.';

create function @book@.waive(
    loan_no text, amount numeric, reason text, charge integer default null,
    valid_on date default @book@.business_date(), legal_entity_id uuid default null
) returns uuid language plpgsql as $$
declare
    loan @book@.loan := @book@._loan(loan_no, legal_entity_id);
    whole numeric := case when charge is not null then
        @book@._at_stake(loan.id, jsonb_build_object('type', 'waive_charge', 'charge', charge::text)) end;
begin
    if charge is not null and amount is distinct from coalesce(whole, amount) then
        raise exception using errcode = 'LN203', message = format('charge %s is waived as a whole', charge),
            detail = format('Outstanding are %s %s, to be waived %s.', whole, loan.currency, amount),
            hint = 'Give what is outstanding of it, or lower it with the operation adjust_charge.';
    end if;
    return @book@._request(loan, 'waive', valid_on,
        case when charge is null then jsonb_build_object('type', 'waive_interest', 'amount', amount)
            else jsonb_build_object('type', 'waive_charge', 'charge', charge::text) end, reason, 1);
end $$;
comment on function @book@.waive(text, numeric, text, integer, date, uuid) is
'Asks to forgive interest, or what is outstanding of the charge that an event made; someone else approves it. Returns the request.';

create function @book@.write_off(
    loan_no text, reason text, valid_on date default @book@.business_date(), legal_entity_id uuid default null
) returns uuid language plpgsql as $$
declare
    loan @book@.loan := @book@._loan(loan_no, legal_entity_id);
begin
    return @book@._request(loan, 'write_off', valid_on, '{"type": "write_off"}', reason, 1);
end $$;
comment on function @book@.write_off(text, text, date, uuid) is
'Asks to give up what is outstanding; someone else approves it. Returns the request.';

create view @book@.v_recovery as
select l.id as loan_id, l.loan_no, l.legal_entity_id, l.currency, w.written_off_on, w.written_off,
    coalesce(r.recovered, 0) as recovered, r.last_recovered_on
from @book@.loan as l
join (
    select r.loan_id, max(r.valid_on) as written_off_on, sum(r.amount) as written_off
    from @book@.action_request as r
    where r.action = 'write_off' and r.status = 'done'
    group by r.loan_id
) as w on w.loan_id = l.id
left join (
    select e.loan_id, sum((e.operation ->> 'amount')::numeric) as recovered, max(e.valid_on) as last_recovered_on
    from @book@.loan_event as e
    where e.type = 'repay' and e.operation ->> 'kind' = 'recovery'
        and not exists (select from @book@.payment_reversal as v where v.payment_id = e.payment_id)
    group by e.loan_id
) as r on r.loan_id = l.id
where l.status = 'written_off';
comment on view @book@.v_recovery is 'Loans that were written off, and what came back of them since.';
comment on column @book@.v_recovery.loan_id is 'The loan.';
comment on column @book@.v_recovery.loan_no is 'Its number.';
comment on column @book@.v_recovery.legal_entity_id is 'Who lent it.';
comment on column @book@.v_recovery.currency is 'ISO 4217 code of the amounts.';
comment on column @book@.v_recovery.written_off_on is 'The day it was written off.';
comment on column @book@.v_recovery.written_off is 'What was given up, in currency units.';
comment on column @book@.v_recovery.recovered is 'What came back, in currency units.';
comment on column @book@.v_recovery.last_recovered_on is 'The day something last came back.';
