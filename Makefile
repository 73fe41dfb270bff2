# make setup   system libraries, .venv, the package
# make demo    hear it: a simulated soloist on a bundled piece, written to demo-take/
# make test    style, types, tests
# make bench   figures on takes with known truth (DATA=folder with a manifest.csv)
# make timing  how exactly notes and clock leave through JACK, into RESULTS.md (MINUTES=3)
# make clean   remove .venv and everything that was built

VENV := .venv
PY := $(VENV)/bin/python
DATA ?= ../shared/data
MINUTES ?= 3

.PHONY: setup setup-test demo test lint bench timing clean
.DELETE_ON_ERROR:
.NOTPARALLEL:

setup: $(VENV)/.ready $(VENV)/.warm
	@echo "Ready. Try: $(VENV)/bin/accompanist demo"

setup-test: $(VENV)/.ready-test $(VENV)/.warm

# Stamps: nothing is done again until what it depends on changes.
$(VENV)/.ready: pyproject.toml scripts/setup.sh
	@scripts/setup.sh system
	@scripts/setup.sh venv $(VENV)
	@touch $@

$(VENV)/.ready-test: pyproject.toml scripts/setup.sh
	@scripts/setup.sh system test
	@scripts/setup.sh venv $(VENV) test
	@touch $@ $(VENV)/.ready

# The compiled loops are kept beside the sources; the first hop of the first piece is to be quick.
$(VENV)/.warm: $(wildcard accompanist/hearing/*.py accompanist/recordings/*.py accompanist/followers/*.py accompanist/followers/*/*.py) | $(VENV)/.ready
	@$(PY) -m accompanist.app.warm
	@touch $@

demo: setup
	$(VENV)/bin/accompanist demo --out demo-take

lint: setup-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

test: lint
	$(PY) -m pytest

bench: setup
	$(PY) tests/benchmarks/evaluate.py $(DATA)

timing: setup-test
	$(PY) tests/benchmarks/timing.py --minutes $(MINUTES) --write

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis demo-take
	find accompanist bridges score_library tests -name __pycache__ -type d -prune -exec rm -rf {} +
