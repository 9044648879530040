# Everything a fresh clone needs: Python 3.11+, make and the package registries.
# The first interpreter that really runs and is new enough: a version manager's shim may be neither.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ASSETS := src/tocsin/console/assets
BUILT := $(ASSETS)/dist/manifest.json
WORKERS ?= 2

.PHONY: install demo test check test-faults figures first-hour bench dist clean lock screenshots

install: $(STAMP) $(BUILT)

$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo "Tocsin needs Python 3.11 or later on the PATH, or: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(STAMP): $(BIN)/uv pyproject.toml requirements.lock
	@echo "Installing what requirements.lock names into $(VENV): a minute, the first time."
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $(STAMP)

# The console's scripts and styles. Without them the server runs, with plain pages.
$(BUILT): $(STAMP) tools/build_assets.py $(wildcard $(ASSETS)/*.json $(ASSETS)/*.ts $(ASSETS)/src/* $(ASSETS)/worker/* $(ASSETS)/styles/*) \
  $(wildcard src/tocsin/console/templates/console/*)
	@echo "Building the console's scripts and styles."
	@$(BIN)/python tools/build_assets.py
	@echo "Installed: $(BIN)/tocsin"

demo: install
	@$(BIN)/tocsin demo

check: install
	$(BIN)/ruff check src tests bench checks tools
	$(BIN)/ruff format --check src tests bench checks tools
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python checks/circles.py
	$(BIN)/python checks/names_exist.py
	$(BIN)/python checks/class_names_once.py
	$(BIN)/python checks/sql_only_in_store.py

# A test whose end hangs, after its own time-out even, ends its worker: it is told where it stood, counts as
# failed, and the others go on.
test: check
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not slow" \
	  -o faulthandler_timeout=450 -o faulthandler_exit_on_timeout=true

test-faults: install
	$(BIN)/pytest -m slow tests

# What docs/operations/security.md says in figures; on a machine that does nothing else.
figures: install
	$(BIN)/pytest -q -n 0 -m slow tests/faults/test_costs.py tests/faults/test_neighbour.py

# What docs/first-hour.md says in figures, from a fresh clone of what is committed, into the page; on a machine
# that does nothing else.
first-hour:
	@$(PYTHON) tools/first_hour.py --write

# Pictures of every page, from a demo that runs for them; those that the docs show are renewed.
screenshots: install
	$(BIN)/python tools/screenshots.py

# A wheel and a source distribution in dist/, with the console's built assets in both.
dist: install
	@rm -rf dist
	@$(BIN)/uv build --quiet --out-dir dist .
	@ls dist/*

bench: install
	$(BIN)/python -m bench

# Names, versions and hashes only: no registry is named in it.
lock: $(BIN)/uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --python-version 3.11 \
	  --group dev --extra apprise --extra otel pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV) $(ASSETS)/dist $(ASSETS)/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
