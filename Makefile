# Every command we type. CI and pre-commit call the same recipes.
#   make demo              a running site from nothing but Python and make
#   make test              every test
# `make` alone lists them all.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo visit install test check fix bench clients screenshots

VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
ACCOUNT = $(or $(RECSITE_HOME),.recsite)/demo.json
# Arguments for pytest: `make test T="tests/recsite -k supervisor"`; T="-n 0 ..." runs them in one process.
T ?=

# The settings of a real site, with servers that need not be there.
AS_PRODUCTION = SECRET_KEY=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(64))") \
	DATABASE_URL=postgresql://none@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0 HTTPS=1 \
	ALLOWED_HOSTS=recsite.example $(BIN)/python

help:  ## list the commands
	@echo "Recsite: make COMMAND"
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

demo: $(VENV)/.site  ## a running site: make demo [DATA=folder] [PORT=8000]
	@exec $(BIN)/python manage.py demo --port "$(PORT)" $(if $(DATA),--data "$(DATA)")

visit: $(VENV)/.site  ## let the simulated people of the running demo visit it (in another terminal)
	@exec $(BIN)/python manage.py visit

install: $(VENV)/.dev  ## the environment with everything for development

test: $(VENV)/.dev  ## every test; T="..." passes arguments to pytest
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(T)

check: $(VENV)/.dev  ## format, lint, types, imports, migrations, settings; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(AS_PRODUCTION) -W "ignore:Got an error checking a consistent migration history" \
		manage.py makemigrations --check --dry-run
	$(AS_PRODUCTION) manage.py check --deploy --fail-level WARNING
	$(BIN)/mypy

fix: $(VENV)/.dev  ## format and mend what can be mended by machine
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## speed: import beside COPY, recommendations beside a bare view
	$(BIN)/python -m benchmarks

clients: $(VENV)/.dev  ## what is generated for other sites: the event script, the Python client
	npm --prefix clients ci --no-audit --no-fund
	npm --prefix clients run build
	$(BIN)/python -m clients.generate

screenshots: $(VENV)/.dev  ## every page of the running demo, light and dark, wide and narrow
	@test -f "$(ACCOUNT)" || { echo "Start the site first, in another terminal: make demo"; exit 1; }
	$(BIN)/python -m benchmarks.screenshots --site http://localhost:$(PORT) --account demo \
		--password "$$($(BIN)/python -c 'import json, sys; print(json.load(open(sys.argv[1]))["password"])' "$(ACCOUNT)")"

# --- environment: pinned versions, made once, again when the pins change --------------------------
$(VENV)/.site: pyproject.toml constraints.txt
	@.ci/install $(VENV)
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	@.ci/install $(VENV) dev
	@touch $(VENV)/.site $@
