-- What the book says of itself, and how it is checked.

create extension if not exists btree_gist;
create extension if not exists pg_trgm;

create table @book@.book (
    only_row boolean primary key default true check (only_row),
    name text not null,
    version text not null,
    base_currency text not null check (base_currency ~ '^[A-Z]{3}$'),
    time_zone text not null,
    business_date date not null,
    opened_at timestamptz not null default now()
);
comment on table @book@.book is 'What the book says of itself: one row.';
comment on column @book@.book.only_row is 'True: there is one row.';
comment on column @book@.book.name is 'The schema it was made in.';
comment on column @book@.book.version is 'The version of the engine that made or last upgraded it.';
comment on column @book@.book.base_currency is 'ISO 4217 code of the currency its totals are told in.';
comment on column @book@.book.time_zone is 'The time zone its days end in.';
comment on column @book@.book.business_date is 'The day that is being served; the end of day moves it forward.';
comment on column @book@.book.opened_at is 'When the book was made.';

create function @book@.business_date() returns date
    language plpgsql stable parallel safe as $$
begin
    return (select b.business_date from @book@.book as b where b.only_row);
end $$;
comment on function @book@.business_date() is 'The day that is being served.';

-- Checks are data, so that each part of the book brings its own.

create table @book@.check_definition (
    name text primary key,
    description text not null,
    query text not null
);
comment on table @book@.check_definition is 'What must always hold: queries that find what breaks it.';
comment on column @book@.check_definition.name is 'What the check is called.';
comment on column @book@.check_definition.description is 'What must hold, in one sentence.';
comment on column @book@.check_definition.query is 'A query of one text column that returns a row for each fault, telling where it is.';

create function @book@.check_book()
    returns table (check_name text, faults bigint, example text)
    language plpgsql stable as $$
declare
    definition record;
begin
    for definition in select c.name, c.query from @book@.check_definition as c order by c.name loop
        begin
            return query execute format(
                'select %L::text, count(*), min(fault.place) from (%s) as fault (place)',
                definition.name, definition.query);
        exception when others then
            -- What is broken enough to refuse to be looked at must not hide what the others find.
            return query select definition.name, 1::bigint, format('the check cannot be made: %s', sqlerrm);
        end;
    end loop;
end $$;
comment on function @book@.check_book() is
'Runs every check of the book: its name, how many faults it found, and one of them. A sound book has none.';

-- What refuses to change.

create function @book@._refuse_change() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'LN205',
        message = format('%s of %s is refused', lower(tg_op), tg_table_name),
        detail = 'The table keeps what happened; rows are only ever added.',
        hint = 'Record what corrects it: a reversal, an adjustment, a new version.';
end $$;
comment on function @book@._refuse_change() is 'Refuses to change or remove rows of a table that is only added to.';

create function @book@._make_append_only(table_name regclass) returns void language plpgsql as $$
begin
    execute format(
        'create trigger append_only before update or delete or truncate on %s
            for each statement execute function @book@._refuse_change()', table_name);
end $$;
comment on function @book@._make_append_only(regclass) is 'Lets rows of a table be added and never changed.';

-- Facts that grow without end lie in a partition for each month, made ahead of its first day.

create table @book@.partitioned (
    table_name text primary key,
    guards text[] not null default '{}'
);
comment on table @book@.partitioned is 'Tables that have a partition for each month.';
comment on column @book@.partitioned.table_name is 'The table.';
comment on column @book@.partitioned.guards is 'Statements with %s for the partition that make the triggers which guard the table guard those, too, who write to a partition directly.';

create function @book@._make_partitions(through date) returns integer language plpgsql as $$
declare
    missing record;
    made integer := 0;
    guard text;
begin
    for missing in
        select p.table_name, p.guards, month::date as month,
            format('%s_%s', p.table_name, to_char(month, 'YYYYMM')) as partition
        from @book@.partitioned as p
        cross join @book@.book as b
        cross join generate_series(
            date_trunc('month', least(b.business_date, through)::timestamp), through::timestamp, '1 month') as month
        where to_regclass(format('@book@.%I', format('%s_%s', p.table_name, to_char(month, 'YYYYMM')))) is null
    loop
        execute format('create table @book@.%I partition of @book@.%I for values from (%L) to (%L)',
            missing.partition, missing.table_name, missing.month, missing.month + interval '1 month');
        execute format('comment on table @book@.%I is %L', missing.partition,
            format('Rows of %s of %s.', missing.table_name, to_char(missing.month, 'YYYY-MM')));
        foreach guard in array missing.guards loop
            execute format(guard, format('@book@.%I', missing.partition));
        end loop;
        made := made + 1;
    end loop;
    return made;
end $$;
comment on function @book@._make_partitions(date) is
'Makes the partitions of every month from that of the business date to the one a day is in; returns how many were missing.';

create function @book@._open() returns void language plpgsql as $$
begin
    perform @book@._make_partitions((select business_date + 62 from @book@.book));
end $$;
comment on function @book@._open() is 'What remains to be done when the one row of book is there.';
