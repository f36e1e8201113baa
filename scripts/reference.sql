-- The reference as markdown, made of the comments in the catalog. The table `topic` says which page
-- section a routine belongs to.
with routine as (
    select
        p.oid,
        p.proname,
        p.prokind,
        coalesce(t.topic, 'other') as topic,
        obj_description(p.oid, 'pg_proc') as description,
        pg_get_function_result(p.oid) as result,
        pg_get_function_arguments(p.oid) as arguments
    from pg_proc as p
    join pg_depend as d
        on d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e'
    join pg_extension as e on e.oid = d.refobjid and e.extname = 'loan_engine'
    left join topic as t on t.name = p.proname
    where p.proname not like '\_%'
        and not ('internal'::regtype = any (p.proargtypes))
        and p.prorettype <> 'internal'::regtype
),

-- One argument or column a line, once the whole does not fit on one.
signature as (
    select
        r.*,
        case
            when length(proname || arguments || coalesce(result, '')) <= 84
                then format('%s(%s)', proname, arguments)
            else format(E'%s(\n    %s\n)', proname, parameter.lines)
        end
        || case
            when result is null then ''
            when result like 'TABLE(%' and length(result) > 84
                then format(E' returns table (\n    %s\n)', columns.lines)
            else ' returns ' || replace(result, 'TABLE(', 'table (')
        end as text
    from routine as r
    cross join lateral (
        select string_agg(pg_get_function_arg_default_line, E',\n    ' order by position) as lines
        from (
            select
                position,
                concat_ws(' ',
                    case mode when 'v' then 'variadic' when 'o' then 'out' when 'b' then 'inout' end,
                    name,
                    format_type(type, null),
                    'default ' || pg_get_function_arg_default(r.oid, position::int))
                    as pg_get_function_arg_default_line
            from pg_proc as p
            cross join lateral unnest(
                coalesce(p.proallargtypes, p.proargtypes::oid[]),
                coalesce(p.proargmodes::text[], array_fill('i'::text, array[p.pronargs::int])),
                p.proargnames
            ) with ordinality as argument (type, mode, name, position)
            where p.oid = r.oid and mode in ('i', 'o', 'b', 'v')
        ) as argument
    ) as parameter
    cross join lateral (
        select replace(trim(trailing ')' from replace(r.result, 'TABLE(', '')), ', ', E',\n    ')
            as lines
    ) as columns
),

section as (
    select
        topic,
        string_agg(
            format(E'### %s\n\n```text\n%s\n```\n\n%s', proname, text, description),
            E'\n\n' order by proname collate "C", text collate "C") as entries
    from signature
    group by topic
)

select
    E'# Reference\n\n'
    || E'Every routine of the schema `loan_engine`, made of the comments in the database by '
    || E'`make docs`.\n\n'
    || string_agg(
        format(E'- [%s](#%s)', initcap(left(topic, 1)) || substr(replace(topic, '_', ' '), 2),
            replace(topic, '_', '-')),
        E'\n' order by topic collate "C")
    || E'\n\n'
    || string_agg(
        format(E'## %s\n\n%s', initcap(left(topic, 1)) || substr(replace(topic, '_', ' '), 2),
            entries),
        E'\n\n' order by topic collate "C")
from section;
