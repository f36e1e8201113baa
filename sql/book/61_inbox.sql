-- Payments as others send them: kept as they came, posted as a set, and what cannot be posted is kept
-- with the reason.

create table @book@.payment_inbox (
    id bigint generated always as identity primary key,
    provider text not null,
    reference text not null,
    legal_entity text,
    direction text,
    kind text,
    loan_no text,
    party_no text,
    amount text,
    currency text,
    value_date text,
    method text,
    channel text,
    splits text,
    received_at timestamptz not null default clock_timestamp(),
    status text not null default 'waiting' check (status in ('waiting', 'posted', 'known', 'rejected')),
    payment_id uuid references @book@.payment,
    attempts integer not null default 0,
    tried_at timestamptz,
    tried_by text,
    code text,
    message text,
    detail text,
    hint text,
    webhook_event_id bigint,
    check ((status in ('posted', 'known')) = (payment_id is not null)),
    check ((status = 'rejected') = (code is not null))
);
create index on @book@.payment_inbox (id) where status = 'waiting';
create index on @book@.payment_inbox (id) where status = 'rejected';
comment on table @book@.payment_inbox is
'Payments as they were sent, in text, whatever they say; post_inbox makes payments of them and notes why it could not.';
comment on column @book@.payment_inbox.id is 'Key, in the order they came; they are posted in this order.';
comment on column @book@.payment_inbox.provider is 'Through whom it came.';
comment on column @book@.payment_inbox.reference is 'Its name there.';
comment on column @book@.payment_inbox.legal_entity is 'Code of who received it; may be left out where there is one.';
comment on column @book@.payment_inbox.direction is 'In, or out; in when NULL.';
comment on column @book@.payment_inbox.kind is 'How it came about, as in payment; repayment when NULL.';
comment on column @book@.payment_inbox.loan_no is 'The number of the loan it pays.';
comment on column @book@.payment_inbox.party_no is 'The number of the party who paid.';
comment on column @book@.payment_inbox.amount is 'How much, in currency units.';
comment on column @book@.payment_inbox.currency is 'ISO 4217 code of the amount; that of the legal entity when NULL.';
comment on column @book@.payment_inbox.value_date is
'The day from which it counts, such as 2024-02-29; the business date when NULL.';
comment on column @book@.payment_inbox.method is 'Transfer, card, cash and so on.';
comment on column @book@.payment_inbox.channel is 'Where it was taken.';
comment on column @book@.payment_inbox.splits is 'Where it pays several loans: a list of {"loan_no": …, "amount": …}.';
comment on column @book@.payment_inbox.received_at is 'When it came.';
comment on column @book@.payment_inbox.status is
'Waiting; posted; known, when the same was posted before; or rejected.';
comment on column @book@.payment_inbox.payment_id is 'The payment it became, or was already.';
comment on column @book@.payment_inbox.attempts is 'How often it was tried.';
comment on column @book@.payment_inbox.tried_at is 'When it was last tried.';
comment on column @book@.payment_inbox.tried_by is 'By whom.';
comment on column @book@.payment_inbox.code is 'SQLSTATE of the last refusal.';
comment on column @book@.payment_inbox.message is 'What was refused.';
comment on column @book@.payment_inbox.detail is 'With which values.';
comment on column @book@.payment_inbox.hint is 'What to do about it.';
comment on column @book@.payment_inbox.webhook_event_id is 'The webhook that told of it, if one did.';

-- What was sent stays as it was sent; only what became of it is written. The order has the planner join all
-- rows of a statement at once: for the first of any it would compare each with every other.
create function @book@._keep_inbox() returns trigger language plpgsql as $$
declare
    fault record;
begin
    select o.reference, o.provider, o.status into fault
    from replaced as o
    left join changed as n using (id)
    where o.status in ('posted', 'known')
        or (o.provider, o.reference, o.legal_entity, o.direction, o.kind, o.loan_no, o.party_no, o.amount, o.currency, o.value_date,
            o.method, o.channel, o.splits, o.received_at, o.webhook_event_id)
        is distinct from (n.provider, n.reference, n.legal_entity, n.direction, n.kind, n.loan_no, n.party_no, n.amount, n.currency,
            n.value_date, n.method, n.channel, n.splits, n.received_at, n.webhook_event_id)
    order by o.id
    limit 1;
    if found then
        raise exception using errcode = 'LN205',
            message = format('payment "%s" of "%s" stays in the inbox as it came', fault.reference, fault.provider),
            detail = format('It is %s.', fault.status),
            hint = 'Insert what is right as another row.';
    end if;
    return null;
end $$;
comment on function @book@._keep_inbox() is 'Refuses to change what was sent.';
create trigger kept after update on @book@.payment_inbox
    referencing old table as replaced new table as changed for each statement execute function @book@._keep_inbox();
create trigger kept_all before delete or truncate on @book@.payment_inbox
    for each statement execute function @book@._refuse_change();

create view @book@.rejected_payment as
select i.id, i.provider, i.reference, i.legal_entity, i.loan_no, i.amount, i.currency, i.value_date, i.received_at,
    i.attempts, i.tried_at, i.tried_by, i.code, i.message, i.detail, i.hint
from @book@.payment_inbox as i
where i.status = 'rejected';
comment on view @book@.rejected_payment is
'Payments that were sent and could not be posted, with the reason; retry_inbox has them tried again.';
comment on column @book@.rejected_payment.id is 'Key in payment_inbox.';
comment on column @book@.rejected_payment.provider is 'Through whom it came.';
comment on column @book@.rejected_payment.reference is 'Its name there.';
comment on column @book@.rejected_payment.legal_entity is 'Code of who received it.';
comment on column @book@.rejected_payment.loan_no is 'The number of the loan it was to pay.';
comment on column @book@.rejected_payment.amount is 'How much, as it was sent.';
comment on column @book@.rejected_payment.currency is 'The currency, as it was sent.';
comment on column @book@.rejected_payment.value_date is 'The day it was to count from, as it was sent.';
comment on column @book@.rejected_payment.received_at is 'When it came.';
comment on column @book@.rejected_payment.attempts is 'How often it was tried.';
comment on column @book@.rejected_payment.tried_at is 'When it was last tried.';
comment on column @book@.rejected_payment.tried_by is 'By whom.';
comment on column @book@.rejected_payment.code is 'SQLSTATE of the refusal.';
comment on column @book@.rejected_payment.message is 'What was refused.';
comment on column @book@.rejected_payment.detail is 'With which values.';
comment on column @book@.rejected_payment.hint is 'What to do about it.';

-- Posts a set in one statement. Where it is refused it is halved, so that a bad row among many costs a
-- few attempts of sets that shrink, and is at last alone. A set that failed left nothing behind: it was
-- tried in a subtransaction.
create function @book@._post_inbox(ids bigint[], is_again boolean default false) returns void language plpgsql as $$
declare
    refused_code text;
    refused_message text;
    refused_detail text;
    refused_hint text;
    half integer := cardinality(ids) / 2;
begin
    begin
        with sent as materialized (
            select i.*, coalesce(e.id, case
                when i.legal_entity is not null then @book@._legal_entity(i.legal_entity)
                when sole.entities = 1 then sole.id end) as legal_entity_id,
                coalesce(i.currency, e.currency,
                    case when i.legal_entity is null and sole.entities = 1 then sole.currency end) as paid_in,
                -- Words such as tomorrow, and days of which style decides the month, are no dates here.
                coalesce(
                    case when i.value_date ~ '^\d{4}-\d{2}-\d{2}$' then i.value_date
                        else 'not ISO 8601: ' || i.value_date end::date,
                    (select k.value_date from @book@.payment as k
                        where k.provider = i.provider and k.reference = i.reference),
                    @book@.business_date()) as paid_on
            from @book@.payment_inbox as i
            left join @book@.legal_entity as e on e.code = i.legal_entity
            cross join (
                select count(*) as entities, (array_agg(l.id))[1] as id, min(l.currency) as currency
                from @book@.legal_entity as l
            ) as sole
            where i.id = any (ids)
        ), made as (
            insert into @book@.payment (
                legal_entity_id, provider, reference, direction, kind, loan_no, party_id, amount, currency, value_date,
                method, channel, splits, received_at)
            select s.legal_entity_id, s.provider, s.reference, coalesce(s.direction, 'in'),
                coalesce(s.kind, 'repayment'), s.loan_no, p.id, s.amount::numeric, s.paid_in, s.paid_on, s.method,
                s.channel,
                s.splits::jsonb, s.received_at
            from sent as s
            left join @book@.party as p on p.legal_entity_id = s.legal_entity_id and p.party_no = s.party_no
            order by s.id
            returning id, provider, reference
        ), turn as (
            -- Of several rows with one name the first is posted, the others were known by then.
            select s.id, m.id as payment_id,
                row_number() over (partition by s.provider, s.reference order by s.id) as place
            from sent as s
            left join made as m using (provider, reference)
        )
        update @book@.payment_inbox as i
        set status = case when t.payment_id is not null and t.place = 1 then 'posted' else 'known' end,
            payment_id = coalesce(t.payment_id, (
                select p.id from @book@.payment as p where p.provider = i.provider and p.reference = i.reference)),
            attempts = i.attempts + 1, tried_at = clock_timestamp(), tried_by = @book@.actor(),
            code = null, message = null, detail = null, hint = null
        from turn as t
        where i.id = t.id;
        return;
    exception when others then
        get stacked diagnostics refused_code = returned_sqlstate, refused_message = message_text,
            refused_detail = pg_exception_detail, refused_hint = pg_exception_hint;
        -- What is wrong with the server or the moment is not wrong with the payment.
        if refused_code ~ '^(25|40|53|55|57|58|XX)' then
            raise;
        end if;
    end;
    if half > 0 then
        perform @book@._post_inbox(ids[:half]);
        perform @book@._post_inbox(ids[half + 1:]);
        return;
    elsif refused_code = '23505' and not is_again then
        -- Another session posted one of this name meanwhile; by now it is known.
        perform @book@._post_inbox(ids, is_again => true);
        return;
    end if;
    update @book@.payment_inbox as i
    set status = 'rejected', attempts = i.attempts + 1, tried_at = clock_timestamp(), tried_by = @book@.actor(),
        code = refused_code, message = refused_message,
        detail = nullif(refused_detail, ''), hint = nullif(refused_hint, '')
    where i.id = ids[1];
end $$;
comment on function @book@._post_inbox(bigint[], boolean) is
'Posts rows of the inbox together, or, where one of them is refused, without those that are, which are kept as rejected.';

-- Whoever may post nothing at all must not turn a whole inbox down.
create function @book@._check_poster() returns void language plpgsql stable as $$
begin
    perform @book@._check_actor();
    if not (@book@.actor() = current_user and @book@._is_owner()) and not exists (
        select
        from @book@.member as m
        join @book@.authority as a on a.role = m.role
        where m.actor = @book@.actor() and m.validity @> @book@.business_date() and a.action = 'post_payment') then
        raise exception using errcode = 'LN201', message = format('"%s" may not post payment', @book@.actor()),
            hint = 'Ask someone with the authority; the tables member and authority say who has it.';
    end if;
end $$;
comment on function @book@._check_poster() is 'Refuses with LN201 who may post no payments at all.';

create function @book@.post_inbox(
    most integer default 10000, out posted integer, out known integer, out rejected integer
) language plpgsql as $$
declare
    ids bigint[];
begin
    if most is null or most < 1 then
        raise exception using errcode = '22023', message = format('%s payments cannot be posted', most),
            hint = 'Give a positive number.';
    end if;
    perform @book@._check_poster();
    select array_agg(w.id order by w.id) into ids
    from (
        select i.id from @book@.payment_inbox as i
        where i.status = 'waiting' order by i.id limit most
        for update skip locked
    ) as w;
    if ids is not null then
        perform @book@._post_inbox(ids);
    end if;
    select count(*) filter (where i.status = 'posted'), count(*) filter (where i.status = 'known'),
        count(*) filter (where i.status = 'rejected')
    into posted, known, rejected
    from @book@.payment_inbox as i
    where i.id = any (ids);
end $$;
comment on function @book@.post_inbox(integer) is
'Makes payments of what waits in the inbox, the oldest first, in one transaction; returns how many were posted, known before, and rejected. Rows that another session is posting are passed over.';

create function @book@.retry_inbox(
    code text default null, provider text default null
) returns integer language plpgsql as $$
declare
    waiting integer;
begin
    perform @book@._check_poster();
    update @book@.payment_inbox as i
    set status = 'waiting', code = null, message = null, detail = null, hint = null
    where i.status = 'rejected' and (retry_inbox.code is null or i.code = retry_inbox.code)
        and (retry_inbox.provider is null or i.provider = retry_inbox.provider);
    get diagnostics waiting = row_count;
    return waiting;
end $$;
comment on function @book@.retry_inbox(text, text) is
'Has rejected payments wait again, all of them or those of a SQLSTATE or a provider, for when the reason is gone; returns how many.';
