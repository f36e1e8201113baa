-- Loans that take the place of others, and loans that go to another owner.

create table @book@.transfer (
    id uuid primary key default loan_engine.uuid_v7(),
    kind text not null check (kind in ('refinance', 'consolidation', 'apartment_change', 'lease_renewal', 'sale')),
    source_loan_id uuid not null references @book@.loan,
    target_loan_id uuid references @book@.loan check (target_loan_id <> source_loan_id),
    owner text,
    amount numeric not null check (amount >= 0),
    valid_on date not null,
    source_version integer not null,
    actor text not null default @book@.actor(),
    recorded_at timestamptz not null default clock_timestamp(),
    check ((kind = 'sale') = (target_loan_id is null) and (kind = 'sale') = (owner is not null)),
    unique (source_loan_id, source_version)
);
create index on @book@.transfer (target_loan_id);
select @book@._make_append_only('@book@.transfer');
comment on table @book@.transfer is 'What one loan owed and another took over, or an owner bought.';
comment on column @book@.transfer.id is 'Key.';
comment on column @book@.transfer.kind is 'Refinance, consolidation, apartment_change, lease_renewal, or sale to another owner.';
comment on column @book@.transfer.source_loan_id is 'The loan that ended.';
comment on column @book@.transfer.target_loan_id is 'The loan that took over.';
comment on column @book@.transfer.owner is 'The owner it was sold to.';
comment on column @book@.transfer.amount is 'What went over, in currency units of the loans.';
comment on column @book@.transfer.valid_on is 'The day it counts from.';
comment on column @book@.transfer.source_version is 'The event that ended the source.';
comment on column @book@.transfer.actor is 'Who did it.';
comment on column @book@.transfer.recorded_at is 'When.';

create function @book@.refinance(
    loan_no text, replaces text[], kind text default 'refinance',
    valid_on date default @book@.business_date(), legal_entity_id uuid default null
) returns numeric language plpgsql as $$
declare
    target @book@.loan := @book@._loan(loan_no, legal_entity_id);
    owed numeric;
    fault record;
    ended uuid[];
    paid_off @book@._asked[];
begin
    if (select v.disbursement_approvals from @book@.product_version as v
        where v.id = target.product_version_id) > 1 then
        raise exception using errcode = 'LN202',
            message = format('loan "%s" needs two to agree before it is lent', loan_no),
            hint = 'Disburse it with two approvals, and have the borrower pay off the others with it.';
    end if;
    perform @book@._authorise_for(target, 'refinance', target.principal, valid_on);
    if cardinality(replaces) = 0
        or cardinality(replaces) is distinct from (select count(distinct n) from unnest(replaces) as n) then
        raise exception using errcode = '22023', message = 'the loans to replace are not named once each',
            hint = 'Give the number of each loan that the new one takes over.';
    end if;
    ended := array(
        select l.id from @book@.loan as l
        where l.legal_entity_id = target.legal_entity_id and l.loan_no = any (replaces));
    perform @book@._hold(ended || target.id);
    -- Found first and asked then: a quote is not for loans that are not lent.
    with named as materialized (
        select l.id, b.status
        from @book@.loan as l
        join @book@.loan_balance as b on b.loan_id = l.id
        where l.legal_entity_id = target.legal_entity_id and l.loan_no = any (replaces) and l.currency = target.currency
    )
    select cardinality(replaces) - (select count(*) from named) as unknown,
        (select count(*) from named where status <> 'active') as idle, (
            select sum(q.total)
            from (select n.id from named as n where n.status = 'active' offset 0) as lent
            cross join lateral loan_engine.payoff_quote(@book@.loan_state_as_of(lent.id), valid_on) as q) as owed
    into fault;
    owed := fault.owed;
    if fault.unknown > 0 then
        raise exception using errcode = 'LN208',
            message = format('%s of the loans to replace are not there', fault.unknown),
            detail = format('They must be loans of the same legal entity in %s: %s.',
                target.currency, array_to_string(replaces, ', ')),
            hint = 'The table loan lists loans by loan_no.';
    elsif fault.idle > 0 then
        raise exception using errcode = 'LN214', message = format('%s of the loans to replace owe nothing', fault.idle),
            hint = 'Only loans that are lent and not ended are replaced.';
    elsif owed > target.principal then
        raise exception using errcode = 'LN203',
            message = format('loan "%s" is too small to take over what is owed', loan_no),
            detail = format('Owed are %s, the new loan is of %s %s.', owed, target.principal, target.currency),
            hint = 'Agree on a larger loan, or have the borrower pay the difference first.';
    end if;
    insert into @book@.action_request
        (loan_id, action, valid_on, amount, operation, reason, approvals_needed, status, loan_version)
    values (target.id, 'disburse', valid_on, target.principal,
        jsonb_build_object('type', 'disburse', 'amount', target.principal), kind, 1, 'done',
        @book@._record(target.id, 'disburse', valid_on, jsonb_build_object('amount', target.principal)));
    -- What they are paid is the amount of the quote and not whatever ends them: should a payment of theirs
    -- be taken back later, that is owed again.
    with noted as (
        insert into @book@.transfer (kind, source_loan_id, target_loan_id, amount, valid_on, source_version)
        select refinance.kind, b.loan_id, target.id, q.total, refinance.valid_on, b.version + 1
        from @book@.loan_balance as b
        cross join lateral loan_engine.payoff_quote(@book@.loan_state_as_of(b.loan_id), refinance.valid_on) as q
        where b.loan_id = any (ended)
        returning source_loan_id, amount
    )
    select array_agg(
        row(n.source_loan_id, 'repay', valid_on, jsonb_build_object('amount', n.amount), null)::@book@._asked)
    into paid_off
    from noted as n;
    perform @book@._record(paid_off);
    perform @book@._move('loan', ended, array_fill('transfer'::text, array[cardinality(ended)]));
    return target.principal - owed;
end $$;
comment on function @book@.refinance(text, text[], text, date, uuid) is
'Lends a loan that is agreed and pays off others with it, in one transaction and both in the ledger: to refinance, to consolidate several, or for another apartment or lease. Returns what is left for the borrower, in currency units. The loans it replaces are transferred. LN203 where the new loan is too small, LN214 where a loan owes nothing.';

create function @book@.transfer_loan(
    loan_no text, owner text, valid_on date default @book@.business_date(), legal_entity_id uuid default null
) returns uuid language plpgsql as $$
declare
    loan @book@.loan := @book@._loan(loan_no, legal_entity_id);
    sold numeric;
    request uuid;
begin
    select b.principal into sold from @book@.loan_balance as b where b.loan_id = loan.id;
    perform @book@._authorise_for(loan, 'transfer', sold, valid_on);
    insert into @book@.transfer (kind, source_loan_id, owner, amount, valid_on, source_version)
    values ('sale', loan.id, owner, sold, valid_on,
        @book@._record(loan.id, 'transfer_owner', valid_on, jsonb_build_object('owner', owner)))
    returning id into request;
    return request;
end $$;
comment on function @book@.transfer_loan(text, text, date, uuid) is
'Sells a loan to another owner; returns the transfer.';
