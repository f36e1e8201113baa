-- Periods that are closed, balances kept at the end of days, and what is reported from the two.

create table @book@.period_close (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    period daterange not null check (not isempty(period) and not upper_inf(period)),
    closed_by text not null default @book@.actor(),
    closed_at timestamptz not null default clock_timestamp(),
    reopened_by text,
    reopened_at timestamptz,
    reopened_for text check (reopened_for <> ''),
    check (num_nulls(reopened_by, reopened_at, reopened_for) in (0, 3)),
    exclude using gist (legal_entity_id with =, period with &&) where (reopened_at is null)
);
comment on table @book@.period_close is
'The periods of a ledger that were closed, and which of them were opened again.';
comment on column @book@.period_close.id is 'Key.';
comment on column @book@.period_close.legal_entity_id is 'Whose ledger.';
comment on column @book@.period_close.period is 'The days; those of periods that are closed do not overlap.';
comment on column @book@.period_close.closed_by is 'Who closed it.';
comment on column @book@.period_close.closed_at is 'When it was closed.';
comment on column @book@.period_close.reopened_by is 'Who opened it again.';
comment on column @book@.period_close.reopened_at is 'When it was opened again.';
comment on column @book@.period_close.reopened_for is 'Why it was opened again.';

create function @book@._guard_period() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and (old.reopened_at is not null or new.reopened_at is null
        or to_jsonb(new) - array['reopened_by', 'reopened_at', 'reopened_for']
            <> to_jsonb(old) - array['reopened_by', 'reopened_at', 'reopened_for'])
    then
        raise exception using errcode = 'LN205', message = 'update of period_close is refused',
            detail = format('The period is %s.', old.period),
            hint = 'A closed period is opened again once, by reopen_period.';
    end if;
    perform pg_advisory_xact_lock(@book@._ledger_lock(new.legal_entity_id));
    return new;
end $$;
comment on function @book@._guard_period() is
'Refuses every change of a closed period but its reopening, and waits for whoever is booking in the ledger.';
create trigger guarded before insert or update on @book@.period_close
    for each row execute function @book@._guard_period();
create trigger append_only before delete or truncate on @book@.period_close
    for each statement execute function @book@._refuse_change();

create function @book@._move_horizon() returns trigger language plpgsql as $$
begin
    update @book@.ledger_horizon as h
    set closed_through = (
        select max(upper(p.period)) - 1
        from @book@.period_close as p
        where p.legal_entity_id = new.legal_entity_id and p.reopened_at is null)
    where h.legal_entity_id = new.legal_entity_id;
    return null;
end $$;
comment on function @book@._move_horizon() is 'Tells the ledger through which day it is closed.';
create trigger horizon_moved after insert or update on @book@.period_close
    for each row execute function @book@._move_horizon();

create function @book@.close_period(legal_entity text, through date) returns uuid language plpgsql as $$
declare
    ledger uuid := @book@._legal_entity(legal_entity);
    known date;
    closed uuid;
begin
    perform @book@._authorise('close_period', legal_entity_id => ledger);
    if through is null or through >= @book@.business_date() then
        raise exception using errcode = 'LN210', message = format('the period through %s cannot be closed', through),
            detail = format('The business date is %s.', @book@.business_date()),
            hint = 'A period is closed once its last day has ended.';
    end if;
    perform pg_advisory_xact_lock(@book@._ledger_lock(ledger));
    select h.closed_through into known from @book@.ledger_horizon as h where h.legal_entity_id = ledger;
    if known >= through then
        raise exception using errcode = 'LN215', message = format('the period through %s is closed', through),
            detail = format('The ledger is closed through %s.', known),
            hint = 'Nothing is left to be done; reopen_period opens it again.';
    end if;
    insert into @book@.period_close as p (legal_entity_id, period)
    values (ledger, daterange(known, through, '(]'))
    returning p.id into closed;
    return closed;
end $$;
comment on function @book@.close_period(text, date) is
'Closes the ledger of a legal entity through a day, so that nothing more is booked on it or before; waits for who is booking. LN210 unless the day has ended, LN215 when it is closed already.';

create function @book@.reopen_period(legal_entity text, from_date date, reason text) returns integer
    language plpgsql as $$
declare
    ledger uuid := @book@._legal_entity(legal_entity);
    reopened integer;
begin
    perform @book@._authorise('reopen_period', legal_entity_id => ledger,
        days_back => @book@.business_date() - from_date);
    if from_date is null or reason is null or reason = '' then
        raise exception using errcode = '22004',
            message = 'a period is reopened from a day and for a reason',
            hint = 'Give both.';
    end if;
    update @book@.period_close as p
    set reopened_by = @book@.actor(), reopened_at = clock_timestamp(), reopened_for = reason
    where p.legal_entity_id = ledger and p.reopened_at is null and upper(p.period) > from_date;
    get diagnostics reopened = row_count;
    if reopened = 0 then
        raise exception using errcode = 'LN215', message = format('the period of %s is open', from_date),
            hint = 'The table period_close tells which periods are closed.';
    end if;
    return reopened;
end $$;
comment on function @book@.reopen_period(text, date, text) is
'Opens again the closed period that a day is in, and those after it; returns how many. Who, when and why stay in period_close.';

-- Day balances. A report adds to the last of them what was booked since.

create table @book@.ledger_day (
    legal_entity_id uuid not null references @book@.legal_entity,
    as_of date not null,
    primary key (legal_entity_id, as_of)
);
comment on table @book@.ledger_day is 'The days at whose end the balances of a ledger are kept.';
comment on column @book@.ledger_day.legal_entity_id is 'Whose ledger.';
comment on column @book@.ledger_day.as_of is 'The day.';

create table @book@.ledger_balance (
    account_id uuid not null references @book@.ledger_account,
    as_of date not null,
    debit numeric not null,
    credit numeric not null,
    balance numeric not null check (balance = debit - credit),
    primary key (account_id, as_of)
);
comment on table @book@.ledger_balance is
'What an account came to at the end of a day, for accounts that had been booked to: a projection of the entries, kept right when one is booked on an earlier day.';
comment on column @book@.ledger_balance.account_id is 'The account.';
comment on column @book@.ledger_balance.as_of is 'The day, one of ledger_day.';
comment on column @book@.ledger_balance.debit is 'Everything debited by its end, in currency units.';
comment on column @book@.ledger_balance.credit is 'Everything credited by its end.';
comment on column @book@.ledger_balance.balance is 'Debits less credits.';

create function @book@._ledger_sums(as_of date, legal_entity_id uuid default null)
    returns table (account_id uuid, legal_entity_id uuid, debit numeric, credit numeric)
    language sql stable rows 100 as $$
    with kept as materialized (
        select h.legal_entity_id, coalesce(max(d.as_of), '-infinity') as as_of
        from @book@.ledger_horizon as h
        left join @book@.ledger_day as d on d.legal_entity_id = h.legal_entity_id and d.as_of <= _ledger_sums.as_of
        where _ledger_sums.legal_entity_id is null or h.legal_entity_id = _ledger_sums.legal_entity_id
        group by h.legal_entity_id
    ), since as (
        select e.account_id, coalesce(sum(e.amount) filter (where e.amount > 0), 0) as debit,
            coalesce(-sum(e.amount) filter (where e.amount < 0), 0) as credit
        from @book@.ledger_entry as e
        join @book@.ledger_account as a on a.id = e.account_id
        join kept as k on k.legal_entity_id = a.legal_entity_id
        where e.booking_date > (select min(k.as_of) from kept as k) and e.booking_date <= _ledger_sums.as_of
            and e.booking_date > k.as_of
        group by e.account_id
    )
    select a.id, a.legal_entity_id, coalesce(b.debit, 0) + coalesce(s.debit, 0),
        coalesce(b.credit, 0) + coalesce(s.credit, 0)
    from kept as k
    join @book@.ledger_account as a on a.legal_entity_id = k.legal_entity_id
    left join @book@.ledger_balance as b on b.account_id = a.id and b.as_of = k.as_of
    left join since as s on s.account_id = a.id
$$;
comment on function @book@._ledger_sums(date, uuid) is
'What was debited and credited to each account by the end of a day, by booking date: the day balances kept last, and what was booked since.';

create function @book@._snapshot_ledger(day date) returns integer language plpgsql as $$
declare
    kept integer;
begin
    if day is null or day > @book@.business_date() then
        raise exception using errcode = 'LN210', message = format('balances of %s cannot be kept', day),
            detail = format('The business date is %s.', @book@.business_date()),
            hint = 'Keep those of a day that has come.';
    elsif current_setting('transaction_isolation') <> 'read committed' then
        raise exception using errcode = '25001', message = 'day balances are kept under read committed only',
            hint = 'Another isolation level would miss what was booked since the transaction began.';
    end if;
    perform pg_advisory_xact_lock(ledger.key)
    from (select @book@._ledger_lock(h.legal_entity_id) as key from @book@.ledger_horizon as h order by 1) as ledger;
    with missing as (
        select h.legal_entity_id
        from @book@.ledger_horizon as h
        where not exists (
            select
            from @book@.ledger_day as d
            where d.legal_entity_id = h.legal_entity_id and d.as_of = _snapshot_ledger.day)
    ), summed as (
        insert into @book@.ledger_balance (account_id, as_of, debit, credit, balance)
        select s.account_id, _snapshot_ledger.day, s.debit, s.credit, s.debit - s.credit
        from missing as m
        cross join lateral @book@._ledger_sums(_snapshot_ledger.day, m.legal_entity_id) as s
        where s.debit <> 0 or s.credit <> 0
        returning 1
    ), dated as (
        insert into @book@.ledger_day (legal_entity_id, as_of)
        select m.legal_entity_id, _snapshot_ledger.day from missing as m
    ), moved as (
        update @book@.ledger_horizon as h
        set balanced_through = greatest(h.balanced_through, _snapshot_ledger.day)
        from missing as m
        where h.legal_entity_id = m.legal_entity_id
    )
    select count(*) into kept from summed;
    return kept;
end $$;
comment on function @book@._snapshot_ledger(date) is
'Keeps the balances of all accounts at the end of a day, once; returns how many were kept now. Waits for who is booking.';

-- Reports. What was booked on one day and counts from another moves a sum by value date away from
-- that by booking date; only transactions with two different days need be looked at.

create function @book@._report_sums(as_of date, legal_entity text, date_basis text)
    returns table (account_id uuid, debit numeric, credit numeric) language plpgsql stable rows 100 as $$
declare
    ledger uuid := case when legal_entity is not null then @book@._legal_entity(legal_entity) end;
begin
    if as_of is null or date_basis is null or date_basis not in ('booking', 'value') then
        raise exception using errcode = '22023', message = 'a report is of a day, by booking or by value date',
            detail = format('The day is %s, the basis %s.', as_of, date_basis),
            hint = 'Say date_basis => ''booking'' or ''value''.';
    elsif date_basis = 'booking' then
        return query
            select s.account_id, s.debit, s.credit from @book@._ledger_sums(_report_sums.as_of, ledger) as s;
        return;
    end if;
    return query
        select s.account_id, s.debit + coalesce(m.debit, 0), s.credit + coalesce(m.credit, 0)
        from @book@._ledger_sums(_report_sums.as_of, ledger) as s
        left join (
            select e.account_id, sum(d.counts * e.amount) filter (where e.amount > 0) as debit,
                -sum(d.counts * e.amount) filter (where e.amount < 0) as credit
            from (
                select t.id, t.booking_date, 1 as counts
                from @book@.ledger_transaction as t
                where t.value_date <> t.booking_date
                    and t.booking_date > _report_sums.as_of and t.value_date <= _report_sums.as_of
                union all
                select t.id, t.booking_date, -1
                from @book@.ledger_transaction as t
                where t.value_date <> t.booking_date
                    and t.booking_date <= _report_sums.as_of and t.value_date > _report_sums.as_of
            ) as d
            join @book@.ledger_entry as e on e.transaction_id = d.id and e.booking_date = d.booking_date
            group by e.account_id
        ) as m on m.account_id = s.account_id;
end $$;
comment on function @book@._report_sums(date, text, text) is
'What was debited and credited to each account by the end of a day, by booking date or by value date; 22023 for another basis.';

create function @book@.trial_balance(as_of date, legal_entity text default null, date_basis text default 'booking')
    returns table (
        legal_entity text, currency text, class text, code text, name text,
        debit numeric, credit numeric, balance numeric)
    language sql stable rows 100 as $$
    select l.code, a.currency, a.class, a.code, a.name, s.debit, s.credit, s.debit - s.credit
    from @book@._report_sums(trial_balance.as_of, trial_balance.legal_entity, trial_balance.date_basis) as s
    join @book@.ledger_account as a on a.id = s.account_id
    join @book@.legal_entity as l on l.id = a.legal_entity_id
    where s.debit <> 0 or s.credit <> 0
    order by l.code, a.currency, a.code
$$;
comment on function @book@.trial_balance(date, text, text) is
'What each account came to at the end of a day, by booking date or by date_basis ''value'': everything debited, everything credited, and the difference, in units of the currency.';

create function @book@.income_statement(
    from_date date, to_date date, legal_entity text default null, date_basis text default 'booking'
) returns table (legal_entity text, currency text, class text, code text, name text, amount numeric)
    language sql stable rows 100 as $$
    with moved as (
        select l.code as legal_entity, a.currency, a.class, a.code, a.name,
            u.debit - u.credit - b.debit + b.credit as balance
        from @book@._report_sums(
            income_statement.to_date, income_statement.legal_entity, income_statement.date_basis) as u
        join @book@._report_sums(
            income_statement.from_date - 1, income_statement.legal_entity, income_statement.date_basis) as b
            using (account_id)
        join @book@.ledger_account as a on a.id = u.account_id
        join @book@.legal_entity as l on l.id = a.legal_entity_id
        where a.class in ('income', 'expense')
    )
    select s.legal_entity, s.currency, s.class, s.code, s.name, s.amount
    from (
        select m.legal_entity, m.currency, m.class, m.code, m.name,
            case m.class when 'income' then -m.balance else m.balance end as amount
        from moved as m
        where m.balance <> 0
        union all
        select m.legal_entity, m.currency, 'result', null, 'Result of the period', -sum(m.balance)
        from moved as m
        group by m.legal_entity, m.currency
    ) as s
    order by s.legal_entity, s.currency, array_position(array['income', 'expense', 'result'], s.class), s.code
$$;
comment on function @book@.income_statement(date, date, text, text) is
'Income and expenses of a span of days, both days in it, and the result: income less expenses, in units of the currency.';

create function @book@.balance_sheet(as_of date, legal_entity text default null, date_basis text default 'booking')
    returns table (legal_entity text, currency text, class text, code text, name text, amount numeric)
    language sql stable rows 100 as $$
    with stood as (
        select t.*
        from @book@.trial_balance(balance_sheet.as_of, balance_sheet.legal_entity, balance_sheet.date_basis) as t
    )
    select b.legal_entity, b.currency, b.class, b.code, b.name, b.amount
    from (
        select s.legal_entity, s.currency, s.class, s.code, s.name,
            case s.class when 'asset' then s.balance else -s.balance end as amount
        from stood as s
        where s.class in ('asset', 'liability', 'equity') and s.balance <> 0
        union all
        select s.legal_entity, s.currency, 'equity', null, 'Result not carried to equity', -sum(s.balance)
        from stood as s
        where s.class in ('income', 'expense')
        group by s.legal_entity, s.currency
    ) as b
    order by b.legal_entity, b.currency, array_position(array['asset', 'liability', 'equity'], b.class), b.code
$$;
comment on function @book@.balance_sheet(date, text, text) is
'Assets, liabilities and equity at the end of a day, in units of the currency; the result not carried to equity is a line of equity, so that assets equal the rest.';

create function @book@.account_statement(
    account text, from_date date, to_date date, legal_entity text default null, currency text default null
) returns table (
    booking_date date, value_date date, transaction_id uuid, kind text, description text,
    debit numeric, credit numeric, balance numeric
) language plpgsql stable rows 1000 as $$
declare
    accounts uuid[];
    opening numeric;
begin
    select array_agg(a.id) into accounts
    from @book@.ledger_account as a
    join @book@.legal_entity as l on l.id = a.legal_entity_id
    where a.code = account_statement.account
        and a.currency = coalesce(account_statement.currency, l.currency)
        and (account_statement.legal_entity is null or l.code = account_statement.legal_entity);
    if cardinality(accounts) is distinct from 1 then
        raise exception using errcode = 'LN208',
            message = format('"%s" is not the number of one ledger account', account),
            detail = format('It is that of %s.', coalesce(cardinality(accounts), 0)),
            hint = 'Give the legal entity and the currency, too.';
    end if;
    select s.debit - s.credit into opening
    from @book@.ledger_account as a
    cross join lateral @book@._ledger_sums(from_date - 1, a.legal_entity_id) as s
    where a.id = accounts[1] and s.account_id = a.id;
    return query
        select null::date, null::date, null::uuid, 'opening balance', null::text, null::numeric, null::numeric, opening
        union all
        (select e.booking_date, t.value_date, t.id, t.kind, t.description, case when e.amount > 0 then e.amount end,
            case when e.amount < 0 then -e.amount end,
            opening + sum(e.amount) over (order by e.booking_date, e.transaction_id, e.position)
        from @book@.ledger_entry as e
        join @book@.ledger_transaction as t on t.id = e.transaction_id
        where e.account_id = accounts[1] and e.booking_date between from_date and to_date
        order by e.booking_date, e.transaction_id, e.position);
end $$;
comment on function @book@.account_statement(text, date, date, text, text) is
'The entries of an account on a span of days, both days in it, with the balance after each; the opening balance comes first. The currency is that of the legal entity when not given; LN208 unless exactly one account is meant.';

create view @book@.v_trial_balance as
select d.business_date as as_of, t.legal_entity, t.currency, t.class, t.code, t.name, t.debit, t.credit, t.balance
from @book@.book as d cross join lateral @book@.trial_balance(d.business_date) as t;
create view @book@.v_income_statement as
select d.business_date as as_of, date_trunc('year', d.business_date)::date as from_date,
    t.legal_entity, t.currency, t.class, t.code, t.name, t.amount
from @book@.book as d
cross join lateral @book@.income_statement(date_trunc('year', d.business_date)::date, d.business_date) as t;
create view @book@.v_balance_sheet as
select d.business_date as as_of, t.legal_entity, t.currency, t.class, t.code, t.name, t.amount
from @book@.book as d cross join lateral @book@.balance_sheet(d.business_date) as t;
comment on view @book@.v_trial_balance is 'What each account comes to on the business date.';
comment on column @book@.v_trial_balance.as_of is 'The business date.';
comment on column @book@.v_trial_balance.legal_entity is 'Whose ledger, by code.';
comment on column @book@.v_trial_balance.currency is 'ISO 4217 code.';
comment on column @book@.v_trial_balance.class is 'Asset, liability, equity, income or expense.';
comment on column @book@.v_trial_balance.code is 'The number of the account.';
comment on column @book@.v_trial_balance.name is 'Its name.';
comment on column @book@.v_trial_balance.debit is 'Everything debited, in currency units.';
comment on column @book@.v_trial_balance.credit is 'Everything credited.';
comment on column @book@.v_trial_balance.balance is 'Debits less credits.';
comment on view @book@.v_income_statement is
'Income and expenses of the calendar year up to the business date, and the result.';
comment on column @book@.v_income_statement.as_of is 'The business date, the last day of it.';
comment on column @book@.v_income_statement.from_date is 'The first day of it.';
comment on column @book@.v_income_statement.legal_entity is 'Whose ledger, by code.';
comment on column @book@.v_income_statement.currency is 'ISO 4217 code.';
comment on column @book@.v_income_statement.class is 'Income, expense or result.';
comment on column @book@.v_income_statement.code is 'The number of the account.';
comment on column @book@.v_income_statement.name is 'Its name.';
comment on column @book@.v_income_statement.amount is
'Currency units; expenses and income above zero, the result income less expenses.';
comment on view @book@.v_balance_sheet is 'Assets, liabilities and equity on the business date.';
comment on column @book@.v_balance_sheet.as_of is 'The business date.';
comment on column @book@.v_balance_sheet.legal_entity is 'Whose ledger, by code.';
comment on column @book@.v_balance_sheet.currency is 'ISO 4217 code.';
comment on column @book@.v_balance_sheet.class is 'Asset, liability or equity.';
comment on column @book@.v_balance_sheet.code is
'The number of the account; none for the result not carried to equity.';
comment on column @book@.v_balance_sheet.name is 'Its name.';
comment on column @book@.v_balance_sheet.amount is 'Currency units; assets equal liabilities and equity.';

insert into @book@.check_definition values
    ('day balances are sums of entries',
    'The balances kept at the end of a day are the sums of what was booked by then, of every account that was booked to.',
    'with days as (
            select a.id as account_id, d.as_of
            from @book@.ledger_day as d join @book@.ledger_account as a using (legal_entity_id)
        ), daily as (
            select e.account_id,
                (
                    select min(d.as_of) from days as d
                    where d.account_id = e.account_id and d.as_of >= e.booking_date) as as_of,
                sum(e.amount) filter (where e.amount > 0) as debit, -sum(e.amount) filter (where e.amount < 0) as credit
            from @book@.ledger_entry as e group by e.account_id, e.booking_date
        ), summed as (
            select d.account_id, d.as_of,
                coalesce(sum(m.debit) over past, 0) as debit, coalesce(sum(m.credit) over past, 0) as credit
            from days as d
            left join (
                select account_id, as_of, sum(debit) as debit, sum(credit) as credit
                from daily
                group by account_id, as_of
            ) as m using (account_id, as_of)
            window past as (partition by d.account_id order by d.as_of)
        )
        select format(''account %s on %s'', account_id, as_of)
        from summed as s full join @book@.ledger_balance as b using (account_id, as_of)
        where (coalesce(s.debit, 0), coalesce(s.credit, 0))
            is distinct from (coalesce(b.debit, 0), coalesce(b.credit, 0))'),
    ('ledger horizon is right',
    'A ledger is closed through the last closed period and has balances through the last day kept.',
    'select format(''legal entity %s'', h.legal_entity_id)
        from @book@.ledger_horizon as h
        where h.closed_through is distinct from (
                select max(upper(p.period)) - 1 from @book@.period_close as p
                where p.legal_entity_id = h.legal_entity_id and p.reopened_at is null)
            or h.balanced_through is distinct from (
                select max(d.as_of) from @book@.ledger_day as d where d.legal_entity_id = h.legal_entity_id)'),
    ('posting rules reach accounts',
    'Every abstract account of a product has a ledger account in each currency that it is lent in.',
    'select format(''product %s, %s in %s'', p.code, r.account, v.currency)
        from @book@.product as p
        join (select distinct product_id, currency from @book@.product_version) as v on v.product_id = p.id
        join @book@.posting_rule as r on r.legal_entity_id = p.legal_entity_id and r.product_id is null
        where not exists (
            select from @book@.posting_account as a
            where a.product_id = p.id and a.account = r.account and a.currency = v.currency)');
