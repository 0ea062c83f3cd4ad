# make install | run | test | bench | lock | clean
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help install run test check format peers bench lock clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?=
CONFIG ?= config.toml
PYTEST_ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore
# The workers of pytest must name the same tests, and sets stand in some names.
export PYTHONHASHSEED := 0

help:
	@echo "make install   the program and its tools, in $(VENV)"
	echo "make run       install, bring the database up to date, run the daemon on $(CONFIG)"
	echo "make test      install, then format, lint, types, import rules and all tests"
	echo "make check     the same without the tests"
	echo "make format    rewrite the sources as the format check wants them"
	echo "make bench     the measurements in tests/bench"
	echo "make lock      choose the versions in requirements.lock anew"
	echo "make clean     remove $(VENV) and every cache"

# Made anew only when the dependencies change, by what the files say: a copied or restored file may be new and look old.
# The lock names every package with its version, so pip solves nothing.
install:
	@wanted=$$(cat pyproject.toml requirements.lock | sha256sum)
	if [ "$$wanted" = "$$(cat $(STAMP) 2>/dev/null)" ]; then
		exit 0
	fi
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then
		python=
		for candidate in $(PYTHON) python3.11 python3 python3.12 python3.13 /usr/bin/python3; do
			if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
				python=$$candidate
				break
			fi
		done
		if [ -z "$$python" ]; then
			echo "make install: no Python 3.11 or newer found; install one, or name it: make install PYTHON=/path/to/python3" >&2
			exit 1
		fi
		if ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then
			if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
				echo "make install: $$python has no venv module; installing python3-venv"
				apt-get -y -o DPkg::Lock::Timeout=180 update </dev/null
				DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=180 install python3-venv </dev/null
			else
				echo "make install: $$python has no venv module; on Debian: apt-get install python3-venv" >&2
				exit 1
			fi
		fi
		rm -rf $(VENV)
		"$$python" -m venv $(VENV)
	fi
	echo "make install: $$(grep -c == requirements.lock) packages of requirements.lock"
	$(BIN)/python -m pip install -qq -r requirements.lock
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	echo "$$wanted" >$(STAMP)

run: install
	@$(BIN)/tocsin db upgrade --config $(CONFIG)
	exec $(BIN)/tocsin run --config $(CONFIG)

peers:
	@tests/peers/install.sh

check: install
	@step() { echo "== $$*"; "$(BIN)/$$@"; }
	step python -m pip check
	step ruff format --check .
	step ruff check .
	step mypy
	step lint-imports --no-logo 2>/dev/null || step lint-imports

test: install peers check
	@if [ -n "$(PYTEST_ARGS)" ]; then
		exec $(BIN)/python -m pytest $(PYTEST_ARGS)
	fi
	# The acceptance tests wait more than they work, so they run beside the others; what they said comes at the end.
	log=$$(mktemp)
	trap 'rm -f "$$log"' EXIT
	$(BIN)/python -m pytest tests/acceptance >"$$log" 2>&1 &
	acceptance=$$!
	status=0
	echo "== pytest, without tests/acceptance"
	$(BIN)/python -m pytest --ignore=tests/acceptance -n 2 --dist loadfile --durations=15 || status=$$?
	echo "== pytest tests/acceptance"
	wait $$acceptance || status=$$?
	cat "$$log"
	exit $$status

format: install
	@$(BIN)/ruff check --fix . || true
	$(BIN)/ruff format .

bench: install
	@shopt -s nullglob
	for file in tests/bench/*.py; do
		echo "== $$file"
		PYTHONPATH=. $(BIN)/python "$$file"
	done

# In a virtual environment of its own: the tool's dependencies must not end up among ours.
lock: install
	@scratch=$$(mktemp -d)
	trap 'rm -rf "$$scratch"' EXIT
	$(BIN)/python -m venv "$$scratch/venv"
	"$$scratch/venv/bin/pip" install -q pip-tools
	"$$scratch/venv/bin/pip-compile" -q --upgrade --strip-extras --extra dev --all-build-deps --allow-unsafe \
		--no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
		--output-file requirements.lock pyproject.toml
	echo "requirements.lock: $$(grep -c == requirements.lock) packages"

clean:
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
