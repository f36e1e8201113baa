-- What is lent, on which terms, and the days and rates it depends on.

create table @book@.calendar (
    code text primary key,
    description text not null,
    weekend smallint[] not null default '{6,7}' check (weekend <@ '{1,2,3,4,5,6,7}'),
    known_through date
);
comment on table @book@.calendar is 'A calendar of business days.';
comment on column @book@.calendar.code is 'Its name.';
comment on column @book@.calendar.description is 'Whose days it tells.';
comment on column @book@.calendar.weekend is 'Days of the week that are none of business, Monday being 1.';
comment on column @book@.calendar.known_through is
'The last day whose holidays are entered; no loan that needs later ones is agreed. Without end when NULL.';

create table @book@.holiday (
    calendar_code text not null references @book@.calendar,
    on_date date not null,
    name text not null,
    primary key (calendar_code, on_date)
);
comment on table @book@.holiday is 'A day that is none of business.';
comment on column @book@.holiday.calendar_code is 'In which calendar.';
comment on column @book@.holiday.on_date is 'The day.';
comment on column @book@.holiday.name is 'What is kept.';

create table @book@.rate_index (
    code text not null,
    validity daterange not null,
    annual_rate numeric not null,
    primary key (code, validity),
    exclude using gist (code with =, validity with &&)
);
comment on table @book@.rate_index is 'A reference rate and when it held.';
comment on column @book@.rate_index.code is 'Its name, such as EURIBOR3M.';
comment on column @book@.rate_index.validity is 'The days on which it held; those of one rate do not overlap.';
comment on column @book@.rate_index.annual_rate is 'The rate for a year, a fraction.';

create table @book@.fx_rate (
    base text not null check (base ~ '^[A-Z]{3}$'),
    quote text not null check (quote ~ '^[A-Z]{3}$' and quote <> base),
    on_date date not null,
    source text not null default 'manual',
    rate numeric not null check (rate > 0),
    primary key (base, quote, on_date, source)
);
comment on table @book@.fx_rate is 'What one unit of a currency cost on a day.';
comment on column @book@.fx_rate.base is 'ISO 4217 code of the unit that is priced.';
comment on column @book@.fx_rate.quote is 'ISO 4217 code of what it is priced in.';
comment on column @book@.fx_rate.on_date is 'The day.';
comment on column @book@.fx_rate.source is 'Who says so.';
comment on column @book@.fx_rate.rate is 'Units of quote for one of base.';

create function @book@.exchange_rate(base text, quote text, on_date date) returns numeric
    language plpgsql stable parallel safe as $$
declare
    found_rate numeric;
begin
    if base = quote then
        return 1;
    end if;
    select case when f.base = exchange_rate.base then f.rate else 1 / f.rate end into found_rate
    from @book@.fx_rate as f
    where f.on_date = exchange_rate.on_date
        and ((f.base = exchange_rate.base and f.quote = exchange_rate.quote)
            or (f.base = exchange_rate.quote and f.quote = exchange_rate.base))
    order by f.base = exchange_rate.base desc, f.source
    limit 1;
    if found_rate is null then
        raise exception using errcode = 'LN207',
            message = format('there is no rate of %s in %s on %s', base, quote, on_date),
            detail = 'A missing rate is never taken for one, nor is that of another day.',
            hint = 'Insert it into fx_rate, then try again.';
    end if;
    return found_rate;
end $$;
comment on function @book@.exchange_rate(text, text, date) is
'Units of quote for one of base on a day, by the rate of that day or its inverse; LN207 when there is none.';

create function @book@._converted(amount numeric, base text, quote text, on_date date) returns numeric
    language sql stable parallel safe
    return case when amount = 0 then amount
        else loan_engine.round_money(amount * @book@.exchange_rate(base, quote, on_date), quote) end;
comment on function @book@._converted(numeric, text, text, date) is
'An amount in another currency at the rate of a day, in whole minor units; nothing is nothing in any; LN207 without a rate.';

create table @book@.product (
    id uuid primary key default loan_engine.uuid_v7(),
    legal_entity_id uuid not null references @book@.legal_entity,
    code text not null check (code <> ''),
    name text not null,
    category text,
    business_unit text,
    unique (legal_entity_id, code)
);
comment on table @book@.product is 'Something that is lent.';
comment on column @book@.product.id is 'Key.';
comment on column @book@.product.legal_entity_id is 'Who lends it.';
comment on column @book@.product.code is 'Its short name, unique for the legal entity.';
comment on column @book@.product.name is 'Its name.';
comment on column @book@.product.category is 'What kind of lending it is.';
comment on column @book@.product.business_unit is 'Whose business it is.';

create table @book@.product_version (
    id uuid primary key default loan_engine.uuid_v7(),
    product_id uuid not null references @book@.product,
    version integer not null check (version > 0),
    validity daterange not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    terms jsonb not null check (jsonb_typeof(terms) = 'object'),
    principal_min numeric check (principal_min > 0),
    principal_max numeric check (principal_max >= principal_min),
    instalments_min integer check (instalments_min > 0),
    instalments_max integer check (instalments_max >= instalments_min),
    disbursement_approvals smallint not null default 1 check (disbursement_approvals between 1 and 2),
    calendar_code text references @book@.calendar,
    unique (product_id, version),
    exclude using gist (product_id with =, validity with &&)
);
comment on table @book@.product_version is 'The terms of a product, as they are from one day to another.';
comment on column @book@.product_version.id is 'Key.';
comment on column @book@.product_version.product_id is 'Whose terms they are.';
comment on column @book@.product_version.version is 'Their number.';
comment on column @book@.product_version.validity is
'The days on which loans are agreed on them; those of one product do not overlap.';
comment on column @book@.product_version.currency is 'ISO 4217 code of what is lent.';
comment on column @book@.product_version.terms is
'Terms of loan_engine.fold that all its loans share; what is left out is agreed with each loan.';
comment on column @book@.product_version.principal_min is 'The least that is lent, in currency units.';
comment on column @book@.product_version.principal_max is 'The most that is lent, in currency units.';
comment on column @book@.product_version.instalments_min is 'The fewest instalments.';
comment on column @book@.product_version.instalments_max is 'The most instalments.';
comment on column @book@.product_version.disbursement_approvals is 'How many people must agree before money is lent.';
comment on column @book@.product_version.calendar_code is
'Whose weekends and holidays its due dates keep clear of, where the terms move them; none when NULL.';

create table @book@.charge_definition (
    product_version_id uuid not null references @book@.product_version,
    name text not null,
    operation jsonb not null check (operation ->> 'type' = 'charge'),
    primary key (product_version_id, name)
);
comment on table @book@.charge_definition is 'What loans of a product are charged, beyond what their terms say.';
comment on column @book@.charge_definition.product_version_id is 'On which terms.';
comment on column @book@.charge_definition.name is 'What the charge is called.';
comment on column @book@.charge_definition.operation is
'The operation of loan_engine.fold that charges it, without its day.';
