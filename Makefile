# `make demo` and `make test` create the virtual environment if there is none. Needs GNU make 3.81 or later; README.md has the
# commands for Windows.

VENV ?= .venv
OUT ?= out/demo
PYTHON ?=
PIP_OPTIONS ?=
UPGRADE ?=

py := $(VENV)/bin/python
# Python compiles a module when it is first imported: of the SDK's 16,700 modules a run imports 36 (docs/decisions/0019-one-install.md).
pip := $(py) -m pip install --disable-pip-version-check --quiet --no-compile $(PIP_OPTIONS)
locks := requirements/build.txt requirements/runtime.txt
project := pyproject.toml auditor/__init__.py

# Python keeps what it compiled: otherwise each worker and each started program compiles everything again.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test quick coverage lint install install-test lock emulator bench guidance images pages readme site clean release-check \
	coverage-summary

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.runtime ## Audit the built-in tenants and write a report into out/demo (about a minute the first time)
	@$(VENV)/bin/auditor audit --demo -o $(OUT); code=$$?; \
	if [ $$code -gt 1 ]; then echo "make demo: the audit failed with exit code $$code" >&2; exit $$code; fi; \
	printf '\nThe report: %s\nMore to try: %s\n' "$(OUT)/report.html" "$(VENV)/bin/auditor --help"

test: ## Run every check: lint, types, layers, workflows, tests; one summary at the end
	-@$(MAKE) --silent --keep-going -j2 $(VENV)/.test $(VENV)/.site
	@$(MAKE) --silent $(VENV)/.test
	@$(py) -m tests.package.gates lint test

quick: $(VENV)/.test ## Run the fast tests, in about a minute
	@$(py) -m pytest -q -n auto -m "not slow and not browser and not spark"

coverage: $(VENV)/.test ## Run the tests and list the branches that none of them runs (takes longer than `make test`)
	@rm -rf .coverage && mkdir .coverage
	@$(py) -m coverage run -m pytest -q -n auto -m "not browser and not spark"
	@$(py) -m coverage combine --quiet
	@$(py) -m coverage report

coverage-summary: $(VENV)/.test ## Write what `make coverage` measured as Markdown
	@printf '### Branch coverage: %s %%\n\n' "$$($(py) -m coverage report --format=total)"
	@printf 'Least covered files, without the tests in a browser and on a cluster:\n\n'
	@$(py) -m coverage report --format=markdown --sort=cover | sed -n 1,42p

lint: $(VENV)/.test ## Run the checks other than tests: style, types, layers, workflows
	-@$(MAKE) --silent $(VENV)/.site
	@$(py) -m tests.package.gates lint

install: $(VENV)/.runtime ## Create the virtual environment with the program in it

install-test: $(VENV)/.test ## The same with everything that the tests and checks need

emulator: $(VENV)/.test ## Serve an emulated Microsoft Graph on this machine, for trying things out (Ctrl-C ends it)
	@$(py) -m tests.emulator

bench: $(VENV)/.test ## Measure speed and memory against the floors in docs/benchmarks.md (minutes)
	@$(py) -m benchmarks

readme: $(VENV)/.test ## Write what `auditor --help` prints into README.md
	@$(py) -m tests.package.readme

images: $(VENV)/.test ## Take the screenshots of README.md and docs again (needs Chromium)
	@$(py) -m tests.e2e.browser.images

pages: $(VENV)/.test ## Write docs/checks, docs/guidance, docs/reference, and the generated parts of other pages
	@$(py) -m tests.package.docs_pages docs
	@$(py) -m tests.package.architecture
	@$(py) -m tests.package.history_page

site: $(VENV)/.test $(VENV)/.site ## Build the documentation site into build/site/html; a dead link fails
	@$(py) -m tests.package.site
	@printf 'The site: %s\nWith search: %s -m http.server -d %s\n' build/site/html/index.html "$(py)" build/site/html

AS_OF ?=
guidance: $(VENV)/.test ## List guidance that is due to be checked (AS_OF=YYYY-MM-DD), and write docs/guidance/freshness.md again
	@$(py) -m tests.package.guidance_freshness "$(AS_OF)" docs

TAG ?=
release-check: $(VENV)/.release ## Do everything that a release does except publish: versions, locks, build twice, metadata, SBOM, a fresh installation
	@$(VENV)/release/bin/python .ci/release.py check --tag "$(TAG)"
	@$(VENV)/release/bin/python .ci/release.py build build/release/dist
	@rm -rf build/release/venv && sh .ci/make-venv build/release/venv $(PYTHON)
	@build/release/venv/bin/python -m pip install --disable-pip-version-check --quiet --no-compile $(PIP_OPTIONS) --require-hashes -r requirements/runtime.txt
	@build/release/venv/bin/python -m pip install --disable-pip-version-check --quiet --no-compile $(PIP_OPTIONS) --no-deps build/release/dist/*.whl
	@$(VENV)/release/bin/python .ci/release.py bill build/release/venv/bin/python build/release/sbom.cdx.json
	@$(VENV)/release/bin/python .ci/release.py run build/release/venv/bin/auditor
	@cd build/release && sha256sum dist/* sbom.cdx.json

clean: ## Remove everything that `make` created, including the virtual environment
	rm -rf $(VENV) build dist out .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/actual
	rm -rf m365_license_auditor.egg-info
	find auditor policies reports tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# A virtual environment that already works is kept, whoever made it.
$(VENV)/.made:
	@sh .ci/make-venv "$(VENV)" $(PYTHON)
	@touch $@

$(VENV)/.locked: $(VENV)/.made $(locks)
	@echo "Installing what the program needs (from the lock, with hashes) ..."
	@$(pip) --require-hashes $(locks:%=-r %)
	@touch $@

$(VENV)/.runtime: $(VENV)/.locked $(project)
	@$(pip) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: $(VENV)/.runtime requirements/test.txt
	@echo "Installing what the tests and checks need ..."
	@$(pip) --require-hashes -r requirements/test.txt
	@touch $@

# The generator of the site has an environment of its own; without it `make test` says that the site was not built.
$(VENV)/.site: $(VENV)/.made requirements/site.txt
	@sh .ci/make-venv "$(VENV)/site" $(PYTHON)
	@$(VENV)/site/bin/python -m pip install --disable-pip-version-check --quiet --no-compile $(PIP_OPTIONS) --require-hashes -r requirements/site.txt
	@touch $@

$(VENV)/.release: $(VENV)/.made requirements/release.txt
	@sh .ci/make-venv "$(VENV)/release" $(PYTHON)
	@$(VENV)/release/bin/python -m pip install --disable-pip-version-check --quiet --no-compile $(PIP_OPTIONS) --require-hashes -r requirements/release.txt
	@touch $@

# The lock holds versions and hashes only: no address of a package index and no path of a machine (tests/package looks).
# `make lock` keeps the versions that still fit; `make lock UPGRADE=--upgrade` takes the newest.
UV ?= $(shell command -v uv 2>/dev/null || echo $(VENV)/bin/uv)
compile = $(UV) pip compile --quiet --no-config --generate-hashes --universal --python-version 3.11 $(UPGRADE) \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: $(VENV)/.made ## Compile requirements/*.txt again from pyproject.toml
	@command -v $(UV) >/dev/null || { $(pip) uv; }
	$(compile) requirements/build.in -o requirements/build.txt
	$(compile) requirements/site.in -o requirements/site.txt
	$(compile) pyproject.toml -o requirements/runtime.txt
	$(compile) pyproject.toml --all-extras --group test --group lint \
		-c requirements/runtime.txt -c requirements/build.txt -o requirements/test.txt
	$(compile) --group pyproject.toml:release -c requirements/test.txt -c requirements/build.txt -o requirements/release.txt
