# Two commands for a new user: `make demo` and `make test`. Everything they need they set up themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Tests of whole processes at light load leave a core to each other; those that watch a clock have the machine to
# themselves; all the others share its cores.
PAIRS := $(addprefix tests/calibration/test_,search.py prediction.py throttle_truth.py service_report.py \
	faults_report.py) tests/test_budget_end_to_end.py tests/test_end_to_end.py
ALONE := tests/calibration tests/engine tests/faults tests/fleet tests/live

.PHONY: demo test check bench format lock clean

demo: $(VENV)/.installed
	$(BIN)/fmload run --pattern spike

test: $(VENV)/.installed-test
	sh tests/system-packages.sh
	$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal $(PAIRS:%=--ignore %) $(ALONE:%=--ignore %)
	$(BIN)/pytest -n 2 --dist worksteal $(PAIRS)
	$(BIN)/pytest $(PAIRS:%=--ignore %) $(ALONE)

check: $(VENV)/.installed-check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -W error tests/test_project.py

bench: $(VENV)/.installed-test
	$(BIN)/python tests/bench

format: $(VENV)/.installed-check
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The versions CI runs with: the newest that work, and the oldest that pyproject.toml promises.
lock: $(VENV)/.installed-check
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --extra check pyproject.toml -o constraints.txt
	$(BIN)/uv pip compile --quiet --universal --resolution lowest-direct --extra test pyproject.toml -o constraints-lowest.txt

clean:
	rm -rf $(VENV) dist build

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("fmload needs Python 3.11 or newer; set PYTHON=…" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-test: $(BIN)/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-check: $(BIN)/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[check]'
	touch $@ $(VENV)/.installed $(VENV)/.installed-test
