-- What loans earn by time alone, and how far that is in the ledger.
--
-- Between what happens to a loan its interest is earned in a straight line, so what of it is in the
-- ledger by the end of a day is a function of its row: nothing is written of a loan whose line holds.
-- What a line was, and from when to when, is kept when another takes its place.

create table @book@.end_of_day (
    on_date date primary key,
    chunk_size integer not null,
    last_step integer not null default 0,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
create index on @book@.end_of_day (on_date) where finished_at is null;
comment on table @book@.end_of_day is 'Days whose end was begun.';
comment on column @book@.end_of_day.on_date is 'The day.';
comment on column @book@.end_of_day.chunk_size is 'How many loans a range was to have.';
comment on column @book@.end_of_day.last_step is 'The position of the last step that was done, 0 before the first.';
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
    done_by integer,
    primary key (on_date, first_loan)
);
comment on table @book@.end_of_day_chunk is
'Ranges of loans whose day is ended together, in one transaction, by whichever session comes to them. Every key is in one range of each day.';
comment on column @book@.end_of_day_chunk.on_date is 'The day.';
comment on column @book@.end_of_day_chunk.first_loan is 'Where the range begins.';
comment on column @book@.end_of_day_chunk.next_loan is 'Where the next one begins; to the end when NULL.';
comment on column @book@.end_of_day_chunk.loans is 'How many loans it has.';
comment on column @book@.end_of_day_chunk.accrued is 'How many of them earned something.';
comment on column @book@.end_of_day_chunk.looked_at is 'How many of them the engine looked at.';
comment on column @book@.end_of_day_chunk.done_at is 'When it was done.';
comment on column @book@.end_of_day_chunk.done_by is 'Which session did it: the number of its process.';

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

-- Of a loan that was given up nothing is receivable: what it still pays is a recovery.
create function @book@._receivable(b @book@.loan_balance, through date)
    returns table (interest numeric, fees numeric, penalties numeric)
    language sql immutable parallel safe as $$
    select
        case when through <= b.receivable_through then b.interest_receivable
            when b.charged_off_on is not null or b.status = 'written_off' then 0
            else loan_engine._interest_on(b.earned_base, b.earned_per_day, through - b.earned_from, b.currency, b.rounding)
                - b.interest_settled end,
        case when through <= b.receivable_through then b.fee_receivable
            when b.charged_off_on is not null or b.status = 'written_off' then 0
            else b.fees_earned - b.fees_settled end,
        case when through <= b.receivable_through then b.penalty_receivable
            when b.charged_off_on is not null or b.status = 'written_off' then 0
            else b.penalties_earned - b.penalties_settled end
$$;
comment on function @book@._receivable(@book@.loan_balance, date) is
'What the ledger has of the income of a loan once it has ended a day and not the next, in currency units.';

-- While a day is being ended, loans whose range is done are a day ahead; one that was set aside stays behind.
create function @book@._ended(b @book@.loan_balance) returns table (through date)
    language sql stable parallel safe as $$
    select greatest(b.receivable_through, coalesce(
        (select f.on_date - 1 from @book@.end_of_day_fault as f where f.loan_id = b.loan_id),
        greatest((select max(e.on_date) from @book@.end_of_day as e where e.finished_at is not null), (
            select case when c.done_at is not null then c.on_date end
            from @book@.end_of_day_chunk as c
            where c.on_date = (select max(e.on_date) from @book@.end_of_day as e where e.finished_at is null)
                and c.first_loan <= b.loan_id
            order by c.first_loan desc
            limit 1))))
$$;
comment on function @book@._ended(@book@.loan_balance) is 'The last day that was ended for a loan.';

-- What is told once is not told again for each column: so says the offset.
create function @book@._present(b @book@.loan_balance)
    returns table (through date, interest numeric, fees numeric, penalties numeric)
    language sql stable parallel safe as $$
    select d.through, r.interest, r.fees, r.penalties
    from (select e.through from @book@._ended(b) as e offset 0) as d
    cross join lateral (select * from @book@._receivable(b, d.through) offset 0) as r
$$;
comment on function @book@._present(@book@.loan_balance) is
'The last day that was ended for a loan, and what the ledger has of its income since, in currency units.';

create view @book@.receivable as
select b.loan_id, b.product_id, b.currency, p.through, p.interest, p.fees, p.penalties
from @book@.loan_balance as b
cross join lateral @book@._present(b) as p;
comment on view @book@.receivable is 'What the ledger has of the income of each loan that was not paid, and by the end of which day.';
comment on column @book@.receivable.loan_id is 'The loan.';
comment on column @book@.receivable.product_id is 'What is lent.';
comment on column @book@.receivable.currency is 'ISO 4217 code.';
comment on column @book@.receivable.through is 'The last day that was ended for the loan.';
comment on column @book@.receivable.interest is 'Interest receivable, in currency units.';
comment on column @book@.receivable.fees is 'Fees receivable.';
comment on column @book@.receivable.penalties is 'Penalties receivable.';

create table @book@.accrual_line (
    loan_id uuid not null,
    after date not null,
    through date not null check (through > after),
    interest_before numeric not null,
    fees_before numeric not null,
    penalties_before numeric not null,
    earned_from date not null,
    earned_base numeric not null,
    earned_per_day numeric not null,
    interest_settled numeric not null,
    fees numeric not null,
    penalties numeric not null,
    primary key (loan_id, through)
) partition by range (through);
comment on table @book@.accrual_line is
'Straight lines in which loans earned their interest, each written when another took its place; that which holds is in loan_balance. One that earned nothing is left out.';
comment on column @book@.accrual_line.loan_id is 'The loan.';
comment on column @book@.accrual_line.after is 'The day before the first that was ended along it.';
comment on column @book@.accrual_line.through is 'The last day that was ended along it.';
comment on column @book@.accrual_line.interest_before is 'Interest receivable before its first day, in currency units.';
comment on column @book@.accrual_line.fees_before is 'Fees receivable before its first day.';
comment on column @book@.accrual_line.penalties_before is 'Penalties receivable before its first day.';
comment on column @book@.accrual_line.earned_from is 'The day that the line is told from.';
comment on column @book@.accrual_line.earned_base is 'Interest earned since the beginning by the end of that day, not rounded.';
comment on column @book@.accrual_line.earned_per_day is 'Interest earned by each day after it, not rounded.';
comment on column @book@.accrual_line.interest_settled is 'Interest paid, waived or given up since the beginning.';
comment on column @book@.accrual_line.fees is 'Fees receivable by the end of each of its days.';
comment on column @book@.accrual_line.penalties is 'Penalties receivable by the end of each of its days.';
select @book@._make_append_only('@book@.accrual_line');
insert into @book@.partitioned values ('accrual_line', array['select @book@._make_append_only(%L)']);

-- Nothing is earned along the line of a loan that was given up; the first day takes what was receivable
-- away. What earned nothing has no row.
create function @book@._line(b @book@.loan_balance, last_day date, interest numeric, fees numeric, penalties numeric)
    returns setof @book@.accrual_line
    language sql immutable parallel safe as $$
    select b.loan_id, b.receivable_through, last_day, b.interest_receivable, b.fee_receivable, b.penalty_receivable, b.earned_from,
        case when g.is_given_up then 0 else b.earned_base end, case when g.is_given_up then 0 else b.earned_per_day end,
        case when g.is_given_up then 0 else b.interest_settled end, fees, penalties
    from (select b.charged_off_on is not null or b.status = 'written_off' as is_given_up) as g
    where b.receivable_through < last_day
        and (b.earned_per_day <> 0 and not g.is_given_up or interest <> b.interest_receivable
            or fees <> b.fee_receivable or penalties <> b.penalty_receivable)
$$;
comment on function @book@._line(@book@.loan_balance, date, numeric, numeric, numeric) is
'The line of a loan as accrual_line keeps it, through the last day that was ended along it and with what was receivable then; no row where it earned nothing.';

create view @book@.accrual as
select l.loan_id, d.on_date, e.interest, e.fees, e.penalties
from (
    select * from @book@.accrual_line
    union all
    select l.*
    from @book@.loan_balance as b
    cross join lateral @book@._present(b) as p
    cross join lateral @book@._line(b, p.through, p.interest, p.fees, p.penalties) as l
) as l
join @book@.loan_balance as b using (loan_id)
cross join lateral generate_series(1, l.through - l.after) as n (day)
cross join lateral (select l.after + n.day as on_date) as d
cross join lateral (
    select
        loan_engine._interest_on(l.earned_base, l.earned_per_day, d.on_date - l.earned_from, b.currency, b.rounding)
            - case n.day when 1 then l.interest_settled + l.interest_before else
                loan_engine._interest_on(l.earned_base, l.earned_per_day, d.on_date - 1 - l.earned_from, b.currency, b.rounding) end
            as interest,
        case n.day when 1 then l.fees - l.fees_before else 0 end as fees,
        case n.day when 1 then l.penalties - l.penalties_before else 0 end as penalties
) as e
where (e.interest, e.fees, e.penalties) <> (0, 0, 0);
comment on view @book@.accrual is 'What each day added to the income of a loan: the details of what the ledger has by product.';
comment on column @book@.accrual.loan_id is 'The loan.';
comment on column @book@.accrual.on_date is 'The day.';
comment on column @book@.accrual.interest is 'Interest earned, in currency units; below zero where earlier days had too much.';
comment on column @book@.accrual.fees is 'Fees earned.';
comment on column @book@.accrual.penalties is 'Penalties earned.';

-- Whoever records an operation must know how far the income of the loan is in the ledger, until the end
-- of their transaction. So they hold a lock of the day they saw, and, while that day is being ended,
-- those of the ranges of their loans. A day that begins to end is seen by all who come later, and waits
-- for who came before; the end of a range waits for who holds it. Nobody else waits.
create function @book@._day_name(day date, is_ending boolean) returns text
    language sql immutable parallel safe
    return '@book@.day ' || (day - date '2000-01-01')::text || case when is_ending then ' ending' else '' end;
comment on function @book@._day_name(date, boolean) is
'What a day is locked by, before its end is begun or since: shared by who records, exclusively by who waits for them.';

create function @book@._range_lock(first_loan uuid) returns bigint
    language sql immutable parallel safe
    return hashtextextended('@book@.range ' || first_loan::text, 0);
comment on function @book@._range_lock(uuid) is
'The advisory lock of a range of loans: shared for who records, exclusive for who ends its day.';

create function @book@._enter_day(out day date, out is_ending boolean) language plpgsql as $$
declare
    locked text := nullif(current_setting('loan_engine.day', true), '');
begin
    -- Mostly it is the day that the session saw last, so that is locked before it is looked up. It cannot
    -- be where somebody waits for those who hold it.
    if not pg_try_advisory_xact_lock_shared(hashtextextended(locked, 0)) then
        locked := null;
    end if;
    loop
        select b.business_date, exists (
            select from @book@.end_of_day_chunk as c where c.on_date = b.business_date) into day, is_ending
        from @book@.book as b
        where b.only_row;
        exit when locked = @book@._day_name(day, is_ending);
        locked := set_config('loan_engine.day', @book@._day_name(day, is_ending), false);
        perform pg_advisory_xact_lock_shared(hashtextextended(locked, 0));
    end loop;
    if current_setting('transaction_isolation') <> 'read committed' then
        perform from @book@.book for share;
    end if;
end $$;
comment on function @book@._enter_day() is
'The business date, and whether it is being ended; holds the day as it is seen until the transaction ends. Who records operations while it is being ended enters the ranges of their loans, too.';

create function @book@._enter_day(loans uuid[]) returns date language plpgsql as $$
declare
    entered record := @book@._enter_day();
begin
    if entered.is_ending then
        perform @book@._enter_ranges(entered.day, loans);
    end if;
    return entered.day;
end $$;
comment on function @book@._enter_day(uuid[]) is
'Returns the business date to who records operations of loans, before they lock the balances, and keeps the end of a day from passing them by until the transaction ends. In isolation levels above read committed 40001 when a day was ended since it began.';

create function @book@._enter_ranges(day date, loans uuid[]) returns void language plpgsql as $$
declare
    ranges uuid[] := array(
        select distinct r.first_loan
        from unnest(loans) as l (id)
        cross join lateral (
            select c.first_loan
            from @book@.end_of_day_chunk as c
            where c.on_date = day and c.first_loan <= l.id
            order by c.first_loan desc
            limit 1
        ) as r
        order by r.first_loan);
    range uuid;
begin
    foreach range in array ranges loop
        perform pg_advisory_xact_lock_shared(@book@._range_lock(range));
    end loop;
    if current_setting('transaction_isolation') <> 'read committed' then
        perform from @book@.end_of_day_chunk as c where c.on_date = day and c.first_loan = any (ranges) for share;
    end if;
end $$;
comment on function @book@._enter_ranges(date, uuid[]) is
'Keeps the ranges that loans are in from being ended, in order of key, until the transaction ends.';
