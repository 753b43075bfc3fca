# `make demo` and `make test` are all a newcomer needs; both share one .venv.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
DAEMON := $(VENV)/.daemon
INSTALLED := $(VENV)/.installed
PANEL := $(VENV)/.panel

.PHONY: demo panel test check bench clean install screenshots first-shot extension blender-environments mediapipe-environment

demo: $(DAEMON)
	$(BIN)/understudy demo --engine preview --out out/demo

# The window on a screen; its libraries come with the first call.
panel: $(PANEL)
	$(BIN)/understudy panel

# Ledger and store are written through to the disk: in memory, where there is enough, no test waits for one.
# `make test TEST_FOLDER=/tmp` has its files on a disk.
MEMORY_KILOBYTES := 8000000
TEST_FOLDER ?= $(shell df -k --output=avail /dev/shm 2>/dev/null | awk '$$1 + 0 > $(MEMORY_KILOBYTES) {print "/dev/shm"; found = 1} \
	END {if (!found) print "/tmp"}')

test: $(INSTALLED)
	TMPDIR=$(TEST_FOLDER) $(BIN)/pytest -q -n auto --maxprocesses 4 --dist worksteal

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

install: $(INSTALLED)

# Pictures of the panel for its documentation: no screen needed. Look at each before it is committed.
screenshots: $(INSTALLED)
	QT_QPA_PLATFORM=offscreen $(BIN)/python tests/rigs/panel_screenshots.py

# Pictures of docs/first-shot.md, drawn by going the whole way with clicks and keys: two minutes.
first-shot: $(INSTALLED)
	QT_QPA_PLATFORM=offscreen $(BIN)/python tests/rigs/first_shot.py

# Both zips of the Blender extension, built by Blender's own tool.
extension: $(INSTALLED)
	$(BIN)/python tests/hosts/blender/environments.py 4.5.15
	$(BIN)/python -m understudy.host_plugins.blender_extension dist \
		--tool "$$($(BIN)/python tests/hosts/blender/environments.py --tool 4.5.15)"

# Blender as a Python module, for tests: 800 MB a version, kept outside the tree.
BLENDERS ?= 4.2.23 4.5.15 5.0.1 5.2.3
blender-environments:
	$(PYTHON) tests/hosts/blender/environments.py $(BLENDERS)

# The environment of the real MediaPipe, for tests: 412 MB, kept outside the tree.
MEDIAPIPE ?= $(HOME)/.cache/understudy/mediapipe
mediapipe-environment: $(INSTALLED)
	test -x $(MEDIAPIPE)/bin/python || $(BIN)/understudy pose install --folder $(MEDIAPIPE)

# What the demonstration needs, and no more: the tests' own libraries bring PyTorch.
$(DAEMON): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[daemon]'
	touch $@

$(PANEL): $(DAEMON)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[daemon,panel]'
	touch $@

$(INSTALLED): $(DAEMON)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[daemon,dev]'
	mkdir -p .typing && ln -sfn .. .typing/understudy
	touch $@

clean:
	rm -rf out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
