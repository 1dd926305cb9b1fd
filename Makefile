# Everything here sets itself up from a fresh checkout and Python 3.11 or newer; with a C++ compiler also the native core.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test bench bench-classify bench-forecast results-classify results-forecast results-language results-long gallery sanitize lint format clean

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
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/runtime.stamp  ## train a forecaster in under a minute and show what it found
	$(BIN)/recuerdo demo

test: $(VENV)/test.stamp  ## run every test, doctest and page of the documentation
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

bench: $(VENV)/test.stamp  ## time the layers beside torch.nn and other peers: about 25 minutes of a quiet machine, an hour the first time
	$(BIN)/python benchmarks/layers.py --json build/benchmarks/layers.json --picture build/benchmarks/layers.png

results-forecast: $(VENV)/test.stamp  ## train forecasters on public data and say how good they are, beside what others have published
	$(BIN)/python benchmarks/results_forecast.py --json build/results/forecast.json

results-classify: $(VENV)/test.stamp  ## train classifiers on public series, texts and digits and say how good they are
	$(BIN)/python benchmarks/results_classify.py --json build/results/classify.json

results-language: $(VENV)/test.stamp  ## train language models and say how good they are and how fast they write: about 15 minutes
	$(BIN)/python benchmarks/results_language.py --json build/results/language.json

results-long: $(VENV)/test.stamp  ## train for hours: MNIST pixel by pixel, sums over 5,000 steps, language; goes on where it was left
	$(BIN)/python benchmarks/results_long.py --json build/results/long.json

bench-classify: $(VENV)/test.stamp  ## time a step of the same classifier in torch and skorch, which it installs by itself: about 25 minutes, 1 GB
	$(BIN)/python benchmarks/classifying.py --json build/benchmarks/classifying.json

bench-forecast: $(VENV)/test.stamp  ## time the same forecasts in neuralforecast and darts, which it installs by themselves: about 20 minutes, 4 GB
	$(BIN)/python benchmarks/forecasting.py --json build/benchmarks/forecasting.json

gallery: $(VENV)/test.stamp  ## train some models and build pages of what they remember, into build/gallery: about 5 minutes
	$(BIN)/python docs/gallery/build.py

sanitize: $(foreach check,random_calls bf16_products,build/checks/$(check).address build/checks/$(check).thread)  ## run the C++ core under the sanitizers: random calls of all its parts
	build/checks/random_calls.address 10000
	build/checks/random_calls.thread 2000
	build/checks/bf16_products.address 400
	build/checks/bf16_products.thread 100

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

# The C++ core without Python, as the sanitizers see it. -O1 keeps their reports readable.
CXX ?= g++
CHECKED := $(wildcard csrc/*.cpp csrc/*.h csrc/checks/*.cpp csrc/checks/*.h)
SANITIZE.address := -fsanitize=address,undefined -fno-sanitize-recover=undefined
SANITIZE.thread := -fsanitize=thread
ISA.avx2 := -mavx2 -mfma
ISA.avx512 := -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma
ISA.avx512bf16 := $(ISA.avx512) -mavx512bf16
ISA.amx := $(ISA.avx512bf16) -mamx-tile -mamx-bf16
SOURCES.random_calls := blocks dispatch pool processor stepper isa_portable isa_emulated isa_avx2 isa_avx512 isa_avx512bf16 isa_amx \
  checks/random_calls
SOURCES.bf16_products := processor checks/bf16_portable checks/bf16_avx2 checks/bf16_avx512bf16 checks/bf16_amx \
  checks/bf16_products

# $(1): the check, $(2): the sanitizer. A source named for an instruction set is compiled with its flags.
define build_check
mkdir -p build/checks/$(1).$(2).objects
for source in $(SOURCES.$(1)); do \
  case $$source in \
    *_avx2) isa='$(ISA.avx2)';; *_avx512) isa='$(ISA.avx512)';; *_avx512bf16) isa='$(ISA.avx512bf16)';; \
    *_amx) isa='$(ISA.amx)';; *) isa=;; \
  esac; \
  $(CXX) -std=c++17 -O1 -g -fno-omit-frame-pointer -ffp-contract=fast -DRECUERDO_AVX512BF16 -DRECUERDO_AMX $(SANITIZE.$(2)) $$isa \
    -c csrc/$$source.cpp -o build/checks/$(1).$(2).objects/$$(basename $$source).o || exit 1; \
done
$(CXX) $(SANITIZE.$(2)) build/checks/$(1).$(2).objects/*.o -pthread -o build/checks/$(1).$(2)
endef

build/checks/random_calls.%: $(CHECKED)
	$(call build_check,random_calls,$*)

build/checks/bf16_products.%: $(CHECKED)
	$(call build_check,bf16_products,$*)
