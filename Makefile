# The one developer interface. Everything runs in a virtual environment that this file makes; nothing outside is touched.
#
#   make demo            watch a fleet under load being scaled (DEMO_SECONDS=180)
#   make test            everything that must hold
#   make PYTHON=python3.12 test

PYTHON ?= python3
PYTEST_FLAGS ?= -n 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: demo test check fmt generate bench arena arena-quick help tools

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.runtime ## watch a vLLM fleet under a changing load being scaled; ends by itself
	@.ci/tools.sh >/dev/null || echo "demo: going on without Prometheus: the exporter scrapes by itself" >&2
	@$(BIN)/wva-exporter demo

test: $(VENV)/.dev tools ## every test; ends with the list of skips
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

check: $(VENV)/.dev ## style, types, import direction, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python .ci/generate.py --check
	$(BIN)/python -m pytest -q tests/test_architecture.py

fmt: $(VENV)/.dev ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(VENV)/.dev ## write the committed files that are made from others
	$(BIN)/python .ci/generate.py

bench: $(VENV)/.dev tools ## measure; one JSON line a number, exit 1 over budget
	PYTHONPATH=tests:. $(BIN)/python -m bench

arena: $(VENV)/.dev ## put all policies into all scenarios and write docs/evidence.md; some hours, goes on where it was
	PYTHONPATH=. $(BIN)/python .ci/arena.py $(if $(WVA_DATA),--data $(WVA_DATA)/traces)

arena-quick: $(VENV)/.dev ## six scenarios against the committed results; exit 1 if one moved
	PYTHONPATH=. $(BIN)/python .ci/arena.py --quick

tools:
	@.ci/tools.sh .tools prometheus promtool victoria-metrics

# A stamp is as old as the last installation; a change of pyproject.toml makes a new one.

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	@echo 'installing into $(VENV)'
	@$(PIP) install --editable .
	@touch $@

# pip 25.1 is the first that knows dependency groups.
$(VENV)/.dev: pyproject.toml $(VENV)/.runtime
	@$(PIP) install --upgrade 'pip>=25.1'
	@echo 'installing the tools of development into $(VENV)'
	@$(PIP) install --group dev
	@touch $@

$(BIN)/python:
	@.ci/python.sh $(PYTHON)
	$(PYTHON) -m venv $(VENV)
