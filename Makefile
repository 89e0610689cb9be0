# `make help` says what there is. Every target is a line or two; the work is in readable scripts.
PY := .venv/bin/python
LOCAL := $(PY) -m practicum_local
PYTEST := $(PY) -m pytest
BY_FOLDER := --dist loadscope --numprocesses
CLUSTER ?= local
CRDS := charts/practicum/templates/crds

.DEFAULT_GOAL := help
.PHONY: help up down status venv tools generate lint types test test-unit test-integration test-labs test-e2e bench labs images clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: venv ## Start the whole platform here and walk its main job (CLUSTER=current: on the kubeconfig at hand)
	@$(LOCAL) up --cluster $(CLUSTER) $(if $(REGISTRY),--registry $(REGISTRY)) \
		$(if $(HUB_URL),--hub-url $(HUB_URL)) $(if $(PORTAL_URL),--portal-url $(PORTAL_URL))

down: venv ## Stop it and leave nothing behind but ~/.cache/practicum
	@$(LOCAL) down

status: venv ## Say what runs, where, and as whom to sign in
	@$(LOCAL) status

venv: ## Make .venv
	@scripts/venv

tools: venv ## Install the programs that tests and the node use
	@$(LOCAL) toolchain install

generate: venv ## Make what is made from types and manifests: CRDs, reference, syllabus
	@$(PY) -m practicum_api.crd $(CRDS)
	@$(PY) scripts/reference.py docs/reference.md
	@$(PY) -m practicum_labs syllabus docs/labs.md

lint: venv ## Lint, formatting, import layers, generated files
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports --no-cache
	@$(PY) -m practicum_api.crd $(CRDS) --check
	@$(PY) scripts/reference.py docs/reference.md --check
	@$(PY) -m practicum_labs lint
	@$(PY) -m practicum_labs syllabus docs/labs.md --check

types: venv ## Check types strictly
	@.venv/bin/mypy

test: lint types test-unit ## All tests
	@# Integration tests mostly wait, labs mostly compute: they share the processors well.
	@$(MAKE) --no-print-directory --jobs=2 test-integration test-labs
	@$(MAKE) --no-print-directory test-e2e

test-unit: tools ## Pure functions, golden manifests, fakes
	@$(PYTEST) --numprocesses 2 tests/unit

test-integration: tools ## On a real API server, a real Hub, PostgreSQL and a browser
	@$(PYTEST) $(BY_FOLDER) 3 tests/integration

test-labs: tools ## What needs torch, in the sandbox image
	@scripts/test-labs

test-e2e: tools ## The whole platform on a real node, in a real browser
	@$(PYTEST) $(BY_FOLDER) 2 tests/e2e

bench: venv ## Print and write build/bench.json: calls, CPU and waiting per sandbox
	@$(PYTEST) tests/bench --capture=no

labs: venv ## Run every lab's solution and the proofs of its checks; LAB=… runs one
	@scripts/labs $(LAB)

images: venv ## Build the images; REGISTRY=… pushes them there
	@$(LOCAL) images $(if $(REGISTRY),push --registry $(REGISTRY),build)

clean: ## Remove what was made in the checkout
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
