-- The file of a day: what was to come on the pay days of loans and what came, closed by rule.
--
-- A day is closed when nothing more is coming: what was to come is there and nothing came for a while, or the
-- cut-off is over. Closing freezes the rows and their SHA-256, so that whoever exports the file, whenever and
-- how often, has the same bytes; a receipt says that they arrived.

create table @book@.daily_file_rule (
    legal_entity_id uuid primary key references @book@.legal_entity,
    quiet_minutes integer not null default 30 check (quiet_minutes between 0 and 1440),
    cut_off time not null default '20:00',
    time_zone text not null default 'UTC'
);
comment on table @book@.daily_file_rule is 'When the file of a day is closed; half an hour of quiet, and 20:00 UTC, for those who say nothing.';
comment on column @book@.daily_file_rule.legal_entity_id is 'Whose file it is.';
comment on column @book@.daily_file_rule.quiet_minutes is 'For how many minutes nothing may have come, when all that was to come is there.';
comment on column @book@.daily_file_rule.cut_off is 'When it is closed whatever is missing.';
comment on column @book@.daily_file_rule.time_zone is 'In which time zone that is.';

create function @book@._check_file_rule() returns trigger language plpgsql as $$
begin
    if not exists (select from pg_timezone_names as z where z.name = new.time_zone) then
        raise exception using errcode = '22023', message = format('unknown time zone: "%s"', new.time_zone),
            hint = 'The view pg_timezone_names lists those the server knows.';
    end if;
    return new;
end $$;
comment on function @book@._check_file_rule() is 'Refuses a time zone that the server does not know, with 22023.';
create trigger checked before insert or update on @book@.daily_file_rule for each row execute function @book@._check_file_rule();

create table @book@.daily_file (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    on_date date not null,
    closed_at timestamptz not null,
    closed_by text not null default @book@.actor(),
    reason text not null check (reason in ('quiet', 'cut_off', 'hand')),
    row_count integer not null,
    expected numeric not null,
    received numeric not null,
    sha256 bytea not null check (length(sha256) = 32),
    unique (legal_entity_id, on_date)
);
comment on table @book@.daily_file is 'Files of days that are closed.';
comment on column @book@.daily_file.id is 'Key.';
comment on column @book@.daily_file.legal_entity_id is 'Whose file it is.';
comment on column @book@.daily_file.on_date is 'The day: pay days of it are in the file, and those before that were open.';
comment on column @book@.daily_file.closed_at is 'When it was closed.';
comment on column @book@.daily_file.closed_by is 'By whom.';
comment on column @book@.daily_file.reason is 'Because all had come and it was quiet, because of the cut-off, or by hand.';
comment on column @book@.daily_file.row_count is 'How many rows it has, the header not counted.';
comment on column @book@.daily_file.expected is 'What its rows say was to come, in all.';
comment on column @book@.daily_file.received is 'What came, in all.';
comment on column @book@.daily_file.sha256 is 'SHA-256 of the file, header and line ends (LF) included, in UTF-8.';
select @book@._make_append_only('@book@.daily_file');

create table @book@.daily_file_row (
    file_id uuid not null references @book@.daily_file,
    row_no integer not null,
    loan_no text not null,
    borrower text not null,
    employer text,
    pay_date date not null,
    expected numeric not null,
    received numeric not null,
    variance numeric not null,
    currency text not null,
    state text not null,
    next_payday date,
    primary key (file_id, row_no)
);
comment on table @book@.daily_file_row is 'Rows of the files of days, as they were when these were closed.';
comment on column @book@.daily_file_row.file_id is 'The file.';
comment on column @book@.daily_file_row.row_no is 'Its place, by pay day, employer and loan.';
comment on column @book@.daily_file_row.loan_no is 'The number of the loan.';
comment on column @book@.daily_file_row.borrower is 'The number of the borrower.';
comment on column @book@.daily_file_row.employer is 'Code of who pays them.';
comment on column @book@.daily_file_row.pay_date is 'The pay day.';
comment on column @book@.daily_file_row.expected is 'What was to come, in currency units.';
comment on column @book@.daily_file_row.received is 'What came.';
comment on column @book@.daily_file_row.variance is 'What is missing.';
comment on column @book@.daily_file_row.currency is 'ISO 4217 code of the amounts.';
comment on column @book@.daily_file_row.state is 'Open, met, partial, missed or waived.';
comment on column @book@.daily_file_row.next_payday is 'When the borrower is likely paid next.';
select @book@._make_append_only('@book@.daily_file_row');

create table @book@.daily_file_receipt (
    id uuid primary key default loan_engine.uuid_v7(),
    file_id uuid not null references @book@.daily_file,
    destination text not null check (destination <> ''),
    sha256 bytea not null,
    receipt text,
    received_at timestamptz not null default clock_timestamp(),
    noted_by text not null default @book@.actor(),
    unique (file_id, destination)
);
comment on table @book@.daily_file_receipt is 'Where files of days arrived.';
comment on column @book@.daily_file_receipt.id is 'Key.';
comment on column @book@.daily_file_receipt.file_id is 'The file.';
comment on column @book@.daily_file_receipt.destination is 'Where, such as the URL of a bucket.';
comment on column @book@.daily_file_receipt.sha256 is 'SHA-256 of what arrived there.';
comment on column @book@.daily_file_receipt.receipt is 'What was answered there.';
comment on column @book@.daily_file_receipt.received_at is 'When it was noted.';
comment on column @book@.daily_file_receipt.noted_by is 'By whom.';
select @book@._make_append_only('@book@.daily_file_receipt');

create function @book@._csv(field text) returns text language sql immutable parallel safe
    return case when field is null then '' when field = '' or field ~ E'[",\r\n]' then '"' || replace(field, '"', '""') || '"' else field end;
comment on function @book@._csv(text) is 'A field as COPY writes it in CSV.';

-- The columns that COPY writes, and the bytes it makes of them.
create function @book@.daily_file_rows(file_id uuid)
    returns table (loan text, borrower text, employer text, pay_date text, expected text, received text, variance text,
        currency text, state text, next_payday text)
    language sql stable as $$
    select r.loan_no, r.borrower, r.employer, to_char(r.pay_date, 'YYYY-MM-DD'), r.expected::text, r.received::text, r.variance::text,
        r.currency, r.state, to_char(r.next_payday, 'YYYY-MM-DD')
    from @book@.daily_file_row as r
    where r.file_id = daily_file_rows.file_id
    order by r.row_no
$$;
comment on function @book@.daily_file_rows(uuid) is
'The rows of the file of a day, to be exported by COPY (SELECT * FROM ...) TO ... WITH (FORMAT csv, HEADER); the bytes have the SHA-256 of daily_file.';

create function @book@._csv_hash(lines text[]) returns bytea language sql immutable parallel safe as $$
    select sha256(convert_to(E'loan,borrower,employer,pay_date,expected,received,variance,currency,state,next_payday\n'
        || coalesce(array_to_string(lines, E'\n') || E'\n', ''), 'UTF8'))
$$;
comment on function @book@._csv_hash(text[]) is 'SHA-256 of the bytes that COPY makes of the rows of a file, given line by line.';

create function @book@.daily_file_due(
    legal_entity_id uuid, on_date date, at timestamptz default clock_timestamp(),
    out reason text, out expected integer, out came integer, out quiet_since timestamptz
) language sql stable as $$
    with rule as (
        select coalesce(r.quiet_minutes, 30) as quiet_minutes,
            (on_date + coalesce(r.cut_off, '20:00'::time)) at time zone coalesce(r.time_zone, 'UTC') as cut_off
        from (select) as one
        left join @book@.daily_file_rule as r on r.legal_entity_id = daily_file_due.legal_entity_id
    ), awaited as (
        select count(*) as expected, count(*) filter (where x.received > 0 or x.state in ('met', 'waived') or p.received > 0) as came
        from @book@.payroll_expectation as x
        join @book@.loan as l on l.id = x.loan_id
        cross join lateral (
            -- What came since the last end of a day is not noted with the expectation yet.
            select sum(a.principal + a.interest + a.fees + a.penalties) as received
            from @book@.payment_allocation as a
            where a.loan_id = x.loan_id and a.due_date = x.due_on
        ) as p
        where l.legal_entity_id = daily_file_due.legal_entity_id and x.pay_date = on_date
    ), quiet as (
        select greatest(
            (select max(i.received_at) from @book@.payment_inbox as i where i.received_at <= at and i.received_at > at - interval '2 days'),
            (select max(w.received_at) from @book@.webhook_event as w where w.received_at <= at and w.received_at > at - interval '2 days'),
            (select max(p.received_at) from @book@.payment as p where p.received_at <= at and p.received_at > at - interval '2 days')) as since
    )
    select case
            when at >= r.cut_off then 'cut_off'
            when a.came >= a.expected and a.expected > 0 and coalesce(q.since <= at - make_interval(mins => r.quiet_minutes), true)
                and not exists (select from @book@.payment_inbox as i where i.status = 'waiting')
                and not exists (select from @book@.webhook_event as w where w.status = 'waiting') then 'quiet' end,
        a.expected::integer, a.came::integer, q.since
    from rule as r
    cross join awaited as a
    cross join quiet as q
$$;
comment on function @book@.daily_file_due(uuid, date, timestamptz) is
'Why the file of a day may be closed at a moment: quiet, when all that was to come is there and nothing came for long enough, or cut_off; NULL while it may not. Also how much is expected and came, and since when it is quiet.';

create function @book@.close_daily_file(
    legal_entity_id uuid, on_date date default @book@.business_date(), at timestamptz default clock_timestamp(), by_hand boolean default false
) returns uuid language plpgsql as $$
declare
    why text := case when by_hand then 'hand' else (select d.reason from @book@.daily_file_due(legal_entity_id, on_date, at) as d) end;
    made uuid := loan_engine.uuid_v7();
    known uuid;
begin
    perform @book@._authorise('run_end_of_day', legal_entity_id => legal_entity_id);
    -- Two who close it at once meet here.
    perform from @book@.legal_entity as e where e.id = close_daily_file.legal_entity_id for no key update;
    select f.id into known from @book@.daily_file as f
    where f.legal_entity_id = close_daily_file.legal_entity_id and f.on_date = close_daily_file.on_date;
    if known is not null or why is null then
        return known;
    end if;
    perform @book@.settle_payroll(least(@book@.business_date(), on_date + 1));
    with listed as materialized (
        select row_number() over (order by x.pay_date, e.code nulls last, l.loan_no, x.due_on)::integer as row_no, l.loan_no, y.party_no,
            e.code as employer, x.pay_date, x.amount, x.received, x.amount - x.received as variance, x.currency, x.state, c.next_date
        from @book@.payroll_expectation as x
        join @book@.loan as l on l.id = x.loan_id
        join @book@.party as y on y.id = x.party_id
        left join @book@.employer as e on e.id = x.employer_id
        left join @book@.pay_cycle as c on c.party_id = x.party_id
        where l.legal_entity_id = close_daily_file.legal_entity_id
            and (x.pay_date = on_date or x.pay_date < on_date and x.state in ('open', 'partial', 'missed'))
    ), closed as (
        insert into @book@.daily_file (id, legal_entity_id, on_date, closed_at, reason, row_count, expected, received, sha256)
        select made, close_daily_file.legal_entity_id, close_daily_file.on_date, at, why, count(*), coalesce(sum(n.amount), 0),
            coalesce(sum(n.received), 0), @book@._csv_hash(array_agg(concat_ws(',', @book@._csv(n.loan_no), @book@._csv(n.party_no),
                @book@._csv(n.employer), @book@._csv(to_char(n.pay_date, 'YYYY-MM-DD')), n.amount, n.received, n.variance, n.currency,
                n.state, @book@._csv(to_char(n.next_date, 'YYYY-MM-DD'))) order by n.row_no) filter (where n.row_no is not null))
        from listed as n
    )
    insert into @book@.daily_file_row
    select made, n.row_no, n.loan_no, n.party_no, n.employer, n.pay_date, n.amount, n.received, n.variance, n.currency, n.state, n.next_date
    from listed as n;
    return made;
end $$;
comment on function @book@.close_daily_file(uuid, date, timestamptz, boolean) is
'Closes the file of a day if it is due, or by_hand whatever is missing, and returns it; one that is closed stays as it is. NULL while it is not due.';

create function @book@.confirm_shipping(file_id uuid, destination text, sha256 bytea, receipt text default null) returns void
    language plpgsql as $$
declare
    known @book@.daily_file;
begin
    select f.* into known from @book@.daily_file as f where f.id = file_id;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no daily file %s', file_id),
            hint = 'The table daily_file lists them.';
    end if;
    perform @book@._authorise('run_end_of_day', legal_entity_id => known.legal_entity_id);
    if known.sha256 is distinct from confirm_shipping.sha256 then
        raise exception using errcode = 'LN203', message = format('what arrived at "%s" is not the file', destination),
            detail = format('Its SHA-256 is %s, that of the file %s.', encode(confirm_shipping.sha256, 'hex'), encode(known.sha256, 'hex')),
            hint = 'Send it again.';
    end if;
    insert into @book@.daily_file_receipt (file_id, destination, sha256, receipt)
    values (file_id, destination, confirm_shipping.sha256, receipt)
    on conflict do nothing;
end $$;
comment on function @book@.confirm_shipping(uuid, text, bytea, text) is
'Notes that the file of a day arrived somewhere; LN203 when what arrived has another SHA-256.';

insert into @book@.check_definition values
    ('daily files are as they were closed', 'The rows of a file have its SHA-256, count and totals.',
    'select format(''file of %s'', f.on_date)
        from @book@.daily_file as f
        cross join lateral (
            select count(*) as row_count, coalesce(sum(r.expected), 0) as expected, coalesce(sum(r.received), 0) as received,
                @book@._csv_hash(array_agg(concat_ws('','', @book@._csv(r.loan_no), @book@._csv(r.borrower), @book@._csv(r.employer),
                    @book@._csv(to_char(r.pay_date, ''YYYY-MM-DD'')), r.expected, r.received, r.variance, r.currency, r.state,
                    @book@._csv(to_char(r.next_payday, ''YYYY-MM-DD''))) order by r.row_no)) as sha256
            from @book@.daily_file_row as r where r.file_id = f.id
        ) as n
        where (f.row_count, f.expected, f.received, f.sha256) is distinct from (n.row_count, n.expected, n.received, n.sha256)');
