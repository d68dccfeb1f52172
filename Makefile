# Two commands do everything, set-up included: `make accept` and `make check`. .ci/setup says what a word for it adds.

export VENV ?= .venv
JOBS ?= $(shell getconf _NPROCESSORS_ONLN || echo 1)
UV := uv==0.13.9

# The tools come from the environment, and keep what they remember there: the checkout may be read-only.
export PATH := $(VENV)/bin:$(PATH)
export RUFF_CACHE_DIR := $(VENV)/cache/ruff
export MYPY_CACHE_DIR := $(VENV)/cache/mypy
export HYPOTHESIS_STORAGE_DIRECTORY := $(VENV)/cache/hypothesis

# To compile the testbed anew takes as long as to run a scenario, so it is remembered there as well, even where the
# environment wants no bytecode beside the sources.
remembering = PYTHONPYCACHEPREFIX="$$(cd "$$VENV" && pwd)/cache/python" PYTHONDONTWRITEBYTECODE=

# QEMU and TAGS reach the shell as they are, so that names with blanks and expressions with quotes survive.
export QEMU TAGS
behave = $(remembering) SUITE_CALLED_BY="make accept" behave --jobs $(JOBS) $${QEMU:+-D "qemu=$$QEMU"} $${TAGS:+--tags "$$TAGS"} $(ARGS)

# The same goes for the builds to compare, and for a source tree; a word of BUILDS has no blanks, a line of a file may.
export BUILDS PAIRS MIRROR QEMU_SRC

# A variable that nobody reads, such as a misspelt TAGS=, would silently run everything.
variables := VENV JOBS QEMU TAGS ARGS BUILDS PAIRS MIRROR MATRIX QEMU_SRC LOCK PYTHON
given := $(foreach name,$(.VARIABLES),$(if $(findstring command line,$(origin $(name))),$(name)))
unread := $(filter-out $(variables) MAKE% -%,$(given))
near = $(shell $${PYTHON:-python3} -c 'import sys; from testbed.base.problems import hint; print(hint(sys.argv[1].upper(), sys.argv[2:]))' $(1) $(variables))
$(if $(unread),$(error $(foreach name,$(unread),there is no variable $(name); $(call near,$(name)))))

.PHONY: help accept quick check prove matrix profile race format docs steps lock

help: ## print this
	@echo "Each does all of its own set-up: what running needs (5 MB), and what developing needs (180 MB more) only for"
	@echo "make check and make format. make accept, make quick and make check take"
	@echo "  QEMU=/path         a QEMU binary, build tree or installation; without it, the one on PATH"
	@echo "  TAGS='bitmap'      only what this tag expression selects"
	@echo "  ARGS='...'         any arguments for behave, such as features/bitmap or -D keep=always"
	@echo "  JOBS=2             how many processes share the features; without it, one for each processor"
	@echo "  VENV=directory     where the Python environment is or goes; without it, .venv"
	@echo "make profile takes all of these but JOBS: it looks at one process. make race takes QEMU, ARGS and VENV, and"
	@echo "  QEMU_SRC=directory a source tree of QEMU, whose script for incremental backup is run"
	@echo "make matrix takes TAGS, ARGS and VENV, too, and"
	@echo "  BUILDS='...'       the builds: NAME=/path or debian:RELEASE; without it, those that .ci/matrix.toml lists"
	@echo "  PAIRS='A:B B:A'    pairs of these, by name: machines begin on the one and go on with the other; without it, none"
	@echo "  MIRROR=address     where to fetch Debian's releases; without it, mmdebstrap's own choice"
	@echo "  MATRIX='...'       other options: --refetch, --leave-out-unfetched, --update-readme"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

accept: ## run the suite against a build of QEMU
	@.ci/setup qemu
	@$(behave)

quick: ## run the scenarios that find most for their time, in some ten seconds
	@.ci/setup qemu
	@$(behave) --runner testbed.run.quick:QuickRunner

check: ## lint, types, tests of the testbed, then all scenarios
	@.ci/setup qemu developing
	ruff check
	ruff format --check
	mypy
	lint-imports --no-logo --cache-dir $(VENV)/cache/import-linter
	behave-format --check features
	behave-lint
	behave --dry-run --format null
	pytest -m "" --hypothesis-profile=thorough --override-ini "cache_dir=$(VENV)/cache/pytest"
	$(behave)

# Which releases have to be fetched, Python tells: who lacks that, too, is told of both at once.
matrix: ## compare builds of QEMU: BUILDS='debian:sid mine=/opt/qemu', else those that .ci/matrix.toml lists
	@.ci/setup python releases
	@missing=$$(python -m testbed.campaign.matrix --to-fetch $${PAIRS:+--pairs "$$PAIRS"} $(MATRIX) $$BUILDS) && { test -z "$$missing" || .ci/setup mmdebstrap || :; }
	@$(remembering) SUITE_CALLED_BY="make matrix" python -m testbed.campaign.matrix $${MIRROR:+--mirror "$$MIRROR"} $${PAIRS:+--pairs "$$PAIRS"} $(MATRIX) $$BUILDS -- $${TAGS:+--tags "$$TAGS"} $(ARGS)

prove: ## see which faults of QEMU the suite finds; TAGS='bitmap' narrows it
	@.ci/setup qemu
	$(remembering) python -m testbed.campaign.proof --at-once $(JOBS) $${TAGS:+--tags "$$TAGS"} $(ARGS)

profile: ## see where the time of a run goes: processes, Python by layers, waiting
	@.ci/setup qemu
	@$(remembering) python -m testbed.campaign.profile $${QEMU:+-D "qemu=$$QEMU"} $${TAGS:+--tags "$$TAGS"} $(ARGS)

race: ## compare the thirteen first cases with QEMU's own script: QEMU_SRC=/a/source/tree/of/qemu
	@.ci/setup qemu
	@$(remembering) python -m testbed.campaign.race $${QEMU_SRC:+--source "$$QEMU_SRC"} $${QEMU:+-D "qemu=$$QEMU"} $(ARGS)

format: ## format Python and features
	@.ci/setup developing
	ruff check --fix-only
	ruff format
	behave-format features
	chmod -R go+rX features # behave-format leaves files that only their owner may read

docs: ## write the generated parts of the documentation anew
	@.ci/setup python
	python -m testbed.upkeep.docs

steps: ## print the sentences that there are, and the words that can be put into them
	@.ci/setup python
	@python -m testbed.upkeep.catalogue

lock: ## resolve the lock files anew; LOCK=--upgrade takes the newest packages
	tools=$$(mktemp -d) && trap 'rm -r "$$tools"' EXIT && python3 -m venv "$$tools" && \
	"$$tools/bin/pip" install --quiet $(UV) && \
	compile() { "$$tools/bin/uv" pip compile --universal --python-version 3.11 --generate-hashes --quiet $(LOCK) \
		--annotation-style line --custom-compile-command "make lock" --output-file "$$@" pyproject.toml; } && \
	compile requirements.lock && compile requirements-dev.lock --group dev --constraint requirements.lock
