# One command each; `make help` lists them. Nothing but Python 3.11 (or later) and make is
# needed: the rest is installed into .venv, node_modules and static/vendor on first use.

PYTHON ?= python3
# One that is named is taken as it is; else a quicker build of the same version may stand in.
CHOSEN := $(if $(filter file,$(origin PYTHON)),,PYTHON_IS_CHOSEN=1)
BOOTSTRAP := $(CHOSEN) $(PYTHON) expansive_cm/services/bootstrap.py
TOOL := $(BOOTSTRAP) tool
ARGS ?=
WORKERS ?= 2
SEED ?=
DAY ?=
ORDER := $(if $(SEED),--randomly-seed=$(SEED))

# Where it is set, each of the many processes that tests start compiles the project anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: screenshots help run setup test-setup test test-hard test-days check clicks looks test-stop lint format demo-reset bench bench-meeting bench-people bench-memory manage migrations lock

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Install, start and show the product with demo data (PORT=8000 BIND=127.0.0.1)
	@$(BOOTSTRAP) run

setup: ## Install what is needed to run, without starting it
	@$(BOOTSTRAP) setup

test-setup: ## Install what the tests need, without running them
	@$(BOOTSTRAP) tests

test: ## Run every test, browser tests included (ARGS="-k name" chooses, SEED=1 orders)
	@$(if $(ARGS),,IN_MEMORY=1) $(TOOL) -m pytest -n $(WORKERS) $(ORDER) $(ARGS)

test-hard: ## Run browser, worker and thread tests five times while all cores are busy
	@SEED=$(SEED) $(TOOL) -m expansive_cm.services.hard $(ARGS)

test-days: ## Run the tests on four dates on which software likes to fail (DAY=March: on one)
	@DAY=$(DAY) $(TOOL) -m expansive_cm.services.days $(ORDER) $(ARGS)

check: ## Lint, then the tests nearest to what changed since main (BASE=main), in minutes
	@$(TOOL) -m expansive_cm.services.check $(ORDER) $(ARGS)

clicks: ## Count the clicks and typed texts of one and of twelve small changes, in the browser
	@$(TOOL) -m pytest -q -n 0 -p no:randomly tests/journeys/clicks.py $(ARGS)

looks: ## Look every page of the demonstration over in the browser (ONLY=name chooses), in minutes
	@ONLY=$(ONLY) $(TOOL) -m pytest -q -n 0 -p no:randomly tests/components/every_page.py $(ARGS)

test-stop: ## Stop the databases that KEEP=1 make test left running
	@$(TOOL) -m expansive_cm.services.for_tests

lint: ## Check types, style, templates, scripts, import directions and missing migrations
	@$(TOOL) -m expansive_cm.services.lint

format: ## Put the Python code into the project's form
	@$(TOOL) -m ruff format .

demo-reset: ## Throw the demo's data away; the next start makes new ones
	@$(BOOTSTRAP) run --reset

bench: ## Measure the lists at 100,000 changes, on a database of its own
	@$(BOOTSTRAP) run --bench $(ARGS)

bench-meeting: ## Measure a meeting with 50 open browsers (ARGS="--streams 500"), on a database of its own
	@$(BOOTSTRAP) run --bench-meeting $(ARGS)

bench-people: ## Measure 200 people at work at once, on a database of its own
	@$(BOOTSTRAP) run --bench-people $(ARGS)

bench-memory: ## Measure the memory of web, worker and beat, on a database of its own
	@$(BOOTSTRAP) run --bench-memory $(ARGS)

manage: ## Run a management command on the demo's data: make manage ARGS="shell"
	@$(BOOTSTRAP) run --manage $(ARGS)

screenshots: ## Take the pictures of the docs from a running demo (ADDRESS=http://127.0.0.1:8000)
	@$(TOOL) -m docs.take_screenshots $(ADDRESS)

migrations: ## Write the migrations that changed models need
	@$(BOOTSTRAP) run --manage makemigrations $(ARGS)

LOCK := uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links

lock: ## Lock the newest allowed packages again (needs uv)
	@$(LOCK) pyproject.toml --output-file requirements/base.txt
	@$(LOCK) pyproject.toml --group local --output-file requirements/local.txt
	@$(LOCK) pyproject.toml --group test --output-file requirements/test.txt
	@$(LOCK) --group node --output-file requirements/node.txt
