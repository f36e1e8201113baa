-- What leaves the database: messages, kept in the transaction that has something to say, and sent by a
-- program that stands beside the server, as often as it takes and with the same key each time.
--
-- A message never changes; what is still to be done with it is a narrow row that is deleted when it is
-- done, and what became of it is a list of receipts.

create table @book@.channel (
    code text primary key check (code ~ '^[a-z][a-z0-9_]*$'),
    transport text not null check (transport in ('none', 'smtp', 'http')),
    contact_kind text check (contact_kind in ('address', 'phone', 'email')),
    attempts_max integer not null default 12 check (attempts_max > 0),
    first_wait interval not null default '10 seconds' check (first_wait > '0'),
    longest_wait interval not null default '6 hours' check (longest_wait >= first_wait),
    description text not null
);
comment on table @book@.channel is 'A way to reach somebody, and how patiently it is tried.';
comment on column @book@.channel.code is 'What it is called.';
comment on column @book@.channel.transport is 'How messages leave: by SMTP, by HTTP, or not at all.';
comment on column @book@.channel.contact_kind is 'Which contact of a party is its address.';
comment on column @book@.channel.attempts_max is 'How often a message is tried before it is given up.';
comment on column @book@.channel.first_wait is 'The longest wait after the first failure; each further one doubles it.';
comment on column @book@.channel.longest_wait is 'The longest wait of all.';
comment on column @book@.channel.description is 'What goes by it.';
insert into @book@.channel (code, transport, contact_kind, description) values
    ('app', 'none', null, 'the list that is read in the lender''s own programs'),
    ('email', 'smtp', 'email', 'electronic mail'),
    ('sms', 'http', 'phone', 'short messages, by the interface of a provider'),
    ('post', 'http', 'address', 'letters, by the interface of who prints them'),
    ('http', 'http', null, 'requests to other programs');

create table @book@.outbox (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    channel text not null references @book@.channel check (channel <> 'app'),
    address text not null check (address <> ''),
    topic text,
    subject text,
    body text not null,
    details jsonb not null default '{}' check (jsonb_typeof(details) = 'object'),
    notification_id uuid,
    unique_key text,
    business_date date not null default @book@.business_date(),
    written_at timestamptz not null default clock_timestamp(),
    actor text not null default @book@.actor()
);
create unique index outbox_unique_key on @book@.outbox (channel, address, unique_key) where unique_key is not null;
create index on @book@.outbox (notification_id) where notification_id is not null;
select @book@._make_append_only('@book@.outbox');
comment on table @book@.outbox is 'Messages to others; they are there when the transaction that has something to say is.';
comment on column @book@.outbox.id is 'Key: told to the receiver with every attempt, so that a message that comes twice is known to be one.';
comment on column @book@.outbox.legal_entity_id is 'Who writes.';
comment on column @book@.outbox.channel is 'By which way.';
comment on column @book@.outbox.address is 'Where to.';
comment on column @book@.outbox.topic is 'What it is about.';
comment on column @book@.outbox.subject is 'Its heading.';
comment on column @book@.outbox.body is 'Its text.';
comment on column @book@.outbox.details is 'What a program that receives it is told besides.';
comment on column @book@.outbox.notification_id is 'The notification it brings.';
comment on column @book@.outbox.unique_key is 'What there is but one message of to an address.';
comment on column @book@.outbox.business_date is 'The business date it was written on.';
comment on column @book@.outbox.written_at is 'When it was written.';
comment on column @book@.outbox.actor is 'Who had it written.';

create table @book@.outbox_pending (
    message_id uuid primary key references @book@.outbox,
    channel text not null,
    due_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    earlier integer not null default 0
) with (fillfactor = 70);
create index on @book@.outbox_pending (channel, due_at);
comment on table @book@.outbox_pending is 'Messages that are not sent yet.';
comment on column @book@.outbox_pending.message_id is 'The message.';
comment on column @book@.outbox_pending.channel is 'Its channel.';
comment on column @book@.outbox_pending.due_at is 'When it is to be tried: not before, and not while a sender may be at it.';
comment on column @book@.outbox_pending.attempts is 'How often it was taken; the number of the last attempt.';
comment on column @book@.outbox_pending.earlier is 'How many of these were made before it was given up once.';

create table @book@.receipt (
    id bigint generated always as identity primary key,
    message_id uuid not null references @book@.outbox,
    kind text not null check (kind in ('failed', 'sent', 'delivered', 'opened', 'bounced', 'complained', 'gave_up', 'cancelled')),
    attempt integer,
    reference text,
    detail text,
    received_at timestamptz not null default clock_timestamp()
);
create index on @book@.receipt (message_id);
create unique index receipt_once on @book@.receipt (message_id, kind)
    where kind in ('delivered', 'opened', 'bounced', 'complained');
create index on @book@.receipt (reference) where reference is not null;
select @book@._make_append_only('@book@.receipt');
comment on table @book@.receipt is 'What became of messages.';
comment on column @book@.receipt.id is 'Key, in the order they came.';
comment on column @book@.receipt.message_id is 'The message.';
comment on column @book@.receipt.kind is
'Failed, one attempt; sent, taken over by who carries it; delivered, opened, bounced, complained, as that one tells later; given up; cancelled.';
comment on column @book@.receipt.attempt is 'The number of the attempt.';
comment on column @book@.receipt.reference is 'The name of the message there.';
comment on column @book@.receipt.detail is 'What was said.';
comment on column @book@.receipt.received_at is 'When it came.';

-- A doorbell and no more: who does not hear it looks by itself after a while. It is rung once a statement,
-- and only if somebody listens, as all transactions that ring wait for one another to commit.
create table @book@.outbox_listener (
    name text primary key check (name <> ''),
    seen_at timestamptz not null default clock_timestamp()
);
comment on table @book@.outbox_listener is 'Senders, and when each was last seen.';
comment on column @book@.outbox_listener.name is 'What the sender calls itself.';
comment on column @book@.outbox_listener.seen_at is 'When it last said that it is there.';

create function @book@.attend_outbox(name text) returns text language sql as $$
    select @book@._authorise('send_messages');
    insert into @book@.outbox_listener as l (name) values (attend_outbox.name)
    on conflict on constraint outbox_listener_pkey do update set seen_at = clock_timestamp();
    select 'outbox of ' || b.name from @book@.book as b
$$;
comment on function @book@.attend_outbox(text) is
'Says that a sender is there, for a minute, and returns the channel to LISTEN to. Refuses with LN201.';

create function @book@._ring_outbox() returns trigger language plpgsql as $$
begin
    if exists (select from @book@.outbox_listener as l where l.seen_at > clock_timestamp() - interval '1 minute')
        and exists (select from entered) then
        perform pg_notify('outbox of ' || b.name, '') from @book@.book as b;
    end if;
    return null;
end $$;
comment on function @book@._ring_outbox() is 'Tells senders that there is something to send.';
create trigger rung after insert on @book@.outbox_pending
    referencing new table as entered for each statement execute function @book@._ring_outbox();

create function @book@.send_message(
    channel text, address text, body text, subject text default null, topic text default null,
    details jsonb default '{}', unique_key text default null, legal_entity text default null
) returns uuid language plpgsql as $$
declare
    entity uuid := case when legal_entity is not null then @book@._legal_entity(legal_entity)
        else (select (array_agg(e.id))[1] from @book@.legal_entity as e having count(*) = 1) end;
    made uuid;
begin
    if entity is null then
        raise exception using errcode = '22004', message = 'a message needs a legal entity that writes it',
            hint = 'Give legal_entity: the book has several, or none.';
    end if;
    perform @book@._authorise('send_message', legal_entity_id => entity);
    insert into @book@.outbox (legal_entity_id, channel, address, topic, subject, body, details, unique_key)
    values (entity, send_message.channel, send_message.address, send_message.topic, send_message.subject,
        send_message.body, send_message.details, send_message.unique_key)
    on conflict do nothing
    returning id into made;
    if made is not null then
        insert into @book@.outbox_pending (message_id, channel) values (made, send_message.channel);
        return made;
    end if;
    return (
        select o.id from @book@.outbox as o
        where o.channel = send_message.channel and o.address = send_message.address
            and o.unique_key = send_message.unique_key);
end $$;
comment on function @book@.send_message(text, text, text, text, text, jsonb, text, text) is
'Writes a message, which is sent once the transaction commits, and returns its key: that of the earlier one where there is one of this unique_key to the address. Refuses with LN201.';

-- For senders.

create function @book@.take_messages(channels text[], most integer default 100, lease interval default '2 minutes')
    returns table (
        id uuid, attempt integer, channel text, address text, topic text, subject text, body text, details jsonb,
        legal_entity text)
    language plpgsql as $$
#variable_conflict use_column
begin
    if most is null or most < 1 or lease is null or lease <= '0' then
        raise exception using errcode = '22023', message = format('%s messages cannot be taken for %s', most, lease),
            hint = 'Give positive numbers.';
    end if;
    perform @book@._authorise('send_messages');
    return query
        with due as (
            select p.message_id
            from @book@.outbox_pending as p
            where p.channel = any (take_messages.channels) and p.due_at <= clock_timestamp()
            order by p.due_at
            limit most
            for update skip locked
        ), taken as (
            update @book@.outbox_pending as p
            set attempts = p.attempts + 1, due_at = clock_timestamp() + lease
            from due as d
            where p.message_id = d.message_id
            returning p.message_id, p.attempts
        )
        select o.id, t.attempts, o.channel, o.address, o.topic, o.subject, o.body, o.details, e.code
        from taken as t
        join @book@.outbox as o on o.id = t.message_id
        join @book@.legal_entity as e on e.id = o.legal_entity_id
        order by o.id;
end $$;
comment on function @book@.take_messages(text[], integer, interval) is
'Messages that are due, for a sender to send: they are its own for the lease, and due again after it. Refuses with LN201.';

create function @book@.next_message_due(channels text[]) returns timestamptz language sql stable as $$
    select min(p.due_at) from @book@.outbox_pending as p where p.channel = any (channels)
$$;
comment on function @book@.next_message_due(text[]) is 'When the next message is due; NULL when none is pending.';

-- What was sent was sent, whichever attempt it was. A failure counts only of who has the message now.
create function @book@.confirm_message(message_id uuid, attempt integer, reference text default null)
    returns boolean language plpgsql as $$
declare
    was_pending boolean;
begin
    perform @book@._authorise('send_messages');
    delete from @book@.outbox_pending as p where p.message_id = confirm_message.message_id;
    was_pending := found;
    insert into @book@.receipt (message_id, kind, attempt, reference)
    values (confirm_message.message_id, 'sent', confirm_message.attempt, confirm_message.reference);
    return was_pending;
end $$;
comment on function @book@.confirm_message(uuid, integer, text) is
'Notes that a message was sent, with its name where it was sent to; returns false if that was known. Refuses with LN201.';

create function @book@.fail_message(
    message_id uuid, attempt integer, detail text, is_final boolean default false, retry_after interval default null
) returns text language plpgsql as $$
declare
    held record;
begin
    perform @book@._authorise('send_messages');
    select p.attempts - p.earlier as attempts, c.attempts_max, c.first_wait, c.longest_wait into held
    from @book@.outbox_pending as p
    join @book@.channel as c on c.code = p.channel
    where p.message_id = fail_message.message_id and p.attempts = fail_message.attempt
    for update of p;
    if not found then
        return 'late';
    end if;
    insert into @book@.receipt (message_id, kind, attempt, detail)
    values (fail_message.message_id, 'failed', fail_message.attempt, fail_message.detail);
    if is_final or held.attempts >= held.attempts_max then
        delete from @book@.outbox_pending as p where p.message_id = fail_message.message_id;
        insert into @book@.receipt (message_id, kind, attempt, detail)
        values (fail_message.message_id, 'gave_up', fail_message.attempt, fail_message.detail);
        return 'gave_up';
    end if;
    -- Full jitter: all waits up to the longest are as likely, so that what failed together comes apart.
    update @book@.outbox_pending as p
    set due_at = clock_timestamp() + greatest(fail_message.retry_after,
        random() * least(held.longest_wait, held.first_wait * 2 ^ least(held.attempts - 1, 30)))
    where p.message_id = fail_message.message_id;
    return 'waiting';
end $$;
comment on function @book@.fail_message(uuid, integer, text, boolean, interval) is
'Notes that an attempt failed and returns what follows: waiting for another, gave_up, or late when the message is somebody else''s by now. Refuses with LN201.';

create function @book@.record_receipt(message_id uuid, kind text, detail text default null, reference text default null)
    returns boolean language plpgsql as $$
begin
    perform @book@._authorise('send_messages');
    if kind is null or kind not in ('delivered', 'opened', 'bounced', 'complained') then
        raise exception using errcode = '22023', message = format('"%s" is not a receipt that comes later', kind),
            hint = 'Known names: delivered, opened, bounced, complained.';
    elsif not exists (select from @book@.outbox as o where o.id = record_receipt.message_id) then
        raise exception using errcode = 'LN208', message = format('there is no message %s', message_id),
            hint = 'Give the key that was sent with it.';
    end if;
    insert into @book@.receipt (message_id, kind, detail, reference)
    values (record_receipt.message_id, record_receipt.kind, record_receipt.detail, record_receipt.reference)
    on conflict do nothing;
    return found;
end $$;
comment on function @book@.record_receipt(uuid, text, text, text) is
'Keeps what was heard later of a message: delivered, opened, bounced, complained; returns false if that was known. Refuses with LN201, LN208, 22023.';

create function @book@.cancel_message(message_id uuid, reason text) returns boolean language plpgsql as $$
begin
    perform @book@._authorise('send_message', legal_entity_id => (
        select o.legal_entity_id from @book@.outbox as o where o.id = cancel_message.message_id));
    delete from @book@.outbox_pending as p where p.message_id = cancel_message.message_id;
    if found then
        insert into @book@.receipt (message_id, kind, detail) values (cancel_message.message_id, 'cancelled', reason);
        return true;
    end if;
    return false;
end $$;
comment on function @book@.cancel_message(uuid, text) is
'Has a message not sent; returns false if it was too late. One that is on its way may arrive all the same. Refuses with LN201.';

create function @book@.resend_messages(channel text default null, since timestamptz default '-infinity')
    returns bigint language plpgsql as $$
declare
    waiting bigint;
begin
    perform @book@._authorise('send_message');
    insert into @book@.outbox_pending (message_id, channel, attempts, earlier)
    select o.id, o.channel, s.attempts, s.attempts
    from @book@.outbox_status as s
    join @book@.outbox as o on o.id = s.message_id
    where s.status = 'gave_up' and o.written_at >= since and (resend_messages.channel is null or o.channel = resend_messages.channel)
    on conflict do nothing;
    get diagnostics waiting = row_count;
    return waiting;
end $$;
comment on function @book@.resend_messages(text, timestamptz) is
'Has messages that were given up tried again, those of a channel or written since a moment; returns how many. Refuses with LN201.';

create view @book@.outbox_status as
select o.id as message_id, o.channel, o.topic, o.written_at,
    case when p.message_id is not null then case when p.attempts = 0 then 'waiting' else 'trying' end
        else (
            select r.kind from @book@.receipt as r
            where r.message_id = o.id and r.kind <> 'failed'
            order by array_position('{cancelled,gave_up,sent,delivered,opened,bounced,complained}', r.kind) desc, r.id desc
            limit 1) end as status,
    p.due_at, coalesce(p.attempts, (select max(r.attempt) from @book@.receipt as r where r.message_id = o.id), 0) as attempts,
    (select r.detail from @book@.receipt as r where r.message_id = o.id and r.kind = 'failed' order by r.id desc limit 1) as last_error
from @book@.outbox as o
left join @book@.outbox_pending as p on p.message_id = o.id;
comment on view @book@.outbox_status is 'How far each message is.';
comment on column @book@.outbox_status.message_id is 'The message.';
comment on column @book@.outbox_status.channel is 'Its channel.';
comment on column @book@.outbox_status.topic is 'What it is about.';
comment on column @book@.outbox_status.written_at is 'When it was written.';
comment on column @book@.outbox_status.status is
'Waiting, trying, sent, delivered, opened, bounced, complained, gave_up or cancelled.';
comment on column @book@.outbox_status.due_at is 'When it is tried next.';
comment on column @book@.outbox_status.attempts is 'How often it was tried.';
comment on column @book@.outbox_status.last_error is 'What the last failure was.';

insert into @book@.check_definition values
    ('messages are pending or settled', 'Every message waits to be sent, or a receipt says what became of it.',
    'select format(''message %s'', message_id) from @book@.outbox_status where status is null');
