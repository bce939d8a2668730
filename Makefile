# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LEARNED := $(VENV)/.learned
READY_DEV := $(VENV)/.ready-dev

.PHONY: demo test test-long lint servers bench clean

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(LEARNED): $(READY)
	@echo "learning the built-in knowledge once; this takes about a minute"
	$(BIN)/python -m bot ask "Hvem kan signere tilbudet?" >/dev/null
	touch $@

$(READY_DEV): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(LEARNED)
	$(BIN)/python -m bot demo

servers:
	sh tests/install-servers.sh

test: $(READY_DEV) servers
	$(BIN)/python -m pytest -m "not long"

test-long: $(READY_DEV) servers
	$(BIN)/python -m pytest -m long

lint: $(READY_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY_DEV) servers
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
