# Thin names over the tools; CI calls the same ones.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
RUN := . scripts/toolchain/env.sh &&
STAMPS := .stamps
STORIES := $(addprefix tests/e2e/test_,demo.py demo_recorded.py housekeeping.py wind_down.py)
GAS := $(CURDIR)/out/gas
SOLIDITY := $(shell find contracts -name '*.sol' 2>/dev/null)

.PHONY: help install compile check fmt lint types layers slither test adapters vault attacks bonds forge keeper stories e2e newest demo expectations bench bench-peers bench-memory twins adversaries crash soak stops fuzz gas coverage clean lock

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMPS)/python $(STAMPS)/node ## set up the virtual environment and the npm packages, both from lock files

$(STAMPS)/python: requirements.lock pyproject.toml
	@mkdir -p $(STAMPS)
	@test -x $(VENV)/bin/python || python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(STAMPS)/node: package-lock.json
	@mkdir -p $(STAMPS)
	@# not npm ci: it refuses a lock that lacks the optional binaries of platforms it was not made on
	npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

$(STAMPS)/dydx-client: scripts/dydx_client_env.sh
	@mkdir -p $(STAMPS)
	bash scripts/dydx_client_env.sh
	@touch $@

$(STAMPS)/peers: scripts/peers_env.sh
	@mkdir -p $(STAMPS)
	bash scripts/peers_env.sh
	@touch $@

$(STAMPS)/clean-env: scripts/clean_env.sh scripts/newest_python.sh pyproject.toml
	@mkdir -p $(STAMPS)
	bash scripts/clean_env.sh
	@touch $@

compile: $(STAMPS)/contracts ## compile the contracts

$(STAMPS)/contracts: $(STAMPS)/python $(STAMPS)/node $(SOLIDITY) ape-config.yaml scripts/toolchain/solc-v0.8.30
	$(RUN) ape compile --force # without it Ape keeps what imports a changed file as it was
	@touch $@

check: compile lint types layers slither ## format, lint, types, import layers, current ABIs, slither

fmt: install ## format everything
	$(RUN) ruff format . && ruff check --fix-only . && forge fmt contracts tests/forge

lint: install
	$(RUN) ruff format --check . && ruff check .
	$(RUN) forge fmt --check contracts tests/forge
	$(RUN) solhint --max-warnings 0 'contracts/**/*.sol'
	$(RUN) python scripts/export_abi.py --check

types: install
	$(RUN) mypy

layers: install
	$(RUN) lint-imports

slither: install
	$(RUN) python scripts/slither_input.py # syntax trees alone: no second generation of code
	$(RUN) slither . --config-file slither.config.json

# Apart, because Ape isolates tests by chain snapshots, one order of deployments at a time.
# What tells stories on a world of its own waits for its blocks: two of those leave a core to a third.
test: stories crash vault e2e attacks adapters keeper newest duetwins bonds forge ## every test, the longest suites first; -j3 where there are two cores

adapters: compile
	$(RUN) ape test tests/contracts/adapters $(PYTEST_ARGS)

vault: compile
	$(RUN) ape test tests/contracts/unit tests/contracts/properties tests/contracts/invariants \
		tests/contracts/gas $(PYTEST_ARGS)

attacks: compile
	$(RUN) ape test tests/contracts/attacks tests/contracts/conformance $(PYTEST_ARGS)

bonds: compile
	$(RUN) ape test tests/contracts/bonds $(PYTEST_ARGS)

forge: compile ## the laws over seeded sequences, on forge
	$(RUN) FOUNDRY_PROFILE=laws forge test $(FORGE_ARGS)

fuzz: compile ## the same for long: SEEDS sequences of STEPS steps for 6, 8 and 18 decimals
	$(RUN) FOUNDRY_PROFILE=laws FUZZ_SEEDS=$(or $(SEEDS),50) FUZZ_STEPS=$(or $(STEPS),400) \
		FOUNDRY_INVARIANT_RUNS=64 FOUNDRY_INVARIANT_DEPTH=400 forge test $(FORGE_ARGS)

# Ape is loaded where contracts are deployed: it costs every test of a session its own time.
keeper: compile $(STAMPS)/dydx-client
	$(RUN) python -m pytest -p no:ape_test tests/keeper tests/adversaries tests/soak tests/stops \
		--ignore tests/keeper/adapters/chain $(PYTEST_ARGS)
	$(RUN) ape test tests/keeper/adapters/chain $(PYTEST_ARGS)

stories: compile ## long stories, each on a world of its own
	$(RUN) python -m pytest -p no:ape_test $(STORIES) $(PYTEST_ARGS)

e2e: compile ## the command line on a running world: all but the stories and the crashes
	$(RUN) python -m pytest -p no:ape_test tests/e2e \
		$(addprefix --ignore=,$(STORIES) tests/e2e/crash) $(PYTEST_ARGS)

crash: compile ## kill a keeper at every crash point; CRASH_LATER=100 adds kills at later passings
	$(RUN) python -m pytest -p no:ape_test tests/e2e/crash $(PYTEST_ARGS)

newest: $(STAMPS)/python $(STAMPS)/clean-env ## the wheel alone, on the newest Python and libraries it allows
	$(RUN) python -m pytest -p no:ape_test tests/packaging $(PYTEST_ARGS)
	.venv-clean/bin/python -m pytest tests/keeper/unit tests/keeper/adapters tests/keeper/exchange \
		--ignore tests/keeper/adapters/chain $(PYTEST_ARGS)

demo: compile ## the story on one machine, ending in a table and out/report.html; DATA=folder plays recordings
	$(RUN) keeper devnet demo --out out $(if $(DATA),--data "$(DATA)")

expectations: compile ## what users expect, row by row, on a running world
	$(RUN) python -m tests.e2e.expectations

bench: install $(STAMPS)/dydx-client ## latency figures, medians of several runs; beside dYdX's own client; under load
	$(RUN) python -m benchmarks
	$(RUN) python -m benchmarks.orders --write
	$(RUN) python -m benchmarks.exchange_load

bench-peers: install $(STAMPS)/peers ## other makers on the same tape and rule, in environments of their own; DATA=folder plays recordings
	$(RUN) python -m benchmarks.peers --write $(if $(DATA),--data "$(DATA)")

bench-memory: install ## resident memory of a keeper with two markets over 10^7 events
	$(RUN) python -m benchmarks.memory

twins: compile ## every broken twin: each must be caught by its test; writes docs/twins.md
	$(RUN) python scripts/twins.py --jobs 2

duetwins: compile ## six of them, and those that changed since their verdict on that page
	$(RUN) python scripts/twins.py --due

adversaries: install ## simulate the adversaries in full and write docs/adversaries.md
	$(RUN) python -m tests.adversaries

soak: install ## half an hour of faults at the local exchange: exposure, memory, reconciliations; writes docs/soak.md
	$(RUN) python -m tests.soak --seconds $(or $(SECONDS_OF_SOAK),1800) --write

stops: compile ## trip every stop on a running keeper, kill it, look at the exchange's side; writes docs/stops.md
	$(RUN) python -m tests.stops --write

gas: compile ## measure what every transaction costs; writes docs/gas.md
	rm -rf $(GAS) && mkdir -p $(GAS)
	$(RUN) GAS_FOLDER=$(GAS) ape test tests/contracts/gas --deselect tests/contracts/gas/test_gas_page.py
	$(RUN) GAS_FOLDER=$(GAS) ape test tests/contracts/adapters/test_adapter_gas.py
	$(RUN) GAS_FOLDER=$(GAS) ape test tests/contracts/bonds/test_bond_gas.py
	$(RUN) python -m tests.contracts.gas.table $(GAS)
	$(RUN) ape test tests/contracts/gas

coverage: compile ## which branches of the contracts the tests take; writes docs/coverage.md
	$(RUN) python scripts/coverage.py

lock: ## resolve requirements.lock again
	$(RUN) pip-compile --extra dev --extra local-world --extra web --generate-hashes --no-emit-index-url --allow-unsafe -q -o requirements.lock pyproject.toml

clean: ## remove everything that can be made again
	rm -rf $(VENV) node_modules $(STAMPS) .build .cache out
