# `make demo` and `make test` do all the set-up themselves; the second run starts at once.

VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
CORE := $(VENV)/.core-ready
DEV := $(VENV)/.dev-ready
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-long bench lint types golden derivations wheel clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# PYTHON=... chooses an interpreter; otherwise the first one that is new enough.
$(BIN)/python:
	@for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "creating $(VENV) with $$($$candidate --version)"; exec $$candidate -m venv $(VENV); \
	  fi; \
	done; \
	echo "momentalg needs Python 3.11 or newer; none found as python3 or python3.11 to python3.14."; \
	echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1

$(CORE): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing momentalg and its dependencies into $(VENV)"
	@$(PIP) install --upgrade 'pip>=25.1'  # the first that reads dependency groups
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(DEV): $(CORE)
	@echo "installing the tools for tests into $(VENV)"
	@$(PIP) install --constraint constraints.txt --group test --group lint
	@$(PIP) install --constraint constraints.txt --group engines \
	  || echo "not all engines could be installed: their tests are skipped by name"
	@touch $@

demo: $(CORE)  ## derive, fit and check Matloff's model; outputs in build/demo
	@$(BIN)/python -m momentalg.demo build/demo

test: lint types golden  ## everything, as CI runs it
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

test-long: $(DEV)  ## the tests with many more random cases
	@MOMENTALG_LONG=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

bench: $(DEV)  ## the benchmarks, as ratios; writes build/bench.json
	@$(BIN)/python -m tests.benchmarks build/bench.json

lint: $(DEV)  ## ruff: rules and format of docstrings
	@$(BIN)/ruff check .

types: $(DEV)  ## mypy, strict
	@$(BIN)/mypy

golden: $(DEV)  ## rebuild derivations/ elsewhere and compare bytes
	@$(BIN)/python -m tests.golden compare

derivations: $(DEV)  ## rebuild derivations/ in place
	@$(BIN)/python -m tests.golden rebuild

wheel: $(DEV)  ## build the wheel into dist/, without network
	@$(BIN)/python -m hatchling build -t wheel

clean:  ## remove what is built; keeps .venv
	@rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
