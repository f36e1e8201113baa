-- The end of the day: what time alone changes.
--
-- Interest is earned in a straight line until something falls due, so a day is one update of the slim
-- balances; only loans whose line ends are looked at by the engine. What a loan has in the ledger is
-- brought to what it has earned and not been paid, so that a day run twice adds nothing, missed days
-- run later add the same, and what a backdated payment changed is corrected by the next day.

create table @book@.accrual (
    loan_id uuid not null,
    on_date date not null,
    interest numeric not null,
    fees numeric not null,
    penalties numeric not null,
    transaction_id uuid not null
) partition by range (on_date);
create index on @book@.accrual using brin (on_date);
comment on table @book@.accrual is 'What each day added to the income of a loan: the details of what the ledger has by product.';
comment on column @book@.accrual.loan_id is 'The loan.';
comment on column @book@.accrual.on_date is 'The day.';
comment on column @book@.accrual.interest is 'Interest earned, in currency units; below zero where earlier days had too much.';
comment on column @book@.accrual.fees is 'Fees earned.';
comment on column @book@.accrual.penalties is 'Penalties earned.';
comment on column @book@.accrual.transaction_id is 'The ledger transaction it is part of.';
select @book@._make_append_only('@book@.accrual');
insert into @book@.partitioned values ('accrual', array['select @book@._make_append_only(%L)']);

create table @book@.end_of_day (
    on_date date primary key,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
comment on table @book@.end_of_day is 'Days whose end was begun.';
comment on column @book@.end_of_day.on_date is 'The day.';
comment on column @book@.end_of_day.started_at is 'When it was begun.';
comment on column @book@.end_of_day.finished_at is 'When it was done and the business date moved forward.';

create table @book@.end_of_day_chunk (
    on_date date not null references @book@.end_of_day,
    first_loan uuid not null,
    next_loan uuid,
    loans integer not null,
    accrued integer,
    looked_at integer,
    done_at timestamptz,
    primary key (on_date, first_loan)
);
comment on table @book@.end_of_day_chunk is 'Ranges of loans whose day is ended together, in one transaction, by whichever session comes to them.';
comment on column @book@.end_of_day_chunk.on_date is 'The day.';
comment on column @book@.end_of_day_chunk.first_loan is 'The first loan of the range.';
comment on column @book@.end_of_day_chunk.next_loan is 'The loan after its last; to the end when NULL.';
comment on column @book@.end_of_day_chunk.loans is 'How many loans it has.';
comment on column @book@.end_of_day_chunk.accrued is 'How many of them earned something.';
comment on column @book@.end_of_day_chunk.looked_at is 'How many of them the engine looked at.';
comment on column @book@.end_of_day_chunk.done_at is 'When it was done.';

create table @book@.end_of_day_fault (
    loan_id uuid primary key references @book@.loan,
    on_date date not null,
    code text not null,
    message text not null
);
comment on table @book@.end_of_day_fault is 'Loans whose day could not be ended while the others went on; they are tried again every day, and their row goes when one succeeds.';
comment on column @book@.end_of_day_fault.loan_id is 'The loan.';
comment on column @book@.end_of_day_fault.on_date is 'The first day that could not be ended.';
comment on column @book@.end_of_day_fault.code is 'SQLSTATE of what was wrong last.';
comment on column @book@.end_of_day_fault.message is 'What was wrong last.';

-- Whoever records an operation holds the balance of its loan. The day takes hold of its loans by a
-- statement of its own, so that those after it see what was committed while it waited.
create function @book@._hold_loans(day date, first_loan uuid, next_loan uuid) returns void language plpgsql as $$
begin
    perform from @book@.loan_balance as b
    where b.loan_id >= first_loan and (next_loan is null or b.loan_id < next_loan) and b.accrued_through < day
    order by b.loan_id
    for update;
end $$;
comment on function @book@._hold_loans(date, uuid, uuid) is
'Locks the balances of the loans of a range that have yet to end a day.';

-- Loans of a range whose straight line has ended: the engine looks at them. Where a penalty is due,
-- the day is recorded as an operation, whose projection looks at the loan.
create function @book@._look_at_loans(day date, first_loan uuid, next_loan uuid) returns integer language plpgsql as $$
declare
    looked_at integer;
begin
    with line_ended as materialized (
        select b.loan_id, b.version, b.hash, b.earned_from
        from @book@.loan_balance as b
        where b.loan_id >= first_loan and (next_loan is null or b.loan_id < next_loan)
            and b.accrued_through < day and b.holds_until <= day
    ), looked as materialized (
        select e.loan_id, e.version, e.hash, k.*
        from line_ended as e
        join @book@.loan_snapshot as s using (loan_id)
        cross join lateral loan_engine._loan_outlook(s.state, day) as k
    ), penalised as (
        insert into @book@.loan_event (loan_id, version, type, valid_on, business_date, actor, operation, previous_hash, hash)
        select l.loan_id, l.version + 1, 'end_of_day', day, day, @book@.actor(), '{}', l.hash,
            loan_engine._hash_link(null, l.hash, @book@._event_text(
                l.loan_id, l.version + 1, 'end_of_day', day, day, @book@.actor(), '{}', null))
        from looked as l
        where l.needs_end_of_day
        order by l.loan_id
    ), brought as (
        update @book@.loan_balance as t
        set oldest_unpaid = k.oldest_unpaid, overdue = k.overdue, overdue_principal = k.overdue_principal,
            next_due = k.next_due, next_due_amount = k.next_due_amount, earned_from = day,
            earned_base = k.earned_base, earned_per_day = k.earned_per_day, holds_until = k.holds_until,
            fees_earned = k.fees_earned, penalties_earned = k.penalties_earned
        from looked as k
        where t.loan_id = k.loan_id and not k.needs_end_of_day
    )
    select count(*) into looked_at from looked;
    return looked_at;
end $$;
comment on function @book@._look_at_loans(date, uuid, uuid) is
'Has the engine look at the loans of a range whose straight line has ended; returns how many they were.';

-- The engine keeps its lines a billionth of a minor unit clear of where rounding turns, so a thousandth
-- of that may be left out; more digits than it reads would be too many.
create function @book@._interest_on(base numeric, per_day numeric, days integer, currency text, rounding text) returns numeric
    language sql immutable parallel safe
    return loan_engine.round_money(
        round(base + per_day * days, loan_engine.minor_units(currency) + 12), currency, rounding);
comment on function @book@._interest_on(numeric, numeric, integer, text, text) is
'Interest earned so many days after the first of a straight line, in currency units, rounded as the loan rounds.';

-- Brings what is in the ledger to what is earned and not settled, for all loans of a range.
-- Of a loan that was given up nothing is receivable: what it still pays is a recovery.
create function @book@._accrue_loans(day date, first_loan uuid, next_loan uuid) returns integer language plpgsql as $$
declare
    accrued integer;
begin
    with brought as (
        update @book@.loan_balance as t
        set accrued_through = day,
            interest_accrued = case when t.charged_off_on is not null or t.status = 'written_off' then 0
                else @book@._interest_on(t.earned_base, t.earned_per_day, day - t.earned_from, t.currency, t.rounding)
                    - t.interest_settled end - t.interest_receivable,
            interest_receivable = case when t.charged_off_on is not null or t.status = 'written_off' then 0
                else @book@._interest_on(t.earned_base, t.earned_per_day, day - t.earned_from, t.currency, t.rounding)
                    - t.interest_settled end,
            fees_accrued = case when t.charged_off_on is not null or t.status = 'written_off' then 0
                else t.fees_earned - t.fees_settled end - t.fee_receivable,
            fee_receivable = case when t.charged_off_on is not null or t.status = 'written_off' then 0
                else t.fees_earned - t.fees_settled end,
            penalties_accrued = case when t.charged_off_on is not null or t.status = 'written_off' then 0
                else t.penalties_earned - t.penalties_settled end - t.penalty_receivable,
            penalty_receivable = case when t.charged_off_on is not null or t.status = 'written_off' then 0
                else t.penalties_earned - t.penalties_settled end
        where t.loan_id >= first_loan and (next_loan is null or t.loan_id < next_loan)
            and t.accrued_through < day and t.earned_from <= day
        returning t.loan_id, t.product_id, t.currency, t.interest_accrued, t.fees_accrued, t.penalties_accrued
    ), earned as materialized (
        select * from brought where (interest_accrued, fees_accrued, penalties_accrued) <> (0, 0, 0)
    ), total as materialized (
        select loan_engine.uuid_v7() as id, s.*, p.legal_entity_id
        from (
            select product_id, currency, sum(interest_accrued) as interest, sum(fees_accrued) as fees,
                sum(penalties_accrued) as penalties
            from earned group by product_id, currency
        ) as s
        join @book@.product as p on p.id = s.product_id
    ), in_ledger as (
        insert into @book@.ledger_transaction (id, legal_entity_id, kind, booking_date, value_date, description)
        select t.id, t.legal_entity_id, 'accrual', b.business_date, day, format('income of %s', day)
        from total as t cross join @book@.book as b
    ), detailed as (
        insert into @book@.accrual (loan_id, on_date, interest, fees, penalties, transaction_id)
        select e.loan_id, day, e.interest_accrued, e.fees_accrued, e.penalties_accrued, t.id
        from earned as e join total as t using (product_id, currency)
    ), entered as (
        insert into @book@.ledger_entry (transaction_id, position, booking_date, account_id, currency, amount)
        select t.id, row_number() over (partition by t.id order by a.account), b.business_date,
            @book@._account(t.legal_entity_id, a.account, t.currency, t.product_id), t.currency, a.amount
        from total as t
        cross join @book@.book as b
        cross join lateral (values
            ('interest_receivable', t.interest), ('interest_income', -t.interest),
            ('fee_receivable', t.fees), ('fee_income', -t.fees),
            ('penalty_receivable', t.penalties), ('penalty_income', -t.penalties)
        ) as a (account, amount)
        where a.amount <> 0
    )
    select count(*) into accrued from earned;
    return accrued;
end $$;
comment on function @book@._accrue_loans(date, uuid, uuid) is
'Books what the loans of a range earned by the end of a day; returns how many earned something.';

-- One range: set by set, or, where a loan refuses, without the loans that do.
create function @book@._end_chunk(day date, first_loan uuid, next_loan uuid) returns void language plpgsql as $$
declare
    looked integer;
    earned integer;
begin
    perform @book@._hold_loans(day, first_loan, next_loan);
    looked := @book@._look_at_loans(day, first_loan, next_loan);
    earned := @book@._accrue_loans(day, first_loan, next_loan);
    update @book@.end_of_day_chunk as c
    set accrued = earned, looked_at = looked, done_at = clock_timestamp()
    where c.on_date = day and c.first_loan = _end_chunk.first_loan;
end $$;
comment on function @book@._end_chunk(date, uuid, uuid) is 'Ends the day of the loans of a range.';

-- A range that a loan refuses is halved until the loan is alone, and that one is set aside.
create function @book@._end_chunk_around_faults(day date, first_loan uuid, next_loan uuid) returns void
    language plpgsql as $$
declare
    middle uuid;
    loans integer;
    code text;
    message text;
begin
    begin
        perform @book@._hold_loans(day, first_loan, next_loan);
        perform @book@._look_at_loans(day, first_loan, next_loan);
        perform @book@._accrue_loans(day, first_loan, next_loan);
        return;
    exception when others then
        get stacked diagnostics code = returned_sqlstate, message = message_text;
        if code like '40%' or code like '57%' or code like '53%' then
            raise;
        end if;
    end;
    select count(*), (array_agg(r.loan_id order by r.loan_id))[count(*) / 2 + 1] into loans, middle
    from @book@.loan_balance as r
    where r.loan_id >= first_loan and (next_loan is null or r.loan_id < next_loan) and r.accrued_through < day;
    if loans > 1 then
        perform @book@._end_chunk_around_faults(day, first_loan, middle);
        perform @book@._end_chunk_around_faults(day, middle, next_loan);
    else
        insert into @book@.end_of_day_fault (loan_id, on_date, code, message) values (middle, day, code, message)
        on conflict (loan_id) do update set code = excluded.code, message = excluded.message;
    end if;
end $$;
comment on function @book@._end_chunk_around_faults(date, uuid, uuid) is
'Ends the day of the loans of a range but for those that refuse, which are noted in end_of_day_fault.';

create table @book@.end_of_day_step (
    position integer primary key,
    name text not null unique,
    call text not null
);
comment on table @book@.end_of_day_step is 'What is done when all loans have ended their day, in order, before the business date moves forward.';
comment on column @book@.end_of_day_step.position is 'Its place.';
comment on column @book@.end_of_day_step.name is 'What it does.';
comment on column @book@.end_of_day_step.call is 'A statement with $1 for the day.';

create procedure @book@._begin_end_of_day(day date, chunk_size integer) language plpgsql as $$
begin
    -- Whoever begins the day first cuts it into ranges; the others find them made.
    perform from @book@.book for update;
    insert into @book@.end_of_day (on_date) values (day) on conflict do nothing;
    if found then
        insert into @book@.end_of_day_chunk (on_date, first_loan, next_loan, loans)
        select day, cut.first_loan, lead(cut.first_loan) over (order by cut.first_loan), cut.loans
        from (
            select (array_agg(n.loan_id order by n.loan_id))[1] as first_loan, count(*) as loans
            from (select b.loan_id, row_number() over (order by b.loan_id) - 1 as place from @book@.loan_balance as b) as n
            group by n.place / chunk_size
        ) as cut;
    end if;
    commit;
end $$;
comment on procedure @book@._begin_end_of_day(date, integer) is 'Cuts the loans into ranges, once a day.';

create procedure @book@.run_end_of_day(through date default null, chunk_size integer default 20000)
    language plpgsql as $$
declare
    day date := @book@.business_date();
    last_day date := coalesce(through, day);
    chunk record;
    step record;
begin
    if chunk_size is null or chunk_size < 1 then
        raise exception using errcode = '22023', message = format('a chunk of %s loans', chunk_size),
            hint = 'Give a positive number; 5,000 to 50,000 loans make good transactions.';
    end if;
    perform @book@._authorise('run_end_of_day');
    while day <= last_day loop
        call @book@._begin_end_of_day(day, chunk_size);
        loop
            select c.first_loan, c.next_loan into chunk
            from @book@.end_of_day_chunk as c
            where c.on_date = day and c.done_at is null
            order by c.first_loan
            limit 1
            for update skip locked;
            exit when not found;
            begin
                perform @book@._end_chunk(day, chunk.first_loan, chunk.next_loan);
            exception when others then
                if sqlstate like '40%' or sqlstate like '57%' or sqlstate like '53%' then
                    raise;
                end if;
                perform @book@._end_chunk_around_faults(day, chunk.first_loan, chunk.next_loan);
                update @book@.end_of_day_chunk as c set done_at = clock_timestamp()
                where c.on_date = day and c.first_loan = chunk.first_loan;
            end;
            commit;
        end loop;
        -- Ranges that others still work on are waited for; then one session moves the day forward.
        perform from @book@.end_of_day_chunk as c where c.on_date = day and c.done_at is null for update;
        perform from @book@.book for update;
        if @book@.business_date() = day
            and not exists (select from @book@.end_of_day_chunk as c where c.on_date = day and c.done_at is null) then
            for step in select * from @book@.end_of_day_step order by position loop
                execute step.call using day;
            end loop;
            delete from @book@.end_of_day_fault as f using @book@.loan_balance as b
            where b.loan_id = f.loan_id and b.accrued_through >= day;
            update @book@.end_of_day as e set finished_at = clock_timestamp() where e.on_date = day;
            update @book@.book set business_date = day + 1;
            if extract(day from day) = 1 then
                perform @book@._make_partitions(day + 62);
            end if;
        end if;
        commit;
        day := @book@.business_date();
    end loop;
end $$;
comment on procedure @book@.run_end_of_day(date, integer) is
'Ends the days from the business date through a day, that day included; the business date alone when NULL. Commits by chunks of loans, goes on where it stopped, and may run in several sessions at once.';

create view @book@.end_of_day_progress as
select e.on_date, count(c.first_loan) as chunks, count(c.done_at) as chunks_done, coalesce(sum(c.loans), 0) as loans,
    coalesce(sum(c.loans) filter (where c.done_at is not null), 0) as loans_done,
    round(100.0 * coalesce(sum(c.loans) filter (where c.done_at is not null), 0) / nullif(sum(c.loans), 0), 1) as per_cent,
    round((coalesce(sum(c.loans) filter (where c.done_at is not null), 0)
        / nullif(extract(epoch from coalesce(e.finished_at, clock_timestamp()) - e.started_at), 0))::numeric) as loans_per_second,
    case when e.finished_at is null then
        (clock_timestamp() - e.started_at) * (
            sum(c.loans) filter (where c.done_at is null)::float8 / nullif(sum(c.loans) filter (where c.done_at is not null), 0)::float8)
    end as time_left,
    e.started_at, e.finished_at
from @book@.end_of_day as e
left join @book@.end_of_day_chunk as c using (on_date)
group by e.on_date;
comment on view @book@.end_of_day_progress is 'How far each end of day is.';
comment on column @book@.end_of_day_progress.on_date is 'The day.';
comment on column @book@.end_of_day_progress.chunks is 'Ranges of loans.';
comment on column @book@.end_of_day_progress.chunks_done is 'Those that are done.';
comment on column @book@.end_of_day_progress.loans is 'Loans.';
comment on column @book@.end_of_day_progress.loans_done is 'Those in ranges that are done.';
comment on column @book@.end_of_day_progress.per_cent is 'How much of it is done.';
comment on column @book@.end_of_day_progress.loans_per_second is 'How fast it goes.';
comment on column @book@.end_of_day_progress.time_left is 'How long it will take at that pace.';
comment on column @book@.end_of_day_progress.started_at is 'When it was begun.';
comment on column @book@.end_of_day_progress.finished_at is 'When it was done.';

insert into @book@.check_definition values
    ('receivables are in the ledger', 'Interest, fees and penalties receivable of the loans of a product are the balances of their ledger accounts.',
    'with loans as (
            select b.product_id, b.currency, a.account, sum(a.amount) as amount
            from @book@.loan_balance as b
            cross join lateral (values (''interest_receivable'', b.interest_receivable),
                (''fee_receivable'', b.fee_receivable), (''penalty_receivable'', b.penalty_receivable)) as a (account, amount)
            group by b.product_id, b.currency, a.account
        ), by_account as (
            select p.ledger_account_id, sum(l.amount) as amount
            from loans as l join @book@.posting_account as p using (product_id, currency, account) group by p.ledger_account_id
        )
        select format(''account %s: loans %s, ledger %s'', b.ledger_account_id, b.amount, coalesce(sum(e.amount), 0))
        from by_account as b left join @book@.ledger_entry as e on e.account_id = b.ledger_account_id
        group by b.ledger_account_id, b.amount having b.amount <> coalesce(sum(e.amount), 0)'),
    ('every loan ended its day', 'No loan was set aside by the end of a day.',
    'select format(''loan %s on %s: %s'', loan_id, on_date, message) from @book@.end_of_day_fault');
