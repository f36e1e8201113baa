-- Webhooks: what providers tell of payments, kept to the byte, proved, and made payments of.
--
-- A delivery is checked and written down, which is all a provider waits for. Later what was written down
-- is read by the mapping of its provider into payment_inbox, in the order in which it happened there, and
-- posted. One session at a time does that, so that payments of a borrower are posted in their order.

create table @book@.webhook_provider (
    code text primary key check (code <> '' and length(code) <= 100),
    scheme jsonb not null check (jsonb_typeof(scheme) = 'object'),
    secret text not null check (secret ~ '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$'),
    mapping jsonb not null check (jsonb_typeof(mapping) = 'object'),
    event_header text check (event_header <> ''),
    legal_entity_id uuid references @book@.legal_entity,
    most_bytes integer not null default 1048576 check (most_bytes between 1 and 67108864),
    is_active boolean not null default true
);
comment on table @book@.webhook_provider is 'Who may tell of payments by webhooks, how they prove themselves, and how they are read.';
comment on column @book@.webhook_provider.code is 'Its name; provider of the payments.';
comment on column @book@.webhook_provider.scheme is 'How it signs, as docs/intake.md says.';
comment on column @book@.webhook_provider.secret is
'The file in loan_engine.fetch_credentials that holds the secret; while it is replaced, the old and the new, one a line.';
comment on column @book@.webhook_provider.mapping is 'Where an event says what, as docs/intake.md says.';
comment on column @book@.webhook_provider.event_header is 'The header that names the event, where the body does not.';
comment on column @book@.webhook_provider.legal_entity_id is 'Who receives the payments, where events do not say.';
comment on column @book@.webhook_provider.most_bytes is 'How large a body may be.';
comment on column @book@.webhook_provider.is_active is 'Whether deliveries are taken.';

create function @book@._check_webhook_provider() returns trigger language plpgsql as $$
begin
    perform loan_engine.check_webhook_format(new.scheme, new.mapping);
    return new;
end $$;
comment on function @book@._check_webhook_provider() is 'Refuses with 22023 a provider whose webhooks could not be checked or read.';
create trigger checked before insert or update on @book@.webhook_provider
    for each row execute function @book@._check_webhook_provider();

create table @book@.webhook_event (
    id bigint generated always as identity primary key,
    provider text not null references @book@.webhook_provider,
    event_id text not null check (event_id <> '' and length(event_id) <= 255),
    headers jsonb not null,
    body bytea not null,
    received_at timestamptz not null default clock_timestamp(),
    status text not null default 'waiting' check (status in ('waiting', 'read', 'ignored', 'faulty')),
    read_at timestamptz,
    payments integer,
    fault text,
    unique (provider, event_id),
    check ((status = 'waiting') = (read_at is null)),
    check ((status = 'faulty') = (fault is not null))
);
create index on @book@.webhook_event (id) where status = 'waiting';
create index on @book@.webhook_event (id) where status = 'faulty';
comment on table @book@.webhook_event is 'Deliveries that were proved, each event once, as they came.';
comment on column @book@.webhook_event.id is 'Key, in the order they came.';
comment on column @book@.webhook_event.provider is 'Who told.';
comment on column @book@.webhook_event.event_id is
'The name of the event there; SHA-256 of the body where none is to be found.';
comment on column @book@.webhook_event.headers is 'The headers that came with it.';
comment on column @book@.webhook_event.body is 'What was told, byte for byte.';
comment on column @book@.webhook_event.received_at is 'When it came first.';
comment on column @book@.webhook_event.status is
'Waiting; read, when its payments are in payment_inbox; ignored, when it is of none; or faulty.';
comment on column @book@.webhook_event.read_at is 'When it was read last.';
comment on column @book@.webhook_event.payments is 'How many payments it was found to tell of.';
comment on column @book@.webhook_event.fault is 'Why it, or a payment of it, cannot be read.';

create function @book@._keep_webhook() returns trigger language plpgsql as $$
begin
    perform
    from replaced as o
    left join changed as n using (id)
    where (o.provider, o.event_id, o.headers, o.body, o.received_at)
        is distinct from (n.provider, n.event_id, n.headers, n.body, n.received_at)
    order by o.id
    limit 1;
    if found then
        raise exception using errcode = 'LN205', message = 'a webhook stays as it came',
            hint = 'What is wrong with it is the provider''s to send again as another event.';
    end if;
    return null;
end $$;
comment on function @book@._keep_webhook() is 'Refuses to change what was told.';
create trigger kept after update on @book@.webhook_event
    referencing old table as replaced new table as changed for each statement execute function @book@._keep_webhook();
create trigger kept_all before delete or truncate on @book@.webhook_event
    for each statement execute function @book@._refuse_change();

create function @book@.receive_webhooks(
    provider text, headers jsonb[], bodies bytea[], at timestamptz default clock_timestamp()
) returns table (place integer, event_id text, outcome text, reason text) language plpgsql as $$
declare
    told @book@.webhook_provider;
begin
    select w.* into told from @book@.webhook_provider as w where w.code = provider and w.is_active;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no active webhook provider "%s"', provider),
            hint = 'The table webhook_provider lists providers by their code.';
    elsif cardinality(headers) <> cardinality(bodies) then
        raise exception using errcode = '22023', message = 'each body needs its headers',
            detail = format('There are %s headers and %s bodies.', cardinality(headers), cardinality(bodies)),
            hint = 'Give as many of one as of the other.';
    end if;
    return query
    with came as materialized (
        select d.place::integer as place, d.headers, d.body, case
            when d.body is null or d.headers is null then 'the delivery is NULL'
            when length(d.body) > told.most_bytes then format('the body has more than %s bytes', told.most_bytes)
            else loan_engine._webhook_fault(told.scheme, told.secret, d.headers, d.body, at) end as fault
        from unnest(headers, bodies) with ordinality as d (headers, body, place)
    ), named as materialized (
        select c.place, c.headers, c.body, c.fault, case when c.fault is null then coalesce(
            left((select nullif(h.value, '') from jsonb_each_text(c.headers) as h
                where lower(h.key) = lower(told.event_header) limit 1), 255),
            loan_engine._webhook_event_id(c.body, told.mapping), encode(sha256(c.body), 'hex')) end as name
        from came as c
    ), kept as (
        insert into @book@.webhook_event (provider, event_id, headers, body)
        select provider, n.name, n.headers, n.body
        from named as n
        where n.fault is null
        order by n.place
        on conflict do nothing
        returning webhook_event.event_id
    )
    select n.place, n.name, case
            when n.fault is not null then 'refused'
            when k.event_id is not null and row_number() over (partition by n.name order by n.place) = 1 then 'taken'
            else 'known' end, n.fault
    from named as n
    left join kept as k on k.event_id = n.name
    order by n.place;
end $$;
comment on function @book@.receive_webhooks(text, jsonb[], bytea[], timestamptz) is
'Takes deliveries of a provider, headers and bodies as they came: each is taken, known (the event came before), or refused with the reason when it is not proved that the provider sent it. What is taken or known may be acknowledged once this commits.';

create function @book@.receive_webhook(
    provider text, headers jsonb, body bytea, at timestamptz default clock_timestamp()
) returns text language plpgsql as $$
declare
    made record;
begin
    select r.outcome, r.reason into made
    from @book@.receive_webhooks(provider, array[headers], array[body], at) as r;
    if made.outcome = 'refused' then
        raise exception using errcode = 'LN311', message = format('a webhook of "%s" is not proved', provider),
            detail = format('The reason: %s.', made.reason),
            hint = 'Look at the secret and the signature scheme of the provider, and at the clock; or somebody else sent it.';
    end if;
    return made.outcome;
end $$;
comment on function @book@.receive_webhook(text, jsonb, bytea, timestamptz) is
'Takes one delivery of a provider: taken, or known when the event came before. Refuses with LN311 what is not proved.';

create function @book@._read_webhooks(most integer) returns integer language plpgsql as $$
declare
    ids bigint[];
    refused_message text;
begin
    ids := array(
        select w.id from @book@.webhook_event as w where w.status = 'waiting' order by w.id limit most for update skip locked);
    if cardinality(ids) = 0 then
        return 0;
    end if;
    -- What happened first is posted first, in whatever order it came.
    with payments as materialized (
        select w.id, w.provider, w.received_at, e.code as entity, r.*
        from @book@.webhook_event as w
        join @book@.webhook_provider as p on p.code = w.provider
        left join @book@.legal_entity as e on e.id = p.legal_entity_id
        cross join lateral loan_engine.read_payments(w.body, p.mapping) as r
        where w.id = any (ids)
    ), outcome as (
        select i.id, count(r.payment_number) filter (where r.fault is null) as payments,
            string_agg(format('payment %s: %s', r.payment_number, r.fault), '; ' order by r.payment_number)
                filter (where r.fault is not null) as fault
        from unnest(ids) as i (id)
        left join payments as r on r.id = i.id
        group by i.id
    ), passed_on as (
        insert into @book@.payment_inbox (provider, reference, legal_entity, direction, kind, loan_no, party_no, amount, currency,
            value_date, method, channel, received_at, webhook_event_id)
        select r.provider, r.reference, coalesce(r.legal_entity, r.entity), r.direction, r.kind, r.loan_no, r.party_no, r.amount,
            r.currency, r.value_date, r.method, coalesce(r.channel, 'webhook'), r.received_at, r.id
        from payments as r
        join outcome as o on o.id = r.id and o.fault is null
        order by coalesce(r.occurred_at, r.received_at), r.id, r.payment_number
    )
    update @book@.webhook_event as w
    set status = case when o.fault is not null then 'faulty' when o.payments = 0 then 'ignored' else 'read' end,
        read_at = clock_timestamp(), payments = o.payments, fault = o.fault
    from outcome as o
    where w.id = o.id;
    return cardinality(ids);
end $$;
comment on function @book@._read_webhooks(integer) is
'Reads what waits into payment_inbox, all payments of an event or none; returns how many events.';

create function @book@.post_webhooks(
    most integer default 10000, out events integer, out posted integer, out known integer, out rejected integer
) language plpgsql as $$
begin
    if most is null or most < 1 then
        raise exception using errcode = '22023', message = format('%s events cannot be posted', most),
            hint = 'Give a positive number.';
    end if;
    perform @book@._check_poster();
    events := 0;
    posted := 0;
    known := 0;
    rejected := 0;
    -- Two at once could post the later of two payments of a borrower first.
    if not pg_try_advisory_xact_lock('@book@.webhook_event'::regclass::oid::integer, 0) then
        return;
    end if;
    events := @book@._read_webhooks(most);
    select p.posted, p.known, p.rejected into posted, known, rejected from @book@.post_inbox(greatest(most, events)) as p;
end $$;
comment on function @book@.post_webhooks(integer) is
'Makes payments of the webhooks that wait, in the order in which they happened at their providers, in one transaction; returns how many events were read and how many payments posted, known before, and rejected. While another session does, nothing is done.';

create function @book@.replay_webhooks(
    provider text, since timestamptz default '-infinity', event_id text default null, with_read boolean default false
) returns integer language plpgsql as $$
declare
    waiting integer;
begin
    perform @book@._check_poster();
    update @book@.webhook_event as w
    set status = 'waiting', read_at = null, payments = null, fault = null
    where w.provider = replay_webhooks.provider and w.received_at >= since
        and (replay_webhooks.event_id is null or w.event_id = replay_webhooks.event_id)
        and (w.status in ('faulty', 'ignored') or with_read and w.status = 'read');
    get diagnostics waiting = row_count;
    return waiting;
end $$;
comment on function @book@.replay_webhooks(text, timestamptz, text, boolean) is
'Has events of a provider wait again that were faulty or ignored, as when its mapping was mended; with_read, those that were read, too, whose payments are then known. Returns how many.';

create view @book@.v_webhook as
select w.provider, w.status, count(*) as events, sum(w.payments) as payments, min(w.received_at) as first_received_at,
    max(w.received_at) as last_received_at, min(w.fault) as example
from @book@.webhook_event as w
group by w.provider, w.status;
comment on view @book@.v_webhook is 'How the webhooks of each provider fare.';
comment on column @book@.v_webhook.provider is 'Who told.';
comment on column @book@.v_webhook.status is 'Waiting, read, ignored or faulty.';
comment on column @book@.v_webhook.events is 'How many events are so.';
comment on column @book@.v_webhook.payments is 'How many payments they tell of.';
comment on column @book@.v_webhook.first_received_at is 'When the first of them came.';
comment on column @book@.v_webhook.last_received_at is 'When the last of them came.';
comment on column @book@.v_webhook.example is 'Of the faults one.';

insert into @book@.check_definition values
    ('webhooks are in the inbox', 'Every payment of a webhook that was read is in payment_inbox.',
    'select format(''event %s of %s: %s payments, %s in the inbox'', w.event_id, w.provider, w.payments, coalesce(i.payments, 0))
        from @book@.webhook_event as w
        left join (
            select n.webhook_event_id, count(*) as payments from @book@.payment_inbox as n
            where n.webhook_event_id is not null group by n.webhook_event_id
        ) as i on i.webhook_event_id = w.id
        where w.status = ''read'' and coalesce(i.payments, 0) < w.payments');
