# Every target sets up first what it needs, and what is there already costs a look (see fixtures/setup/).

SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help demo matrix test test-unit explore docs lint wheel bench bench-load bench-idle setup venv browser images clean

# When make began, so that the demo can tell the time from a fresh machine to its first verdict.
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

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: setup ## the six failures on the reference system, and two mutants caught
	@$(PYTHON_BIN) -m experiments.demo

matrix: setup ## every experiment on the reference system and on its 16 mutants (ARGS='"no pooler"' for some)
	@$(PYTHON_BIN) -m experiments.matrix $(ARGS)

test: setup browser lint ## the whole test suite (ARGS="-k cache" for a part)
ifdef ARGS
	@HYPOTHESIS_PROFILE=thorough $(PYTHON_BIN) -m pytest $(ARGS)
else
	@HYPOTHESIS_PROFILE=thorough $(PYTHON_BIN) -m pytest -m $(UNIT) -n 2 --dist worksteal
	@HYPOTHESIS_PROFILE=thorough $(PYTHON_BIN) -m pytest -m "docker or browser"
endif

test-unit: venv ## the quick tests, which need neither Docker nor a browser
	@$(PYTHON_BIN) -m pytest -m $(QUICK) --ignore=tests/integration --ignore=tests/browser -n 3 --dist worksteal $(ARGS)

explore: venv ## the properties on thousands of new examples, for the counterexamples nobody has met yet
	@HYPOTHESIS_PROFILE=explore $(PYTHON_BIN) -m pytest -m $(UNIT) -n 2 --dist worksteal $(ARGS)

docs: ## the manual as a site, built strictly into build/site
	@test -x .venv-docs/bin/python || $(or $(PYTHON),python3) -m venv .venv-docs
	@.venv-docs/bin/pip install -q -e ".[docs]"
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

lint: venv ## ruff, mypy and codespell
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/codespell

wheel: venv ## build sdist and wheel, and use the wheel in empty environments (PYTHONS="python3.11 python3.14")
	@$(PYTHON_BIN) -m tests.wheel $${TAG:+--tag "$$TAG"} $(PYTHONS)

bench: setup bench-load ## start-up behind Toxiproxy against bare, and the load engine beside others
	@$(PYTHON_BIN) -m tests.bench.startup $(ARGS)

bench-load: ## load engine and flood beside wrk, Locust and httpx (JSON=file.json for the figures)
	$(SETUP) bench
	@$(PYTHON_BIN) -m tests.bench.load $(JSON)

bench-idle: venv ## what having chaoskit installed costs a test suite that does not use it
	@$(PYTHON_BIN) -m tests.bench.idle $(ARGS)

setup: ## engine, virtual environment and images
	$(SETUP) all

venv: ## the virtual environment alone (PYTHON=python3.12 to choose)
	$(SETUP) venv

browser: ## a Chromium, for the tests of the report
	$(SETUP) browser

images: ## the images, and the engine they need
	$(SETUP) images

clean: venv ## what runs have left behind in the engine
	@.venv/bin/chaoskit clean
