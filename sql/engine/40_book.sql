-- A book is an ordinary schema: its tables belong to whoever made it, so that dumps, restores and
-- replicas treat it as any other. The engine keeps no list of books; a schema is one if it has the
-- one-row table book.

create function loan_engine.create_book(
    book name,
    base_currency text default 'EUR',
    time_zone text default 'UTC',
    business_date date default current_date
) returns void language plpgsql volatile parallel unsafe as $$
declare
    part record;
begin
    if book is null or base_currency is null or time_zone is null or business_date is null then
        raise exception using errcode = '22004', message = 'an argument of create_book is NULL',
            hint = 'Give the schema, and leave out what the defaults suit.';
    end if;
    if book::text !~ '^[A-Za-z_][A-Za-z0-9_]*$' then
        raise exception using errcode = '22023', message = format('"%s" is no name for a book', book),
            hint = 'Use letters, digits and underscores, such as lending.';
    end if;
    if book::text in ('loan_engine', 'public', 'information_schema') or book::text like 'pg\_%' then
        raise exception using errcode = '22023', message = format('schema "%s" cannot be a book', book),
            hint = 'Choose a name of its own, such as lending.';
    end if;
    perform loan_engine.minor_units(base_currency);
    if not exists (select from pg_timezone_names where name = time_zone) then
        raise exception using errcode = '22023', message = format('unknown time zone: "%s"', time_zone),
            hint = 'The view pg_timezone_names lists those the server knows.';
    end if;
    if business_date not between '1900-01-01' and '9999-01-01' then
        raise exception using errcode = '22008', message = format('a book cannot open on %s', business_date),
            hint = 'Give a day from 1900-01-01 to 9999-01-01.';
    end if;
    if exists (select from pg_namespace where nspname = book) then
        raise exception using errcode = '42P06', message = format('schema "%s" exists', book),
            detail = 'A book fills a schema of its own and adds nothing to one that is there.',
            hint = 'Choose another name, or drop_book if it is a book that is not needed any more.';
    end if;
    execute format('create schema %I', book);
    execute format('comment on schema %I is %L', book, 'a book of loan_engine');
    for part in select * from loan_engine._book_parts(book) order by number loop
        execute part.script;
    end loop;
    execute format(
        'insert into %I.book (name, version, base_currency, time_zone, business_date) values ($1, $2, $3, $4, $5)',
        book) using book::text, loan_engine._book_version(), base_currency, time_zone, business_date;
    execute format('select %I._open()', book);
end $$;

create function loan_engine._version_of(book name) returns text
    language plpgsql stable parallel unsafe as $$
declare
    version text;
begin
    if book is null then
        raise exception using errcode = '22004', message = 'the book is NULL', hint = 'Give the schema of the book.';
    end if;
    if to_regclass(format('%I.book', book)) is null then
        raise exception using errcode = '3F000', message = format('there is no book "%s"', book),
            hint = 'select loan_engine.create_book(''lending'') makes one.';
    end if;
    execute format('select version from %I.book', book) into version;
    return version;
end $$;

create function loan_engine.upgrade_book(book name) returns text
    language plpgsql volatile parallel unsafe as $$
declare
    made_by text := loan_engine._version_of(book);
begin
    if made_by <> loan_engine._book_version() then
        raise exception using errcode = '0A000',
            message = format('book "%s" cannot be upgraded from version %s', book, made_by),
            detail = format('The engine is version %s.', loan_engine._book_version()),
            hint = 'Install the version of the engine that made the book, or a later one that knows the way.';
    end if;
    return made_by;
end $$;

create function loan_engine.drop_book(book name, with_postings boolean default false) returns void
    language plpgsql volatile parallel unsafe as $$
declare
    posted boolean;
    deferred text;
begin
    perform loan_engine._version_of(book);
    execute format('select exists (select from %I.ledger_entry)', book) into posted;
    if posted and with_postings is not true then
        raise exception using errcode = '55000', message = format('book "%s" has postings', book),
            detail = 'Its ledger, events and payments would be lost.',
            hint = 'Dump it first; then say drop_book(…, with_postings => true).';
    end if;
    -- A table of which something written in this transaction is still to be checked cannot be dropped.
    select string_agg(distinct format('%I.%I', book, c.conname), ', ') into deferred
    from pg_constraint as c
    where c.connamespace = to_regnamespace(quote_ident(book)) and c.condeferrable;
    if deferred is not null then
        execute format('set constraints %s immediate', deferred);
    end if;
    execute format('drop schema %I cascade', book);
end $$;

create function loan_engine.check_book(book name)
    returns table (check_name text, faults bigint, example text)
    language plpgsql volatile parallel unsafe as $$
begin
    perform loan_engine._version_of(book);
    return query execute format('select * from %I.check_book()', book);
end $$;

create aggregate loan_engine._hash_chain(previous bytea, content text) (
    sfunc = loan_engine._hash_link,
    stype = bytea,
    parallel = safe
);
