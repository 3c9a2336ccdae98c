# make quickstart   set up, then build a small real corpus, offline after the install
# make test         set up with the test extras, then run all that CI runs
# make test-fast    the tests of single functions: no whole run, nothing that is killed, nothing slow
# make bench NAME=ingest
# make chaos FAULTS=300           faults of every kind over a recipe of all phases, drawn by SEED=1
# make audit-dependencies         what is installed, under which licence, and whether the lock files vouch for it
# make fuzz SECONDS=600           go on for so long with each test of each format, or of one: NAME=warc

PYTHON ?= python3
BIN := .venv/bin
PROCESSES ?= auto # of the tests

BY_FILE := --dist loadfile --no-loadscope-reorder
FUZZERS := $(wildcard tests/fuzz/test_fuzz_$(or $(NAME),*).py)
FAST := tests/test_arrows.py tests/test_shape.py $(addprefix tests/,schemas data_cards stages language_samples) schemas data_cards stages

.PHONY: quickstart test all-tests test-fast bench fuzz chaos audit-dependencies lock install install-test install-icu icu-wheel check format clean

quickstart: .venv/installed
	$(BIN)/glotmill run pipelines/recipes/quickstart.toml --output out/quickstart

test: check all-tests # with `make --jobs=2 test` both at once

# The files with most tests are not the longest ones; in the order of folders those of whole runs come early.
all-tests: .venv/installed-test
	$(BIN)/pytest -n $(PROCESSES) $(BY_FILE)

test-fast: .venv/installed-test
	$(BIN)/pytest -n $(PROCESSES) $(BY_FILE) -m "not slow" $(FAST)

check: .venv/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/installed-test
	@test -n "$(NAME)" || { echo "name a benchmark: make bench NAME=ingest" >&2; exit 2; }
	$(BIN)/python -m tests.benchmarks.$(NAME)

fuzz: .venv/installed-test
	@test -n "$(FUZZERS)" || { echo "no fuzzer for $(NAME); there is tests/fuzz/test_fuzz_FORMAT.py" >&2; exit 2; }
	FUZZ_SECONDS=$(or $(SECONDS),60) $(BIN)/pytest -n $(PROCESSES) -x $(FUZZERS)

chaos: .venv/installed-test
	FAULTS=$(FAULTS) SEED=$(SEED) $(BIN)/python -m tests.benchmarks.faults

audit-dependencies: .venv/installed-test
	$(BIN)/python -m tests.dependencies

install: .venv/installed
install-test: .venv/installed-test
install-icu: .venv/installed-icu
icu-wheel: .venv/wheels

# The lock files are complete, so nothing is resolved here: --no-deps also keeps out what commonlid would bring.
.venv/bin/pip:
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("glotmill needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv

# An editable install compiles no modules; compiled here, they make the first start as quick as the others. Python
# compiles a module anew whose source has another time or size.
.venv/installed: requirements.txt pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q pipelines stages schemas data_cards
	@touch $@

# Most modules of these packages are never imported; Python compiles the others as they are.
.venv/installed-test: requirements-test.txt .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --no-compile -r requirements-test.txt
	@touch $@

# Builds PyICU, for which the system must have ICU's headers: apt-get install libicu-dev pkg-config g++
.venv/wheels: requirements-icu.txt | .venv/bin/pip
	rm -rf $@
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --require-hashes --wheel-dir $@ -r requirements-icu.txt
	@touch $@

.venv/installed-icu: .venv/wheels .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-index .venv/wheels/*.whl
	@touch $@

# Needs uv. The test set is resolved first, and the run-time set within it, so that both agree.
lock:
	echo commonlid==0.2.5 | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --extra test --output-file requirements-test.txt pyproject.toml -
	echo commonlid==0.2.5 | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --constraint requirements-test.txt --output-file requirements.txt pyproject.toml -
	echo commonlid==0.2.5 | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --extra dataflow --extra segmentation --extra transliteration --extra translate --extra synthesize --constraint requirements-test.txt --output-file requirements-dataflow.txt pyproject.toml -
	echo pyicu myanmartools | tr ' ' '\n' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header --no-deps --constraint requirements-test.txt --output-file requirements-icu.txt -

format: .venv/installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf out .venv
