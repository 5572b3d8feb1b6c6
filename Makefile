# Everything a checkout needs, set up by itself: `make test` and `make demo` work on a clean clone
# with Python 3.11+, make and a package index. Nothing is written outside the checkout but the caches of uv and Go.

.DEFAULT_GOAL := help
SHELL := /bin/sh

# The Python the environment is made with: the first of these that is new enough.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
# Arguments for pytest: make test PYTEST='-m "not slow" tests/unit'
PYTEST ?=
# How many processes run the tests, and how they share them: make test PARALLEL='-n 0' for one.
PARALLEL ?= -n logical --maxprocesses 4 --dist worksteal
# Arguments for uv's resolver: make lock LOCK=--upgrade
LOCK ?=

# Trust what the machine trusts: networks with certificates of their own are common.
export UV_SYSTEM_CERTS ?= true

# uv where it works, else a pinned one of our own in .tools/.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .tools/bin/uv)
BIN := .venv/bin
ADAPTERS := $(patsubst %/pyproject.toml,%,$(wildcard instrumentation/*/pyproject.toml))
LOCKS := requirements/dev.txt requirements/build.txt
READY := .venv/.ready
COLLECTOR := .tools/collector/otelcol-exectrail
FRAMES := .tools/frames/exectrail-frames
RULES := .tools/rules/exectrail-rules
SCHEMA := .tools/schema/exectrail-schema
# The builder is of the version that it builds.
COLLECTOR_VERSION = $(shell sed -n 's/^  version: *//p' collector/builder.yaml)

.PHONY: help setup demo test collector grafana dashboards e2e lint format lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make the environment in .venv from the locks; runs once

demo: $(READY) ## Run the demonstration: agents under `exectrail run`, seen with state, tree and cost
	@$(BIN)/python examples/demo.py

test: $(READY) ## Run all tests; PYTEST='...' passes arguments on
	@$(BIN)/python -m pytest $(PARALLEL) $(PYTEST)

collector: $(COLLECTOR) ## Build the lean OpenTelemetry Collector; needs Go 1.26 or newer and a module proxy
	@echo $(COLLECTOR)

dashboards: $(READY) ## Write dashboards/generated from the code in dashboards/
	@$(BIN)/python -m dashboards.build

grafana: $(FRAMES) $(RULES) $(SCHEMA) ## Build what asks and reads rules and dashboards as Grafana does; needs Go 1.26 or newer and a module proxy
	@echo $(FRAMES) $(RULES) $(SCHEMA)

e2e: $(READY) $(COLLECTOR) ## Kill the collector twenty times and take the database away for a minute: nothing is lost
	@EXECTRAIL_TEST_KILLS=20 EXECTRAIL_TEST_AWAY=60 $(BIN)/python -m pytest -rP $(PYTEST) tests/flow/collector/test_end_to_end.py

lint: $(READY) ## Check style, types, import rules and generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m exectrail.conventions.generate --check
	$(BIN)/python -m dashboards.build --check

format: $(READY) ## Rewrite style and generated files
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m exectrail.conventions.generate
	$(BIN)/python -m dashboards.build

lock: $(READY) ## Resolve requirements/*.in again; LOCK=--upgrade takes newer versions
	$(UV) pip compile --quiet $(LOCK) --python-version 3.11 --universal --generate-hashes \
		--no-annotate --no-header --no-emit-package exectrail --no-emit-package exectrail-langgraph \
		--output-file requirements/dev.txt requirements/dev.in
	$(UV) pip compile --quiet $(LOCK) --python-version 3.11 --universal --generate-hashes \
		--no-annotate --no-header --output-file requirements/build.txt requirements/build.in
	$(UV) pip compile --quiet $(LOCK) --python-version 3.11 --universal --generate-hashes \
		--no-annotate --no-header --output-file requirements/uv.txt requirements/uv.in
	$(UV) pip compile --quiet $(LOCK) --python-version 3.13 --universal --generate-hashes \
		--no-annotate --no-header --no-emit-package exectrail \
		--output-file requirements/image.txt requirements/image.in

clean: ## Remove what the targets made
	rm -rf .venv .tools .demo .pytest_cache .ruff_cache .hypothesis dist

# The locks hold everything but our own distributions; those come last, editable, with their build
# backend pinned too. Packages that left the locks stay until `make clean`.
$(READY): $(LOCKS) pyproject.toml $(ADAPTERS:%=%/pyproject.toml) | $(filter .tools/%,$(UV))
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found; try: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(BIN)/python || $(UV) venv --quiet --no-python-downloads --python "$(PYTHON)" .venv
	@echo "Setting up .venv from requirements/dev.txt"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --build-constraints requirements/build.txt \
		$(patsubst %,-e %,. $(ADAPTERS))
	@touch $@

.tools/bin/uv: requirements/uv.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found; try: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Fetching uv into .tools"
	@"$(PYTHON)" -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# Two compilers at a time, and gently: the machine may have other work. Made under another name first, so that what was
# broken off is not taken for done.
$(COLLECTOR): collector/builder.yaml
	@command -v go >/dev/null || { echo "make collector needs Go, and there is no go on the PATH" >&2; exit 1; }
	@echo "Building the collector $(COLLECTOR_VERSION) into $(dir $@); the first time takes some minutes"
	@mkdir -p $(dir $@)
	@GOFLAGS="$$GOFLAGS -p=2" nice -n 10 go run go.opentelemetry.io/collector/cmd/builder@v$(COLLECTOR_VERSION) \
		--config collector/builder.yaml --skip-compilation >$(dir $@)build.log 2>&1 \
		&& cd $(dir $@) && nice -n 10 go build -p 2 -trimpath -ldflags "-s -w" -o $(notdir $@).new . >>build.log 2>&1 \
		|| { tail -n 20 $(abspath $(dir $@)build.log) >&2; exit 1; }
	@mv $@.new $@

# Go programs beneath tests/grafana, each in a folder of the name that its place in .tools has.
$(FRAMES): $(wildcard tests/grafana/frames/*)
$(RULES): $(wildcard tests/grafana/rules/*)
$(SCHEMA): $(wildcard tests/grafana/schema/*)
$(FRAMES) $(RULES) $(SCHEMA):
	@command -v go >/dev/null || { echo "make grafana needs Go, and there is no go on the PATH" >&2; exit 1; }
	@echo "Building $@; the first time takes some minutes"
	@mkdir -p $(dir $@)
	@cd tests/grafana/$(notdir $(@D)) && nice -n 10 go build -p 2 -trimpath -ldflags "-s -w" -o $(abspath $@).new .
	@mv $@.new $@
