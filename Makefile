# make demo | test | bench | soak: each makes .venv first when it is not there or pyproject.toml is newer.

PYTHONS = python3.13 python3.12 python3.11 python3.14 python3
SUITS = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))
BIN = .venv/bin
MADE = .venv/made
PIP = -m pip --quiet --disable-pip-version-check --no-input

.PHONY: help demo test lint bench soak lowest clean

help:
	@echo "make demo    draw the example orders offline, and say where the pictures are"
	@echo "make test    ruff, mypy and every test"
	@echo "make bench   the benchmarks: ratios against a peer in the same run"
	@echo "make soak    the program killed in bad weather, SECONDS=300 SEED=7; balances what was bought against the ledger"
	@echo "make lint    ruff and mypy only"
	@echo "make lowest  the tests again, with the oldest libraries that pyproject.toml allows"
	@echo "make clean   remove .venv and everything that can be made again"

demo: $(MADE)
	@$(BIN)/artfactoryd demo

test: lint
	$(BIN)/python -m pytest

lint: $(MADE)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict artfactoryd bench
	$(BIN)/mypy tests

bench: $(MADE)
	@$(BIN)/python -c 'import dynamicprompts' 2>/dev/null || $(BIN)/python $(PIP) install --editable '.[bench]'
	@for name in start line accept restart drop idle expand; do $(BIN)/python bench/$$name.py || exit 1; done

soak: $(MADE)
	@$(BIN)/python -m tests.soak $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

# A name on PATH is not yet a Python (pyenv leaves shims that only fail), so each is run before it is believed.
$(MADE): pyproject.toml
	@if ! $(BIN)/python -c '$(SUITS)' >/dev/null 2>&1; then \
	  for name in $(PYTHON) $(PYTHONS); do \
	    if $$name -c '$(SUITS)' >/dev/null 2>&1; then found=$$name; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "artfactoryd needs Python 3.11, 3.12, 3.13 or 3.14 with its venv module, and none of these is one:"; \
	    echo "  $(PYTHON) $(PYTHONS)"; \
	    echo "On a Mac: brew install python@3.13     On Debian or Ubuntu: apt install python3 python3-venv"; \
	    echo "Or name one yourself:  make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; \
	    exit 1; \
	  fi >&2; \
	  echo "Making .venv with $$found. This is needed once."; \
	  $$found -m venv --clear .venv; \
	fi
	@$(BIN)/python $(PIP) install --editable '.[dev]'
	@touch $@

# The lower bounds of pyproject.toml as pins, in a second environment inside .venv.
lowest: $(MADE)
	@sed -nE '/types-/d; s/^    "([a-z-]+)>=([0-9.]+).*/\1==\2/p' pyproject.toml > .venv/lowest.txt
	$(BIN)/python -m venv .venv/lowest
	.venv/lowest/bin/python $(PIP) install --constraint .venv/lowest.txt --editable '.[dev]'
	.venv/lowest/bin/python -m pytest

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find artfactoryd bench tests -name __pycache__ -type d -prune -exec rm -rf {} +
