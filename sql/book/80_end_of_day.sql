-- The end of the day: what time alone changes.
--
-- What a loan has in the ledger follows from its line. So the day of a range of loans is one sum of what
-- their lines rise by, and only loans whose line ends are looked at by the engine and written. What the
-- ledger has is brought to what was earned and not paid, so that a day run twice adds nothing, missed
-- days run later add the same, and what a backdated payment changed is corrected by the next day.

-- A loan that was set aside has in the ledger what it had by the end of the last day before. The next
-- day that can be ended books what it earned since. So it is with all loans after days that were left out.
create function @book@._resume_loans(day date, first_loan uuid, next_loan uuid) returns void language plpgsql as $$
declare
    last_day constant date := (select max(e.on_date) from @book@.end_of_day as e where e.finished_at is not null);
    behind uuid[];
begin
    if last_day = day - 1 then
        behind := array(
            select f.loan_id from @book@.end_of_day_fault as f
            where f.loan_id >= first_loan and (next_loan is null or f.loan_id < next_loan));
    else
        behind := array(
            select b.loan_id from @book@.loan_balance as b
            where b.loan_id >= first_loan and (next_loan is null or b.loan_id < next_loan) and b.receivable_through < day - 1);
    end if;
    if cardinality(behind) > 0 then
        with replaced as (
            insert into @book@.accrual_line
            select l.*
            from @book@.loan_balance as b
            cross join lateral @book@._present(b) as p
            cross join lateral @book@._line(b, p.through, p.interest, p.fees, p.penalties) as l
            where b.loan_id = any (behind)
        ), resumed as (
            delete from @book@.end_of_day_fault as f where f.loan_id = any (behind)
        )
        update @book@.loan_balance as t
        set receivable_through = day - 1, interest_receivable = r.interest, fee_receivable = r.fees, penalty_receivable = r.penalties
        from @book@.receivable as r
        where t.loan_id = any (behind) and r.loan_id = t.loan_id;
    end if;
end $$;
comment on function @book@._resume_loans(date, uuid, uuid) is 'Has loans of a range take part in a day whose last one was not the day before.';

-- Loans of a range whose straight line has ended: the engine looks at them. Where a penalty is due,
-- the day is recorded as an operation, whose projection looks at the loan.
create function @book@._look_at_loans(day date, first_loan uuid, next_loan uuid) returns integer language plpgsql as $$
declare
    looked_at integer;
    brought_up integer;
    penalised @book@._asked[];
begin
    -- Rows are found again by their place: whoever would move them waits for the range.
    with looked as materialized (
        select b.ctid as place, b.loan_id, k.oldest_unpaid, k.overdue, k.overdue_principal, k.next_due, k.next_due_amount,
            k.earned_base, k.earned_per_day, k.holds_until, k.fees_earned, k.penalties_earned, k.needs_end_of_day,
            r.interest as interest_before, r.fees as fees_before, r.penalties as penalties_before
        from @book@.loan_balance as b
        join @book@.loan_snapshot as s using (loan_id)
        cross join lateral loan_engine._loan_outlook(s.state, day) as k
        cross join lateral @book@._receivable(b, day - 1) as r
        where b.loan_id >= first_loan and (next_loan is null or b.loan_id < next_loan) and b.holds_until <= day
    ), replaced as (
        insert into @book@.accrual_line
        select n.*
        from looked as l
        join @book@.loan_balance as b on b.ctid = l.place
        cross join lateral @book@._line(b, day - 1, l.interest_before, l.fees_before, l.penalties_before) as n
        where not l.needs_end_of_day
    ), brought as (
        update @book@.loan_balance as t
        set oldest_unpaid = k.oldest_unpaid, overdue = k.overdue, overdue_principal = k.overdue_principal,
            next_due = k.next_due, next_due_amount = k.next_due_amount, earned_from = day,
            earned_base = k.earned_base, earned_per_day = k.earned_per_day, holds_until = k.holds_until,
            fees_earned = k.fees_earned, penalties_earned = k.penalties_earned, receivable_through = day - 1,
            interest_receivable = k.interest_before, fee_receivable = k.fees_before, penalty_receivable = k.penalties_before
        from looked as k
        where t.ctid = k.place and t.loan_id = k.loan_id and not k.needs_end_of_day
        returning t.loan_id
    )
    select count(*), array_agg(row(l.loan_id, 'end_of_day', day, '{}', null)::@book@._asked order by l.loan_id)
        filter (where l.needs_end_of_day), (select count(*) from brought)
    into looked_at, penalised, brought_up
    from looked as l;
    if brought_up + coalesce(cardinality(penalised), 0) <> looked_at then
        raise exception using errcode = '40001',
            message = format('loans of the range of %s were changed while their day was ended', first_loan),
            detail = format('%s of %s were found again.', brought_up, looked_at), hint = 'Run the end of the day again.';
    end if;
    if penalised is not null then
        perform @book@._record(penalised);
    end if;
    return looked_at;
end $$;
comment on function @book@._look_at_loans(date, uuid, uuid) is
'Has the engine look at the loans of a range whose straight line has ended; returns how many they were.';

-- Brings what is in the ledger to what is earned and not settled, for all loans of a range. What they
-- come to is read by a statement that writes nothing, so that it may be run in parallel.
create function @book@._accrue_loans(day date, first_loan uuid, next_loan uuid, out loans integer, out accrued integer)
    language plpgsql as $$
declare
    earned record;
begin
    select array_agg(t.product_id) as product_ids, array_agg(t.currency) as currencies, array_agg(t.interest) as interest,
        array_agg(t.fees) as fees, array_agg(t.penalties) as penalties, coalesce(sum(t.loans), 0) as loans,
        coalesce(sum(t.accrued), 0) as accrued
    into earned
    from (
        select d.product_id, d.currency, sum(d.interest) as interest,
            coalesce(sum(d.fees) filter (where d.is_first), 0) as fees,
            coalesce(sum(d.penalties) filter (where d.is_first), 0) as penalties, count(*) as loans,
            count(*) filter (where d.interest <> 0 or d.is_first and (d.fees <> 0 or d.penalties <> 0)) as accrued
        from (
            -- Along a line that held the day before only interest is earned, and only where it rises.
            select b.product_id, b.currency, f.is_first,
                case when f.is_first then n.interest - b.interest_receivable
                    when b.earned_per_day = 0 or b.charged_off_on is not null or b.status = 'written_off' then 0
                    else loan_engine._interest_of_day(
                        b.earned_base, b.earned_per_day, day - b.earned_from, b.currency, b.rounding) end as interest,
                case when f.is_first then n.fees - b.fee_receivable end as fees,
                case when f.is_first then n.penalties - b.penalty_receivable end as penalties
            from @book@.loan_balance as b
            cross join lateral (select b.receivable_through >= day - 1 as is_first) as f
            cross join lateral @book@._receivable(b, day) as n
            where b.loan_id >= first_loan and (next_loan is null or b.loan_id < next_loan)
            offset 0
        ) as d
        group by d.product_id, d.currency
    ) as t;
    loans := earned.loans;
    accrued := earned.accrued;
    with total as materialized (
        select loan_engine.uuid_v7() as id, p.legal_entity_id, t.*
        from unnest(earned.product_ids, earned.currencies, earned.interest, earned.fees, earned.penalties)
            as t (product_id, currency, interest, fees, penalties)
        join @book@.product as p on p.id = t.product_id
        where t.interest <> 0 or t.fees <> 0 or t.penalties <> 0
    ), in_ledger as (
        insert into @book@.ledger_transaction (id, legal_entity_id, kind, booking_date, value_date, description)
        select t.id, t.legal_entity_id, 'accrual', day, day, format('income of %s', day) from total as t
    )
    insert into @book@.ledger_entry (transaction_id, position, booking_date, account_id, currency, amount)
    select t.id, row_number() over (partition by t.id order by a.account), day,
        @book@._account(t.legal_entity_id, a.account, t.currency, t.product_id), t.currency, a.amount
    from total as t
    cross join lateral (values
        ('interest_receivable', t.interest), ('interest_income', -t.interest),
        ('fee_receivable', t.fees), ('fee_income', -t.fees),
        ('penalty_receivable', t.penalties), ('penalty_income', -t.penalties)
    ) as a (account, amount)
    where a.amount <> 0;
end $$;
comment on function @book@._accrue_loans(date, uuid, uuid) is
'Books what the loans of a range earned by the end of a day; returns how many they are, and how many earned something.';

-- A range that a loan refuses is halved until the loan is alone, and that one is set aside.
create function @book@._end_loans(
    day date, first_loan uuid, next_loan uuid, out loans integer, out accrued integer, out looked_at integer
) language plpgsql as $$
declare
    middle uuid;
    code text;
    message text;
begin
    perform @book@._resume_loans(day, first_loan, next_loan);
    looked_at := @book@._look_at_loans(day, first_loan, next_loan);
    select a.loans, a.accrued into loans, accrued from @book@._accrue_loans(day, first_loan, next_loan) as a;
exception when others then
    get stacked diagnostics code = returned_sqlstate, message = message_text;
    select count(*), (array_agg(r.loan_id order by r.loan_id))[count(*) / 2 + 1] into loans, middle
    from @book@.loan_balance as r
    where r.loan_id >= first_loan and (next_loan is null or r.loan_id < next_loan);
    if code like '40%' or code like '57%' or code like '53%' or loans = 0 then
        raise;
    elsif loans = 1 then
        insert into @book@.end_of_day_fault (loan_id, on_date, code, message) values (middle, day, code, message)
        on conflict (loan_id) do update set code = excluded.code, message = excluded.message;
        accrued := 0;
        looked_at := 0;
    else
        select sum(h.loans), sum(h.accrued), sum(h.looked_at) into loans, accrued, looked_at
        from (values (1, first_loan, middle), (2, middle, next_loan)) as half (position, first_loan, next_loan)
        cross join lateral @book@._end_loans(day, half.first_loan, half.next_loan) as h;
    end if;
end $$;
comment on function @book@._end_loans(date, uuid, uuid) is
'Ends the day of the loans of a range, but for those that refuse, which are noted in end_of_day_fault; returns how many they are, how many earned something, and how many the engine looked at.';

create function @book@._end_range(day date, first_loan uuid) returns void language plpgsql as $$
declare
    chunk @book@.end_of_day_chunk;
begin
    select c.* into chunk
    from @book@.end_of_day_chunk as c
    where c.on_date = day and c.first_loan = _end_range.first_loan and c.done_at is null;
    if found then
        update @book@.end_of_day_chunk as c
        set loans = e.loans, accrued = e.accrued, looked_at = e.looked_at, done_at = clock_timestamp(),
            done_by = pg_backend_pid()
        from @book@._end_loans(day, chunk.first_loan, chunk.next_loan) as e
        where c.on_date = day and c.first_loan = chunk.first_loan;
    end if;
end $$;
comment on function @book@._end_range(date, uuid) is
'Ends the day of a range of loans, unless that was done; who calls it holds the lock of the range.';

create table @book@.end_of_day_step (
    position integer primary key check (position > 0),
    name text not null unique,
    call text not null,
    is_by_range boolean not null default false
);
comment on table @book@.end_of_day_step is
'What is done when all loans have ended their day, in order, before the business date moves forward: each in a transaction of its own, or in one for each range of loans.';
comment on column @book@.end_of_day_step.position is 'Its place.';
comment on column @book@.end_of_day_step.name is 'What it does.';
comment on column @book@.end_of_day_step.call is
'A statement with $1 for the day and, if it is done by ranges, $2 and $3 for the loan a range begins with and the one the next begins with.';
comment on column @book@.end_of_day_step.is_by_range is
'Whether it is done range by range, shared by the sessions that end the day; what it does for one loan must not depend on others.';

create table @book@.end_of_day_share (
    on_date date not null,
    position integer not null,
    first_loan uuid not null,
    next_loan uuid,
    done_at timestamptz,
    done_by integer,
    primary key (on_date, position, first_loan),
    foreign key (on_date, first_loan) references @book@.end_of_day_chunk
);
comment on table @book@.end_of_day_share is 'Steps of a day that are done range by range: how far each is.';
comment on column @book@.end_of_day_share.on_date is 'The day.';
comment on column @book@.end_of_day_share.position is 'The step.';
comment on column @book@.end_of_day_share.first_loan is 'Where the range begins.';
comment on column @book@.end_of_day_share.next_loan is 'Where the next one begins; to the end when NULL.';
comment on column @book@.end_of_day_share.done_at is 'When it was done.';
comment on column @book@.end_of_day_share.done_by is 'Which session did it: the number of its process.';

-- Whoever begins the day first cuts it into ranges; the others find them made. Loans are added at the
-- end, where keys grow: so ranges stay from day to day, and only the last is cut anew.
create procedure @book@._begin_end_of_day(day date, chunk_size integer) language plpgsql as $$
declare
    kept_through uuid;
begin
    perform from @book@.book for update;
    insert into @book@.end_of_day (on_date, chunk_size) values (day, chunk_size) on conflict do nothing;
    if found then
        insert into @book@.end_of_day_chunk (on_date, first_loan, next_loan, loans)
        select day, c.first_loan, c.next_loan, c.loans
        from @book@.end_of_day as e
        join @book@.end_of_day_chunk as c using (on_date)
        where e.on_date = day - 1 and e.chunk_size = _begin_end_of_day.chunk_size and c.next_loan is not null
            and not exists (
                select from @book@.end_of_day_chunk as g where g.on_date = e.on_date and g.loans > 2 * e.chunk_size);
        select max(c.next_loan::text)::uuid into kept_through from @book@.end_of_day_chunk as c where c.on_date = day;
        insert into @book@.end_of_day_chunk (on_date, first_loan, next_loan, loans)
        select day, case n.place when 0 then coalesce(kept_through, '00000000-0000-0000-0000-000000000000') else n.loan_id end,
            lead(n.loan_id) over (order by n.place), least(n.loans - n.place, chunk_size)
        from (
            select b.loan_id, row_number() over (order by b.loan_id) - 1 as place, count(*) over () as loans
            from @book@.loan_balance as b
            where kept_through is null or b.loan_id >= kept_through
        ) as n
        where n.place % chunk_size = 0;
        -- Where there are no loans, who adds one must find its range all the same.
        insert into @book@.end_of_day_chunk (on_date, first_loan, loans)
        select day, coalesce(kept_through, '00000000-0000-0000-0000-000000000000'), 0
        where not exists (select from @book@.end_of_day_chunk as c where c.on_date = day and c.next_loan is null);
        -- Transactions that see the book as it was before must not go on.
        update @book@.book set business_date = day;
    end if;
    commit;
    set transaction isolation level read committed;
    -- What was recorded by who did not see the ranges is waited for.
    perform pg_advisory_xact_lock(hashtextextended(@book@._day_name(day - 1, true), 0));
    commit;
    set transaction isolation level read committed;
    perform pg_advisory_xact_lock(hashtextextended(@book@._day_name(day, false), 0));
    commit;
    set transaction isolation level read committed;
end $$;
comment on procedure @book@._begin_end_of_day(date, integer) is
'Cuts the loans into ranges, once a day, and waits for those who recorded before.';

-- Ranges that nobody holds are ended first; when others hold all that are left, one of these is waited for.
create procedure @book@._end_ranges(day date) language plpgsql as $$
declare
    ranges uuid[];
    range uuid;
    is_waiting boolean := false;
    may boolean;
begin
    loop
        ranges := array(
            select c.first_loan from @book@.end_of_day_chunk as c
            where c.on_date = day and c.done_at is null order by c.first_loan);
        exit when cardinality(ranges) = 0;
        may := false;
        foreach range in array ranges loop
            if is_waiting then
                perform pg_advisory_xact_lock(@book@._range_lock(range));
            end if;
            if is_waiting or pg_try_advisory_xact_lock(@book@._range_lock(range)) then
                may := true;
                is_waiting := false;
                perform @book@._end_range(day, range);
                commit;
                set transaction isolation level read committed;
            end if;
        end loop;
        is_waiting := not may;
    end loop;
end $$;
comment on procedure @book@._end_ranges(date) is 'Ends the day of all ranges that are left, each in a transaction of its own.';

-- Of a step that is done by ranges a session takes those that no other holds; when others hold all that
-- are left, it waits for one of them, which is done by then unless its session failed.
create procedure @book@._share_step(day date, step @book@.end_of_day_step) language plpgsql as $$
declare
    share @book@.end_of_day_share;
begin
    insert into @book@.end_of_day_share (on_date, position, first_loan, next_loan)
    select c.on_date, step.position, c.first_loan, c.next_loan
    from @book@.end_of_day_chunk as c where c.on_date = day
    on conflict do nothing;
    commit;
    set transaction isolation level read committed;
    loop
        select s.* into share from @book@.end_of_day_share as s
        where s.on_date = day and s.position = step.position and s.done_at is null
        order by s.first_loan limit 1 for update skip locked;
        if not found then
            select s.* into share from @book@.end_of_day_share as s
            where s.on_date = day and s.position = step.position and s.done_at is null
            order by s.first_loan limit 1 for update;
        end if;
        if found then
            execute step.call using day, share.first_loan, share.next_loan;
            update @book@.end_of_day_share as s set done_at = clock_timestamp(), done_by = pg_backend_pid()
            where s.on_date = day and s.position = step.position and s.first_loan = share.first_loan;
        end if;
        commit;
        set transaction isolation level read committed;
        exit when not exists (
            select from @book@.end_of_day_share as s
            where s.on_date = day and s.position = step.position and s.done_at is null);
    end loop;
end $$;
comment on procedure @book@._share_step(date, @book@.end_of_day_step) is
'Does a step for all ranges that are left, each in a transaction of its own.';

-- One session at a time takes the next step; the last moves the date.
create procedure @book@._finish_day(day date) language plpgsql as $$
declare
    step @book@.end_of_day_step;
begin
    loop
        perform from @book@.book for update;
        exit when @book@.business_date() <> day;
        select s.* into step
        from @book@.end_of_day as e
        join @book@.end_of_day_step as s on s.position > e.last_step
        where e.on_date = day
        order by s.position
        limit 1;
        if found and step.is_by_range then
            call @book@._share_step(day, step);
            update @book@.end_of_day as e set last_step = step.position where e.on_date = day and e.last_step < step.position;
        elsif found then
            execute step.call using day;
            update @book@.end_of_day as e set last_step = step.position where e.on_date = day;
        else
            update @book@.end_of_day as e set finished_at = clock_timestamp() where e.on_date = day;
            update @book@.book set business_date = day + 1;
            if extract(day from day) = 1 then
                perform @book@._make_partitions(day + 62);
            end if;
        end if;
        commit;
        set transaction isolation level read committed;
    end loop;
end $$;
comment on procedure @book@._finish_day(date) is 'Does what is left of the steps of a day, and moves the business date forward.';

create procedure @book@.run_end_of_day(through date default null, chunk_size integer default 20000)
    language plpgsql as $$
declare
    day date := @book@.business_date();
    last_day date := coalesce(through, day);
begin
    if chunk_size is null or chunk_size < 1 then
        raise exception using errcode = '22023', message = format('a chunk of %s loans', chunk_size),
            hint = 'Give a positive number; 5,000 to 50,000 loans make good transactions.';
    end if;
    perform @book@._authorise('run_end_of_day');
    -- What was committed while a lock was waited for must be seen, whatever the session is set to.
    commit;
    set transaction isolation level read committed;
    while day <= last_day loop
        call @book@._begin_end_of_day(day, chunk_size);
        call @book@._end_ranges(day);
        call @book@._finish_day(day);
        day := @book@.business_date();
    end loop;
end $$;
comment on procedure @book@.run_end_of_day(date, integer) is
'Ends the days from the business date through a day, that day included; the business date alone when NULL. Commits by ranges of loans and steps, goes on where it stopped, and may run in several sessions at once.';

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
    count(distinct c.done_by) as sessions,
    (select count(*) from @book@.end_of_day_step as s) as steps,
    (select count(*) from @book@.end_of_day_step as s where s.position <= e.last_step) as steps_done,
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
comment on column @book@.end_of_day_progress.sessions is 'How many sessions have taken part.';
comment on column @book@.end_of_day_progress.steps is 'What else is done when the loans have ended their day.';
comment on column @book@.end_of_day_progress.steps_done is 'How much of that is done.';
comment on column @book@.end_of_day_progress.started_at is 'When it was begun.';
comment on column @book@.end_of_day_progress.finished_at is 'When it was done.';

insert into @book@.check_definition values
    ('every loan ended its day', 'No loan was set aside by the end of a day.',
    'select format(''loan %s on %s: %s'', loan_id, on_date, message) from @book@.end_of_day_fault');
