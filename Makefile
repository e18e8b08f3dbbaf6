PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup fmt lint test test-all check

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements/dev.txt
	$(BIN)/pip install --quiet --no-build-isolation --no-deps --editable .
	touch $@

fmt: setup
	$(BIN)/ruff format src tests
	$(BIN)/ruff check --fix src tests

lint: setup
	$(BIN)/ruff format --check src tests
	$(BIN)/ruff check src tests
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup
	$(BIN)/pytest -n 2

test-all: setup
	$(BIN)/pytest -n 2 -m ""

check: lint test
