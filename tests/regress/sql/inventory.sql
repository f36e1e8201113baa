-- Everything the extension owns, with how the planner and other users may treat it. A change here
-- is a change of the public surface: mention it in CHANGELOG.md and in the upgrade script.
\pset format unaligned
\pset footer off

-- Routines.
select
    p.oid::regprocedure as routine,
    pg_get_function_result(p.oid) as result,
    case p.prokind
        when 'f' then 'function'
        when 'p' then 'procedure'
        when 'a' then 'aggregate'
        else 'window function'
    end as kind,
    case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end
        as volatility,
    case p.proparallel when 's' then 'safe' when 'r' then 'restricted' else 'unsafe' end
        as parallel,
    case when p.proisstrict then 'strict' else 'called on null' end as nulls,
    case when exists (
        select
        from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as acl
        where acl.grantee = 0 and acl.privilege_type = 'EXECUTE'
    ) then 'public' else 'owner' end as executable_by
from pg_depend as d
join pg_extension as e on e.oid = d.refobjid and e.extname = 'loan_engine'
join pg_proc as p on p.oid = d.objid
where d.refclassid = 'pg_extension'::regclass
    and d.classid = 'pg_proc'::regclass
    and d.deptype = 'e'
order by p.oid::regprocedure::text collate "C";

-- Everything else.
select pg_describe_object(d.classid, d.objid, d.objsubid) as object
from pg_depend as d
join pg_extension as e on e.oid = d.refobjid and e.extname = 'loan_engine'
where d.refclassid = 'pg_extension'::regclass
    and d.classid <> 'pg_proc'::regclass
    and d.deptype = 'e'
order by pg_describe_object(d.classid, d.objid, d.objsubid) collate "C";
