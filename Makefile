# Two commands do everything, set-up included: `make accept` and `make check`.

export VENV ?= .venv
JOBS ?= $(shell getconf _NPROCESSORS_ONLN || echo 1)
UV := uv==0.13.9

# The tools come from the environment, and keep what they remember there: the checkout may be read-only.
export PATH := $(VENV)/bin:$(PATH)
export RUFF_CACHE_DIR := $(VENV)/cache/ruff
export MYPY_CACHE_DIR := $(VENV)/cache/mypy
export HYPOTHESIS_STORAGE_DIRECTORY := $(VENV)/cache/hypothesis

# QEMU and TAGS reach the shell as they are, so that names with blanks and expressions with quotes survive.
export QEMU TAGS
behave = behave --jobs $(JOBS) $${QEMU:+-D "qemu=$$QEMU"} $${TAGS:+--tags "$$TAGS"} $(ARGS)

# The same goes for the builds to compare; a word of BUILDS has no blanks, a line of a file may.
export BUILDS MIRROR

.PHONY: help accept check prove matrix format docs steps lock setup

help: ## print this
	@echo "make accept and make check do all of their own set-up. Both take"
	@echo "  QEMU=/path         a QEMU binary, build tree or installation; without it, the one on PATH"
	@echo "  TAGS='chain'       only what this tag expression selects"
	@echo "  ARGS='...'         any arguments for behave, such as features/chain or -D keep=always"
	@echo "  JOBS=2             how many processes share the features; without it, one for each processor"
	@echo "  VENV=directory     where the Python environment is or goes; without it, .venv"
	@echo "make matrix takes TAGS, ARGS and VENV, too, and"
	@echo "  BUILDS='...'       the builds: NAME=/path or debian:RELEASE; without it, those that .ci/matrix.toml lists"
	@echo "  MIRROR=address     where to fetch Debian's releases; without it, mmdebstrap's own choice"
	@echo "  MATRIX='...'       other options: --refetch, --leave-out-unfetched, --update-readme"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

accept: setup ## run the suite against a build of QEMU
	@$(behave)

check: setup ## lint, types, tests of the testbed, then all scenarios
	ruff check
	ruff format --check
	mypy
	behave-format --check features
	behave-lint
	behave --dry-run --format null
	pytest --override-ini "cache_dir=$(VENV)/cache/pytest"
	$(behave)

matrix: ## compare builds of QEMU: BUILDS='debian:sid mine=/opt/qemu', else those that .ci/matrix.toml lists
	@.ci/setup python
	@missing=$$(python -m testbed.campaign.matrix --to-fetch $(MATRIX) $$BUILDS) && { test -z "$$missing" || .ci/setup mmdebstrap || :; }
	@python -m testbed.campaign.matrix $${MIRROR:+--mirror "$$MIRROR"} $(MATRIX) $$BUILDS -- $${TAGS:+--tags "$$TAGS"} $(ARGS)

prove: setup ## see which faults of QEMU the suite finds; ARGS=--tags=... narrows it
	python -m testbed.campaign.proof --at-once $(JOBS) $(ARGS)

format: setup ## format Python and features
	ruff check --fix-only
	ruff format
	behave-format features
	chmod -R go+rX features # behave-format leaves files that only their owner may read

docs: setup ## write the generated parts of the documentation anew
	python -m testbed.upkeep.docs

steps: setup ## print the catalogue of steps
	@behave --dry-run --format steps.doc

lock: ## resolve requirements.lock anew; LOCK=--upgrade takes the newest packages
	tools=$$(mktemp -d) && trap 'rm -r "$$tools"' EXIT && python3 -m venv "$$tools" && \
	"$$tools/bin/pip" install --quiet $(UV) && \
	"$$tools/bin/uv" pip compile --universal --python-version 3.11 --group dev --generate-hashes \
		--annotation-style line --custom-compile-command "make lock" --quiet $(LOCK) \
		--output-file requirements.lock pyproject.toml

setup:
	@.ci/setup
