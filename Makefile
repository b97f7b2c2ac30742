# Every target runs in .venv, which is made from requirements.lock when that changes.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export DAGSTER_DISABLE_TELEMETRY := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DO_NOT_TRACK := 1

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/installed ## Make the virtual environment and install everything from the lock file

.venv/installed: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing from requirements.lock (a few minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Simulate a region, run the pipeline over it, and show what it finds
	@$(BIN)/dolen demo

test: setup ## Run all tests
	@$(BIN)/python -m pytest

check: setup ## Lint and format checks, types, SQL layout, conventions
	@$(BIN)/ruff check .
	@$(BIN)/ty check
	@$(BIN)/sqlfmt --check --quiet dbt_project
	@$(BIN)/python -m pytest tests/conventions

ui: setup ## Open the Dagster page on http://127.0.0.1:3000
	@$(BIN)/dolen ui

bench: setup ## Measure landing, linkage and build on a larger region
	@$(BIN)/python -m tests.benchmarks.pipeline

bench-linkage: setup ## Measure the linkage on a million records against its bars
	@$(BIN)/python -m tests.benchmarks.linkage

docs: setup ## Write the pages that come from contracts and models into docs/
	@$(BIN)/dolen docs

lock: setup ## Resolve pyproject.toml anew into requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra dev --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-emit-index-url --no-emit-find-links --no-header --quiet --output-file requirements.lock

clean: ## Remove what was built; keeps var/ (deliveries, releases), which only you may delete
	@rm -rf .venv dbt_project/target dbt_project/logs .pytest_cache .ruff_cache .hypothesis

.PHONY: help setup demo test check ui bench bench-linkage docs lock clean
