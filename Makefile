# pg_llm. `make help` lists the targets.
#
# all, install, uninstall, clean and installcheck are PGXS's. The others are
# ours; they work in build/, on a private copy of the server, and never touch
# an installed PostgreSQL or another cluster.

EXTENSION = pg_llm
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" pg_llm.control)

# The order of the rooms in the extension's script.
ROOMS = backend settings catalog models lineage text2sql privileges
SQL = $(wildcard $(ROOMS:%=sql/%.sql))
SCRIPT = extension/pg_llm--$(EXTVERSION).sql

DATA_built = $(SCRIPT)
DATA = $(filter-out $(SCRIPT),$(wildcard extension/pg_llm--*.sql))
REGRESS = $(patsubst tests/regress/sql/%.sql,%,$(wildcard tests/regress/sql/*.sql))
REGRESS_OPTS = --inputdir=tests/regress --outputdir=tests/regress
EXTRA_CLEAN = build tests/regress/results

PG_CONFIG ?= $(shell tools/find-pg-config)
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
BUILD = $(CURDIR)/build
.DEFAULT_GOAL := all

# PGXS has a `check` of its own, so it stays out where only ours are asked for.
OURS = bench check demo demo-stop help lint psql
ifneq ($(MAKECMDGOALS),$(filter-out $(OURS),$(MAKECMDGOALS)))
# ours: nothing to build here
else ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
# Where the Python side goes, and where a body finds it.
LIBRARY = $(pkglibdir)/pg_llm-$(EXTVERSION)
else
all install uninstall installcheck:
	@echo "$@ needs the server's build files: $(PG_CONFIG) --pgxs names nothing." >&2
	@echo "Debian, Ubuntu: apt-get install postgresql-server-dev-<major>; or name another server with PG_CONFIG=..." >&2
	@exit 1
endif

# $(1): the directory that the bodies shall look into.
$(SCRIPT): $(SQL) pg_llm.control Makefile $(BUILD)/library-path
	@mkdir -p $(@D)
	@printf '%s\n' '\echo Use "CREATE EXTENSION pg_llm CASCADE" to load this file. \quit' > $@.new
	@cat $(SQL) | sed \
		-e 's|@backend@|(GD.get("pg_llm $(EXTVERSION)") or plpy.execute("select llm.backend_load()") and GD["pg_llm $(EXTVERSION)"])|g' \
		-e 's|@LIBRARY@|$(LIBRARY)|g' \
		-e 's|@EXTVERSION@|$(EXTVERSION)|g' >> $@.new
	@mv $@.new $@

# The script is rebuilt when it shall point elsewhere.
$(BUILD)/library-path: FORCE
	@mkdir -p $(@D)
	@echo '$(LIBRARY)' | cmp -s - $@ || echo '$(LIBRARY)' > $@
FORCE:

install: install-library
install-library:
	tools/install-library '$(DESTDIR)$(LIBRARY)' "$$(tools/plpython-version '$(pkglibdir)')" '$(CURDIR)' '$(BUILD)'

uninstall: uninstall-library
uninstall-library:
	rm -rf '$(DESTDIR)$(LIBRARY)'

.PHONY: install-library uninstall-library FORCE

# ---- ours -------------------------------------------------------------------

VENV = $(BUILD)/venv
SERVER = $(BUILD)/server

# Tests on a private copy of the server; CHECK='tests/lineage -k union' narrows.
CHECK = tests
check: $(VENV)/stamp
	tools/check '$(PG_CONFIG)' '$(BUILD)' $(CHECK)

$(VENV)/stamp: python/requirements-dev.lock
	tools/make-venv '$(VENV)' python/requirements-dev.lock

.PHONY: check
