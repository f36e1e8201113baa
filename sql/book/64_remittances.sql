-- Remittances: one payment of an employer for many employees, and the file that says for whom.
--
-- A file is written down line by line, by COPY or INSERT, whatever it says. Posted, each line is a payment
-- in the inbox, so that what is wrong with one is kept with its reason and stops no other; what names nobody
-- waits as unmatched, and so does what was received beyond the lines.

create table @book@.remittance (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    employer_id uuid not null references @book@.employer,
    reference text not null check (reference <> '' and length(reference) <= 200),
    value_date date not null,
    total numeric not null check (total > 0 and total < 'Infinity'),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    received_at timestamptz not null default clock_timestamp(),
    posted_at timestamptz,
    posted_by text,
    unique (employer_id, reference)
);
comment on table @book@.remittance is 'Money of an employer for many of their employees.';
comment on column @book@.remittance.id is 'Key.';
comment on column @book@.remittance.legal_entity_id is 'Who received it.';
comment on column @book@.remittance.employer_id is 'Whose it is.';
comment on column @book@.remittance.reference is 'Its name there, unique for the employer.';
comment on column @book@.remittance.value_date is 'The day from which it counts.';
comment on column @book@.remittance.total is 'What was received, in currency units.';
comment on column @book@.remittance.currency is 'ISO 4217 code of the total.';
comment on column @book@.remittance.received_at is 'When it was written down.';
comment on column @book@.remittance.posted_at is 'When its lines were made payments.';
comment on column @book@.remittance.posted_by is 'By whom.';

create table @book@.remittance_line (
    remittance_id uuid not null references @book@.remittance,
    line_no integer not null check (line_no > 0),
    party_no text,
    loan_no text,
    amount numeric not null check (amount > 0 and amount < 'Infinity'),
    pay_amount numeric check (pay_amount > 0),
    name text,
    primary key (remittance_id, line_no)
);
comment on table @book@.remittance_line is 'For whom a remittance is: a row a line of the file, which COPY may write.';
comment on column @book@.remittance_line.remittance_id is 'The remittance.';
comment on column @book@.remittance_line.line_no is 'The number of the line.';
comment on column @book@.remittance_line.party_no is 'The number of the employee as a party.';
comment on column @book@.remittance_line.loan_no is
'The number of the loan; found by the employee when NULL: what is overdue first, then what is due next.';
comment on column @book@.remittance_line.amount is 'How much of the total is for them, in currency units.';
comment on column @book@.remittance_line.pay_amount is 'What they were paid, where the file says.';
comment on column @book@.remittance_line.name is 'Their name, as the file has it.';

create function @book@._keep_remittance_line() returns trigger language plpgsql as $$
begin
    if exists (select from changed as c join @book@.remittance as r on r.id = c.remittance_id where r.posted_at is not null) then
        raise exception using errcode = 'LN205', message = 'a remittance that was posted stays as it was',
            hint = 'Write what is missing down as another remittance, or reverse the payment that is wrong.';
    end if;
    return null;
end $$;
comment on function @book@._keep_remittance_line() is 'Refuses to add lines to a remittance that was posted.';
create trigger kept_added after insert on @book@.remittance_line
    referencing new table as changed for each statement execute function @book@._keep_remittance_line();
create trigger kept_changed after update on @book@.remittance_line
    referencing old table as changed for each statement execute function @book@._keep_remittance_line();
create trigger kept_taken after delete on @book@.remittance_line
    referencing old table as changed for each statement execute function @book@._keep_remittance_line();
create trigger kept_all before truncate on @book@.remittance_line
    for each statement execute function @book@._refuse_change();

-- What an employee's loans are owed, in the order in which it is covered; what is left is for the last.
create function @book@._split_remittance(remittance_id uuid)
    returns table (line_no integer, loan_no text, splits jsonb) language sql stable as $$
    with line as (
        select n.line_no, n.amount, p.id as party_id, r.currency
        from @book@.remittance as r
        join @book@.remittance_line as n on n.remittance_id = r.id
        join @book@.party as p on p.legal_entity_id = r.legal_entity_id and p.party_no = n.party_no
        where r.id = _split_remittance.remittance_id and n.loan_no is null
    ), owed as (
        select n.line_no, n.amount, l.loan_no, d.place, d.amount as due,
            coalesce(sum(d.amount) over (partition by n.line_no order by d.place, b.next_due, l.loan_no
                rows between unbounded preceding and 1 preceding), 0) as before,
            count(*) over (partition by n.line_no) as pieces,
            row_number() over (partition by n.line_no order by d.place, b.next_due, l.loan_no) as piece
        from line as n
        join @book@.loan as l on l.borrower_id = n.party_id
        join @book@.loan_balance as b on b.loan_id = l.id and b.status = 'active' and b.currency = n.currency
        cross join lateral (values (1, b.overdue), (2, case when b.next_due is null then 0 else b.next_due_amount end)) as d (place, amount)
    ), shared as (
        select o.line_no, o.loan_no, sum(case when o.piece = o.pieces then greatest(o.amount - o.before, 0)
            else least(greatest(o.amount - o.before, 0), o.due) end) as amount
        from owed as o
        group by o.line_no, o.loan_no
    )
    select s.line_no, case when count(*) filter (where s.amount > 0) = 1 then min(s.loan_no) filter (where s.amount > 0) end,
        case when count(*) filter (where s.amount > 0) > 1 then
            jsonb_agg(jsonb_build_object('loan_no', s.loan_no, 'amount', s.amount) order by s.loan_no) filter (where s.amount > 0) end
    from shared as s
    group by s.line_no
$$;
comment on function @book@._split_remittance(uuid) is
'For which loan, or which parts for which loans, lines of a remittance are that name an employee and no loan.';

create function @book@.post_remittance(
    remittance_id uuid, out posted integer, out known integer, out rejected integer
) language plpgsql as $$
declare
    sent @book@.remittance;
    lines numeric;
    entity text;
    payer text;
begin
    perform @book@._check_poster();
    select r.* into sent from @book@.remittance as r where r.id = post_remittance.remittance_id for update;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no remittance %s', remittance_id),
            hint = 'The table remittance lists them.';
    elsif sent.posted_at is not null then
        raise exception using errcode = 'LN214', message = format('remittance "%s" was posted before', sent.reference),
            hint = 'A remittance is posted once; retry_inbox has what was rejected of it tried again.';
    end if;
    select sum(n.amount) into lines from @book@.remittance_line as n where n.remittance_id = sent.id;
    if lines is null or lines > sent.total then
        raise exception using errcode = 'LN203', message = format('the lines of remittance "%s" are not what was received', sent.reference),
            detail = format('They sum to %s %s, %s was received.', coalesce(lines, 0), sent.currency, sent.total),
            hint = 'Ask the employer for the right file. What was received beyond the lines may stay: it waits as unmatched.';
    end if;
    select e.code into entity from @book@.legal_entity as e where e.id = sent.legal_entity_id;
    select 'remittance ' || e.code into payer from @book@.employer as e where e.id = sent.employer_id;
    insert into @book@.payment_inbox (provider, reference, legal_entity, loan_no, party_no, amount, currency, value_date, method, channel, splits)
    select payer, format('%s/%s', sent.reference, n.line_no), entity, coalesce(n.loan_no, s.loan_no), n.party_no, n.amount::text,
        sent.currency, sent.value_date::text, 'payroll', 'remittance', s.splits::text
    from @book@.remittance_line as n
    left join @book@._split_remittance(sent.id) as s on s.line_no = n.line_no
    where n.remittance_id = sent.id
    union all
    select payer, format('%s/rest', sent.reference), entity, null, null, (sent.total - lines)::text, sent.currency, sent.value_date::text,
        'payroll', 'remittance', null
    where sent.total > lines;
    insert into @book@.pay_date (party_id, employer_id, paid_on, amount, currency, source)
    select p.id, sent.employer_id, sent.value_date, sum(n.pay_amount), case when sum(n.pay_amount) is not null then sent.currency end, 'remittance'
    from @book@.remittance_line as n
    join @book@.party as p on p.legal_entity_id = sent.legal_entity_id and p.party_no = n.party_no
    where n.remittance_id = sent.id
    group by p.id
    on conflict do nothing;
    update @book@.remittance as r set posted_at = clock_timestamp(), posted_by = @book@.actor() where r.id = sent.id;
    select count(*) filter (where i.status = 'posted'), count(*) filter (where i.status = 'known'),
        count(*) filter (where i.status = 'rejected')
    into posted, known, rejected
    from @book@._post_sent(payer, sent.reference || '/') as i;
end $$;
comment on function @book@.post_remittance(uuid) is
'Splits a remittance by employee and posts it; returns how many payments were posted, known before, and rejected. Notes the pay day of those it names. Refuses with LN203 lines of more than was received, and with LN208 and LN214.';

create function @book@._post_sent(provider text, prefix text) returns setof @book@.payment_inbox language plpgsql as $$
declare
    ids bigint[] := array(
        select i.id from @book@.payment_inbox as i
        where i.status = 'waiting' and i.provider = _post_sent.provider and starts_with(i.reference, prefix)
        order by i.id for update);
begin
    if cardinality(ids) > 0 then
        perform @book@._post_inbox(ids);
    end if;
    return query select i.* from @book@.payment_inbox as i where i.id = any (ids);
end $$;
comment on function @book@._post_sent(text, text) is
'Posts what waits in the inbox of one provider whose references begin so, and returns what became of it.';

create view @book@.v_remittance as
select r.id, r.legal_entity_id, e.code as employer, r.reference, r.value_date, r.total, r.currency, r.posted_at,
    n.lines, n.total as of_lines, r.total - coalesce(n.total, 0) as rest
from @book@.remittance as r
join @book@.employer as e on e.id = r.employer_id
left join lateral (
    select count(*) as lines, sum(l.amount) as total from @book@.remittance_line as l where l.remittance_id = r.id
) as n on true;
comment on view @book@.v_remittance is 'Remittances, with what their lines come to.';
comment on column @book@.v_remittance.id is 'The remittance.';
comment on column @book@.v_remittance.legal_entity_id is 'Who received it.';
comment on column @book@.v_remittance.employer is 'Code of whose it is.';
comment on column @book@.v_remittance.reference is 'Its name there.';
comment on column @book@.v_remittance.value_date is 'The day from which it counts.';
comment on column @book@.v_remittance.total is 'What was received, in currency units.';
comment on column @book@.v_remittance.currency is 'ISO 4217 code of the amounts.';
comment on column @book@.v_remittance.posted_at is 'When it was posted.';
comment on column @book@.v_remittance.lines is 'How many lines it has.';
comment on column @book@.v_remittance.of_lines is 'What they sum to.';
comment on column @book@.v_remittance.rest is 'What was received beyond them.';
