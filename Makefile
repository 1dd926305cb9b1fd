# Everything here sets itself up from a fresh checkout and Python 3.11 or newer; with a C++ compiler also the native core.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test bench lint format clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
SETUP := pyproject.toml constraints.txt CMakeLists.txt $(wildcard csrc/*)

# pip reads these for the packages and for the isolated build of our own, whatever its version.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/runtime.stamp  ## train a forecaster in under a minute and show what it found
	$(BIN)/recuerdo demo

test: $(VENV)/test.stamp  ## run every test, doctest and page of the documentation
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

bench: $(VENV)/test.stamp  ## time the layers beside torch.nn and other peers: about 15 minutes of a quiet machine
	$(BIN)/python benchmarks/layers.py --json build/benchmarks/layers.json --picture build/benchmarks/layers.png

lint: $(VENV)/test.stamp  ## check style, types and the directions of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

format: $(VENV)/test.stamp  ## mend what ruff can mend by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:  ## remove the virtual environment, the caches and what was built
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests docs benchmarks -name __pycache__ -prune -exec rm -rf {} +

# pip is the last thing that venv makes, so an environment that was left half made is made anew.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "recuerdo needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version || echo missing)." \
	    "Name another one: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/runtime.stamp: $(SETUP) | $(BIN)/pip
	@echo 'Installing recuerdo into $(VENV): some minutes the first time.'
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/test.stamp: $(SETUP) | $(BIN)/pip
	@echo 'Installing recuerdo and its tests into $(VENV): some minutes the first time.'
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@ $(VENV)/runtime.stamp
