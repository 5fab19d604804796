# `make run` and `make test` install what is missing, then do what they say.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run test lint format tree bench setup clean

run: setup
	@RINGSIDE_BIN=$(BIN)/ringside bash scripts/run.sh

test: setup lint
	# Windows, voices and servers wait more than they work: three files at a time on two cores. A test that hangs fails and tells where;
	# one that hangs outside Python takes its process along. No process takes a dead one's place: the run could wait for ever.
	# On CI's machine, which others share, a failed test runs once more and is listed as RERUN; here it simply fails.
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --max-worker-restart 0 $(if $(CI),--reruns 1 --reruns-delay 5 -raR) --timeout 240 -o faulthandler_timeout=400 -o faulthandler_exit_on_timeout=true

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/tree.py --check

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The README's tree, a line a file, from the modules' docstrings.
tree: setup
	$(BIN)/python scripts/tree.py

bench: setup
	$(BIN)/python -m engine.bench --model assets/demo_model --steps 120

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt scripts/system_packages.sh
	@bash scripts/system_packages.sh
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v[:2] < (3, 14) else f"Ringside needs Python 3.11 to 3.13, and $(PYTHON) is {v[0]}.{v[1]}. Name another: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	@touch $(STAMP)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist *.egg-info
