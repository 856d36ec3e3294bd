-- pg_llm: the entrance. Schemas, roles, and the one function that finds the
-- Python library. Every other PL/Python body is one line into it: the Makefile
-- replaces @backend@ by an expression that yields the package pg_llm.backend,
-- loaded once a session.

create schema llm;
comment on schema llm is
    'pg_llm: models, calls, settings and what text-to-SQL knows';

create schema lineage;
comment on schema lineage is
    'pg_llm: the lineage graph';

do $$
declare
    role_name text;
begin
    foreach role_name in array array['llm_user', 'llm_admin', 'llm_monitor'] loop
        if pg_catalog.to_regrole(role_name) is null then
            execute pg_catalog.format('create role %I nologin', role_name);
        end if;
    end loop;
end
$$;

grant llm_user to llm_admin;
grant llm_monitor to llm_admin;
grant llm_monitor to pg_monitor;
grant usage on schema llm, lineage to llm_user, llm_monitor;

-- Puts the Python package into GD. Everything that can be wrong with an
-- installation is said here, once and clearly.
create function llm.backend_load() returns void
language plpython3u
set search_path = pg_catalog, pg_temp
as $$
import os
import sys

library = "@LIBRARY@"
version = "@EXTVERSION@"

loaded = sys.modules.get("pg_llm")
if loaded is not None and loaded.__version__ != version:
    plpy.error(
        f"this session has loaded version {loaded.__version__} of pg_llm, and the extension is version {version} now",
        hint="Reconnect: a session keeps the Python package that it loaded first.",
        sqlstate="55000",
    )
if not os.path.isfile(os.path.join(library, "pg_llm", "__init__.py")):
    plpy.error(
        f"the Python library of pg_llm {version} is not at {library}",
        hint="Run \"make install PG_CONFIG=...\" for this server as a user who may write there.",
        sqlstate="58P01",
    )
with open(os.path.join(library, "PYTHON")) as built_for:
    wanted = built_for.read().strip()
running = f"{sys.version_info[0]}.{sys.version_info[1]}"
if wanted != running:
    plpy.error(
        f"the Python library of pg_llm at {library} was installed for Python {wanted}, and plpython3u runs Python {running}",
        hint="Run \"make install\" again: it installs for the Python that plpython3.so is linked with.",
        sqlstate="58P01",
    )
if library not in sys.path:
    sys.path.insert(0, library)
import pg_llm.backend

if pg_llm.__version__ != version:
    plpy.error(
        f"the Python library at {library} is version {pg_llm.__version__} of pg_llm, and the extension is version {version}",
        hint="Run \"make install\" of the same version, then \"alter extension pg_llm update\".",
        sqlstate="58P01",
    )
GD["pg_llm " + version] = pg_llm.backend
$$;
comment on function llm.backend_load() is
    'Loads the Python library of pg_llm into this session; every function of pg_llm does so by itself. '
    'Errors: 58P01 when the library is missing or built for another Python, 55000 when the session holds another version.';
grant execute on function llm.backend_load() to llm_user;
