-- Who may do what, and what two people must agree to.

create function @book@.actor() returns text
    language sql stable parallel safe
    return coalesce(nullif(current_setting('loan_engine.actor', true), ''), current_user::text);
comment on function @book@.actor() is
'Who acts: the setting loan_engine.actor, else the database role. Roles other than the owner of the book may name another only if they are a member who acts for others; the owner is trusted to.';

create table @book@.member (
    id uuid primary key default loan_engine.uuid_v7(),
    actor text not null,
    role text not null,
    legal_entity_id uuid,
    acts_for_others boolean not null default false,
    validity daterange not null default daterange(null, null),
    exclude using gist (actor with =, role with =,
        (coalesce(legal_entity_id, '00000000-0000-0000-0000-000000000000')) with =, validity with &&)
);
comment on table @book@.member is 'Who has which role, in which legal entity, and when.';
comment on column @book@.member.id is 'Key.';
comment on column @book@.member.actor is 'The database role, or the name that an application gives in loan_engine.actor.';
comment on column @book@.member.role is 'What they are: the role that authority is given to.';
comment on column @book@.member.legal_entity_id is 'The legal entity in which; in all when NULL.';
comment on column @book@.member.acts_for_others is 'Whether this database role may name another actor, as an application server does.';
comment on column @book@.member.validity is 'The days on which they have it.';

create table @book@.authority (
    id uuid primary key default loan_engine.uuid_v7(),
    role text not null,
    action text not null,
    product_code text,
    currency text check (currency ~ '^[A-Z]{3}$'),
    up_to numeric check (up_to >= 0),
    within_days integer check (within_days >= 0),
    unique nulls not distinct (role, action, product_code, currency)
);
comment on table @book@.authority is 'What a role may do, for which product, and up to which amount.';
comment on column @book@.authority.id is 'Key.';
comment on column @book@.authority.role is 'The role.';
comment on column @book@.authority.action is
'What it may do: approve, disburse, post_payment, goodwill_credit, refund, reverse_payment, backdate, waive, write_off, refinance, transfer, close_period, record_price, decide_price, correct_price, pledge, release, appraise, notify_margin_call, liquidate, manage_jobs, run_schedules, send_message, send_messages, retire_notifications, start_saga, run_sagas, answer_saga, mend_saga, or an operation of service; with _request, to ask for what another approves.';
comment on column @book@.authority.product_code is 'For which product; for all when NULL.';
comment on column @book@.authority.currency is 'In which currency the amount is; any when NULL.';
comment on column @book@.authority.up_to is 'The most, in currency units; no limit when NULL.';
comment on column @book@.authority.within_days is 'How many days back it may be dated; no limit when NULL.';

create function @book@._is_owner() returns boolean
    language plpgsql stable parallel safe as $$
begin
    return (
        select pg_has_role(current_user, n.nspowner, 'member')
        from pg_namespace as n
        where n.oid = '@book@'::regnamespace);
end $$;
comment on function @book@._is_owner() is 'Whether the database role is the owner of the book, or acts as it.';

create function @book@._check_actor() returns void language plpgsql stable as $$
begin
    if @book@.actor() <> current_user and not @book@._is_owner() and not exists (
        select from @book@.member as m
        where m.actor = current_user and m.acts_for_others and m.validity @> @book@.business_date()
    ) then
        raise exception using errcode = 'LN201',
            message = format('role "%s" may not act for "%s"', current_user, @book@.actor()),
            hint = 'Reset loan_engine.actor, or make the role a member that acts_for_others.';
    end if;
end $$;
comment on function @book@._check_actor() is 'Refuses with LN201 who names an actor they may not act for.';

create function @book@._has_role(role text, legal_entity_id uuid default null) returns boolean
    language sql stable parallel safe as $$
    select @book@.actor() = current_user and @book@._is_owner() or exists (
        select
        from @book@.member as m
        where m.actor = @book@.actor() and m.role = _has_role.role and m.validity @> @book@.business_date()
            and (m.legal_entity_id is null or _has_role.legal_entity_id is null
                or m.legal_entity_id = _has_role.legal_entity_id))
$$;
comment on function @book@._has_role(text, uuid) is
'Whether the actor has a role today, in a legal entity; the owner of the book has all.';

-- The owner may do everything; anyone else what a role of theirs has authority for.
create function @book@._authorise(
    action text, amount numeric default null, currency text default null,
    product_code text default null, legal_entity_id uuid default null, days_back integer default null
) returns void language plpgsql stable as $$
declare
    who text := @book@.actor();
    most numeric;
begin
    perform @book@._check_actor();
    if who = current_user and @book@._is_owner() then
        return;
    end if;
    if exists (
        select
        from @book@.member as m
        join @book@.authority as a on a.role = m.role
        where m.actor = who and m.validity @> @book@.business_date()
            and (m.legal_entity_id is null or _authorise.legal_entity_id is null
                or m.legal_entity_id = _authorise.legal_entity_id)
            and a.action = _authorise.action
            and (a.product_code is null or a.product_code = _authorise.product_code)
            and (a.currency is null or a.currency = _authorise.currency)
            and (a.up_to is null or _authorise.amount is null or _authorise.amount <= a.up_to)
            and (a.within_days is null or _authorise.days_back is null or _authorise.days_back <= a.within_days)
    ) then
        return;
    end if;
    select max(a.up_to) into most
    from @book@.member as m join @book@.authority as a on a.role = m.role
    where m.actor = who and a.action = _authorise.action and m.validity @> @book@.business_date();
    raise exception using errcode = 'LN201',
        message = format('"%s" may not %s', who, replace(action, '_', ' ')),
        detail = concat_ws(', ',
            format('Amount: %s %s', amount, currency), format('product: %s', product_code),
            format('days back: %s', days_back), format('the most they may: %s', most)),
        hint = 'Ask someone with the authority; the tables member and authority say who has it.';
end $$;
comment on function @book@._authorise(text, numeric, text, text, uuid, integer) is
'Refuses with LN201 what the actor has no authority for.';
