# pg_llm. `make help` lists the targets.
#
# all, install, uninstall, clean and installcheck are PGXS's. The others are
# ours; they work on a private copy of the server in build/ and never touch
# an installed PostgreSQL or another cluster.

EXTENSION = pg_llm
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" pg_llm.control)

# The order of the rooms in the extension's script.
ROOMS = backend settings catalog secrets models vectors lineage graph graph_logs graph_questions text2sql text2sql_pairs text2sql_results text2sql_policies text2sql_values text2sql_evaluation privileges
SQL = $(wildcard $(ROOMS:%=sql/%.sql))
SCRIPT = extension/pg_llm--$(EXTVERSION).sql

DATA_built = $(SCRIPT)
DATA = $(filter-out $(SCRIPT),$(wildcard extension/pg_llm--*.sql))
REGRESS = $(patsubst tests/regress/sql/%.sql,%,$(wildcard tests/regress/sql/*.sql))
REGRESS_OPTS = --inputdir=tests/regress --outputdir=tests/regress
EXTRA_CLEAN = build tests/regress/results

.DEFAULT_GOAL := all
OURS = bench check demo demo-stop eval help lint psql

# ---- ours: PGXS has a `check` too, so the two are kept apart ------------------

ifneq ($(filter $(OURS),$(MAKECMDGOALS)),)

$(filter-out $(OURS),$(MAKECMDGOALS)):
	@$(MAKE) --no-print-directory $@

demo: ## show everything: install what is missing, make a private cluster with a sample database
	@tools/demo start '$(PG_CONFIG)'

psql: export PG_LLM_CMD := $(value CMD)
psql: ## open psql on the sample database; make -s psql CMD='select 1' prints bare rows
	@tools/demo psql

demo-stop: ## end the private cluster
	@tools/demo stop

CHECK = tests
check: ## run the tests on a private copy of the server; CHECK='tests/lineage -k union' narrows
	@tools/check '$(PG_CONFIG)' $(CHECK)

lint: ## ruff, mypy --strict, pgspot, and that every SQL function has a comment and a test
	@tools/lint '$(PG_CONFIG)'

bench: ## measure against peers; BENCH=bench/lineage.py runs one
	@tools/bench '$(PG_CONFIG)' $(BENCH)

eval: ## how good the answers to questions are, by execution, on the sample database
	@tools/eval '$(PG_CONFIG)'

help: ## list the targets
	@sed -n 's/^\([a-z-]*\): ## /\1\t/p' Makefile | awk -F'\t' '{ printf "make %-10s %s\n", $$1, $$2 }'
	@echo "make            build;  make install  into the server of PG_CONFIG;  make installcheck, uninstall, clean: PGXS's"

.PHONY: $(OURS)

else

# ---- PGXS's: all, install, uninstall, installcheck, clean ---------------------

PG_CONFIG ?= $(shell tools/find-pg-config)
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
BUILD = $(CURDIR)/build

ifneq ($(wildcard $(PGXS)),)
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

endif
