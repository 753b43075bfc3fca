# `make demo` and `make test` are all a newcomer needs; both share one .venv.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test check bench clean install

demo: $(INSTALLED)
	$(BIN)/understudy demo --engine preview --out out/demo

test: $(INSTALLED)
	$(BIN)/pytest -q -n auto --maxprocesses 4 --dist worksteal

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[daemon,dev]'
	mkdir -p .typing && ln -sfn .. .typing/understudy
	touch $@

clean:
	rm -rf out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
