-- What loans are to receive on pay days, and whether they did.
--
-- The pay day before an instalment is due is when its money comes. An instalment that is not covered when
-- the window of that day and the days of grace are over was missed, or paid in part; what covers it later
-- mends that. What was received is what payments were allocated to the instalment, told by the loan alone.

create table @book@.payroll_expectation (
    id uuid primary key default loan_engine.uuid_v7(),
    loan_id uuid not null references @book@.loan,
    party_id uuid not null references @book@.party,
    employer_id uuid references @book@.employer,
    due_on date not null,
    pay_date date not null,
    earliest date not null check (earliest <= pay_date),
    deadline date not null check (deadline >= pay_date),
    amount numeric not null check (amount > 0),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    received numeric not null default 0,
    state text not null default 'open' check (state in ('open', 'met', 'partial', 'missed', 'waived')),
    loan_version integer,
    expected_on date not null,
    met_on date,
    missed_on date,
    waived_by text,
    waiver_reason text,
    unique (loan_id, due_on),
    check ((state = 'met') = (met_on is not null)),
    check ((state = 'waived') = (waiver_reason is not null))
);
create index on @book@.payroll_expectation (deadline) where state = 'open';
create index on @book@.payroll_expectation (state, deadline) where state in ('partial', 'missed');
comment on table @book@.payroll_expectation is 'What loans are to receive on pay days of their borrowers.';
comment on column @book@.payroll_expectation.id is 'Key.';
comment on column @book@.payroll_expectation.loan_id is 'The loan.';
comment on column @book@.payroll_expectation.party_id is 'The borrower.';
comment on column @book@.payroll_expectation.employer_id is 'Who pays them.';
comment on column @book@.payroll_expectation.due_on is 'When the instalment is due that is to be covered.';
comment on column @book@.payroll_expectation.pay_date is 'The pay day whose money covers it.';
comment on column @book@.payroll_expectation.earliest is 'The first day on which that pay may come.';
comment on column @book@.payroll_expectation.deadline is 'The last one, with the days of grace.';
comment on column @book@.payroll_expectation.amount is 'How much is due, in currency units.';
comment on column @book@.payroll_expectation.currency is 'ISO 4217 code of the amount.';
comment on column @book@.payroll_expectation.received is 'What payments were allocated to the instalment, in currency units.';
comment on column @book@.payroll_expectation.state is
'Open until it is covered or its deadline is over; then met, partial, missed, or waived.';
comment on column @book@.payroll_expectation.loan_version is 'The last event of the loan that was looked at.';
comment on column @book@.payroll_expectation.expected_on is 'The business date on which it was written down.';
comment on column @book@.payroll_expectation.met_on is 'The business date on which it was covered.';
comment on column @book@.payroll_expectation.missed_on is
'The business date on which it was found not to be covered in time, whatever came later.';
comment on column @book@.payroll_expectation.waived_by is 'Who no longer expects it; nobody where the loan says so.';
comment on column @book@.payroll_expectation.waiver_reason is 'Why it is no longer expected.';

create function @book@.expect_payroll(as_of date default @book@.business_date()) returns integer language sql as $$
    with asked as (
        select b.loan_id, l.borrower_id, c.employer_id, c.cycle, b.next_due, b.next_due_amount, b.currency, b.version, l.agreed_on,
            coalesce(e.grace_days, 3) as grace_days, k.holidays, k.weekend, c.next_date,
            greatest(c.next_date - c.next_earliest, 0) as days_early, greatest(c.next_latest - c.next_date, 0) as days_late
        from @book@.pay_cycle as c
        join @book@.loan as l on l.borrower_id = c.party_id
        join @book@.loan_balance as b on b.loan_id = l.id
        left join @book@.employer as e on e.id = c.employer_id
        join @book@.payroll_calendar as k on k.calendar_code is not distinct from e.calendar_code
        where b.status = 'active' and b.next_due is not null and b.next_due_amount > 0 and c.next_date is not null
            and not exists (select from @book@.payroll_expectation as x where x.loan_id = b.loan_id and x.due_on = b.next_due)
    ), dated as (
        -- Who is paid by no rule is expected by the end of the window, and not before the day it is due.
        select a.*, coalesce(d.pay_date, a.next_due) as pay_date, d.pay_date is not null as is_ruled
        from asked as a
        left join lateral (
            select p.pay_date
            from loan_engine.pay_dates(a.cycle, greatest(a.next_due - 100, a.agreed_on + 1), greatest(a.next_due, a.agreed_on + 1),
                a.holidays, a.weekend) as p
            where a.cycle is not null and p.pay_date <= a.next_due
            order by p.pay_date desc limit 1
        ) as d on true
    ), expected as (
        insert into @book@.payroll_expectation (
            loan_id, party_id, employer_id, due_on, pay_date, earliest, deadline, amount, currency, expected_on)
        select d.loan_id, d.borrower_id, d.employer_id, d.next_due, d.pay_date, d.pay_date - d.days_early,
            case when d.is_ruled then d.pay_date + d.days_late else greatest(d.pay_date, d.next_date + d.days_late) end + d.grace_days,
            d.next_due_amount, d.currency, as_of
        from dated as d
        on conflict do nothing
        returning id
    )
    select count(*)::integer from expected
$$;
comment on function @book@.expect_payroll(date) is
'Writes down what each loan, whose borrower has a pay cycle, is to receive for its next instalment and on which pay day; returns how many.';

create function @book@.settle_payroll(as_of date default @book@.business_date()) returns integer language sql as $$
    with looked as (
        select x.id, x.loan_id, x.due_on, x.state, x.deadline, x.amount, b.version, b.status, b.next_due
        from @book@.payroll_expectation as x
        join @book@.loan_balance as b using (loan_id)
        where x.state <> 'waived' and (x.loan_version is distinct from b.version or x.state = 'open' and x.deadline < as_of)
    ), paid as (
        select k.*, coalesce(p.received, 0) as received, p.received >= k.amount or k.status in ('closed', 'overpaid') as is_covered,
            -- An instalment that is no longer the next, unpaid and to come, was agreed anew.
            k.state = 'open' and coalesce(p.received, 0) = 0 and k.due_on >= as_of and k.next_due is distinct from k.due_on as is_gone
        from looked as k
        cross join lateral (
            select sum(a.principal + a.interest + a.fees + a.penalties) as received
            from @book@.payment_allocation as a
            where a.loan_id = k.loan_id and a.due_date = k.due_on
        ) as p
    ), decided as (
        select p.*, case
            when p.is_covered then 'met'
            when p.is_gone then 'waived'
            when p.deadline >= as_of then 'open'
            when p.received > 0 then 'partial'
            else 'missed' end as decision
        from paid as p
    ), settled as (
        update @book@.payroll_expectation as x
        set state = d.decision, received = d.received, loan_version = d.version,
            met_on = case when d.decision = 'met' then coalesce(x.met_on, as_of) end,
            missed_on = case when d.decision in ('partial', 'missed') then coalesce(x.missed_on, as_of)
                when d.decision = 'met' and x.met_on is null and d.deadline < as_of then coalesce(x.missed_on, as_of)
                else x.missed_on end,
            waiver_reason = case when d.decision = 'waived' then 'the loan has another instalment next' end
        from decided as d
        where x.id = d.id
        returning d.decision <> d.state as is_moved
    )
    select count(*) filter (where s.is_moved)::integer from settled as s
$$;
comment on function @book@.settle_payroll(date) is
'Looks at what was to come by the day: what is covered is met, what is not when its deadline is over was missed or came in part. Returns how many changed.';

create function @book@.run_payroll(as_of date default @book@.business_date()) returns integer language plpgsql as $$
declare
    last_day date := (select max(c.as_of) from @book@.pay_cycle as c);
begin
    perform @book@._authorise('run_end_of_day');
    if last_day is null and not exists (select from @book@.pay_date) and not exists (select from @book@.employment) then
        return 0;
    end if;
    -- Cycles are rules of months: once a week is often enough.
    if last_day is null or as_of - last_day >= 7 then
        perform @book@.infer_pay_cycles(as_of);
    end if;
    return @book@.settle_payroll(as_of) + @book@.expect_payroll(as_of);
end $$;
comment on function @book@.run_payroll(date) is
'What the end of a day does about pay days: infers cycles once a week, settles what was to come, and writes down what is to come next. Returns how many expectations changed or are new.';

create function @book@.waive_payroll(expectation_id uuid, reason text) returns void language plpgsql as $$
declare
    known record;
begin
    select x.state, x.amount, x.currency, l.legal_entity_id into known
    from @book@.payroll_expectation as x
    join @book@.loan as l on l.id = x.loan_id
    where x.id = expectation_id
    for update of x;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no payroll expectation %s', expectation_id),
            hint = 'The table payroll_expectation lists them.';
    elsif known.state in ('met', 'waived') then
        raise exception using errcode = 'LN214', message = format('payroll expectation %s is %s', expectation_id, known.state),
            hint = 'Only one that is open, partial or missed is waived.';
    elsif reason is null or reason = '' then
        raise exception using errcode = '22004', message = 'a waiver needs a reason', hint = 'Say why.';
    end if;
    perform @book@._authorise('waive', known.amount, known.currency, legal_entity_id => known.legal_entity_id);
    update @book@.payroll_expectation as x
    set state = 'waived', waived_by = @book@.actor(), waiver_reason = reason
    where x.id = expectation_id;
end $$;
comment on function @book@.waive_payroll(uuid, text) is
'No longer expects a payment on a pay day, as after an agreement with the borrower; the loan stays as it is. Refuses with LN208, LN214 and LN201.';

create function @book@.payroll_missed(as_of date default @book@.business_date(), since date default null)
    returns table (
        legal_entity_id uuid, loan_no text, party_no text, borrower text, employer text, due_on date, pay_date date,
        deadline date, days_late integer, expected numeric, received numeric, variance numeric, currency text, state text,
        next_payday date, expectation_id uuid)
    language sql stable as $$
    select l.legal_entity_id, l.loan_no, p.party_no, concat_ws(' ', p.given_name, p.name), e.code, x.due_on, x.pay_date, x.deadline,
        as_of - x.deadline, x.amount, x.received, x.amount - x.received, x.currency, x.state, c.next_date, x.id
    from @book@.payroll_expectation as x
    join @book@.loan as l on l.id = x.loan_id
    join @book@.party as p on p.id = x.party_id
    left join @book@.employer as e on e.id = x.employer_id
    left join @book@.pay_cycle as c on c.party_id = x.party_id
    where x.state in ('partial', 'missed') and x.deadline < as_of and (since is null or x.deadline >= since)
    order by x.deadline, e.code, l.loan_no
$$;
comment on function @book@.payroll_missed(date, date) is
'Loans that did not receive what was to come on a pay day, in whole or in part, and when the borrower is paid next; those whose deadline was since a day.';

insert into @book@.end_of_day_step (position, name, call) values
    (50, 'look at pay days', 'select @book@.run_payroll($1 + 1)');

insert into @book@.check_definition values
    ('payroll expectations agree with payments', 'What was received for an expectation is what was allocated to its instalment.',
    'select format(''expectation %s: %s is noted, %s was allocated'', x.id, x.received, coalesce(p.received, 0))
        from @book@.payroll_expectation as x
        join @book@.loan_balance as b on b.loan_id = x.loan_id and b.version = x.loan_version
        cross join lateral (
            select sum(a.principal + a.interest + a.fees + a.penalties) as received
            from @book@.payment_allocation as a
            where a.loan_id = x.loan_id and a.due_date = x.due_on
        ) as p
        where x.state <> ''waived'' and x.received <> coalesce(p.received, 0)');
