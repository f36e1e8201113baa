-- Price lists that are fetched: where, in which form, when, and what became of it.
--
-- A feed is claimed, fetched and noted in three transactions. Nothing is held while its host takes its time.
-- What a list says goes into price_inbox as if it had been pushed.

create table @book@.price_feed (
    code text primary key check (code <> ''),
    source text not null check (source <> ''),
    url text not null,
    headers jsonb not null default '{}' check (jsonb_typeof(headers) = 'object'),
    format jsonb not null check (jsonb_typeof(format) = 'object'),
    credential text check (credential ~ '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$'),
    unit text check (unit in ('gram', 'kilogram', 'tola', 'troy_ounce')),
    every interval not null default '1 hour' check (every between '1 second' and '366 days'),
    calendar_code text references @book@.calendar,
    time_zone text not null default 'UTC',
    opens_at time not null default '00:00',
    closes_at time not null default '24:00',
    time_out_seconds integer not null default 30 check (time_out_seconds between 1 and 300),
    most_bytes integer not null default 4194304 check (most_bytes between 1 and 67108864),
    attempts integer not null default 5 check (attempts between 1 and 100),
    retry_from interval not null default '10 seconds' check (retry_from between '0' and '1 day'),
    retry_up_to interval not null default '15 minutes' check (retry_up_to between '0' and '1 day'),
    is_active boolean not null default true
);
comment on table @book@.price_feed is 'Price lists that are fetched. What is wrong with a row is refused when it is written.';
comment on column @book@.price_feed.code is 'Its name.';
comment on column @book@.price_feed.source is 'Who says what it says: source in price_inbox. Several feeds may have one.';
comment on column @book@.price_feed.url is 'Where it is; its host must be listed in loan_engine.fetch_hosts. No place for a secret.';
comment on column @book@.price_feed.headers is 'Headers that are sent, such as accept.';
comment on column @book@.price_feed.format is 'How it is read, as for loan_engine.read_prices.';
comment on column @book@.price_feed.credential is 'The file in loan_engine.fetch_credentials that proves who is asking.';
comment on column @book@.price_feed.unit is 'Of metals: the unit that is priced; that of the asset when NULL.';
comment on column @book@.price_feed.every is 'How often it is fetched while its market is open.';
comment on column @book@.price_feed.calendar_code is 'On whose business days its market is open; on all days when NULL.';
comment on column @book@.price_feed.time_zone is 'In which time zone the hours of the market are.';
comment on column @book@.price_feed.opens_at is 'When its market opens.';
comment on column @book@.price_feed.closes_at is 'When it closes. Where that is before it opens, it opens on the evening before.';
comment on column @book@.price_feed.time_out_seconds is 'How long a fetch may take with everything that belongs to it.';
comment on column @book@.price_feed.most_bytes is 'How large the list may be.';
comment on column @book@.price_feed.attempts is 'How often a fetch that fails is tried before it is left until its next time.';
comment on column @book@.price_feed.retry_from is 'Up to how long is waited after the first failure; twice as long after each further one. How long it is, chance says.';
comment on column @book@.price_feed.retry_up_to is 'The longest that is waited before a further attempt.';
comment on column @book@.price_feed.is_active is 'Whether it is fetched when it is due.';

create table @book@.price_feed_symbol (
    feed_code text not null references @book@.price_feed on delete cascade,
    symbol text not null check (symbol <> ''),
    asset_code text not null references @book@.asset (code),
    primary key (feed_code, symbol)
);
comment on table @book@.price_feed_symbol is
'What a feed calls assets. A feed that has none here names assets by their code and passes on all of its rows; one that has some passes on these.';
comment on column @book@.price_feed_symbol.feed_code is 'The feed.';
comment on column @book@.price_feed_symbol.symbol is 'What it says.';
comment on column @book@.price_feed_symbol.asset_code is 'What is meant.';

create table @book@.price_feed_state (
    feed_code text primary key references @book@.price_feed on delete cascade,
    next_try_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    claim uuid,
    claimed_until timestamptz,
    last_try_at timestamptz,
    last_success_at timestamptz,
    last_error jsonb,
    last_rows bytea[] not null default '{}'
);
comment on table @book@.price_feed_state is 'Where each feed stands: when it is tried next, and what went wrong.';
comment on column @book@.price_feed_state.feed_code is 'The feed.';
comment on column @book@.price_feed_state.next_try_at is 'When it is due.';
comment on column @book@.price_feed_state.attempts is 'How often it failed since it last succeeded or was left until its next time.';
comment on column @book@.price_feed_state.claim is 'Whoever fetches it at present; what others come back with is not taken.';
comment on column @book@.price_feed_state.claimed_until is 'Until when nobody else fetches it, should whoever does not come back.';
comment on column @book@.price_feed_state.last_try_at is 'When it was last tried.';
comment on column @book@.price_feed_state.last_success_at is 'When it last succeeded.';
comment on column @book@.price_feed_state.last_error is 'What went wrong since: code, message, detail and hint.';
comment on column @book@.price_feed_state.last_rows is 'Hashes of the rows of its last list: those are not passed on again.';

create table @book@.price_fetch (
    id uuid primary key default loan_engine.uuid_v7(),
    feed_code text not null,
    url text not null,
    started_at timestamptz not null,
    fetched_at timestamptz not null,
    status integer,
    content_type text,
    bytes integer,
    body_hash bytea,
    passed_on integer,
    faults integer,
    known integer,
    left_out integer,
    quarantined integer,
    failure jsonb,
    actor text not null default @book@.actor(),
    check (failure is not null or (status, body_hash, passed_on, faults, known, left_out, quarantined) is not null)
);
create index on @book@.price_fetch (feed_code, fetched_at);
comment on table @book@.price_fetch is 'Every fetch of a feed, and what became of it.';
comment on column @book@.price_fetch.id is 'Key.';
comment on column @book@.price_fetch.feed_code is 'The feed.';
comment on column @book@.price_fetch.url is 'Where it was then.';
comment on column @book@.price_fetch.started_at is 'When it was begun.';
comment on column @book@.price_fetch.fetched_at is 'When it was over.';
comment on column @book@.price_fetch.status is 'What the host answered.';
comment on column @book@.price_fetch.content_type is 'What it says the content is.';
comment on column @book@.price_fetch.bytes is 'How large it was.';
comment on column @book@.price_fetch.body_hash is 'SHA-256 of the content.';
comment on column @book@.price_fetch.passed_on is 'How many rows went into price_inbox, those that cannot be read among them.';
comment on column @book@.price_fetch.faults is 'How many of these cannot be read.';
comment on column @book@.price_fetch.known is 'How many rows were in the list before, too, and were not passed on again.';
comment on column @book@.price_fetch.left_out is 'How many rows are of symbols that price_feed_symbol does not list.';
comment on column @book@.price_fetch.quarantined is 'How many of the rows passed on are in quarantine.';
comment on column @book@.price_fetch.failure is 'Why nothing came of it: code, message, detail and hint.';
comment on column @book@.price_fetch.actor is 'Who had it fetched.';
select @book@._make_append_only('@book@.price_fetch');

create function @book@._check_feed() returns trigger language plpgsql as $$
begin
    perform loan_engine.check_fetch(new.url, new.headers, new.time_out_seconds, new.most_bytes);
    begin
        perform from loan_engine.read_prices('', new.format);
    exception when sqlstate 'LN309' then
        null;
    end;
    if not exists (select from pg_timezone_names as z where z.name = new.time_zone) then
        raise exception using errcode = '22023', message = format('unknown time zone: "%s"', new.time_zone),
            hint = 'The view pg_timezone_names lists those the server knows.';
    end if;
    return new;
end $$;
comment on function @book@._check_feed() is 'Refuses a feed that could not be fetched or read, with 22023.';
create trigger checked before insert or update on @book@.price_feed for each row execute function @book@._check_feed();

create function @book@._follow_feed() returns trigger language plpgsql as $$
begin
    insert into @book@.price_feed_state (feed_code) values (new.code);
    return null;
end $$;
comment on function @book@._follow_feed() is 'Gives a feed the row that says where it stands.';
create trigger followed after insert on @book@.price_feed for each row execute function @book@._follow_feed();

create function @book@._is_business_day(calendar_code text, day date) returns boolean
    language sql stable parallel safe as $$
    select calendar_code is null or exists (
        select from @book@.calendar as c
        where c.code = calendar_code and extract(isodow from day)::smallint <> all (c.weekend)
            and not exists (select from @book@.holiday as h where h.calendar_code = c.code and h.on_date = day))
$$;
comment on function @book@._is_business_day(text, date) is 'Whether a day is one of business by a calendar; every day is without one.';

-- The hours of a day end on it; those that end before they begin begin on the day before, as those of Monday
-- do on Sunday evening. A market that opens on none of 400 days is shut for good.
create function @book@.next_market_time(feed_code text, from_time timestamptz) returns timestamptz
    language sql stable parallel safe as $$
    select min(greatest(from_time, h.opens))
    from @book@.price_feed as f
    cross join generate_series(0, 401) as n
    cross join lateral (select (from_time at time zone f.time_zone)::date + n as day) as d
    cross join lateral (
        select (d.day - (f.closes_at <= f.opens_at)::integer + f.opens_at) at time zone f.time_zone as opens,
            (d.day + f.closes_at) at time zone f.time_zone as closes
    ) as h
    where f.code = feed_code and h.closes > from_time and @book@._is_business_day(f.calendar_code, d.day)
$$;
comment on function @book@.next_market_time(text, timestamptz) is
'The first moment from a given one at which the market of a feed is open: that one, if it is open then. NULL if it is open on none of the next 400 days.';

-- A feed stands as if it had failed from the moment it is claimed, so that one whose session dies is tried
-- again in its turn and keeps none of the others waiting.
create function @book@._claim_feed(feed_code text) returns uuid language plpgsql as $$
declare
    claimed uuid := loan_engine.uuid_v7();
begin
    update @book@.price_feed_state as s
    set claim = claimed,
        claimed_until = clock_timestamp() + make_interval(secs => f.time_out_seconds + 60),
        last_try_at = clock_timestamp(),
        attempts = n.attempts,
        next_try_at = case
            when n.attempts < f.attempts then clock_timestamp() + random() * least(f.retry_up_to, f.retry_from * 2 ^ least(n.attempts - 1, 30))
            else coalesce(@book@.next_market_time(f.code, clock_timestamp() + f.every), 'infinity') end,
        last_error = jsonb_build_object('code', 'LN302', 'message', 'the fetch did not come to its end')
    from @book@.price_feed as f
    cross join lateral (
        select 1 + case when t.attempts < f.attempts then t.attempts else 0 end as attempts
        from @book@.price_feed_state as t where t.feed_code = f.code
    ) as n
    where s.feed_code = _claim_feed.feed_code and f.code = s.feed_code
        and coalesce(s.claimed_until, '-infinity') < clock_timestamp();
    return case when found then claimed end;
end $$;
comment on function @book@._claim_feed(text) is
'Claims a feed for the time a fetch may take, and notes a failure that success takes back; NULL when another has it.';

-- The rows of a list that were not in the one before, as price_inbox has them. What cannot be read goes there,
-- too, with the reason beside it, for the door to put it into quarantine.
create function @book@._pass_on(feed @book@.price_feed, claim uuid, body bytea, fetched_at timestamptz) returns @book@.price_fetch
    language plpgsql as $$
declare
    counted @book@.price_fetch;
    rows uuid[];
    before bytea[];
begin
    select s.last_rows into before
    from @book@.price_feed_state as s
    where s.feed_code = feed.code and s.claim = _pass_on.claim
    for update;
    if not found then
        raise exception using errcode = 'LN409', message = format('feed "%s" is fetched by another', feed.code),
            detail = 'The claim was lost, for it took longer than it may.', hint = 'What the other brings is taken.';
    end if;
    with listed as materialized (
        select r.*, coalesce(r.priced_at, fetched_at) as at, m.asset_code,
            r.fault is null and m.asset_code is null and exists (
                select from @book@.price_feed_symbol as any_symbol where any_symbol.feed_code = feed.code) as is_left_out
        from loan_engine.read_prices(body, feed.format) as r
        left join @book@.price_feed_symbol as m on m.feed_code = feed.code and m.symbol = r.symbol
    ), hashed as materialized (
        select l.*, sha256(convert_to(format('%s %s %s', l.raw, l.fault, case when l.fault is null then l.at end), 'UTF8')) as hash
        from listed as l
        where not l.is_left_out
    ), fresh as materialized (
        select h.* from hashed as h where h.hash not in (select unnest(before))
    ), sent as (
        insert into @book@.price_inbox (source, symbol, price, bid, ask, currency, unit, observed_at, raw)
        select feed.source, coalesce(f.asset_code, f.symbol), trim_scale(round(f.mid, 12))::text, trim_scale(round(f.bid, 12))::text,
            trim_scale(round(f.ask, 12))::text, f.currency, case when f.fault is null then feed.unit end,
            case when f.fault is null then to_char(f.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end,
            case when f.fault is null then f.raw else jsonb_build_object('fault', f.fault, 'row', f.raw) end
        from fresh as f
        order by f.row_number
        returning id
    ), noted as (
        update @book@.price_feed_state as s
        set last_rows = coalesce((select array_agg(h.hash) from hashed as h), '{}')
        where s.feed_code = feed.code
    )
    select array(select s.id from sent as s), (select count(*) from fresh), (select count(*) from fresh as f where f.fault is not null),
        (select count(*) from hashed) - (select count(*) from fresh), (select count(*) from listed as l where l.is_left_out)
    into rows, counted.passed_on, counted.faults, counted.known, counted.left_out;
    counted.quarantined := (select count(*) from @book@.price_quarantine as q where q.inbox_id = any (rows));
    return counted;
end $$;
comment on function @book@._pass_on(@book@.price_feed, uuid, bytea, timestamptz) is
'Passes the new rows of a list on into price_inbox and counts them. Refuses what is no list (LN309), and a claim that was lost (LN409).';

create function @book@._note_fetch(feed @book@.price_feed, claim uuid, made @book@.price_fetch, wait_seconds integer) returns void
    language plpgsql as $$
begin
    made.id := loan_engine.uuid_v7();
    made.actor := @book@.actor();
    insert into @book@.price_fetch select made.*;
    update @book@.price_feed_state as s
    set claim = null, claimed_until = null, last_error = made.failure,
        attempts = case when made.failure is null then 0 else s.attempts end,
        last_success_at = case when made.failure is null then made.fetched_at else s.last_success_at end,
        next_try_at = case
            when made.failure is null then coalesce(@book@.next_market_time(feed.code, made.started_at + feed.every), 'infinity')
            else greatest(s.next_try_at, made.fetched_at + make_interval(secs => least(coalesce(wait_seconds, 0), 86400))) end
    where s.feed_code = feed.code and s.claim = _note_fetch.claim;
end $$;
comment on function @book@._note_fetch(@book@.price_feed, uuid, @book@.price_fetch, integer) is
'Writes down a fetch and when the feed is tried next: as it was claimed, but no sooner than its host asks for.';

create procedure @book@._fetch_feed(feed_code text) language plpgsql as $$
declare
    feed @book@.price_feed := (select f from @book@.price_feed as f where f.code = feed_code);
    claim uuid := @book@._claim_feed(feed_code);
    made @book@.price_fetch;
    counted @book@.price_fetch;
    body bytea;
    wait_seconds integer;
    message text;
    detail text;
    hint text;
    code text;
begin
    if claim is null then
        raise notice using message = format('feed "%s" is being fetched by another', feed_code);
        return;
    end if;
    made.feed_code := feed_code;
    made.url := feed.url;
    made.started_at := clock_timestamp();
    commit;
    -- From here to its return nothing is held.
    call loan_engine._fetch(feed.url, feed.headers, feed.credential, feed.time_out_seconds, feed.most_bytes,
        made.status, made.content_type, wait_seconds, body, made.fetched_at, made.failure);
    if body is not null then
        made.bytes := length(body);
        made.body_hash := sha256(body);
    end if;
    if made.failure is null and made.status <> 200 then
        made.failure := jsonb_build_object('code', 'LN310', 'message', 'the host does not give the price list',
            'detail', format('Its status is %s.', made.status), 'hint', 'Look at the URL and the credential, or ask its keeper.');
    end if;
    if made.failure is null then
        begin
            counted := @book@._pass_on(feed, claim, body, made.fetched_at);
            made.passed_on := counted.passed_on;
            made.faults := counted.faults;
            made.known := counted.known;
            made.left_out := counted.left_out;
            made.quarantined := counted.quarantined;
        exception when others then
            get stacked diagnostics code = returned_sqlstate, message = message_text, detail = pg_exception_detail,
                hint = pg_exception_hint;
            made.failure := jsonb_build_object('code', code, 'message', message, 'detail', nullif(detail, ''), 'hint', nullif(hint, ''));
        end;
    end if;
    perform @book@._note_fetch(feed, claim, made, wait_seconds);
    if made.failure is not null then
        raise warning using errcode = made.failure ->> 'code', message = format('feed "%s": %s', feed_code, made.failure ->> 'message'),
            detail = coalesce(made.failure ->> 'detail', ''), hint = coalesce(made.failure ->> 'hint', '');
    end if;
    commit;
end $$;
comment on procedure @book@._fetch_feed(text) is 'Fetches a feed unless another does, and passes on what it says.';

create procedure @book@.run_price_feed(feed text default null) language plpgsql as $$
declare
    due text[];
    feed_code text;
begin
    perform @book@._authorise('record_price');
    if feed is not null and not exists (select from @book@.price_feed as f where f.code = feed) then
        raise exception using errcode = 'LN208', message = format('there is no price feed "%s"', feed),
            hint = 'The table price_feed lists feeds by their code.';
    end if;
    due := array(
        select f.code
        from @book@.price_feed as f
        join @book@.price_feed_state as s on s.feed_code = f.code
        where case when feed is null
            then f.is_active and s.next_try_at <= clock_timestamp()
                and @book@.next_market_time(f.code, clock_timestamp()) <= clock_timestamp()
            else f.code = feed end
        order by s.next_try_at);
    foreach feed_code in array due loop
        call @book@._fetch_feed(feed_code);
    end loop;
end $$;
comment on procedure @book@.run_price_feed(text) is
'Fetches the price feeds that are due, or one whether it is due or not, one after the other, and passes what they say on into price_inbox. Commits before it waits for a host, and after each feed. Call it as often as prices are wanted, from any scheduler and in several sessions.';

create view @book@.v_price_feed as
select f.code, f.source, f.is_active, @book@.next_market_time(f.code, clock_timestamp()) <= clock_timestamp() as is_open,
    s.next_try_at, coalesce(s.claimed_until, '-infinity') >= clock_timestamp() as is_running, s.attempts, s.last_try_at, s.last_success_at,
    s.last_error ->> 'code' as error_code, concat_ws(' ', s.last_error ->> 'message', s.last_error ->> 'detail') as error
from @book@.price_feed as f
join @book@.price_feed_state as s on s.feed_code = f.code;
comment on view @book@.v_price_feed is 'The price feeds and how they do.';
comment on column @book@.v_price_feed.code is 'The feed.';
comment on column @book@.v_price_feed.source is 'Who says what it says.';
comment on column @book@.v_price_feed.is_active is 'Whether it is fetched when it is due.';
comment on column @book@.v_price_feed.is_open is 'Whether its market is open now.';
comment on column @book@.v_price_feed.next_try_at is 'When it is due.';
comment on column @book@.v_price_feed.is_running is 'Whether it is being fetched.';
comment on column @book@.v_price_feed.attempts is 'How often it failed in a row.';
comment on column @book@.v_price_feed.last_try_at is 'When it was last tried.';
comment on column @book@.v_price_feed.last_success_at is 'When it last succeeded.';
comment on column @book@.v_price_feed.error_code is 'The code of what went wrong since.';
comment on column @book@.v_price_feed.error is 'What went wrong since.';
