# Every target first sets up what it needs; a part that is ready costs only a look (see fixtures/setup/).

SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help demo matrix exam test test-unit explore docs lint wheel bench bench-load bench-idle setup venv browser images clean

# When make began, so that the demo can report the time from a fresh machine to the first verdict.
ifndef CHAOSKIT_SETUP_STARTED
CHAOSKIT_SETUP_STARTED := $(shell t=$$(date +%s.%N); echo $${t%.N})
endif
export CHAOSKIT_SETUP_STARTED

# Tests are compiled once (into __pycache__, which git does not see), not in every run of every worker.
unexport PYTHONDONTWRITEBYTECODE

SETUP := @bash fixtures/setup/setup.sh
PYTHON_BIN := .venv/bin/python
UNIT := "not docker and not browser"
QUICK := "not docker and not browser and not slow"

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: setup ## run the six failures on the reference system, and catch two mutants
	@$(PYTHON_BIN) -m experiments.demo

matrix: setup ## run every experiment on the reference system and on its 16 mutants (ARGS='"no pooler"' for some)
	@$(PYTHON_BIN) -m experiments.matrix $(ARGS)

exam: setup ## services whose truth is known, through the whole harness, and the confusion table (ARGS=recovery for a part)
	@$(PYTHON_BIN) -m tests.exam $(ARGS)

test: setup browser lint ## run the whole test suite (ARGS="-k cache" for a part)
ifdef ARGS
	@HYPOTHESIS_PROFILE=thorough $(PYTHON_BIN) -m pytest $(ARGS)
else
	@HYPOTHESIS_PROFILE=thorough $(PYTHON_BIN) -m pytest -m $(UNIT) -n 2 --dist worksteal
	@HYPOTHESIS_PROFILE=thorough $(PYTHON_BIN) -m pytest -m "docker or browser"
endif

test-unit: venv ## run the quick tests, which need neither Docker nor a browser
	@$(PYTHON_BIN) -m pytest -m $(QUICK) --ignore=tests/integration --ignore=tests/browser -n 3 --dist worksteal $(ARGS)

explore: venv ## try the properties on thousands of new examples, to find new counterexamples
	@HYPOTHESIS_PROFILE=explore $(PYTHON_BIN) -m pytest -m $(UNIT) -n 2 --dist worksteal $(ARGS)

docs: ## build the manual as a site, strictly, into build/site
	@test -x .venv-docs/bin/python || $(or $(PYTHON),python3) -m venv .venv-docs
	@.venv-docs/bin/pip install -q -e ".[docs]"
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

lint: venv ## run ruff, mypy and codespell
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/codespell

wheel: venv ## build sdist and wheel, and use the wheel in empty environments (PYTHONS="python3.11 python3.14")
	@$(PYTHON_BIN) -m tests.wheel $${TAG:+--tag "$$TAG"} $(PYTHONS)

bench: setup bench-load ## compare start-up with and without Toxiproxy, and the load generator with others
	@$(PYTHON_BIN) -m tests.bench.startup $(ARGS)

bench-load: ## compare load generator and flood with wrk, Locust and httpx (JSON=file.json for the figures)
	$(SETUP) bench
	@$(PYTHON_BIN) -m tests.bench.load $(JSON)

bench-idle: venv ## measure what an installed chaoskit costs a test suite that does not use it
	@$(PYTHON_BIN) -m tests.bench.idle $(ARGS)

setup: ## set up the engine, the virtual environment and the images
	$(SETUP) all

venv: ## set up only the virtual environment (PYTHON=python3.12 to choose)
	$(SETUP) venv

browser: ## set up Chromium for the tests of the report
	$(SETUP) browser

images: ## set up the images and their engine
	$(SETUP) images

clean: venv ## remove or undo what dead runs have left in the engine
	@.venv/bin/chaoskit clean
