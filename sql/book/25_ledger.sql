-- The general ledger: double entry, balanced by the database itself, only ever added to.
--
-- Every row of ledger_entry counts. A pending transaction has none: what it would book is kept in
-- ledger_pending_entry and copied when it is posted, so that nobody who reads entries need ask for
-- the status of their transaction.

create table @book@.ledger_account (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    code text not null check (code <> ''),
    name text not null,
    class text not null check (class in ('asset', 'liability', 'equity', 'income', 'expense')),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    parent_code text,
    is_control boolean not null default false,
    unique (legal_entity_id, code, currency)
);
comment on table @book@.ledger_account is 'The chart of accounts.';
comment on column @book@.ledger_account.id is 'Key.';
comment on column @book@.ledger_account.legal_entity_id is 'Whose account it is.';
comment on column @book@.ledger_account.code is 'Its number; unique for a legal entity and a currency.';
comment on column @book@.ledger_account.name is 'Its name.';
comment on column @book@.ledger_account.class is 'Asset, liability, equity, income or expense.';
comment on column @book@.ledger_account.currency is 'ISO 4217 code of what it holds: an account holds one currency.';
comment on column @book@.ledger_account.parent_code is 'The number of the account it is summed into.';
comment on column @book@.ledger_account.is_control is 'Whether loans, one by one, make up its balance, so that nothing is booked to it by hand.';

create table @book@.posting_rule (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    product_id uuid references @book@.product,
    account text not null check (account <> ''),
    ledger_code text not null,
    unique nulls not distinct (legal_entity_id, product_id, account)
);
comment on table @book@.posting_rule is 'Which ledger account an abstract account of the fold is posted to.';
comment on column @book@.posting_rule.id is 'Key.';
comment on column @book@.posting_rule.legal_entity_id is 'In whose ledger.';
comment on column @book@.posting_rule.product_id is 'For which product; for those that have no rule of their own when NULL.';
comment on column @book@.posting_rule.account is 'The abstract account, such as principal, interest_receivable or fund_source.';
comment on column @book@.posting_rule.ledger_code is 'The number of the ledger account; the currency is that of what is posted.';

-- The rules resolved, for every payment asks for them.
create table @book@.posting_account (
    product_id uuid not null,
    account text not null,
    currency text not null,
    legal_entity_id uuid not null,
    ledger_account_id uuid not null,
    primary key (product_id, account, currency)
);
comment on table @book@.posting_account is
'The ledger account of each abstract account, by product and currency: by its own rule, or the general one. Made of posting_rule, ledger_account and product whenever they change.';
comment on column @book@.posting_account.product_id is 'The product.';
comment on column @book@.posting_account.account is 'The abstract account.';
comment on column @book@.posting_account.currency is 'ISO 4217 code of what is posted.';
comment on column @book@.posting_account.legal_entity_id is 'Whose ledger it is.';
comment on column @book@.posting_account.ledger_account_id is 'The ledger account.';

create function @book@._resolve_posting_rules() returns trigger language plpgsql as $$
begin
    with resolved as materialized (
        select distinct on (p.id, r.account, a.currency)
            p.id as product_id, r.account, a.currency, r.legal_entity_id, a.id
        from @book@.posting_rule as r
        join @book@.product as p on p.legal_entity_id = r.legal_entity_id
            and (r.product_id is null or r.product_id = p.id)
        join @book@.ledger_account as a on a.legal_entity_id = r.legal_entity_id and a.code = r.ledger_code
        order by p.id, r.account, a.currency, r.product_id nulls last
    ), gone as (
        delete from @book@.posting_account as k
        where not exists (
            select from resolved as r
            where r.product_id = k.product_id and r.account = k.account and r.currency = k.currency)
    )
    insert into @book@.posting_account (product_id, account, currency, legal_entity_id, ledger_account_id)
    select * from resolved
    on conflict (product_id, account, currency) do update
    set ledger_account_id = excluded.ledger_account_id, legal_entity_id = excluded.legal_entity_id
    where posting_account.ledger_account_id <> excluded.ledger_account_id;
    return null;
end $$;
comment on function @book@._resolve_posting_rules() is 'Resolves the posting rules after any of what they are made of changed.';
create trigger resolved after insert or update or delete on @book@.posting_rule
    for each statement execute function @book@._resolve_posting_rules();
create trigger resolved after insert or update or delete on @book@.ledger_account
    for each statement execute function @book@._resolve_posting_rules();
create trigger resolved after insert or delete on @book@.product
    for each statement execute function @book@._resolve_posting_rules();

create function @book@._account(legal_entity_id uuid, account text, currency text, product_id uuid default null)
    returns uuid language plpgsql stable as $$
declare
    found_id uuid;
begin
    select a.id into found_id
    from @book@.posting_rule as r
    join @book@.ledger_account as a on a.legal_entity_id = r.legal_entity_id and a.code = r.ledger_code
    where r.legal_entity_id = _account.legal_entity_id and r.account = _account.account
        and a.currency = _account.currency and (r.product_id is null or r.product_id = _account.product_id)
    order by r.product_id nulls last
    limit 1;
    if found_id is null then
        raise exception using errcode = 'LN208',
            message = format('there is no ledger account for %s in %s', account, currency),
            detail = format('Legal entity %s, product %s.', legal_entity_id, product_id),
            hint = 'Add a row to posting_rule for the abstract account, and the ledger account in that currency.';
    end if;
    return found_id;
end $$;
comment on function @book@._account(uuid, text, text, uuid) is
'The ledger account of an abstract account in a currency; LN208 where there is no rule.';

-- No foreign key to legal_entity, which would lock its one row for every posting: the entries agree
-- with the transaction, and their accounts have the key.
create table @book@.ledger_transaction (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null,
    kind text not null check (kind <> ''),
    booking_date date not null,
    value_date date not null,
    status text not null default 'posted' check (status in ('pending', 'posted', 'void')),
    loan_id uuid,
    loan_version integer,
    payment_id uuid,
    reverses uuid references @book@.ledger_transaction,
    idempotency_key text,
    description text,
    posted_by text not null default @book@.actor(),
    recorded_at timestamptz not null default now()
);
create index on @book@.ledger_transaction (loan_id, loan_version) where loan_id is not null;
create index on @book@.ledger_transaction (payment_id) where payment_id is not null;
create unique index on @book@.ledger_transaction (reverses) where reverses is not null;
create unique index on @book@.ledger_transaction (legal_entity_id, idempotency_key) where idempotency_key is not null;
create index on @book@.ledger_transaction (value_date, booking_date) where value_date <> booking_date;
create index on @book@.ledger_transaction (id) where status = 'pending';
create index on @book@.ledger_transaction using brin (booking_date);
comment on table @book@.ledger_transaction is
'What was booked together: entries that balance. Rows stay as they are, but that a pending one is posted or made void.';
comment on column @book@.ledger_transaction.id is 'Key.';
comment on column @book@.ledger_transaction.legal_entity_id is 'In whose ledger: that of its accounts, which the check of entries sees to.';
comment on column @book@.ledger_transaction.kind is 'What it booked: an operation of a loan, an accrual, or what the lender calls it.';
comment on column @book@.ledger_transaction.booking_date is 'The business date it was booked on; while pending, that it was recorded on.';
comment on column @book@.ledger_transaction.value_date is 'The day from which it counts.';
comment on column @book@.ledger_transaction.status is 'Posted; or pending, until it is posted or void. What is pending or void has no entries.';
comment on column @book@.ledger_transaction.loan_id is 'The loan it books an operation of.';
comment on column @book@.ledger_transaction.loan_version is 'The operation: its place among those of the loan.';
comment on column @book@.ledger_transaction.payment_id is 'The payment it books.';
comment on column @book@.ledger_transaction.reverses is 'The transaction it takes back; each is taken back once.';
comment on column @book@.ledger_transaction.idempotency_key is
'A name given by who booked it, unique for the legal entity, so that it is booked once.';
comment on column @book@.ledger_transaction.description is 'What it is, in words.';
comment on column @book@.ledger_transaction.posted_by is 'Who booked it.';
comment on column @book@.ledger_transaction.recorded_at is 'When it was written.';

create table @book@.ledger_entry (
    transaction_id uuid not null,
    position integer not null check (position > 0),
    booking_date date not null,
    account_id uuid not null,
    currency text not null,
    amount numeric not null check (amount <> 0),
    primary key (transaction_id, position, booking_date)
) partition by range (booking_date);
-- Entries come in the order of their days, so a summary of each range of pages finds those of a span of
-- days, and of accounts that are seldom booked to. A b-tree by account takes a third of the time of
-- writing entries.
create index on @book@.ledger_entry using brin (booking_date, account_id uuid_bloom_ops (n_distinct_per_range = 100));
comment on table @book@.ledger_entry is 'One side of what was booked: a debit above zero, a credit below.';
comment on column @book@.ledger_entry.transaction_id is 'What it was booked with.';
comment on column @book@.ledger_entry.position is 'Its place in the transaction.';
comment on column @book@.ledger_entry.booking_date is 'The booking date of its transaction.';
comment on column @book@.ledger_entry.account_id is 'The account.';
comment on column @book@.ledger_entry.currency is 'ISO 4217 code, that of the account.';
comment on column @book@.ledger_entry.amount is 'Currency units: a debit above zero, a credit below.';

create table @book@.ledger_pending_entry (
    transaction_id uuid not null,
    position integer not null check (position > 0),
    booking_date date not null,
    account_id uuid not null,
    currency text not null,
    amount numeric not null check (amount <> 0),
    primary key (transaction_id, position)
);
create index on @book@.ledger_pending_entry (account_id);
comment on table @book@.ledger_pending_entry is
'What a transaction recorded as pending books when it is posted. Counts nowhere, and stays for the record.';
comment on column @book@.ledger_pending_entry.transaction_id is 'What it is booked with.';
comment on column @book@.ledger_pending_entry.position is 'Its place in the transaction.';
comment on column @book@.ledger_pending_entry.booking_date is 'The day its transaction was recorded on.';
comment on column @book@.ledger_pending_entry.account_id is 'The account.';
comment on column @book@.ledger_pending_entry.currency is 'ISO 4217 code, that of the account.';
comment on column @book@.ledger_pending_entry.amount is 'Currency units: a debit above zero, a credit below.';

-- How far each ledger is settled. Whoever books holds a shared lock on the ledger until the end of
-- the transaction, whoever closes or takes balances the exclusive one; so neither misses the other.
create table @book@.ledger_horizon (
    legal_entity_id uuid primary key references @book@.legal_entity,
    closed_through date,
    balanced_through date
);
comment on table @book@.ledger_horizon is 'How far the ledger of each legal entity is closed, and how far its balances are kept.';
comment on column @book@.ledger_horizon.legal_entity_id is 'Whose ledger.';
comment on column @book@.ledger_horizon.closed_through is 'The last day of the last closed period; nothing is booked on or before it.';
comment on column @book@.ledger_horizon.balanced_through is 'The last day with balances in ledger_balance; what is booked on or before it corrects them.';

create function @book@._open_ledger() returns trigger language plpgsql as $$
begin
    insert into @book@.ledger_horizon (legal_entity_id, balanced_through) values (new.id, @book@.business_date() - 1);
    insert into @book@.ledger_day (legal_entity_id, as_of)
    select h.legal_entity_id, h.balanced_through
    from @book@.ledger_horizon as h
    where h.legal_entity_id = new.id and h.balanced_through is not null;
    return null;
end $$;
comment on function @book@._open_ledger() is 'Gives a legal entity its ledger, empty at the end of the day before.';
create trigger ledger_opened after insert on @book@.legal_entity
    for each row execute function @book@._open_ledger();

create function @book@._ledger_lock(legal_entity_id uuid) returns bigint
    language sql immutable parallel safe
    return hashtextextended('@book@.ledger ' || legal_entity_id::text, 0);
comment on function @book@._ledger_lock(uuid) is 'The advisory lock of a ledger: shared for who books, exclusive for who closes.';

-- Whoever writes entries, whatever they call: those of a transaction balance in each currency, agree
-- with their transaction and their accounts, and are written by one statement. The last is seen from
-- the positions, which begin at one and leave no gap: a later statement finds its positions taken.
-- The check looks at all that a statement wrote at once, and stands for foreign keys, too, which
-- would lock the same few accounts for every payment.
--
-- Nearly always all is well, and one plain question over what was written says so, whether it wrote two
-- entries or half a million; only where it does not is the fault looked for. A subquery with a limit is not
-- turned into a join, so that a plan which is kept looks up by key whatever it was first made for.
create function @book@._check_entries() returns trigger language plpgsql as $$
declare
    is_sound boolean;
    ledgers uuid[];
    earliest date;
begin
    select bool_and(g.difference = 0 and g.first_position = 1 and g.last_position = g.entries and t.agrees),
        array_agg(distinct g.legal_entity_id) filter (where g.legal_entity_id is not null), min(g.booking_date)
    into is_sound, ledgers, earliest
    from (
        select n.transaction_id, n.booking_date, n.currency, a.legal_entity_id, sum(n.amount) as difference,
            count(*) as entries, min(n.position) as first_position, max(n.position) as last_position
        from written as n
        left join lateral (
            select k.legal_entity_id from @book@.ledger_account as k
            where k.id = n.account_id and k.currency = n.currency limit 1) as a on true
        group by n.transaction_id, n.booking_date, n.currency, a.legal_entity_id
    ) as g
    cross join lateral (
        select exists (
            select from @book@.ledger_transaction as k
            where k.id = g.transaction_id and k.booking_date = g.booking_date
                and k.legal_entity_id = g.legal_entity_id and k.status = tg_argv[0]) as agrees
    ) as t;
    if not is_sound then
        perform @book@._refuse_entries(f, tg_argv[0])
        from (
            with groups as (
                select n.transaction_id, n.booking_date, n.currency, a.legal_entity_id, sum(n.amount) as difference,
                    count(*) as entries, min(n.position) as first_position, max(n.position) as last_position
                from written as n
                left join @book@.ledger_account as a on a.id = n.account_id and a.currency = n.currency
                group by n.transaction_id, n.booking_date, n.currency, a.legal_entity_id
            )
            select to_jsonb(g) || jsonb_build_object('agrees', t.id is not null)
            from groups as g
            join (
                select w.transaction_id, min(w.first_position) = 1 and max(w.last_position) = sum(w.entries) as is_whole
                from groups as w
                group by w.transaction_id
            ) as whole using (transaction_id)
            left join @book@.ledger_transaction as t on t.id = g.transaction_id and t.booking_date = g.booking_date
                and t.legal_entity_id = g.legal_entity_id and t.status = tg_argv[0]
            where g.difference <> 0 or t.id is null or not whole.is_whole
            order by t.id is not null, g.difference = 0
            limit 1
        ) as faults (f);
    end if;
    if tg_argv[0] <> 'posted' or not @book@._reaches_back(ledgers, earliest) then
        return null;
    end if;
    perform @book@._refuse_closed(l.booking_date, l.closed_through)
    from (
        select n.booking_date, h.closed_through
        from written as n
        join @book@.ledger_account as a on a.id = n.account_id
        join @book@.ledger_horizon as h using (legal_entity_id)
        where n.booking_date <= h.closed_through
        order by n.booking_date
        limit 1
    ) as l;
    insert into @book@.ledger_balance as b (account_id, as_of, debit, credit, balance)
    select n.account_id, d.as_of, coalesce(sum(n.amount) filter (where n.amount > 0), 0),
        coalesce(-sum(n.amount) filter (where n.amount < 0), 0), sum(n.amount)
    from written as n
    join @book@.ledger_account as a on a.id = n.account_id
    join @book@.ledger_day as d on d.legal_entity_id = a.legal_entity_id and d.as_of >= n.booking_date
    group by n.account_id, d.as_of
    order by n.account_id, d.as_of
    on conflict (account_id, as_of) do update
    set debit = b.debit + excluded.debit, credit = b.credit + excluded.credit, balance = b.balance + excluded.balance;
    return null;
end $$;
comment on function @book@._check_entries() is
'Refuses entries that do not balance, do not agree with their transaction, were not all written by one statement, or are of a closed period; corrects day balances they come too late for.';

create function @book@._refuse_entries(fault jsonb, status text) returns void language plpgsql as $$
begin
    if not (fault ->> 'agrees')::boolean then
        raise exception using errcode = 'LN204',
            message = format('an entry of ledger transaction %s does not agree with it', fault ->> 'transaction_id'),
            detail = format('The entry is in %s, booked on %s.', fault ->> 'currency', fault ->> 'booking_date'),
            hint = format('An entry has the booking date of its transaction, the currency of its account, and an account of the same legal entity; the transaction is %s.', status);
    elsif (fault ->> 'difference')::numeric <> 0 then
        raise exception using errcode = 'LN204',
            message = format('entries of ledger transaction %s do not balance', fault ->> 'transaction_id'),
            detail = format('Debits less credits are %s %s.', fault ->> 'difference', fault ->> 'currency'),
            hint = 'Debits must equal credits in each currency.';
    end if;
    raise exception using errcode = 'LN204',
        message = format('entries of ledger transaction %s are not written together', fault ->> 'transaction_id'),
        detail = format('This statement wrote positions %s to %s.', fault ->> 'first_position', fault ->> 'last_position'),
        hint = 'Write all entries of a transaction in one statement, with positions from 1; book what comes later as a transaction of its own.';
end $$;
comment on function @book@._refuse_entries(jsonb, text) is 'Says with LN204 what is wrong with entries.';

-- The lock comes first, so that under read committed the horizon is read as whoever held it left it.
-- A transaction that reads one state of the data throughout takes the row itself, and fails with 40001
-- if the horizon has moved since.
create function @book@._reaches_back(ledgers uuid[], earliest date) returns boolean language plpgsql as $$
declare
    ledger uuid;
    is_held boolean;
begin
    foreach ledger in array coalesce(ledgers, '{}') loop
        -- A plain expression, which needs no plan to be started.
        is_held := pg_advisory_xact_lock_shared(@book@._ledger_lock(ledger)) is not null;
    end loop;
    if current_setting('transaction_isolation') <> 'read committed' then
        perform from @book@.ledger_horizon as h where h.legal_entity_id = any (ledgers) for share;
    end if;
    return exists (
        select from @book@.ledger_horizon as h
        where h.legal_entity_id = any (ledgers) and earliest <= greatest(h.closed_through, h.balanced_through));
end $$;

create function @book@._refuse_closed(booking_date date, closed_through date) returns void language plpgsql as $$
begin
    raise exception using errcode = 'LN215',
        message = format('the period of %s is closed', booking_date),
        detail = format('The ledger is closed through %s.', closed_through),
        hint = 'Book it on a day that is open, with the value date it has; or have the period reopened.';
end $$;
comment on function @book@._refuse_closed(date, date) is 'Refuses with LN215 what is booked on a day that is closed.';

comment on function @book@._reaches_back(uuid[], date) is
'Locks the ledgers that entries are written to, and tells whether any is of a day that is closed or has its balances.';

create trigger balanced after insert on @book@.ledger_entry
    referencing new table as written for each statement execute function @book@._check_entries('posted');
create trigger balanced after insert on @book@.ledger_pending_entry
    referencing new table as written for each statement execute function @book@._check_entries('pending');
select @book@._make_append_only('@book@.ledger_entry');
select @book@._make_append_only('@book@.ledger_pending_entry');
insert into @book@.partitioned values ('ledger_entry', array[
    'create trigger balanced after insert on %s referencing new table as written
        for each statement execute function @book@._check_entries(''posted'')',
    'select @book@._make_append_only(%L)']);

-- A transaction changes once at most: from pending to posted or void.
create function @book@._check_transaction_change() returns trigger language plpgsql as $$
begin
    if old.status <> 'pending' or new.status not in ('posted', 'void')
        or to_jsonb(new) - 'status' - 'booking_date' <> to_jsonb(old) - 'status' - 'booking_date'
    then
        raise exception using errcode = 'LN205',
            message = format('update of ledger transaction %s is refused', old.id),
            detail = format('It is %s.', old.status),
            hint = 'A pending transaction is posted or made void, nothing else of it changes; take back a posted one with reverse_transaction.';
    end if;
    new.booking_date := case new.status when 'posted' then @book@.business_date() else old.booking_date end;
    return new;
end $$;
comment on function @book@._check_transaction_change() is
'Refuses every change of a ledger transaction but that a pending one is posted, on the business date, or made void.';
create trigger changes before update on @book@.ledger_transaction
    for each row execute function @book@._check_transaction_change();
create trigger append_only before delete or truncate on @book@.ledger_transaction
    for each statement execute function @book@._refuse_change();

create function @book@._enter_pending() returns trigger language plpgsql as $$
begin
    insert into @book@.ledger_entry (transaction_id, position, booking_date, account_id, currency, amount)
    select p.transaction_id, p.position, c.booking_date, p.account_id, p.currency, p.amount
    from changed as c
    join @book@.ledger_pending_entry as p on p.transaction_id = c.id
    where c.status = 'posted';
    return null;
end $$;
comment on function @book@._enter_pending() is 'Enters what pending transactions book when they are posted.';
create trigger entered after update on @book@.ledger_transaction
    referencing new table as changed for each statement execute function @book@._enter_pending();

-- An account that was booked to keeps what its entries mean. The exclusive lock waits for whoever is
-- booking to it and has not committed.
create function @book@._guard_account() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE'
        and (new.id, new.legal_entity_id, new.currency, new.class) = (old.id, old.legal_entity_id, old.currency, old.class)
    then
        return new;
    end if;
    perform pg_advisory_xact_lock(@book@._ledger_lock(old.legal_entity_id));
    if exists (select from @book@.ledger_balance as b where b.account_id = old.id)
        or exists (
            select from @book@.ledger_entry as e
            where e.account_id = old.id and e.booking_date > coalesce((
                select h.balanced_through
                from @book@.ledger_horizon as h
                where h.legal_entity_id = old.legal_entity_id), '-infinity'))
        or exists (select from @book@.ledger_pending_entry as e where e.account_id = old.id)
    then
        raise exception using errcode = 'LN205',
            message = format('%s of ledger account "%s" in %s is refused', lower(tg_op), old.code, old.currency),
            detail = 'The account was booked to.',
            hint = 'Its number, its name and its parent may change; for another class, currency or legal entity add an account.';
    end if;
    return case tg_op when 'UPDATE' then new else old end;
end $$;
comment on function @book@._guard_account() is 'Refuses to remove an account that was booked to, or to change its class, currency or legal entity.';
create trigger guarded before update or delete on @book@.ledger_account
    for each row execute function @book@._guard_account();
create trigger append_only before truncate on @book@.ledger_account
    for each statement execute function @book@._refuse_change();

insert into @book@.check_definition values
    ('ledger is balanced', 'Debits equal credits in every ledger transaction and currency.',
    'select format(''transaction %s, %s: %s'', transaction_id, currency, sum(amount))
        from @book@.ledger_entry group by transaction_id, currency having sum(amount) <> 0'),
    ('posted transactions have entries', 'What is posted has entries, and what is pending or void has none that count.',
    'select format(''transaction %s is %s'', t.id, t.status)
        from @book@.ledger_transaction as t
        where (t.status = ''posted'') <> exists (select from @book@.ledger_entry as e where e.transaction_id = t.id)'),
    ('entries agree with accounts', 'Every entry is in the currency of its account, of the legal entity and on the booking date of its transaction.',
    'select format(''transaction %s, position %s'', e.transaction_id, e.position)
        from @book@.ledger_entry as e
        left join @book@.ledger_account as a on a.id = e.account_id and a.currency = e.currency
        left join @book@.ledger_transaction as t on t.id = e.transaction_id and t.booking_date = e.booking_date
            and t.legal_entity_id = a.legal_entity_id
        where t.id is null');
