PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup fmt lint test test-all check starter bench leaderboard tables

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements/dev.txt
	$(BIN)/pip install --quiet --no-build-isolation --no-deps --editable .
	touch $@

fmt: setup
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix src tests benchmarks

lint: setup
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup
	$(BIN)/pytest -n 2

test-all: setup
	$(BIN)/pytest -n 2 -m ""

check: lint test

# The bundle inside the package: same data, same seed, same hash (printed at the end).
starter: setup
	$(BIN)/anirec train --data ../shared/data --out src/anirec/starter --seed 0

# Time and memory; some 25 minutes.
bench: setup
	$(BIN)/python benchmarks/bench.py speed
	$(BIN)/python benchmarks/bench.py evaluation
	$(BIN)/python benchmarks/bench.py imports

# All models under one protocol; hours, and needs the extras train and item2vec. Goes on where it was stopped.
leaderboard: setup
	$(BIN)/python benchmarks/leaderboard.py measure
	$(BIN)/python benchmarks/leaderboard.py assemble
	$(BIN)/python benchmarks/tables.py

tables: setup
	$(BIN)/python benchmarks/tables.py
