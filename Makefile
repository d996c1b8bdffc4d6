# Every target does its own set-up: a virtual environment inside the checkout. Needs Python 3.11+ and make, no more.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BESIDE := --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

.PHONY: demo test lint bench clean

demo: $(READY)
	$(BIN)/salus demo

# Compiled beforehand, for the many commands that the tests start: each would compile it anew where Python may not write.
# A file of tests on each core, where threads of linear algebra would only wait for each other; the browser's tests alone.
test: export OPENBLAS_NUM_THREADS := 1
test: $(READY)
	$(BIN)/python -m compileall -q -j 0 src
	$(BIN)/python -m pytest tests/browser
	$(BIN)/python -m pytest --doctest-modules src/salus tests --ignore=tests/browser $(BESIDE)

lint: $(READY)
	$(BIN)/ruff check src tests benchmarks build_hooks
	$(BIN)/ruff format --check src tests benchmarks build_hooks
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/salus demo --no-serve
	set -e; for script in benchmarks/*/*.py; do echo "== $$script"; $(BIN)/python $$script; done

$(READY): pyproject.toml constraints.txt build_hooks/vendor.py build_hooks/hpo.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
