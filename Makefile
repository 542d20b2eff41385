# `make run` opens the app, `make test` passes the tests; both set up what is missing first.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup run test check browser demo demo-seeds bench clean

PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet --progress-bar off
SETUP := .venv/.setup-done
# A file's tests stay together, for they share what they are run on. The browser's have the machine to themselves.
CORES := --numprocesses logical --maxprocesses 4 --dist loadfile

help: ## List these commands
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 14

setup: $(SETUP) ## Create .venv with the tested versions (only when something changed)

# torch goes first, at the tested version: a machine's own build of it (for CPU, say) is then kept.
# A Python of your choice: make setup PYTHON=/path/to/python
$(SETUP): pyproject.toml constraints.txt
	@echo "Setting up .venv with the tested versions; the first time takes a few minutes."
	@python="$(PYTHON)"; \
	for candidate in python3.11 python3.12 python3.13 python3; do \
		[ -n "$$python" ] && break; \
		"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && python="$$candidate"; \
	done; \
	[ -n "$$python" ] || { echo "No Python 3.11 or newer was found; install one, or say PYTHON=/path/to/python." >&2; exit 1; }; \
	[ -x $(PY) ] && $(PY) -m pip --version >/dev/null 2>&1 || "$$python" -m venv --clear .venv
	@$(PIP) "$$(grep -E '^torch==' constraints.txt)"
	@$(PIP) --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: setup ## Open the app on 127.0.0.1 (PORT=8600 for another port, CAI_STUDIO_HOME for another workspace)
	@.venv/bin/cai-studio app $(if $(PORT),--port $(PORT))

test: setup browser ## Run all tests: quick, then slow, then in the browser (ARGS="-k name" for some)
	@$(if $(ARGS),$(PY) -m pytest $(ARGS),$(PY) -m pytest -m "not browser and not gpu" $(CORES) && $(PY) -m pytest -m browser)

check: setup ## Lint, format, types and import rules, and that a broken import rule is caught
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo
	@$(PY) -m pytest --quiet tests/test_imports.py

browser: setup ## Find or install the Chromium that the browser tests drive
	@$(PY) tests/chromium.py

demo: setup ## Run the whole loop on the sandbox, headless (ARGS="--seed 1 --json demo.json")
	@.venv/bin/cai-studio demo $(ARGS)

demo-seeds: setup ## Run the loop for the reported seeds and write docs/results.md
	@.venv/bin/cai-studio demo --seeds 100,101,102 --report docs/results.md

bench: setup ## Measure, print the table and write bench.json (ARGS="store ratings" for some)
	@$(PY) -m tests.benchmarks.measure $(ARGS)

clean: ## Remove the environment and all caches; workspaces stay
	@rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
