# Two commands on a fresh machine (Python >= 3.11, git, make): `make` and `make test`.
PYTHON ?= python3
VENV ?= .venv
CONFIG ?= config/config.yaml
CONFIGS ?= $(wildcard config/*.yaml config/*.yml)
CORES ?= all
BIN := $(VENV)/bin
SNAKEMAKE = $(BIN)/snakemake --workflow-profile workflow/profiles/default --configfile $(CONFIG) \
	$(if $(SNAKEMAKE_OUTPUT_CACHE),--cache) --cores $(CORES)
INSTALLED := $(VENV)/installed

# Snakemake hands the path of .venv's Python to a shell as it is: every job would fail, after minutes of installation.
ifneq ($(shell pwd | grep '[[:space:]"$$&();<>|*?{}\\`'"'"']'),)
$(error The path of this folder, $(CURDIR), has a space, a quote or another sign that means something to shells, and jobs \
would fail in it. Move the folder or rename it)
endif

.DEFAULT_GOAL := run
.PHONY: run quick plan stale test lint format schema docs bench bench-gpu bench-memory clean

run: $(INSTALLED)  ## run the config (CONFIG=config/config.yaml) to the report
	@$(BIN)/python workflow/before.py $(CONFIG)
	@mkdir -p .snakemake && echo "$$(hostname) $$$$" > .snakemake/holder && exec $(SNAKEMAKE)
	@$(BIN)/python workflow/overview.py report $(CONFIG)

quick: CONFIG = config/test.yaml
quick: run  ## the same in seconds, on the test config

plan: $(INSTALLED)  ## show jobs, memory and time a stage, and which jobs would run; run none
	@$(BIN)/python workflow/overview.py plan $(CONFIG)
	$(SNAKEMAKE) --dry-run --quiet rules

stale: $(INSTALLED)  ## list results that no config (CONFIGS, by default all in config/) uses, and delete them once confirmed
	@$(BIN)/python workflow/overview.py stale $(CONFIGS) $(if $(filter yes,$(CONFIRM)),--delete)

test: $(INSTALLED)  ## run all tests, two files at a time
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(INSTALLED)  ## every linter that CI runs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/snakemake --lint

format: $(INSTALLED)  ## rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

schema: $(INSTALLED)  ## regenerate config/schema.json and config/reference.md from the config models
	$(BIN)/python -m implicitbias.config.reference config

docs: $(INSTALLED)  ## build the documentation into docs/_build; a warning is an error
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --jobs auto docs docs/_build

bench: $(INSTALLED)  ## measure speed, as ratios within one run
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only --override-ini addopts= -s

bench-gpu: $(INSTALLED)  ## compare a GPU's numbers with the CPU's, and measure its speed
	$(BIN)/python -m pytest tests/test_cuda.py -q
	PYTHONPATH=tests:tests/benchmarks $(BIN)/python tests/benchmarks/gpu.py

bench-memory: $(INSTALLED)  ## compare the memory that jobs ask a scheduler for with what they take
	$(BIN)/python tests/benchmarks/memory.py

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[workflow,test,lint,docs]'
	@touch $@

clean:  ## delete results and the virtual environment (never data/raw)
	rm -rf results .snakemake $(VENV)
