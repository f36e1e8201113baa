-- Postings by hand: booked, held back as pending, taken back.

create function @book@._legal_entity(code text) returns uuid language plpgsql stable as $$
declare
    found_id uuid;
begin
    select l.id into found_id from @book@.legal_entity as l where l.code = _legal_entity.code;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no legal entity "%s"', code),
            hint = 'The table legal_entity lists them; add_legal_entity makes one.';
    end if;
    return found_id;
end $$;
comment on function @book@._legal_entity(text) is 'The key of a legal entity; LN208 when there is none.';

-- What a caller asks to be booked, account by account. Accounts that are not there have no key.
create function @book@._asked_entries(legal_entity_id uuid, entries jsonb)
    returns table (line bigint, code text, currency text, amount numeric, account_id uuid, is_control boolean)
    language sql stable rows 10 as $$
    select e.line, e.entry ->> 'account', coalesce(e.entry ->> 'currency', l.currency), (e.entry ->> 'amount')::numeric,
        a.id, a.is_control
    from jsonb_array_elements(entries) with ordinality as e (entry, line)
    join @book@.legal_entity as l on l.id = _asked_entries.legal_entity_id
    left join @book@.ledger_account as a on a.legal_entity_id = l.id and a.code = e.entry ->> 'account'
        and a.currency = coalesce(e.entry ->> 'currency', l.currency)
$$;
comment on function @book@._asked_entries(uuid, jsonb) is
'The entries of a list {"account", "currency", "amount"}, each with its account; the currency is that of the legal entity when not given.';

create function @book@._check_asked(legal_entity_id uuid, entries jsonb) returns void language plpgsql stable as $$
declare
    fault record;
begin
    if jsonb_typeof(entries) is distinct from 'array' or jsonb_array_length(entries) < 2 then
        raise exception using errcode = 'LN204', message = 'entries are a list of two or more',
            hint = 'Such as [{"account": "1000", "amount": 100}, {"account": "3000", "amount": -100}]; a debit is above zero.';
    end if;
    select * into fault
    from @book@._asked_entries(legal_entity_id, entries) as e
    where e.account_id is null or e.is_control or e.amount is null or e.amount = 0
        or e.amount <> round(e.amount, loan_engine.minor_units(e.currency))
    order by e.line
    limit 1;
    if not found then
        return;
    elsif fault.account_id is null then
        raise exception using errcode = 'LN208',
            message = format('there is no ledger account "%s" in %s', fault.code, fault.currency),
            hint = 'The table ledger_account is the chart.';
    elsif fault.is_control then
        raise exception using errcode = 'LN212',
            message = format('ledger account "%s" in %s is not booked to by hand', fault.code, fault.currency),
            detail = 'Its balance is made up by loans.',
            hint = 'Record an operation of the loan, which books what it does.';
    end if;
    raise exception using errcode = 'LN204',
        message = format('entry %s has no amount that can be booked', fault.line),
        detail = format('The amount is %s %s.', coalesce(fault.amount::text, 'not given'), fault.currency),
        hint = 'Amounts are whole minor units and not zero: a debit above zero, a credit below.';
end $$;
comment on function @book@._check_asked(uuid, jsonb) is
'Refuses entries of unknown accounts with LN208, of control accounts with LN212, and without a proper amount with LN204.';

-- A transaction that was booked by this name is the answer, if it says the same.
create function @book@._booked_before(
    legal_entity_id uuid, kind text, value_date date, entries jsonb, idempotency_key text, description text, status text
) returns uuid language plpgsql as $$
declare
    known record;
begin
    select t.id, t.kind, t.value_date, t.description,
        case when exists (select from @book@.ledger_pending_entry as p where p.transaction_id = t.id)
            then 'pending' else 'posted' end as status
    into known
    from @book@.ledger_transaction as t
    where t.legal_entity_id = _booked_before.legal_entity_id and t.idempotency_key = _booked_before.idempotency_key;
    if not found then
        return null;
    elsif (known.kind, known.value_date, known.status) = (kind, value_date, status)
        and known.description is not distinct from description
        and not exists (
            select
            from @book@._asked_entries(legal_entity_id, entries) as e
            full join (
                select p.position, p.account_id, p.currency, p.amount
                from @book@.ledger_pending_entry as p where p.transaction_id = known.id
                union
                select e.position, e.account_id, e.currency, e.amount
                from @book@.ledger_entry as e where e.transaction_id = known.id
            ) as b on b.position = e.line
            where (e.account_id, e.currency, e.amount) is distinct from (b.account_id, b.currency, b.amount))
    then
        return known.id;
    end if;
    raise exception using errcode = 'LN209',
        message = format('"%s" was booked with other content', idempotency_key),
        detail = format('It is ledger transaction %s: %s, value date %s.', known.id, known.kind, known.value_date),
        hint = 'Give a key of its own to what is to be booked beside it.';
end $$;
comment on function @book@._booked_before(uuid, text, date, jsonb, text, text, text) is
'The transaction that was booked by an idempotency key; LN209 when it has other content, NULL when there is none.';

create function @book@.post_transaction(
    legal_entity text, kind text, value_date date, entries jsonb, idempotency_key text default null,
    description text default null, status text default 'posted', booking_date date default null
) returns uuid language plpgsql as $$
declare
    ledger uuid := @book@._legal_entity(legal_entity);
    today date := @book@.business_date();
    booked_on date := coalesce(booking_date, today);
    booked uuid;
begin
    if kind is null or kind = '' or value_date is null or entries is null
        or status is null or status not in ('posted', 'pending')
    then
        raise exception using errcode = '22023',
            message = 'a posting needs a kind, a value date and entries, and is posted or pending',
            detail = format('Kind %s, value date %s, status %s.', kind, value_date, status),
            hint = 'Give each of them.';
    end if;
    perform @book@._check_asked(ledger, entries);
    perform @book@._authorise('post_ledger', asked.debit, asked.currency, legal_entity_id => ledger,
        days_back => greatest(today - least(value_date, booked_on), 0))
    from (
        select e.currency, sum(e.amount) filter (where e.amount > 0) as debit
        from @book@._asked_entries(ledger, entries) as e
        group by e.currency
    ) as asked;
    if booked_on > today or to_regclass(format('@book@.%I', to_char(booked_on, '"ledger_entry_"YYYYMM'))) is null
        or booked_on <> today and status = 'pending'
    then
        raise exception using errcode = 'LN210', message = format('nothing can be booked on %s', booked_on),
            detail = format('The business date is %s.', today),
            hint = 'The booking date is the business date, or an earlier one since the book began; what is pending is booked when it is posted.';
    end if;
    insert into @book@.ledger_transaction as t
        (legal_entity_id, kind, booking_date, value_date, status, idempotency_key, description)
    values (ledger, post_transaction.kind, booked_on, post_transaction.value_date, post_transaction.status,
        post_transaction.idempotency_key, post_transaction.description)
    on conflict do nothing
    returning t.id into booked;
    if booked is null then
        return @book@._booked_before(ledger, kind, value_date, entries, idempotency_key, description, status);
    elsif status = 'pending' then
        insert into @book@.ledger_pending_entry (transaction_id, position, booking_date, account_id, currency, amount)
        select booked, e.line, booked_on, e.account_id, e.currency, e.amount
        from @book@._asked_entries(ledger, entries) as e;
    else
        insert into @book@.ledger_entry (transaction_id, position, booking_date, account_id, currency, amount)
        select booked, e.line, booked_on, e.account_id, e.currency, e.amount
        from @book@._asked_entries(ledger, entries) as e;
    end if;
    return booked;
end $$;
comment on function @book@.post_transaction(text, text, date, jsonb, text, text, text, date) is
'Books by hand what is given as a list of {"account", "currency", "amount"}, debits above zero, and returns the transaction; the same key with the same content is booked once, with other content refused with LN209.';

-- Locks a transaction that is to be settled or taken back.
create function @book@._known_transaction(id uuid) returns @book@.ledger_transaction language plpgsql as $$
declare
    known @book@.ledger_transaction;
begin
    select t.* into known from @book@.ledger_transaction as t where t.id = _known_transaction.id for no key update;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no ledger transaction %s', id),
            hint = 'The table ledger_transaction lists them.';
    end if;
    return known;
end $$;
comment on function @book@._known_transaction(uuid) is 'A ledger transaction, locked; LN208 when there is none.';

create function @book@._settle_pending(id uuid, status text) returns void language plpgsql as $$
declare
    known @book@.ledger_transaction := @book@._known_transaction(id);
begin
    perform @book@._authorise('post_ledger', asked.debit, asked.currency, legal_entity_id => known.legal_entity_id)
    from (
        select p.currency, sum(p.amount) filter (where p.amount > 0) as debit
        from @book@.ledger_pending_entry as p
        where p.transaction_id = known.id
        group by p.currency
    ) as asked;
    if known.status = status then
        return;
    elsif known.status <> 'pending' then
        raise exception using errcode = 'LN211', message = format('ledger transaction %s is not pending', id),
            detail = format('It is %s.', known.status),
            hint = 'Take back a posted transaction with reverse_transaction.';
    end if;
    update @book@.ledger_transaction as t set status = _settle_pending.status where t.id = known.id;
end $$;
comment on function @book@._settle_pending(uuid, text) is 'Posts a pending transaction, or makes it void; once.';

create function @book@.post_pending(id uuid) returns void language sql as $$
    select @book@._settle_pending(id, 'posted')
$$;
comment on function @book@.post_pending(uuid) is
'Posts a pending transaction on the business date; LN211 when it is void. Posting it again does nothing.';

create function @book@.void_pending(id uuid) returns void language sql as $$
    select @book@._settle_pending(id, 'void')
$$;
comment on function @book@.void_pending(uuid) is
'Gives up a pending transaction; LN211 when it is posted. Giving it up again does nothing.';

create function @book@.reverse_transaction(id uuid, reason text) returns uuid language plpgsql as $$
declare
    known @book@.ledger_transaction := @book@._known_transaction(id);
    reversal uuid;
begin
    if reason is null or reason = '' then
        raise exception using errcode = '22004', message = 'a reversal needs a reason', hint = 'Say why.';
    end if;
    perform @book@._authorise('reverse_ledger', undone.debit, undone.currency, legal_entity_id => known.legal_entity_id,
        days_back => @book@.business_date() - known.booking_date)
    from (
        select e.currency, sum(e.amount) filter (where e.amount > 0) as debit
        from @book@.ledger_entry as e
        where e.transaction_id = known.id and e.booking_date = known.booking_date
        group by e.currency
    ) as undone;
    if known.loan_id is not null or known.payment_id is not null then
        raise exception using errcode = 'LN212', message = format('ledger transaction %s was not booked by hand', id),
            detail = concat_ws(', ', format('Loan %s', known.loan_id), format('payment %s', known.payment_id)),
            hint = 'Reverse the payment or the operation of the loan, which takes back what it booked.';
    elsif known.status <> 'posted' then
        raise exception using errcode = 'LN211', message = format('ledger transaction %s is %s', id, known.status),
            hint = 'Only what is posted is taken back; give up what is pending with void_pending.';
    elsif known.reverses is not null then
        raise exception using errcode = 'LN211', message = format('ledger transaction %s is a reversal itself', id),
            detail = format('It takes back %s.', known.reverses),
            hint = 'Book what is right as a transaction of its own.';
    elsif exists (select from @book@.ledger_transaction as t where t.reverses = known.id) then
        raise exception using errcode = 'LN211', message = format('ledger transaction %s was taken back before', id),
            hint = 'A transaction is taken back once; the one that reverses it is in ledger_transaction.';
    end if;
    insert into @book@.ledger_transaction as t (legal_entity_id, kind, booking_date, value_date, reverses, description)
    values (known.legal_entity_id, known.kind, @book@.business_date(), known.value_date, known.id, reason)
    returning t.id into reversal;
    insert into @book@.ledger_entry (transaction_id, position, booking_date, account_id, currency, amount)
    select reversal, e.position, @book@.business_date(), e.account_id, e.currency, -e.amount
    from @book@.ledger_entry as e
    where e.transaction_id = known.id and e.booking_date = known.booking_date;
    return reversal;
end $$;
comment on function @book@.reverse_transaction(uuid, text) is
'Takes back a posted transaction by its mirror image, on the business date and with its value date, and returns that; LN211 when it was taken back before.';
