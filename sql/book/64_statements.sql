-- Bank statements: what the bank says moved on an account, beside the payments of the book.
--
-- Lines are written down by COPY or INSERT. Reconciling goes from what is certain to what is likely, a
-- statement for all lines each: the reference of a payment; the number of a loan in the purpose, which makes
-- a payment; then amount, day and name, which only propose. What is left is for hands, or for suspense.

create table @book@.bank_statement (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    account text not null check (account <> ''),
    statement_no text not null check (statement_no <> ''),
    opening numeric not null,
    closing numeric not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    received_at timestamptz not null default clock_timestamp(),
    unique (legal_entity_id, account, statement_no)
);
comment on table @book@.bank_statement is 'Statements of bank accounts.';
comment on column @book@.bank_statement.id is 'Key.';
comment on column @book@.bank_statement.legal_entity_id is 'Whose account it is.';
comment on column @book@.bank_statement.account is 'The number of the account.';
comment on column @book@.bank_statement.statement_no is 'The number of the statement, unique for the account.';
comment on column @book@.bank_statement.opening is 'The balance before its first line, in currency units.';
comment on column @book@.bank_statement.closing is 'The balance after its last line.';
comment on column @book@.bank_statement.currency is 'ISO 4217 code of all amounts.';
comment on column @book@.bank_statement.received_at is 'When it was written down.';

create table @book@.statement_line (
    statement_id uuid not null references @book@.bank_statement,
    line_no integer not null check (line_no > 0),
    value_date date not null,
    amount numeric not null check (amount <> 0 and amount > '-Infinity' and amount < 'Infinity'),
    bank_reference text,
    counterparty text,
    purpose text,
    status text not null default 'open' check (status in ('open', 'proposed', 'matched', 'ignored')),
    matched_by text check (matched_by in ('reference', 'loan', 'likeness', 'hand', 'suspense')),
    payment_id uuid references @book@.payment,
    likeness double precision,
    note text,
    decided_at timestamptz,
    decided_by text,
    primary key (statement_id, line_no),
    check ((status in ('proposed', 'matched')) = (payment_id is not null)),
    check ((status = 'open') = (decided_at is null)),
    check (status <> 'ignored' or note is not null)
);
create unique index on @book@.statement_line (payment_id) where status = 'matched';
create index on @book@.statement_line (statement_id) where status in ('open', 'proposed');
comment on table @book@.statement_line is 'What moved on an account, a row a line of the statement, which COPY may write.';
comment on column @book@.statement_line.statement_id is 'The statement.';
comment on column @book@.statement_line.line_no is 'The number of the line.';
comment on column @book@.statement_line.value_date is 'The day from which it counts.';
comment on column @book@.statement_line.amount is 'What came in, or went out where below zero, in currency units.';
comment on column @book@.statement_line.bank_reference is 'What the bank or the payer calls it.';
comment on column @book@.statement_line.counterparty is 'The name of who paid or was paid.';
comment on column @book@.statement_line.purpose is 'What the payer wrote.';
comment on column @book@.statement_line.status is
'Open; proposed, a payment that is likely the same; matched; or ignored, when it is none of the book.';
comment on column @book@.statement_line.matched_by is
'By what it was matched: the reference of a payment, the number of a loan in the purpose, likeness, hand, or suspense when it waits as unmatched.';
comment on column @book@.statement_line.payment_id is 'The payment that it is.';
comment on column @book@.statement_line.likeness is 'How like the names are, from 0 to 1, where likeness matched them.';
comment on column @book@.statement_line.note is 'Why it is ignored.';
comment on column @book@.statement_line.decided_at is 'When it was proposed, matched or ignored.';
comment on column @book@.statement_line.decided_by is 'By whom.';

create function @book@._keep_statement_line() returns trigger language plpgsql as $$
begin
    perform
    from replaced as o
    left join changed as n using (statement_id, line_no)
    where (o.value_date, o.amount, o.bank_reference, o.counterparty, o.purpose)
            is distinct from (n.value_date, n.amount, n.bank_reference, n.counterparty, n.purpose)
        or o.status in ('matched', 'ignored')
    order by o.line_no
    limit 1;
    if found then
        raise exception using errcode = 'LN205', message = 'a line of a statement stays as the bank said it',
            hint = 'Only what is open or proposed is decided; reverse_payment takes back a payment that is wrong.';
    end if;
    return null;
end $$;
comment on function @book@._keep_statement_line() is 'Lets lines be decided once, and nothing else of them change.';
create trigger kept after update on @book@.statement_line
    referencing old table as replaced new table as changed for each statement execute function @book@._keep_statement_line();
create trigger kept_all before delete or truncate on @book@.statement_line
    for each statement execute function @book@._refuse_change();

create function @book@._check_statement(statement_id uuid) returns @book@.bank_statement language plpgsql as $$
declare
    told @book@.bank_statement;
    moved numeric;
begin
    select s.* into told from @book@.bank_statement as s where s.id = statement_id for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no bank statement %s', statement_id),
            hint = 'The table bank_statement lists them.';
    end if;
    select coalesce(sum(n.amount), 0) into moved from @book@.statement_line as n where n.statement_id = told.id;
    if told.opening + moved <> told.closing then
        raise exception using errcode = 'LN203', message = format('statement "%s" does not add up', told.statement_no),
            detail = format('It opens with %s %s, its lines come to %s, it closes with %s.', told.opening, told.currency, moved, told.closing),
            hint = 'Lines are missing, or there twice: write them all down before they are reconciled.';
    end if;
    return told;
end $$;
comment on function @book@._check_statement(uuid) is 'A statement, locked; LN208 when there is none, LN203 when its lines are not what lies between its balances.';

-- Payments of the book that no line was matched with yet.
create function @book@._unreconciled(told @book@.bank_statement)
    returns table (payment_id uuid, reference text, amount numeric, value_date date, name_key text) language sql stable as $$
    select p.id, p.reference, case p.direction when 'in' then p.amount else -p.amount end, p.value_date, y.name_key
    from @book@.payment as p
    left join @book@.loan as l on l.legal_entity_id = p.legal_entity_id and (l.id = p.loan_id or l.loan_no = p.loan_no)
    left join @book@.party as y on y.id = coalesce(p.party_id, l.borrower_id)
    where p.legal_entity_id = told.legal_entity_id and p.currency = told.currency and p.status = 'completed'
        and p.kind <> 'goodwill_credit'
        and p.value_date between (select min(n.value_date) from @book@.statement_line as n where n.statement_id = told.id) - 10
            and (select max(n.value_date) from @book@.statement_line as n where n.statement_id = told.id) + 10
        and not exists (select from @book@.statement_line as m where m.payment_id = p.id and m.status = 'matched')
$$;
comment on function @book@._unreconciled(@book@.bank_statement) is
'Payments of around the days of a statement that no line of any was matched with, what went out below zero.';

create function @book@.reconcile_statement(
    statement_id uuid, least_likeness double precision default 0.85, days_apart integer default 3, to_suspense boolean default false,
    out by_reference integer, out by_loan integer, out proposed integer, out suspended integer, out open integer
) language plpgsql as $$
declare
    told @book@.bank_statement;
    today constant date := @book@.business_date();
begin
    perform @book@._check_poster();
    told := @book@._check_statement(reconcile_statement.statement_id);
    -- What both call by the same name, alone among those of the name.
    with same as (
        select n.line_no, u.payment_id, count(*) over (partition by n.line_no) as payments, count(*) over (partition by u.payment_id) as lines
        from @book@.statement_line as n
        join @book@._unreconciled(told) as u on u.amount = n.amount and u.reference = n.bank_reference
        where n.statement_id = told.id and n.status in ('open', 'proposed')
    )
    update @book@.statement_line as n
    set status = 'matched', matched_by = 'reference', payment_id = s.payment_id, likeness = null, decided_at = clock_timestamp(),
        decided_by = @book@.actor()
    from same as s
    where n.statement_id = told.id and n.line_no = s.line_no and s.payments = 1 and s.lines = 1;
    get diagnostics by_reference = row_count;
    -- Money for a loan whose number the payer wrote, alone among the numbers of loans that are there.
    with named as (
        select n.line_no, min(l.loan_no) as loan_no
        from @book@.statement_line as n
        cross join lateral (select distinct w.word from regexp_split_to_table(n.purpose, '[\s,;:()]+') as w (word)) as w
        join @book@.loan as l on l.legal_entity_id = told.legal_entity_id and l.loan_no = w.word
        where n.statement_id = told.id and n.status = 'open' and n.amount > 0 and n.value_date <= today
        group by n.line_no
        having count(*) = 1
    ), fresh as (
        -- The book may have the payment under another name: that is for likeness to say.
        select d.line_no, d.loan_no from named as d
        join @book@.statement_line as n on n.statement_id = told.id and n.line_no = d.line_no
        where not exists (
            select from @book@._unreconciled(told) as u
            join @book@.payment as p on p.id = u.payment_id
            left join @book@.loan as l on l.id = p.loan_id
            where u.amount = n.amount and coalesce(p.loan_no, l.loan_no) = d.loan_no and abs(u.value_date - n.value_date) <= days_apart)
    ), made as (
        insert into @book@.payment (legal_entity_id, provider, reference, loan_no, amount, currency, value_date, method, channel)
        select told.legal_entity_id, 'account ' || told.account, format('%s/%s', told.statement_no, n.line_no), f.loan_no, n.amount,
            told.currency, n.value_date, 'transfer', 'statement'
        from fresh as f
        join @book@.statement_line as n on n.statement_id = told.id and n.line_no = f.line_no
        order by n.line_no
        returning id, reference
    )
    update @book@.statement_line as n
    set status = 'matched', matched_by = 'loan', payment_id = m.id, decided_at = clock_timestamp(), decided_by = @book@.actor()
    from made as m
    where n.statement_id = told.id and m.reference = format('%s/%s', told.statement_no, n.line_no);
    get diagnostics by_loan = row_count;
    -- The same amount at about the same day by about the same name, alone on both sides.
    with alike as (
        select n.line_no, u.payment_id, loan_engine.name_similarity(@book@._plain(n.counterparty), u.name_key) as likeness
        from @book@.statement_line as n
        join @book@._unreconciled(told) as u on u.amount = n.amount and abs(u.value_date - n.value_date) <= days_apart
        where n.statement_id = told.id and n.status = 'open' and n.counterparty is not null and u.name_key is not null
    ), alone as (
        select a.*, count(*) over (partition by a.line_no) as payments, count(*) over (partition by a.payment_id) as lines
        from alike as a
        where a.likeness >= least_likeness
    )
    update @book@.statement_line as n
    set status = 'proposed', matched_by = 'likeness', payment_id = a.payment_id, likeness = a.likeness, decided_at = clock_timestamp(),
        decided_by = @book@.actor()
    from alone as a
    where n.statement_id = told.id and n.line_no = a.line_no and a.payments = 1 and a.lines = 1;
    get diagnostics proposed = row_count;
    suspended := 0;
    if to_suspense then
        with made as (
            insert into @book@.payment (legal_entity_id, provider, reference, amount, currency, value_date, method, channel)
            select told.legal_entity_id, 'account ' || told.account, format('%s/%s', told.statement_no, n.line_no), n.amount,
                told.currency, n.value_date, 'transfer', 'statement'
            from @book@.statement_line as n
            where n.statement_id = told.id and n.status = 'open' and n.amount > 0 and n.value_date <= today
            order by n.line_no
            returning id, reference
        )
        update @book@.statement_line as n
        set status = 'matched', matched_by = 'suspense', payment_id = m.id, decided_at = clock_timestamp(), decided_by = @book@.actor()
        from made as m
        where n.statement_id = told.id and m.reference = format('%s/%s', told.statement_no, n.line_no);
        get diagnostics suspended = row_count;
    end if;
    select count(*) into open from @book@.statement_line as n where n.statement_id = told.id and n.status = 'open';
end $$;
comment on function @book@.reconcile_statement(uuid, double precision, integer, boolean) is
'Finds what the lines of a statement are: payments of the same reference and amount; new payments for loans whose number the purpose names; proposals by amount, day and a name at least so alike (0 to 1); to_suspense, what is left of money that came in waits as unmatched. Returns how many of each, and how many stay open. May be run again. Refuses with LN203 a statement that does not add up.';

create function @book@.decide_statement_line(
    statement_id uuid, line_no integer, payment_id uuid default null, loan_no text default null, ignore_because text default null
) returns void language plpgsql as $$
declare
    told @book@.bank_statement;
    line @book@.statement_line;
    chosen uuid := payment_id;
begin
    perform @book@._check_poster();
    told := @book@._check_statement(decide_statement_line.statement_id);
    select n.* into line from @book@.statement_line as n
    where n.statement_id = told.id and n.line_no = decide_statement_line.line_no and n.status in ('open', 'proposed');
    if not found then
        raise exception using errcode = 'LN208', message = format('line %s of statement "%s" is not to be decided', line_no, told.statement_no),
            hint = 'The table statement_line lists those that are open or proposed.';
    elsif num_nonnulls(payment_id, loan_no, nullif(ignore_because, '')) <> 1 then
        raise exception using errcode = '22023', message = 'one decision is needed',
            hint = 'Give the payment it is, the number of the loan it is for, or why it is ignored.';
    end if;
    if loan_no is not null then
        insert into @book@.payment (legal_entity_id, provider, reference, direction, loan_no, amount, currency, value_date, method, channel)
        values (told.legal_entity_id, 'account ' || told.account, format('%s/%s', told.statement_no, line.line_no),
            case when line.amount > 0 then 'in' else 'out' end, loan_no, abs(line.amount), told.currency, line.value_date, 'transfer', 'statement')
        returning id into chosen;
    elsif payment_id is not null and not exists (
        select from @book@.payment as p
        where p.id = payment_id and p.legal_entity_id = told.legal_entity_id and p.currency = told.currency and p.status = 'completed'
            and case p.direction when 'in' then p.amount else -p.amount end = line.amount
            and not exists (select from @book@.statement_line as m where m.payment_id = p.id and m.status = 'matched')) then
        raise exception using errcode = 'LN203', message = format('payment %s is not line %s', payment_id, line_no),
            detail = format('The line is of %s %s.', line.amount, told.currency),
            hint = 'A line is a completed payment of its amount and currency that no other line is.';
    end if;
    update @book@.statement_line as n
    set status = case when chosen is null then 'ignored' else 'matched' end, matched_by = case when chosen is not null then 'hand' end,
        payment_id = chosen, likeness = null, note = ignore_because, decided_at = clock_timestamp(), decided_by = @book@.actor()
    where n.statement_id = told.id and n.line_no = line.line_no;
end $$;
comment on function @book@.decide_statement_line(uuid, integer, uuid, text, text) is
'Decides by hand what a line of a statement is: a payment of the book, as when what was proposed is right; money for a loan, which makes a payment; or nothing of the book. Refuses with LN203 a payment that cannot be the line.';

create view @book@.v_reconciliation as
select s.id as statement_id, s.legal_entity_id, s.account, s.statement_no, s.currency, count(n.line_no) as lines,
    count(*) filter (where n.status = 'matched') as matched, count(*) filter (where n.status = 'proposed') as proposed,
    count(*) filter (where n.status = 'ignored') as ignored, count(*) filter (where n.status = 'open') as open,
    coalesce(sum(n.amount) filter (where n.status in ('open', 'proposed')), 0) as undecided,
    s.opening + coalesce(sum(n.amount), 0) = s.closing as adds_up
from @book@.bank_statement as s
left join @book@.statement_line as n on n.statement_id = s.id
group by s.id;
comment on view @book@.v_reconciliation is 'How far statements are reconciled.';
comment on column @book@.v_reconciliation.statement_id is 'The statement.';
comment on column @book@.v_reconciliation.legal_entity_id is 'Whose account it is of.';
comment on column @book@.v_reconciliation.account is 'The number of the account.';
comment on column @book@.v_reconciliation.statement_no is 'The number of the statement.';
comment on column @book@.v_reconciliation.currency is 'ISO 4217 code of the amounts.';
comment on column @book@.v_reconciliation.lines is 'How many lines it has.';
comment on column @book@.v_reconciliation.matched is 'How many are payments of the book.';
comment on column @book@.v_reconciliation.proposed is 'How many are likely so.';
comment on column @book@.v_reconciliation.ignored is 'How many are none of the book.';
comment on column @book@.v_reconciliation.open is 'How many are not decided.';
comment on column @book@.v_reconciliation.undecided is 'What lines that are open or proposed come to, in currency units.';
comment on column @book@.v_reconciliation.adds_up is 'Whether its lines are what lies between its balances.';

insert into @book@.check_definition values
    ('statement lines are their payments', 'A line that is matched is of the amount of its payment.',
    'select format(''line %s of statement %s'', n.line_no, s.statement_no)
        from @book@.statement_line as n
        join @book@.bank_statement as s on s.id = n.statement_id
        join @book@.payment as p on p.id = n.payment_id
        where n.status = ''matched'' and (p.currency <> s.currency or n.amount <> case p.direction when ''in'' then p.amount else -p.amount end)');
