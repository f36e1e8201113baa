-- Notifications: what people are told, in their language, by the ways they want, once.
--
-- A producer hands over a set of notices. Their texts are filled in at once, as what is true now may not be
-- when they are read; the list in the lender's own programs and the messages are rows of the same transaction.

create table @book@.notification_topic (
    code text primary key check (code ~ '^[a-z][a-z0-9_]*$'),
    channels text[] not null check (channels @> '{app}'),
    fields text[] not null,
    is_mandatory boolean not null default false,
    description text not null
);
comment on table @book@.notification_topic is 'What people are told about.';
comment on column @book@.notification_topic.code is 'What it is called.';
comment on column @book@.notification_topic.channels is 'By which ways, unless they want it otherwise; the list in the lender''s programs is always one.';
comment on column @book@.notification_topic.fields is 'What a text about it may name, in double braces; who notifies must give all of them.';
comment on column @book@.notification_topic.is_mandatory is 'Whether it goes out by all its ways, whatever is wanted.';
comment on column @book@.notification_topic.description is 'When it is told.';

create table @book@.message_template (
    id uuid primary key default loan_engine.uuid_v7(),
    topic text not null references @book@.notification_topic,
    channel text not null references @book@.channel,
    language text not null check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    subject text not null check (subject !~ '[\r\n]'),
    body text not null,
    validity tstzrange not null default tstzrange(now(), null),
    exclude using gist (topic with =, channel with =, language with =, validity with &&)
);
comment on table @book@.message_template is 'The words for a topic, by the way they go and in a language; {{loan_no}} stands for the field.';
comment on column @book@.message_template.id is 'Key.';
comment on column @book@.message_template.topic is 'The topic.';
comment on column @book@.message_template.channel is 'The way they go.';
comment on column @book@.message_template.language is 'BCP 47 tag of the language, such as de or pt-BR.';
comment on column @book@.message_template.subject is 'The heading.';
comment on column @book@.message_template.body is 'The text.';
comment on column @book@.message_template.validity is 'When they are used; others take their place then.';

create function @book@._template_parts(template text) returns text[]
    language sql immutable parallel safe
    return regexp_split_to_array(template, '\{\{|\}\}');
comment on function @book@._template_parts(text) is 'A template taken apart: text and names of fields in turn.';

create function @book@._fill(template text, fields jsonb) returns text
    language sql immutable parallel safe as $$
    select string_agg(case when p.place % 2 = 1 then p.part else fields ->> trim(p.part) end, '' order by p.place)
    from unnest(@book@._template_parts(template)) with ordinality as p (part, place)
$$;
comment on function @book@._fill(text, jsonb) is 'A template with its fields filled in, each once, whatever they contain.';

create function @book@._check_templates() returns trigger language plpgsql as $$
declare
    fault record;
begin
    select n.topic, n.channel, n.language, u.unknown, t.fields into fault
    from entered as n
    join @book@.notification_topic as t on t.code = n.topic
    cross join unnest(array[n.subject, n.body]) as w (text)
    cross join lateral (select @book@._template_parts(w.text) as parts) as s
    cross join lateral (
        select string_agg(p.part, ', ') as unknown
        from unnest(s.parts) with ordinality as p (part, place)
        where p.place % 2 = 0 and not trim(p.part) = any (t.fields)
    ) as u
    where u.unknown is not null or regexp_replace(w.text, '\{\{[^{}]*\}\}', '', 'g') ~ '\{\{|\}\}'
    limit 1;
    if found then
        raise exception using errcode = '22023',
            message = format('the words for "%s" by %s in %s cannot be filled in', fault.topic, fault.channel, fault.language),
            detail = coalesce(format('Nobody gives %s.', nullif(fault.unknown, '')), 'Braces do not pair.'),
            hint = format('The fields of the topic are %s.', array_to_string(fault.fields, ', '));
    end if;
    return null;
end $$;
comment on function @book@._check_templates() is 'Refuses with 22023 templates that name what nobody gives.';
create trigger checked after insert on @book@.message_template
    referencing new table as entered for each statement execute function @book@._check_templates();
create trigger checked_again after update on @book@.message_template
    referencing new table as entered for each statement execute function @book@._check_templates();

create table @book@.party_language (
    party_id uuid primary key references @book@.party,
    language text not null check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$')
);
comment on table @book@.party_language is 'Which language a party is written to in; that of the book when there is no row.';
comment on column @book@.party_language.party_id is 'The party.';
comment on column @book@.party_language.language is 'BCP 47 tag of the language.';

create table @book@.notification_language (
    only_row boolean primary key default true check (only_row),
    language text not null default 'en' check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$')
);
comment on table @book@.notification_language is 'The language of the book: one row. There is a template in it for every topic and way.';
comment on column @book@.notification_language.only_row is 'True: there is one row.';
comment on column @book@.notification_language.language is 'BCP 47 tag of the language.';
insert into @book@.notification_language default values;

create table @book@.notification_preference (
    party_id uuid not null references @book@.party,
    topic text references @book@.notification_topic,
    channel text not null references @book@.channel check (channel <> 'app'),
    is_wanted boolean not null,
    changed_at timestamptz not null default clock_timestamp(),
    unique nulls not distinct (party_id, topic, channel)
);
comment on table @book@.notification_preference is 'What a party wants to be told, and how, where it is not as the topic has it.';
comment on column @book@.notification_preference.party_id is 'The party.';
comment on column @book@.notification_preference.topic is 'The topic; all of them when NULL, but for those with a row of their own.';
comment on column @book@.notification_preference.channel is 'The way.';
comment on column @book@.notification_preference.is_wanted is 'Whether they want it.';
comment on column @book@.notification_preference.changed_at is 'When they said so.';

create table @book@.notification (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    topic text not null references @book@.notification_topic,
    party_id uuid references @book@.party,
    recipient text,
    unique_key text not null,
    loan_id uuid,
    language text not null,
    title text not null,
    body text not null,
    fields jsonb not null,
    business_date date not null default @book@.business_date(),
    notified_at timestamptz not null default clock_timestamp(),
    read_at timestamptz,
    unique nulls not distinct (topic, unique_key, party_id, recipient),
    check ((party_id is null) <> (recipient is null))
);
create index on @book@.notification (party_id, id) where party_id is not null;
create index on @book@.notification (recipient, id) where recipient is not null;
comment on table @book@.notification is 'What somebody was told: the list that is read in the lender''s own programs.';
comment on column @book@.notification.id is 'Key, in the order told.';
comment on column @book@.notification.legal_entity_id is 'Who tells.';
comment on column @book@.notification.topic is 'What it is about.';
comment on column @book@.notification.party_id is 'The party that is told.';
comment on column @book@.notification.recipient is 'Or the actor who is told, such as an officer.';
comment on column @book@.notification.unique_key is 'What the recipient is told but once of the topic.';
comment on column @book@.notification.loan_id is 'The loan it is about.';
comment on column @book@.notification.language is 'The language it was wanted in.';
comment on column @book@.notification.title is 'The heading.';
comment on column @book@.notification.body is 'The text.';
comment on column @book@.notification.fields is 'What was filled in.';
comment on column @book@.notification.business_date is 'The business date it was told on.';
comment on column @book@.notification.notified_at is 'When it was told.';
comment on column @book@.notification.read_at is 'When it was read.';

create type @book@._notice as (
    legal_entity_id uuid, party_id uuid, recipient text, unique_key text, loan_id uuid, fields jsonb
);
comment on type @book@._notice is 'What one recipient is to be told.';

-- The words for each language among recipients, by each way of a topic: the very language, else the one it
-- is a variety of, else that of the book.
create function @book@._words(topic text, languages text[])
    returns table (channel text, language text, subject text, body text)
    language sql stable as $$
    select c.channel, l.language, w.subject, w.body
    from @book@.notification_topic as t
    cross join unnest(t.channels) as c (channel)
    cross join unnest(languages) as l (language)
    cross join @book@.notification_language as d
    left join lateral (
        select m.subject, m.body
        from @book@.message_template as m
        where m.topic = t.code and m.channel = c.channel and m.validity @> now()
            and m.language in (l.language, split_part(l.language, '-', 1), d.language)
        order by m.language = l.language desc, m.language = split_part(l.language, '-', 1) desc
        limit 1
    ) as w on true
    where t.code = _words.topic
$$;
comment on function @book@._words(text, text[]) is 'The templates of a topic that hold now, for each of its ways and each of some languages; NULL words where there are none.';

create function @book@._check_notices(topic text, notices @book@._notice[]) returns void language plpgsql stable as $$
declare
    about @book@.notification_topic;
    fault record;
begin
    select t.* into about from @book@.notification_topic as t where t.code = _check_notices.topic;
    if not found then
        raise exception using errcode = 'LN208', message = format('there is no topic "%s"', topic),
            hint = 'The table notification_topic lists topics.';
    end if;
    select n.unique_key, f.field into fault
    from unnest(notices) as n
    cross join unnest(about.fields) as f (field)
    where n.fields ->> f.field is null
    limit 1;
    if found then
        raise exception using errcode = '22004',
            message = format('a notice about "%s" does not say %s', topic, fault.field),
            detail = format('Its key is %s.', fault.unique_key),
            hint = format('Give all fields of the topic: %s.', array_to_string(about.fields, ', '));
    end if;
end $$;
comment on function @book@._check_notices(text, @book@._notice[]) is 'Refuses with LN208 and 22004 notices whose text cannot be filled in.';

create function @book@._notify(topic text, notices @book@._notice[]) returns bigint language plpgsql as $$
declare
    made bigint;
    missing record;
begin
    if coalesce(cardinality(notices), 0) = 0 then
        return 0;
    end if;
    perform @book@._check_notices(topic, notices);
    select w.channel, w.language into missing
    from @book@._words(topic, array(select d.language from @book@.notification_language as d)) as w
    where w.body is null limit 1;
    if found then
        raise exception using errcode = 'LN208',
            message = format('there are no words for "%s" by %s', topic, missing.channel),
            hint = format('Insert a message_template in %s, the language of the book.', missing.language);
    end if;
    with asked as materialized (
        select n.*, coalesce(l.language, d.language) as language
        from unnest(notices) as n
        cross join @book@.notification_language as d
        left join @book@.party_language as l on l.party_id = n.party_id
    ), words as materialized (
        select w.* from @book@._words(topic, array(select distinct a.language from asked as a)) as w
    ), told as (
        insert into @book@.notification
            (legal_entity_id, topic, party_id, recipient, unique_key, loan_id, language, title, body, fields)
        select a.legal_entity_id, _notify.topic, a.party_id, a.recipient, a.unique_key, a.loan_id, a.language,
            @book@._fill(w.subject, a.fields), @book@._fill(w.body, a.fields), a.fields
        from asked as a
        join words as w on w.language = a.language and w.channel = 'app'
        on conflict do nothing
        returning id, legal_entity_id, party_id, language, fields
    ), written as (
        insert into @book@.outbox (legal_entity_id, channel, address, topic, subject, body, details, notification_id)
        select t.legal_entity_id, w.channel, k.value, _notify.topic, @book@._fill(w.subject, t.fields),
            @book@._fill(w.body, t.fields), t.fields, t.id
        from told as t
        join words as w on w.language = t.language and w.channel <> 'app'
        join @book@.channel as c on c.code = w.channel
        join @book@.notification_topic as o on o.code = _notify.topic
        cross join lateral (
            select p.value from @book@.party_contact as p
            where p.party_id = t.party_id and p.kind = c.contact_kind
            order by p.is_preferred desc, p.verified_at desc nulls last, p.id limit 1
        ) as k
        where o.is_mandatory or coalesce((
            select f.is_wanted from @book@.notification_preference as f
            where f.party_id = t.party_id and f.channel = w.channel and (f.topic = _notify.topic or f.topic is null)
            order by f.topic is null limit 1), true)
        returning id, channel
    ), pending as (
        insert into @book@.outbox_pending (message_id, channel) select w.id, w.channel from written as w
    )
    select count(*) into made from told;
    return made;
end $$;
comment on function @book@._notify(text, @book@._notice[]) is
'Tells recipients something of a topic, those who were told the same before excepted; returns how many were told. Refuses with LN208 and 22004.';

create function @book@.notify_party(
    party_id uuid, topic text, unique_key text, fields jsonb default '{}', loan_id uuid default null
) returns boolean language plpgsql as $$
declare
    entity uuid := (select p.legal_entity_id from @book@.party as p where p.id = notify_party.party_id);
begin
    if entity is null then
        raise exception using errcode = 'LN208', message = format('there is no party %s', party_id),
            hint = 'The table party lists parties by party_no.';
    end if;
    perform @book@._authorise('send_message', legal_entity_id => entity);
    return @book@._notify(topic, array[row(entity, party_id, null, unique_key, loan_id, fields)::@book@._notice]) = 1;
end $$;
comment on function @book@.notify_party(uuid, text, text, jsonb, uuid) is
'Tells a party something, by the ways of the topic and their preferences; returns false if they were told the same before. Refuses with LN201, LN208 and 22004.';

create function @book@.notify_actor(
    recipient text, topic text, unique_key text, legal_entity text, fields jsonb default '{}', loan_id uuid default null
) returns boolean language plpgsql as $$
declare
    entity constant uuid := @book@._legal_entity(legal_entity);
begin
    perform @book@._authorise('send_message', legal_entity_id => entity);
    return @book@._notify(topic, array[row(entity, null, recipient, unique_key, loan_id, fields)::@book@._notice]) = 1;
end $$;
comment on function @book@.notify_actor(text, text, text, text, jsonb, uuid) is
'Tells an actor, such as an officer, something in the list of the lender''s own programs; returns false if they were told the same before. Refuses with LN201, LN208 and 22004.';

-- The list as its reader sees it.

create view @book@.my_notifications as
select n.id, n.topic, n.title, n.body, n.loan_id, n.business_date, n.notified_at, n.read_at
from @book@.notification as n
where n.recipient = @book@.actor()
    or n.party_id in (select p.id from @book@.party as p where p.actor = @book@.actor());
comment on view @book@.my_notifications is 'What the actor was told, as an actor or as a party.';
comment on column @book@.my_notifications.id is 'The notification.';
comment on column @book@.my_notifications.topic is 'What it is about.';
comment on column @book@.my_notifications.title is 'The heading.';
comment on column @book@.my_notifications.body is 'The text.';
comment on column @book@.my_notifications.loan_id is 'The loan it is about.';
comment on column @book@.my_notifications.business_date is 'The business date it was told on.';
comment on column @book@.my_notifications.notified_at is 'When it was told.';
comment on column @book@.my_notifications.read_at is 'When it was read; NULL while it is not.';

create function @book@.mark_read(ids uuid[] default null) returns bigint language plpgsql as $$
declare
    marked bigint;
begin
    perform @book@._check_actor();
    update @book@.notification as n
    set read_at = clock_timestamp()
    from @book@.my_notifications as m
    where m.id = n.id and n.read_at is null and (ids is null or n.id = any (ids));
    get diagnostics marked = row_count;
    return marked;
end $$;
comment on function @book@.mark_read(uuid[]) is
'Marks what the actor was told as read, all of it unless named; returns how much was not. Refuses with LN201.';

create function @book@.retire_notifications(before timestamptz) returns bigint language plpgsql as $$
declare
    gone bigint;
begin
    perform @book@._authorise('retire_notifications');
    delete from @book@.notification as n where n.notified_at < before;
    get diagnostics gone = row_count;
    return gone;
end $$;
comment on function @book@.retire_notifications(timestamptz) is
'Takes notifications of before a moment from the lists; messages and receipts stay. Returns how many. Refuses with LN201.';

create view @book@.unreached_notification as
select n.id, n.topic, n.party_id, n.notified_at, t.is_mandatory,
    array(select o.channel || ': ' || s.status from @book@.outbox as o join @book@.outbox_status as s on s.message_id = o.id
        where o.notification_id = n.id order by o.channel) as messages
from @book@.notification as n
join @book@.notification_topic as t on t.code = n.topic
where n.read_at is null and cardinality(t.channels) > 1 and n.party_id is not null and not exists (
    select from @book@.outbox as o join @book@.outbox_status as s on s.message_id = o.id
    where o.notification_id = n.id and s.status in ('waiting', 'trying', 'sent', 'delivered', 'opened', 'complained'));
comment on view @book@.unreached_notification is
'What parties were to be told and no way took: none was wanted, there is no address, or every message bounced or was given up; those that were read excepted.';
comment on column @book@.unreached_notification.id is 'The notification.';
comment on column @book@.unreached_notification.topic is 'What it is about.';
comment on column @book@.unreached_notification.party_id is 'Who was to be told.';
comment on column @book@.unreached_notification.notified_at is 'When.';
comment on column @book@.unreached_notification.is_mandatory is 'Whether they must be told.';
comment on column @book@.unreached_notification.messages is 'The ways that were tried, and what became of them.';

insert into @book@.check_definition values
    ('topics have words', 'There are words for every topic, by each of its ways, in the language of the book.',
    'select format(''%s by %s'', t.code, w.channel)
        from @book@.notification_topic as t
        cross join @book@.notification_language as d
        cross join lateral @book@._words(t.code, array[d.language]) as w
        where w.body is null');
