# simulate: install once and run the shipped system.  test: everything CI runs.
# test-deep: the properties, twenty times as hard.  test-parity: a thousand random real runs, and the creature.
# check: the quick loop.  bench: what things cost.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: simulate test test-deep test-parity check lint types layers bench format clean

simulate: $(READY)
	@$(BIN)/nimdsl simulate

test: lint types layers
	$(BIN)/python -m pytest -n 2

test-parity: $(READY)
	NIMDSL_EFFORT=25 $(BIN)/python -m pytest tests/properties/test_real_gardens.py tests/gardens/real/test_creature.py

test-deep: $(READY)
	NIMDSL_EFFORT=20 $(BIN)/python -m pytest -n 2 tests/properties tests/nimdsl

check: lint types
	$(BIN)/python -m pytest -x -q -m "not slow"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

layers: $(READY)
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m tests.bench.run

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) dist build out .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@echo "installing nimdsl and its tools into $(VENV): once, for a minute or two"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable '.[dev]' --constraint constraints.txt
	@touch $@
