# One entry to everything. `make` alone prints what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
BIN := .venv/bin
SCRIPTS := hack/setup-dev.sh hack/run-local.sh hack/run-control.sh .ci/run
# Trees of tests, dealt out to two processes by the file: the longest first, so that both end together.
TREES := e2e integration fuse contract model unit architecture golden
# Options for the program behind a target, for example: make run-local ARGS='--exit', make bench ARGS='--quick'
ARGS ?=

.PHONY: help
help: ## Print every target with what it does
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what this machine lacks: system packages, .venv, test servers in .tools
	@hack/setup-dev.sh

.PHONY: run-local
run-local: ## Run the main job: control plane, two nodes, two users' training, who used what (ARGS='--exit --data DIR')
	@hack/run-local.sh $(ARGS)

.PHONY: run-control
run-control: ## Run the control plane with an embedded PostgreSQL (ARGS='--data-dir DIR --rest-addr HOST:PORT')
	@hack/run-control.sh $(ARGS)

.PHONY: test
test: setup lint types ## Run everything that needs no account: linters, types, contracts between layers, all tests
ifeq ($(ARGS),)
	$(BIN)/pytest -m "not cloud" -n 2 --dist loadfile $(addprefix tests/,$(TREES))
else
	$(BIN)/pytest -m "not cloud" $(ARGS)
endif

.PHONY: test-integration
test-integration: setup ## Run the backend contract on real clouds; credentials come from WARPDRIVE_TEST_* variables
	$(BIN)/pytest -m cloud -q -rfE tests/integration/clouds $(ARGS)

.PHONY: lint
lint: ## Check style, shell scripts and the contracts between layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/shellcheck $(SCRIPTS)
	$(BIN)/lint-imports --no-logo

.PHONY: types
types: ## Check types, strictly
	$(BIN)/mypy

.PHONY: fmt
fmt: ## Format the code and mend what the linter can mend by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: lock
lock: ## Write constraints.txt anew from what .venv holds
	@sed -n '/^#/p' constraints.txt >constraints.txt.new
	$(BIN)/pip freeze --exclude-editable --disable-pip-version-check | sort -f >>constraints.txt.new
	@mv constraints.txt.new constraints.txt

.PHONY: proto
proto: ## Generate code and the descriptor set from the protocol definitions in proto/
	$(BIN)/python -m hack.proto

.PHONY: docker
docker: ## Build the container image (not built yet)
	@echo "docker: there is no Dockerfile yet" >&2; exit 1

.PHONY: helm-package
helm-package: ## Package the Helm chart (not built yet)
	@echo "helm-package: there is no chart yet" >&2; exit 1

.PHONY: bench
bench: setup ## Measure beside rclone, s3fs, a bare downloader and the local file (root; ARGS='--quick --case NAME')
	$(BIN)/python -m benchmarks.run $(ARGS)

.PHONY: bench-control
bench-control: setup ## Measure the control plane beside the official recorder and a bare append (ARGS='--quick --case NAME')
	$(BIN)/python -m benchmarks.control $(ARGS)

.PHONY: bench-governance
bench-governance: setup ## Measure ingest, collector and answers beside their controls (ARGS='--quick --case NAME')
	$(BIN)/python -m benchmarks.governance $(ARGS)
