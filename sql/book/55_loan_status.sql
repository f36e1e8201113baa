-- Where loans stand: their status follows the fold and the days past due, by the machine loan.

-- Guards: the reason against a transition, or NULL.

create function @book@._loan_is_not_lent(subject_id uuid) returns text language sql stable as $$
    select 'nothing was lent' from @book@.loan_balance as b where b.loan_id = subject_id and b.status = 'approved'
$$;
comment on function @book@._loan_is_not_lent(uuid) is 'Against what needs a loan that was lent.';

create function @book@._loan_is_lent(subject_id uuid) returns text language sql stable as $$
    select format('it was lent, and is %s', b.status)
    from @book@.loan_balance as b where b.loan_id = subject_id and b.status <> 'approved'
$$;
comment on function @book@._loan_is_lent(uuid) is 'Against what needs a loan that was not lent.';

create function @book@._loan_is_on_time(subject_id uuid) returns text language sql stable as $$
    select 'nothing is past due' from @book@.loan_balance as b
    where b.loan_id = subject_id and (b.oldest_unpaid is null or b.oldest_unpaid >= @book@.business_date())
$$;
comment on function @book@._loan_is_on_time(uuid) is 'Against what needs a loan that is late.';

create function @book@._loan_is_late(subject_id uuid) returns text language sql stable as $$
    select format('%s is past due since %s', b.overdue, b.oldest_unpaid)
    from @book@.loan_balance as b where b.loan_id = subject_id and b.oldest_unpaid < @book@.business_date()
$$;
comment on function @book@._loan_is_late(uuid) is 'Against what needs a loan that is not late.';

create function @book@._loan_is_not_in_default(subject_id uuid) returns text language sql stable as $$
    select format('it is %s days past due', coalesce(@book@.business_date() - b.oldest_unpaid, 0))
    from @book@.loan_balance as b
    where b.loan_id = subject_id
        and @book@._rung('loan', coalesce(@book@.business_date() - b.oldest_unpaid, 0)) <> 'defaulted'
$$;
comment on function @book@._loan_is_not_in_default(uuid) is 'Against what needs a loan so late that the ladder calls it default.';

create function @book@._loan_is_not_settled(subject_id uuid) returns text language sql stable as $$
    select format('%s is outstanding', b.principal + b.interest + b.fees + b.penalties)
    from @book@.loan_balance as b where b.loan_id = subject_id and b.status not in ('closed', 'overpaid')
$$;
comment on function @book@._loan_is_not_settled(uuid) is 'Against what needs a loan that is paid.';

create function @book@._loan_is_not_written_off(subject_id uuid) returns text language sql stable as $$
    select 'it was not written off; call write_off'
    from @book@.loan_balance as b where b.loan_id = subject_id and b.status <> 'written_off'
$$;
comment on function @book@._loan_is_not_written_off(uuid) is 'Against what needs a loan that is written off.';

create function @book@._loan_is_as_it_was(subject_id uuid) returns text language sql stable as $$
    select format('it is %s', b.status)
    from @book@.loan_balance as b
    join @book@.loan as l on l.id = b.loan_id
    join @book@.status_vocabulary as v on v.system = 'fold' and v.machine = 'loan' and v.state = l.status
    where b.loan_id = subject_id and v.word = case b.status when 'overpaid' then 'closed' else b.status end
$$;
comment on function @book@._loan_is_as_it_was(uuid) is 'Against what needs a loan whose end was taken back.';

create function @book@._loan_is_not_charged_off(subject_id uuid) returns text language sql stable as $$
    select 'it is not charged off in its books'
    from @book@.loan_balance as b where b.loan_id = subject_id and b.charged_off_on is null
$$;
comment on function @book@._loan_is_not_charged_off(uuid) is 'Against what needs a loan that is charged off.';

create function @book@._loan_is_charged_off(subject_id uuid) returns text language sql stable as $$
    select format('it is charged off since %s', b.charged_off_on)
    from @book@.loan_balance as b where b.loan_id = subject_id and b.charged_off_on is not null
$$;
comment on function @book@._loan_is_charged_off(uuid) is 'Against what needs a loan that is not charged off.';

-- What each loan is to become: what the fold says, and of what is active what the ladder says. A loan
-- in default stays there until all is caught up.
create view @book@._loan_standing as
select s.*, case
        when s.folded_before <> 'active' then case when s.status in ('approved', 'cancelled') then 'disburse' else 'reopen' end
        when s.folded = 'closed' then 'settle'
        when s.folded = 'written_off' then 'write_off'
        when s.folded = 'approved' then 'undo_disbursement'
        when s.standing = 'active' then 'catch_up'
        when s.standing = 'overdue' then 'fall_overdue'
        else 'default' end as event
from (
    select l.id as loan_id, l.status, v.word as folded_before, f.folded,
        case when f.folded <> 'active' then f.folded
            when l.status = 'defaulted' and f.days > 0 then 'defaulted'
            else r.state end as standing,
        case when b.charged_off_on is null then 'carried' else 'charged_off' end as charge_off
    from @book@.loan as l
    join @book@.loan_balance as b on b.loan_id = l.id
    join @book@.status_vocabulary as v on v.system = 'fold' and v.machine = 'loan' and v.state = l.status
    cross join @book@.book as d
    cross join lateral (
        select case b.status when 'overpaid' then 'closed' else b.status end as folded,
            greatest(coalesce(d.business_date - b.oldest_unpaid, 0), 0) as days
    ) as f
    left join @book@._rung_span as r on r.machine = 'loan' and f.days between r.from_days and r.through_days
) as s;
comment on view @book@._loan_standing is 'What each loan is, what it was and is to the fold, and what it is to become.';
comment on column @book@._loan_standing.loan_id is 'The loan.';
comment on column @book@._loan_standing.status is 'Its status.';
comment on column @book@._loan_standing.folded_before is 'The status of the fold that its status stands for.';
comment on column @book@._loan_standing.folded is 'The status of the fold.';
comment on column @book@._loan_standing.standing is 'What its status is to become.';
comment on column @book@._loan_standing.charge_off is 'Whether it is charged off, in the words of the machine charge_off.';
comment on column @book@._loan_standing.event is 'The event that leads towards it, where its status is behind.';

-- A loan that passes through several states in one go enters each: lent and paid off, or reopened and
-- late. The facts decide, so that guards need not.
create function @book@._follow_status(loans uuid[]) returns void language plpgsql as $$
declare
    step record;
begin
    select array_agg(s.loan_id) as ids, array_agg(s.event) as events into step
    from @book@._loan_standing as s
    where s.loan_id = any (loans) and s.folded <> s.folded_before and s.folded_before <> 'active';
    if step.ids is not null then
        perform @book@._move('loan', step.ids, step.events, is_guarded => false);
    end if;
    select array_agg(s.loan_id) as ids, array_agg(s.event) as events into step
    from @book@._loan_standing as s
    where s.loan_id = any (loans) and s.folded_before = 'active' and s.status <> s.standing;
    if step.ids is not null then
        perform @book@._move('loan', step.ids, step.events, is_guarded => false);
    end if;
    select array_agg(s.loan_id) as ids,
        array_agg(case s.charge_off when 'charged_off' then 'charge_off' else 'undo_charge_off' end) as events
    into step
    from @book@._loan_standing as s
    left join @book@.status_history as h
        on h.machine = 'charge_off' and h.subject_id = s.loan_id and upper_inf(h.validity)
    where s.loan_id = any (loans) and s.charge_off <> coalesce(h.state, 'carried');
    if step.ids is not null then
        perform @book@._move('charge_off', step.ids, step.events, is_guarded => false);
    end if;
end $$;
comment on function @book@._follow_status(uuid[]) is
'Moves loans to where the fold and their days past due say they stand. An operation of a loan that was cancelled is refused with LN211.';

-- Time alone makes loans late: at the end of a day those are moved whose status is behind. All others
-- follow what happens to them.
create function @book@.run_loan_status(
    first_loan uuid default '00000000-0000-0000-0000-000000000000', next_loan uuid default null
) returns bigint language plpgsql as $$
declare
    today constant date := @book@.business_date();
    suspects uuid[];
    behind record;
begin
    suspects := array(
        select loan_id
        from (
            select b.loan_id, today - b.oldest_unpaid as days
            from @book@.loan_balance as b
            where b.status = 'active' and b.oldest_unpaid < today
                and b.loan_id >= first_loan and (next_loan is null or b.loan_id < next_loan)
        ) as late
        full join (
            select h.subject_id as loan_id, h.state
            from @book@._rung_span as s
            join @book@.status_history as h on h.machine = s.machine and h.state = s.state and upper_inf(h.validity)
            where s.machine = 'loan' and s.from_days > 0
                and h.subject_id >= first_loan and (next_loan is null or h.subject_id < next_loan)
        ) as known using (loan_id)
        left join @book@._rung_span as r on r.machine = 'loan' and late.days between r.from_days and r.through_days
        where r.state is distinct from known.state);
    select array_agg(s.loan_id) as ids, array_agg(s.event) as events into behind
    from @book@._loan_standing as s
    where s.loan_id = any (suspects) and s.folded_before = 'active' and s.folded = 'active' and s.status <> s.standing;
    if behind.ids is null then
        return 0;
    end if;
    perform @book@._move('loan', behind.ids, behind.events, is_guarded => false);
    return cardinality(behind.ids);
end $$;
comment on function @book@.run_loan_status(uuid, uuid) is
'Moves loans whose status is behind what the business date makes of them, such as those that fell overdue; returns how many.';

select @book@._guard_status('@book@.loan');

insert into @book@.check_definition values
    ('status follows fold', 'The status of each loan stands for that of its fold.',
    'select format(''loan %s is %s, its fold %s'', s.loan_id, s.status, s.folded)
        from @book@._loan_standing as s where s.folded <> s.folded_before');
