-- The reference as markdown, made of the comments in the catalog. The table `topic` says in which
-- file, and so under which heading, a function is declared.
with routine as (
    select
        p.oid,
        p.proname,
        p.prokind,
        coalesce(t.topic, 'other') as topic,
        obj_description(p.oid, 'pg_proc') as description,
        pg_get_function_result(p.oid) as result,
        p.pronargs,
        p.proargnames,
        p.proargmodes,
        coalesce(p.proallargtypes, p.proargtypes::oid[]) as types
    from pg_proc as p
    join pg_depend as d
        on d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e'
    join pg_extension as e on e.oid = d.refobjid and e.extname = 'loan_engine'
    left join pg_aggregate as a on a.aggfnoid = p.oid
    left join pg_proc as transition on transition.oid = a.aggtransfn
    -- An aggregate belongs where its transition function does.
    left join topic as t on t.name = coalesce(transition.proname, p.proname)
    where p.proname not like '\_%'
        and not ('internal'::regtype = any (p.proargtypes))
        and p.prorettype <> 'internal'::regtype
),

-- Arguments and columns as they are written, a default without the type it is known to have.
parameter as (
    select
        r.oid,
        position,
        coalesce(mode, 'i') as mode,
        concat_ws(' ',
            case mode when 'v' then 'variadic' when 'o' then 'out' when 'b' then 'inout' end,
            name,
            format_type(type, null),
            'default ' || regexp_replace(
                regexp_replace(
                    pg_get_function_arg_default(r.oid, position::integer),
                    '::[a-z ]+(\[\])?$', ''),
                '^NULL$', 'null')) as text
    from routine as r
    cross join lateral unnest(types, proargmodes, proargnames) with ordinality
        as listed (type, mode, name, position)
    where type is not null
),

-- On one line if it fits, else a parameter a line.
signature as (
    select
        r.*,
        case when length(brief.text) <= 88 then brief.text else long.text end as text
    from routine as r
    cross join lateral (
        select
            coalesce(array_agg(p.text order by position) filter (where mode <> 't'), '{}')
                as arguments,
            array_agg(p.text order by position) filter (where mode = 't') as columns
        from parameter as p
        where p.oid = r.oid
    ) as part
    cross join lateral (
        select format('%s(%s)%s', proname, array_to_string(arguments, ', '), coalesce(
            ' returns table (' || array_to_string(columns, ', ') || ')', ' returns ' || result, ''))
    ) as brief (text)
    cross join lateral (
        select format(E'%s(\n    %s\n)%s', proname, array_to_string(arguments, E',\n    '), coalesce(
            E' returns table (\n    ' || array_to_string(columns, E',\n    ') || E'\n)',
            ' returns ' || result, ''))
    ) as long (text)
),

-- Those of one name, functions before the aggregate, under one heading.
entry as (
    select
        topic,
        format(E'### %s\n\n', proname)
        || string_agg(
            format(E'```text\n%s%s\n```\n\n%s',
                case prokind when 'a' then 'aggregate ' when 'p' then 'procedure ' else '' end,
                text, description),
            E'\n\n' order by prokind = 'a', text collate "C") as text
    from signature
    group by topic, proname
),

section as (
    select
        topic,
        case
            when topic in ('actus', 'apr') then upper(topic)
            else upper(left(topic, 1)) || replace(substr(topic, 2), '_', ' ')
        end as title,
        string_agg(text, E'\n\n' order by text collate "C") as text
    from entry
    group by topic
)

select
    E'# Reference\n\n'
    || E'Every routine of the schema `loan_engine`, made of the comments in the database by '
    || E'`make docs`.\n\n'
    || string_agg(format('- [%s](#%s)', title, replace(lower(title), ' ', '-')), E'\n'
        order by topic collate "C")
    || E'\n\n'
    || string_agg(format(E'## %s\n\n%s', title, text), E'\n\n' order by topic collate "C")
from section;
