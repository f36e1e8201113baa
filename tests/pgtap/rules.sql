-- Rules that every object of the extension keeps.
begin;
select plan(9);

create temporary view member as
select p.*
from pg_proc as p
join pg_depend as d
    on d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e'
join pg_extension as e on e.oid = d.refobjid and e.extname = 'loan_engine';

select isnt_empty('select oid from member', 'the extension owns routines');

select is_empty(
    $$ select oid::regprocedure from member where obj_description(oid, 'pg_proc') is null $$,
    'every routine has a comment');

select is_empty(
    $$ select oid::regprocedure from member
       where pronamespace <> 'loan_engine'::regnamespace $$,
    'every routine lives in the schema loan_engine');

select is_empty(
    $$ select oid::regprocedure from member
       where prokind <> 'a' and proname not like '\_%'
           and not ('internal'::regtype = any (proargtypes))
           and pronargs > 0
           and (proargnames is null or '' = any (proargnames[1:pronargs])) $$,
    'every argument of a public function can be named in a call');

select is_empty(
    $$ select aggfnoid from pg_aggregate as a join member as m on m.oid = a.aggfnoid
       where a.aggtranstype = 'internal'::regtype
           and (a.aggtransspace = 0
               or m.proparallel = 's' and 0 in (a.aggcombinefn, a.aggserialfn, a.aggdeserialfn)) $$,
    'every aggregate states the size of its state, and can combine states if it is parallel safe');

-- A function with its owner's rights is only safe with a pinned search path, pg_temp last in it,
-- and if not everybody may call it.
select is_empty(
    $$ select oid::regprocedure from member
       where prosecdef
           and (not exists (
                   select from unnest(proconfig) as setting
                   where setting ~ '^search_path=.*pg_temp"?$')
               or exists (
                   select from aclexplode(coalesce(proacl, acldefault('f', proowner))) as acl
                   where acl.grantee = 0)) $$,
    'no function lends its owner''s rights to everybody or to a foreign search path');

select is_empty(
    $$ select oid::regprocedure from member where proretset and prorows = 1000 $$,
    'every set-returning function tells the planner how many rows to expect');

select is_empty(
    $$ select oid::regprocedure from member
       where exists (
           select from unnest(proargtypes) as argument
           join pg_type as t on t.oid = argument
           where t.typtype = 'c' or t.oid = 'record'::regtype) $$,
    'no function takes a row as an argument');

-- Tables of an extension are lost or doubled by pg_dump.
select is_empty(
    $$ select c.oid::regclass
       from pg_depend as d
       join pg_extension as e on e.oid = d.refobjid and e.extname = 'loan_engine'
       join pg_class as c on c.oid = d.objid and d.classid = 'pg_class'::regclass
       where d.deptype = 'e' and c.relkind in ('r', 'p', 'm', 'S', 'f') $$,
    'the extension owns no table and no sequence');

select * from finish();
rollback;
