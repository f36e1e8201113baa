-- Payments: a row inserted is money received, and what it pays follows in the same transaction.

create table @book@.payment (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null,
    provider text not null check (provider <> ''),
    reference text not null check (reference <> '' and length(reference) <= 255),
    direction text not null default 'in' check (direction in ('in', 'out')),
    kind text not null default 'repayment' check (kind in (
        'repayment', 'down_payment', 'merchant_refund', 'payout_refund', 'goodwill_credit', 'recovery')),
    status text not null default 'completed'
        check (status in ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    loan_id uuid,
    loan_no text,
    party_id uuid references @book@.party,
    amount numeric not null check (amount > 0 and amount < 'Infinity'),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    value_date date not null,
    method text,
    channel text,
    splits jsonb check (jsonb_typeof(splits) = 'array'),
    received_at timestamptz not null default clock_timestamp(),
    unique (provider, reference),
    check (direction = 'in' or kind = 'repayment'),
    check (splits is null or loan_id is null and loan_no is null)
);
create index on @book@.payment (loan_id) where loan_id is not null;
create index on @book@.payment using brin (received_at);
comment on table @book@.payment is
'Money received or paid out. Inserting a completed payment posts it; the same provider and reference are never posted twice.';
comment on column @book@.payment.id is 'Key.';
comment on column @book@.payment.legal_entity_id is 'Who received it: a legal entity with a ledger. A foreign key would lock its row for every payment; posting finds its accounts instead.';
comment on column @book@.payment.provider is 'Through whom it came: a bank, a card processor, a payroll.';
comment on column @book@.payment.reference is 'Its name there, unique for the provider.';
comment on column @book@.payment.direction is 'In, or out.';
comment on column @book@.payment.kind is 'How it came about: repayment, down_payment, merchant_refund, payout_refund, goodwill_credit, recovery.';
comment on column @book@.payment.status is 'Pending and processing wait; completed is posted; failed and cancelled never were.';
comment on column @book@.payment.loan_id is 'The loan it pays. A foreign key would write a lock into its row for every payment; posting refuses an unknown one instead.';
comment on column @book@.payment.loan_no is 'The number of the loan it pays, where the key is not known.';
comment on column @book@.payment.party_id is 'Who paid.';
comment on column @book@.payment.amount is 'How much, in currency units.';
comment on column @book@.payment.currency is 'ISO 4217 code of the amount.';
comment on column @book@.payment.value_date is 'The day from which it counts; the business date when it is not given.';
comment on column @book@.payment.method is 'Transfer, card, cash and so on.';
comment on column @book@.payment.channel is 'Where it was taken.';
comment on column @book@.payment.splits is 'Where it pays several loans: a list of {"loan_no": …, "amount": …}, in the currency of the payment; what they leave is unmatched.';
comment on column @book@.payment.received_at is 'When it was received.';

create table @book@.unmatched_payment (
    payment_id uuid primary key references @book@.payment,
    amount numeric not null check (amount > 0),
    currency text not null,
    reason text not null,
    assigned_at timestamptz,
    assigned_by text
);
create index on @book@.unmatched_payment (payment_id) where assigned_at is null;
comment on table @book@.unmatched_payment is 'Money received for which no loan was found; it is in the ledger as unmatched until it is assigned.';
comment on column @book@.unmatched_payment.payment_id is 'The payment.';
comment on column @book@.unmatched_payment.amount is 'What of it has no loan, in currency units.';
comment on column @book@.unmatched_payment.currency is 'ISO 4217 code of the amount.';
comment on column @book@.unmatched_payment.reason is 'Why no loan was found.';
comment on column @book@.unmatched_payment.assigned_at is 'When it was assigned to a loan or reversed.';
comment on column @book@.unmatched_payment.assigned_by is 'By whom.';
create trigger kept before delete or truncate on @book@.unmatched_payment
    for each statement execute function @book@._refuse_change();

create function @book@._keep_unmatched() returns trigger language plpgsql as $$
begin
    if old.assigned_at is not null or new.assigned_at is null
        or to_jsonb(old) - '{assigned_at,assigned_by}'::text[] <> to_jsonb(new) - '{assigned_at,assigned_by}'::text[]
    then
        raise exception using errcode = 'LN205',
            message = format('payment %s stays unmatched as it was', old.payment_id),
            hint = 'assign_payment gives it to a loan, reverse_payment gives it back; once.';
    end if;
    return new;
end $$;
comment on function @book@._keep_unmatched() is 'Lets an unmatched payment be assigned or given back once, and nothing else of it change.';
create trigger kept_once before update on @book@.unmatched_payment
    for each row execute function @book@._keep_unmatched();

-- Money that comes in can wait for its loan. What goes out, or is no money at all, cannot.
create function @book@._check_unmatched() returns trigger language plpgsql as $$
declare
    fault record;
begin
    select p.provider, p.reference, p.direction, p.kind, u.reason into fault
    from noted as u
    join @book@.payment as p on p.id = u.payment_id
    where p.direction = 'out' or p.kind = 'goodwill_credit'
    limit 1;
    if found then
        raise exception using errcode = 'LN208',
            message = format('payment "%s" of "%s" needs a loan', fault.reference, fault.provider),
            detail = format('It is a %s; %s.',
                case fault.direction when 'out' then 'payment out' else replace(fault.kind, '_', ' ') end,
                fault.reason),
            hint = 'Name a loan of the legal entity by loan_no; reverse_payment gives back money that waits for one.';
    end if;
    return null;
end $$;
comment on function @book@._check_unmatched() is 'Refuses with LN208 to let anything wait for a loan but money that came in.';
create trigger checked after insert on @book@.unmatched_payment
    referencing new table as noted for each statement execute function @book@._check_unmatched();

create table @book@.payment_reversal (
    payment_id uuid primary key references @book@.payment,
    reason text not null check (reason <> ''),
    business_date date not null,
    reversed_by text not null default @book@.actor(),
    recorded_at timestamptz not null default clock_timestamp()
);
select @book@._make_append_only('@book@.payment_reversal');
comment on table @book@.payment_reversal is 'Payments that turned out not to have happened.';
comment on column @book@.payment_reversal.payment_id is 'The payment.';
comment on column @book@.payment_reversal.reason is 'Why.';
comment on column @book@.payment_reversal.business_date is 'The business date on which it was reversed.';
comment on column @book@.payment_reversal.reversed_by is 'By whom.';
comment on column @book@.payment_reversal.recorded_at is 'When.';

create function @book@._check_splits(reference text, amount numeric, currency text, splits jsonb) returns void
    language plpgsql stable as $$
declare
    parts record;
begin
    select count(*) as parts, count(distinct s.loan_no) as loans, sum(s.amount) as total,
        count(*) filter (where s.amount > 0 and s.amount < 'Infinity'
            and s.amount = round(s.amount, loan_engine.minor_units(_check_splits.currency))) as amounts
    into parts
    from jsonb_to_recordset(splits) as s (loan_no text, amount numeric);
    if parts.parts = 0 or parts.parts <> parts.loans or parts.parts <> parts.amounts then
        raise exception using errcode = '22023',
            message = format('the splits of payment "%s" cannot be read', reference),
            detail = format('Of %s parts %s name a loan of their own and %s a positive amount of whole minor units.',
                parts.parts, parts.loans, parts.amounts),
            hint = 'Give a list of {"loan_no": …, "amount": …}, each loan once.';
    elsif parts.total > amount then
        raise exception using errcode = 'LN203',
            message = format('the splits of payment "%s" are more than it is', reference),
            detail = format('They sum to %s %s, the payment is of %s.', parts.total, currency, amount),
            hint = 'Divide no more than was paid; what is not divided waits as unmatched.';
    end if;
end $$;
comment on function @book@._check_splits(text, numeric, text, jsonb) is
'Refuses splits that name a loan twice or not at all, or no proper amount (22023), and splits of more than the payment (LN203).';

-- The same payment sent again is passed over; another one of its name is refused.
create function @book@._know_payment() returns trigger language plpgsql as $$
declare
    known @book@.payment;
begin
    if new.value_date is null then
        new.value_date := @book@.business_date();
    end if;
    select p.* into known from @book@.payment as p where p.provider = new.provider and p.reference = new.reference;
    if not found then
        if new.splits is not null then
            perform @book@._check_splits(new.reference, new.amount, new.currency, new.splits);
        end if;
        return new;
    elsif (known.amount, known.currency, known.direction, known.kind, known.value_date)
            is not distinct from (new.amount, new.currency, new.direction, new.kind, new.value_date)
        and (new.loan_id is null or known.loan_id is not distinct from new.loan_id)
        and known.loan_no is not distinct from new.loan_no and known.splits is not distinct from new.splits then
        return null;
    end if;
    raise exception using errcode = 'LN209',
        message = format('payment "%s" of "%s" is known with other content', new.reference, new.provider),
        detail = format('Known: %s %s on %s for loan %s; given: %s %s on %s for loan %s.',
            known.amount, known.currency, known.value_date, coalesce(known.loan_no, known.loan_id::text),
            new.amount, new.currency, new.value_date, coalesce(new.loan_no, new.loan_id::text)),
        hint = 'A reference names one payment for ever; give another payment a reference of its own.';
end $$;
comment on function @book@._know_payment() is 'Passes over a payment that is known, and refuses another of its name with LN209.';
create trigger known before insert on @book@.payment for each row execute function @book@._know_payment();

-- A credit is no money, so nothing is there to be exchanged.
create function @book@._in_currency(amount numeric, base text, quote text, on_date date, kind text) returns numeric
    language plpgsql stable as $$
begin
    if kind = 'goodwill_credit' then
        raise exception using errcode = 'LN103',
            message = format('a goodwill credit in %s is not for a loan in %s', base, quote),
            hint = 'Give it in the currency of the loan.';
    end if;
    return @book@._converted(amount, base, quote, on_date);
end $$;
comment on function @book@._in_currency(numeric, text, text, date, text) is
'An amount in another currency at the rate of its day, in whole minor units; LN207 without a rate, LN103 for what is no money.';

-- What is booked beside the loans: money that waits for one, and exchange.
create type @book@._booking as (
    legal_entity_id uuid, kind text, value_date date, loan_id uuid, payment_id uuid,
    accounts text[], currencies text[], amounts numeric[]);
comment on type @book@._booking is 'A ledger transaction by abstract accounts, debits above zero.';

create function @book@._book(bookings @book@._booking[]) returns void language sql as $$
    with booked as materialized (
        select loan_engine.uuid_v7() as id, n.*, b.business_date
        from unnest(bookings) as n
        cross join @book@.book as b
    ), in_ledger as (
        insert into @book@.ledger_transaction (id, legal_entity_id, kind, booking_date, value_date, loan_id, payment_id)
        select n.id, n.legal_entity_id, n.kind, n.business_date, n.value_date, n.loan_id, n.payment_id
        from booked as n
    )
    insert into @book@.ledger_entry (transaction_id, position, booking_date, account_id, currency, amount)
    select n.id, e.position, n.business_date, @book@._account(n.legal_entity_id, e.account, e.currency),
        e.currency, e.amount
    from booked as n
    cross join lateral unnest(n.accounts, n.currencies, n.amounts)
        with ordinality as e (account, currency, amount, position)
$$;
comment on function @book@._book(@book@._booking[]) is 'Books what is no operation of a loan to the accounts of their posting rules.';

-- What a payment, or a part of it, is for.
create type @book@._payment_part as (
    payment_id uuid, legal_entity_id uuid, direction text, kind text, value_date date,
    amount numeric, currency text, loan_id uuid, loan_amount numeric, loan_currency text, reason text);
comment on type @book@._payment_part is 'What of a payment is for a loan, in both currencies, or for none and why.';

create function @book@._put_aside(parts @book@._payment_part[]) returns void language plpgsql as $$
begin
    if cardinality(parts) = 0 then
        return;
    end if;
    insert into @book@.unmatched_payment (payment_id, amount, currency, reason)
    select p.payment_id, sum(p.amount), p.currency, string_agg(p.reason, '; ' order by p.reason)
    from unnest(parts) as p
    where p.loan_id is null
    group by p.payment_id, p.currency;
    perform @book@._book(array(
        select row(p.legal_entity_id, 'unmatched', p.value_date, null, p.payment_id,
            array['fund_source', 'unmatched'], array[p.currency, p.currency],
            array[sum(p.amount), -sum(p.amount)])::@book@._booking
        from unnest(parts) as p
        where p.loan_id is null
        group by p.payment_id, p.legal_entity_id, p.value_date, p.currency
        union all
        select row(p.legal_entity_id, 'exchange', p.value_date, p.loan_id, p.payment_id,
            array['fund_source', 'fx_position', 'fx_position', 'fund_source'],
            array[p.currency, p.currency, p.loan_currency, p.loan_currency],
            case p.direction when 'in' then array[p.amount, -p.amount, p.loan_amount, -p.loan_amount]
                else array[-p.amount, p.amount, -p.loan_amount, p.loan_amount] end)::@book@._booking
        from unnest(parts) as p
        where p.loan_currency <> p.currency));
end $$;
comment on function @book@._put_aside(@book@._payment_part[]) is
'Notes and books what no loan was found for, and books what was exchanged.';

create function @book@._refuse_payment(reference text, fault text, value_date date) returns void language plpgsql as $$
begin
    case fault
    when 'odd' then
        raise exception using errcode = 'LN105',
            message = format('payment "%s" is not of whole minor units', reference),
            hint = 'Round the amount to the minor unit of its currency.';
    when 'lost' then
        raise exception using errcode = 'LN208',
            message = format('payment "%s" is for a loan that there is not', reference),
            hint = 'Name the loan by loan_no if its key is not known; what finds no loan by that waits for one.';
    else
        raise exception using errcode = 'LN210',
            message = format('payment "%s" is of a day to come', reference),
            detail = format('Its value date is %s, the business date %s.', value_date, @book@.business_date()),
            hint = 'Insert it as pending and complete it on its day.';
    end case;
end $$;
comment on function @book@._refuse_payment(text, text, date) is
'Refuses a payment with half a cent (LN105), for a loan that there is not (LN208), or of a day to come (LN210).';

-- Parts are posted a thousand at a time, in the order of their loans: any number of payments takes the memory
-- of a thousand, and loans are locked in one order. What is refused on the way refuses all.
create function @book@._post_payments() returns trigger language plpgsql as $$
declare
    today constant date := (select b.business_date from @book@.book as b where b.only_row);
    most constant integer := 1000;
    part record;
    earliest date := today;
    last_id uuid;
    asked @book@._asked[] := '{}';
    beside @book@._payment_part[] := '{}';
begin
    if @book@.actor() <> current_user or not @book@._is_owner() then
        perform @book@._authorise(
            p.action, p.most, p.currency, legal_entity_id => p.legal_entity_id, days_back => today - p.earliest)
        from (
            select case when n.direction = 'out' then 'refund' when n.kind = 'goodwill_credit' then n.kind
                    else 'post_payment' end as action,
                n.currency, n.legal_entity_id, max(n.amount) as most, least(min(n.value_date), today) as earliest
            from changed as n where n.status = 'completed' group by 1, 2, 3
        ) as p;
    end if;
    for part in
        select n.id, n.reference, n.value_date, n.status = 'completed' as is_completed,
            case when n.amount <> round(n.amount, loan_engine.minor_units(n.currency)) then 'odd'
                when p.loan_id is not null and l.loan_id is null and not exists (
                    select from @book@.loan_balance as b where b.loan_id = p.loan_id) then 'lost'
                when n.value_date > today then 'ahead' end as fault,
            l.loan_id is not null as is_for_loan, l.currency is distinct from n.currency as is_beside,
            row(l.loan_id, case n.direction when 'in' then 'repay' else 'refund' end, n.value_date,
                case when n.direction = 'in' and n.kind <> 'repayment'
                    then jsonb_build_object('amount', x.amount, 'kind', n.kind)
                    else jsonb_build_object('amount', x.amount) end, n.id)::@book@._asked as asked,
            row(n.id, n.legal_entity_id, n.direction, n.kind, n.value_date, p.amount, n.currency,
                l.loan_id, x.amount, l.currency,
                case when p.loan_no is not null then format('no loan "%s"', p.loan_no)
                    when n.splits is not null then 'not divided among loans'
                    else 'no loan named' end)::@book@._payment_part as rest
        from changed as n
        cross join lateral (
            select n.loan_id, n.loan_no, n.amount where n.splits is null
            union all
            select null, s.loan_no, s.amount
            from jsonb_to_recordset(n.splits) as s (loan_no text, amount numeric) where n.splits is not null
            union all
            select null, null, n.amount - sum(s.amount)
            from jsonb_to_recordset(n.splits) as s (amount numeric) where n.splits is not null
            having sum(s.amount) < n.amount
        ) as p
        left join lateral (
            select b.loan_id, b.currency from @book@.loan_balance as b
            where b.legal_entity_id = n.legal_entity_id and b.loan_id = coalesce(p.loan_id, (
                select k.id from @book@.loan as k
                where k.legal_entity_id = n.legal_entity_id and k.loan_no = p.loan_no))
            limit 1
        ) as l on true
        cross join lateral (
            select case when l.currency = n.currency then p.amount
                when l.currency is not null and n.status = 'completed'
                    then @book@._in_currency(p.amount, n.currency, l.currency, n.value_date, n.kind) end as amount
        ) as x
        order by l.loan_id, n.value_date, n.id
    loop
        if part.fault is not null and (part.is_completed or part.fault = 'lost') then
            perform @book@._refuse_payment(part.reference, part.fault, part.value_date);
        end if;
        continue when not part.is_completed;
        -- What of a payment has no loan is put aside together.
        if cardinality(asked) + cardinality(beside) >= most and part.id is distinct from last_id then
            perform @book@._record(asked);
            perform @book@._put_aside(beside);
            asked := '{}';
            beside := '{}';
        end if;
        if part.is_for_loan then
            asked := array_append(asked, part.asked);
        end if;
        if part.is_beside then
            beside := array_append(beside, part.rest);
        end if;
        earliest := least(earliest, part.value_date);
        last_id := part.id;
    end loop;
    perform @book@._record(asked);
    perform @book@._put_aside(beside);
    if earliest < today then
        perform @book@._authorise('backdate', days_back => today - earliest);
    end if;
    return null;
end $$;
comment on function @book@._post_payments() is
'Posts completed payments: records their operations, puts aside what no loan was found for, and books exchange.';

create trigger posted after insert on @book@.payment
    referencing new table as changed for each statement execute function @book@._post_payments();

-- Afterwards only a pending payment changes, and only its status.
create function @book@._complete_payments() returns trigger language plpgsql as $$
declare
    fault record;
begin
    select o.reference, o.provider, o.status as status_before, n.status into fault
    from replaced as o
    full join changed as n using (id)
    where (to_jsonb(o) - 'status') is distinct from (to_jsonb(n) - 'status')
        or o.status not in ('pending', 'processing') or n.status = 'pending' and o.status = 'processing'
    limit 1;
    if found then
        raise exception using errcode = 'LN205',
            message = format('payment "%s" of "%s" is not changed', fault.reference, fault.provider),
            detail = format('Its status is %s.', fault.status_before),
            hint = 'Only the status of one that waits changes; reverse_payment takes back what is completed.';
    end if;
    return null;
end $$;
comment on function @book@._complete_payments() is 'Refuses to change payments, but for the status of those that wait.';
create trigger guarded after update on @book@.payment
    referencing old table as replaced new table as changed
    for each statement execute function @book@._complete_payments();
create trigger kept before delete or truncate on @book@.payment
    for each statement execute function @book@._refuse_change();
create trigger posted_later after update on @book@.payment
    referencing new table as changed for each statement execute function @book@._post_payments();

create function @book@.reverse_payment(payment_id uuid, reason text) returns void language plpgsql as $$
declare
    known @book@.payment;
    today date := @book@.business_date();
begin
    select * into known from @book@.payment as p where p.id = reverse_payment.payment_id for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no payment %s', payment_id),
            hint = 'The table payment lists payments by provider and reference.';
    elsif known.status <> 'completed' then
        raise exception using errcode = 'LN214', message = format('payment "%s" is %s', known.reference, known.status),
            hint = 'Only a completed payment is reversed; set the status of one that waits to cancelled.';
    elsif exists (select from @book@.payment_reversal as r where r.payment_id = reverse_payment.payment_id) then
        raise exception using errcode = 'LN214', message = format('payment "%s" was reversed before', known.reference),
            hint = 'A payment is reversed once.';
    end if;
    if reason is null or reason = '' then
        raise exception using errcode = '22004', message = 'a reversal needs a reason', hint = 'Say why.';
    end if;
    perform @book@._authorise('reverse_payment', known.amount, known.currency,
        legal_entity_id => known.legal_entity_id, days_back => today - known.value_date);
    -- Who is assigning it is waited for, so that what they recorded is seen below.
    perform from @book@.unmatched_payment as u where u.payment_id = reverse_payment.payment_id for update;
    insert into @book@.payment_reversal (payment_id, reason, business_date) values (payment_id, reason, today);
    -- A loan may have been paid twice by it: by a split, and by what was assigned later.
    perform @book@._record(array(
        select row(e.loan_id, 'reverse', e.valid_on,
            jsonb_build_object('of', e.version::text), e.payment_id)::@book@._asked
        from @book@.loan_event as e
        where e.payment_id = reverse_payment.payment_id and e.type in ('repay', 'refund')
        order by e.loan_id, e.version desc));
    -- What was booked beside the loans: money without one, and exchange.
    with booked as (
        select loan_engine.uuid_v7() as id, t.id as reverses, t.legal_entity_id, t.kind, t.value_date, t.loan_id
        from @book@.ledger_transaction as t
        where t.payment_id = reverse_payment.payment_id and t.kind in ('unmatched', 'exchange', 'assignment')
    ), in_ledger as (
        insert into @book@.ledger_transaction
            (id, legal_entity_id, kind, booking_date, value_date, loan_id, payment_id, reverses, description)
        select b.id, b.legal_entity_id, 'reversal', today, b.value_date, b.loan_id,
            reverse_payment.payment_id, b.reverses, reason
        from booked as b
    )
    insert into @book@.ledger_entry (transaction_id, position, booking_date, account_id, currency, amount)
    select b.id, e.position, today, e.account_id, e.currency, -e.amount
    from booked as b
    join @book@.ledger_entry as e on e.transaction_id = b.reverses;
    update @book@.unmatched_payment as u set assigned_at = clock_timestamp(), assigned_by = @book@.actor()
    where u.payment_id = reverse_payment.payment_id and u.assigned_at is null;
end $$;
comment on function @book@.reverse_payment(uuid, text) is
'Takes back a completed payment: its loans come to what they would without it, and the ledger gets what corrects it. Refuses with LN208, LN214 and LN201.';

create function @book@.assign_payment(payment_id uuid, loan_no text) returns void language plpgsql as $$
declare
    found_row record;
    loan @book@.loan;
    today date := @book@.business_date();
    loan_amount numeric;
begin
    select u.amount, u.currency, p.legal_entity_id, p.value_date, p.kind, p.reference into found_row
    from @book@.unmatched_payment as u
    join @book@.payment as p on p.id = u.payment_id
    where u.payment_id = assign_payment.payment_id and u.assigned_at is null
    for update of u;
    if not found then
        raise exception using errcode = 'LN208',
            message = coalesce((
                select format('payment "%s" does not wait for a loan', p.reference)
                from @book@.payment as p where p.id = payment_id),
                format('there is no payment %s', payment_id)),
            hint = 'The table unmatched_payment lists those that wait, with assigned_at NULL.';
    end if;
    select * into loan from @book@.loan as l
    where l.legal_entity_id = found_row.legal_entity_id and l.loan_no = assign_payment.loan_no;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no loan "%s"', loan_no),
            hint = 'The table loan lists loans by loan_no.';
    end if;
    perform @book@._authorise('post_payment', found_row.amount, found_row.currency,
        legal_entity_id => found_row.legal_entity_id, days_back => today - found_row.value_date);
    update @book@.unmatched_payment as u set assigned_at = clock_timestamp(), assigned_by = @book@.actor()
    where u.payment_id = assign_payment.payment_id;
    loan_amount := case when loan.currency = found_row.currency then found_row.amount
        else @book@._in_currency(
            found_row.amount, found_row.currency, loan.currency, found_row.value_date, found_row.kind) end;
    perform @book@._book(array[row(found_row.legal_entity_id, 'assignment', found_row.value_date, loan.id, payment_id,
        case when loan.currency = found_row.currency then array['unmatched', 'fund_source']
            else array['unmatched', 'fx_position', 'fx_position', 'fund_source'] end,
        case when loan.currency = found_row.currency then array[loan.currency, loan.currency]
            else array[found_row.currency, found_row.currency, loan.currency, loan.currency] end,
        case when loan.currency = found_row.currency then array[loan_amount, -loan_amount]
            else array[found_row.amount, -found_row.amount, loan_amount, -loan_amount] end)::@book@._booking]);
    perform @book@._record(loan.id, 'repay', found_row.value_date,
        jsonb_build_object('amount', loan_amount)
            || case when found_row.kind = 'repayment' then '{}' else jsonb_build_object('kind', found_row.kind) end,
        payment_id);
end $$;
comment on function @book@.assign_payment(uuid, text) is
'Pays a loan with money for which none was found. Refuses with LN208 and LN201, and what the loan does not take.';

-- In two steps, so that it is exact in every currency: what each loan was paid is allocated in the
-- currency of the loan, and what each payment paid sums to it in its own.
insert into @book@.check_definition values
    ('payments are allocated',
    'What a payment paid of a loan is allocated or held to the last minor unit, and nothing of one that was reversed; a recovery pays nothing that is owed.',
    'with paid as (
            select e.payment_id, e.loan_id, sum((e.operation ->> ''amount'')::numeric) as amount
            from @book@.loan_event as e
            where e.payment_id is not null and e.type = ''repay''
                and e.operation ->> ''kind'' is distinct from ''recovery''
            group by e.payment_id, e.loan_id
        ), allocated as (
            select a.payment_id, a.loan_id, sum(a.principal + a.interest + a.fees + a.penalties + a.held) as amount
            from @book@.payment_allocation as a
            where a.payment_id is not null
            group by a.payment_id, a.loan_id
        )
        select format(''payment %s of %s: %s of %s allocated to loan %s'', p.reference, p.provider,
            coalesce(a.amount, 0), coalesce(t.amount, 0), coalesce(t.loan_id, a.loan_id))
        from paid as t
        full join allocated as a using (payment_id, loan_id)
        join @book@.payment as p on p.id = coalesce(t.payment_id, a.payment_id)
        left join @book@.payment_reversal as r on r.payment_id = p.id
        where p.direction = ''in''
            and coalesce(a.amount, 0) <> case when r.payment_id is null then coalesce(t.amount, 0) else 0 end'),
    ('payments are applied',
    'Every completed payment is for loans, unmatched or reversed, to its last minor unit; no other has done anything.',
    'with same as (
            select e.payment_id, sum((e.operation ->> ''amount'')::numeric) as amount
            from @book@.loan_event as e
            join @book@.payment as p on p.id = e.payment_id
            join @book@.loan as l on l.id = e.loan_id
            where e.type in (''repay'', ''refund'') and l.currency = p.currency
            group by e.payment_id
        ), exchanged as (
            select t.payment_id, sum(e.amount) as amount
            from @book@.ledger_transaction as t
            join @book@.payment as p on p.id = t.payment_id
            join @book@.loan as l on l.id = t.loan_id
            join @book@.ledger_entry as e on e.transaction_id = t.id and e.booking_date = t.booking_date
            where t.kind in (''exchange'', ''assignment'')
                and l.currency <> p.currency and e.currency = p.currency and e.amount > 0
            group by t.payment_id
        )
        select format(''payment %s of %s: %s of %s applied'', p.reference, p.provider,
            coalesce(s.amount, 0) + coalesce(x.amount, 0) + coalesce(u.amount, 0), p.amount)
        from @book@.payment as p
        left join same as s on s.payment_id = p.id
        left join exchanged as x on x.payment_id = p.id
        left join @book@.unmatched_payment as u on u.payment_id = p.id
            and (u.assigned_at is null or not exists (
                select from @book@.ledger_transaction as t where t.payment_id = p.id and t.kind = ''assignment''))
        where coalesce(s.amount, 0) + coalesce(x.amount, 0) + coalesce(u.amount, 0)
            <> case when p.status = ''completed'' then p.amount else 0 end'),
    ('reversed payments are taken back', 'What a reversed payment booked beside its loans has its mirror image.',
    'select format(''payment %s of %s: %s %s is left'', p.reference, p.provider, sum(e.amount), e.currency)
        from @book@.payment_reversal as r
        join @book@.payment as p on p.id = r.payment_id
        join @book@.ledger_transaction as t on t.payment_id = p.id
        join @book@.ledger_entry as e on e.transaction_id = t.id and e.booking_date = t.booking_date
        where t.kind in (''unmatched'', ''exchange'', ''assignment'')
            or t.kind = ''reversal'' and t.reverses is not null
        group by p.reference, p.provider, e.account_id, e.currency
        having sum(e.amount) <> 0
        union all
        select format(''payment %s of %s waits for a loan and was reversed'', p.reference, p.provider)
        from @book@.payment_reversal as r
        join @book@.payment as p on p.id = r.payment_id
        join @book@.unmatched_payment as u on u.payment_id = p.id and u.assigned_at is null');
