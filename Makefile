# Two commands are all a fresh machine needs: `make demo` and `make test`. Both set everything up themselves.
PYTHON ?= python3
# `make PYTHON=/path/to/python3.14 test` works beside what the default interpreter made: another one has an environment
# of its own, .venv-3.14.
VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'))
BIN := $(VENV)/bin
SAM := .venv-sam/bin/sam
STAGE ?= dev
export SAM_CLI_TELEMETRY := 0
# uv trusts the system's certificates, as pip does: a company's registry or proxy is not on uv's own list.
export UV_SYSTEM_CERTS ?= true

.DEFAULT_GOAL := help
.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- environments -----------------------------------------------------------------------------------------

.venv-bench/.ready: benchmarks/requirements.txt | $(VENV)/.ready
	@echo "setting up .venv-bench"
	@$(PYTHON) -m venv --clear .venv-bench
	@$(BIN)/uv pip install -q -p .venv-bench --require-hashes -r benchmarks/requirements.txt
	@touch $@

.PHONY: setup
setup: $(VENV)/.ready .venv-sam/.ready ## create the environments (done by every target that needs them)

$(VENV)/.ready: requirements/dev.txt pyproject.toml layerctl/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is not Python 3.11 or newer; run: make PYTHON=/path/to/python3.13 ..." >&2; exit 2; }
	@echo "setting up $(VENV) (hash-locked, about a minute on a fresh machine)"
	@$(PYTHON) -m venv --clear $(VENV)
	@awk '/^uv==/{on=1} on{print} on&&!/\\$$/{exit}' requirements/dev.txt > $(VENV)/uv.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@$(BIN)/uv pip install -q -p $(VENV) --require-hashes -r requirements/dev.txt
	@$(BIN)/uv pip install -q -p $(VENV) --no-deps --no-build-isolation -e . -e layerctl
	@touch $@

# The SAM CLI pins an older boto3 than ours, so it lives apart. Its wheel also brings the Runtime Interface Emulator.
.venv-sam/.ready: requirements/sam.txt | $(VENV)/.ready
	@echo "setting up .venv-sam"
	@$(PYTHON) -m venv --clear .venv-sam
	@$(BIN)/uv pip install -q -p .venv-sam --require-hashes -r requirements/sam.txt
	@touch $@

.PHONY: lock
LOCK = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
RUNTIME_LOCK = layerctl/src/layerctl/local/emulator/runtime-requirements
lock: $(VENV)/.ready ## lock the dependencies anew (hashed, without index addresses); UPGRADE=1 takes newer ones
	$(LOCK) $(if $(UPGRADE),--upgrade) layer/requirements.in -o layer/requirements.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements/dev.in -o requirements/dev.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements/sam.in -o requirements/sam.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) benchmarks/requirements.in -o benchmarks/requirements.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) $(RUNTIME_LOCK).in -o $(RUNTIME_LOCK).txt

# --- the layer --------------------------------------------------------------------------------------------

.PHONY: layer build verify sam-layer
layer: $(VENV)/.ready ## stage the layer's content under layer/python and write dist/
	@$(BIN)/layerctl build

verify: $(VENV)/.ready ## build, and prove what was built: every rule, every import, and the same bytes from these sources again
	@zip=$$($(BIN)/layerctl build --json | $(BIN)/python -c 'import json, sys; print(json.load(sys.stdin)["zip"])') && \
	  $(BIN)/layerctl verify "$$zip" --import --rebuild

build: setup ## build the layer with the SAM CLI
	@$(SAM) build

# What `sam build` calls, by way of layer/Makefile.
sam-layer: $(VENV)/.ready
	@$(BIN)/python -m layerctl build --layer-config layer/layer.toml --into "$(ARTIFACTS_DIR)"

.PHONY: wheels
wheels: $(VENV)/.ready ## write the wheels of shared-utils and layerctl into dist/: the same bytes from the same sources
	@for project in . layerctl; do \
	  SOURCE_DATE_EPOCH=315532800 $(BIN)/python -m build -q --wheel --no-isolation --outdir dist $$project || exit; done

.PHONY: deploy pipeline pipelines local-aws
deploy: build ## deploy the layer's stack with the SAM CLI, and make its bucket first: make deploy STAGE=dev|prod; ARTIFACT=zip
	@$(BIN)/python layer/bucket.py $(STAGE)
	@$(BIN)/python layer/deploy.py $(STAGE) $(ARTIFACT)

pipelines: $(VENV)/.ready ## write the workflows, GitLab's templates and CodeBuild's buildspecs from pipelines/*.yaml
	@$(BIN)/python -m pipelines.generate

local-aws: $(VENV)/.ready ## serve a local AWS (moto, with what it lacks for layers) until Ctrl-C; PORT=4566
	@$(BIN)/python -m tests.support.local_aws --port $(or $(PORT),4566)

pipeline: setup ## play the whole life of a layer version on a local AWS, and show each step's evidence
	@$(BIN)/python -m tests.e2e.pipeline

# --- running it -------------------------------------------------------------------------------------------

.PHONY: release-check
release-check: lint types test pipeline wheels ## all that a tag will run, before it is pushed; RECORDS=all.zip (OSV's), BEFORE=zip of the last release
	@zip=$$($(BIN)/layerctl build --strict --json | $(BIN)/python -c 'import json, sys; print(json.load(sys.stdin)["zip"])') && \
	  $(BIN)/layerctl verify "$$zip" --rebuild && \
	  $(BIN)/layerctl audit "$$zip" $(if $(RECORDS),--records $(RECORDS)) && \
	  $(if $(BEFORE),$(BIN)/layerctl diff $(BEFORE) "$$zip",echo "BEFORE is not given: the version's step was not judged")
	@$(BIN)/python -c 'import pathlib, shared_utils, layerctl.releases.changelog as c; \
	  print(c.read_section(pathlib.Path("CHANGELOG.md"), shared_utils.__version__))' >/dev/null || \
	  { echo "error: CHANGELOG.md has no section of this version" >&2; exit 1; }

.PHONY: corpus
corpus: $(VENV)/.ready ## build and verify layers of real wheels, with a table; needs a package index, no part of CI
	@$(BIN)/python -m tests.corpus

.PHONY: corpora
corpora: setup ## try pins, check and run on every template of FOLDERS="…" (the installed packages'); crashes, counts, the slowest
	@nice $(BIN)/python -m tests.corpora $(FOLDERS)

.PHONY: demo run
demo: build ## run both examples on the layer that SAM built, call every route, show and check everything
	@$(BIN)/python examples/demo.py

run: layer ## serve both examples on http://127.0.0.1:3000 until Ctrl-C; PORT=3000
	@$(BIN)/layerctl run examples/todos examples/users --port $(or $(PORT),3000)

# --- checks -----------------------------------------------------------------------------------------------

.PHONY: test lint types
test: setup ## run the tests; SEED=7: in a random order of modules and within each; AGAIN=1: without what one Python proves for all
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -q $(if $(AGAIN),-m "not once") $(if $(SEED),--random-order-bucket=module --random-order-seed=$(SEED))

lint: $(VENV)/.ready ## ruff (lint and format), import-linter (which module may import which), zizmor (workflows)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports --no-logo
	@$(BIN)/zizmor --quiet --offline --no-progress --persona=pedantic .github

types: $(VENV)/.ready ## mypy --strict, and what mypy and pyright say to good and bad usage
	@$(BIN)/mypy src layerctl/src docs/tools && $(BIN)/python -m pytest -q tests/typing

.PHONY: docs reference
docs: $(VENV)/.ready ## build the site of the documentation, site/index.html; a dead link or an unknown option fails it
	@$(BIN)/python -m pytest -q tests/docs/test_links_and_commands.py tests/docs/test_reference.py
	@$(BIN)/python -m docs.tools.site

reference: $(VENV)/.ready ## write docs/layer-toml.md from the schema, and docs/reference from code
	@$(BIN)/python -m docs.tools.reference

.PHONY: rules
rules: $(VENV)/.ready ## write docs/rules from layerctl's registry of rules
	@$(BIN)/layerctl rule --docs docs/rules

.PHONY: mutants
mutants: setup ## put faults into the listed modules, one at a time: their tests must notice; CHANGED=1, ONLY=emf, SAMPLE=100, SEED=2, AGAIN=1
	@nice -n 10 $(BIN)/python -m tests.support.mutants $(if $(CHANGED),--changed) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) $(if $(AGAIN),--again) $(ONLY)

.PHONY: coverage
coverage: setup ## tell which branches of each room the tests take; ONLY=tests/layerctl/pins runs some, MARKS="not slow" the quick ones; SEED=7: in a random order
	@rm -rf .coverage && mkdir .coverage
	@$(BIN)/coverage run -m pytest -n 2 --dist loadgroup -q $(if $(SEED),--random-order-bucket=module --random-order-seed=$(SEED)) $(if $(MARKS),-m "$(MARKS)") $(ONLY) || echo "some tests failed: the table is told all the same" >&2
	@$(BIN)/coverage combine -q && $(BIN)/coverage json -q -o .coverage/report.json
	@$(BIN)/python -m tests.support.coverage_table .coverage/report.json

.PHONY: alone
alone: setup ## run each test where no other has run, two files at a time; ONLY=tests/layerctl/pins; MARKS="not slow"; SAMPLE=0.1 of them; OWN=1: a pytest for each
	@$(BIN)/python -m tests.support.alone $(if $(MARKS),--marks "$(MARKS)") $(if $(OWN),--own) $(if $(SAMPLE),--sample $(SAMPLE)) $(ONLY)

.PHONY: picture
picture: $(VENV)/.ready ## draw the rooms of shared_utils into docs/architecture.md, from its imports
	@$(BIN)/python -m tests.support.rooms

# --- measuring --------------------------------------------------------------------------------------------

.PHONY: bench
ifdef BASE
bench: $(VENV)/.ready
	@$(BIN)/python -m benchmarks.checkouts $(BASE)
else
bench: build .venv-bench/.ready ## measure against the peers, in one run; results in benchmarks/results/; ONLY=footprint: one topic; BASE=COMMIT: against an earlier commit
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only "$(ONLY)")
endif

.PHONY: bench-pins
bench-pins: $(VENV)/.ready ## what `pins list` costs over 5,000 templates, beside an earlier commit: make bench-pins BASE=main~5
	@test -n "$(BASE)" || { echo "error: name a commit to compare with: make bench-pins BASE=main~5" >&2; exit 2; }
	@$(BIN)/python -m benchmarks.pins $(BASE)

# --- housekeeping -----------------------------------------------------------------------------------------

.PHONY: clean
clean: ## remove what was built, and the environments
	rm -rf .venv .venv-* .aws-sam dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find layer/python -mindepth 1 ! -name .gitkeep -delete
