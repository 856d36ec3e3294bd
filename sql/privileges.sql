-- pg_llm: the last file. What a function may be called by stands beside it;
-- nothing is callable by everybody.

do $$
declare
    member regprocedure;
begin
    for member in
        select d.objid::pg_catalog.regprocedure
        from pg_catalog.pg_depend d
        join pg_catalog.pg_extension e on e.oid operator(pg_catalog.=) d.refobjid
        where d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
          and d.classid operator(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
          and d.deptype operator(pg_catalog.=) 'e'
          and e.extname operator(pg_catalog.=) 'pg_llm'
    loop
        execute pg_catalog.format('revoke all on routine %s from public', member);
    end loop;
end
$$;
