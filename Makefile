# The two commands that matter: `make demo` and `make test`. Each does all its own set-up.
PYTHON ?= python3
BIN := .venv/bin
JARS := build/kafka/libs/.stamp
KAFKA := build/kafka/classes.jsa
SETUP := .venv/.stamp
UV := 0.13.9
# uv takes a tenth of pip's time. It does not read pip's own configuration (mirrors, certificates): where it fails or cannot be had, pip does it.
UV_ITSELF = $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/tools/uv.txt
install = $(BIN)/uv pip install --quiet --python $(BIN)/python $(1) || $(BIN)/pip install --quiet --disable-pip-version-check $(1)
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

# Images of Python often set this, and each of hundreds of starts would compile all that it imports.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo test lint unit chaos ops-demo bench docs lock kafka tools clean

help:           ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(SETUP)  ## make .venv with everything locked by hash, and the command .venv/bin/sluice

$(SETUP): requirements.lock deploy/tools/uv.txt pyproject.toml
	$(PYTHON) -m venv .venv
	-$(UV_ITSELF)
	$(call install,--require-hashes -r requirements.lock)
	$(call install,--no-deps --no-build-isolation --editable .)
	@touch $@

demo: setup      ## the whole flow on an embedded broker, with real posts (no Java, no Docker)
	$(BIN)/sluice demo

test: setup kafka tools lint unit  ## linters, types, import rules, all tests on a genuine Kafka

lint: setup      ## ruff, mypy strict, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2
	$(BIN)/lint-imports

# Four processes on two cores, since tests on Kafka wait half of their time; by file, in the order of tests/conftest.py.
unit: setup kafka tools  ## the tests alone
	$(BIN)/pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

chaos: setup kafka  ## 100,000 posts and 20,000 cases while stages and brokers are killed, also one of three with its disk; a rolling restart (20 minutes)
	$(BIN)/python -m tests.chaos

ops-demo: setup kafka build/tools/prometheus build/tools/prometheus-alertmanager  ## faults are made, and the alert of each comes in (about 10 minutes)
	$(BIN)/python -m tests.ops.demo

bench: setup kafka  ## the measurements of the README, into build/bench.json (half an hour and more)
	$(BIN)/python -m tests.bench

docs: setup      ## generate schemas, AsyncAPI, tables in docs/, rules, dashboards, and what Kubernetes is told of topics and rights
	$(BIN)/python -m schemas.export
	$(BIN)/python -m agents.docs
	$(BIN)/python -m deploy.ops

lock: setup      ## write requirements.lock anew from pyproject.toml, the image's two, which have the same versions, and that of uv
	echo uv==$(UV) | $(COMPILE) - --output-file deploy/tools/uv.txt
	$(UV_ITSELF)
	$(COMPILE) --extra dev --extra evaluate --extra train pyproject.toml --output-file requirements.lock
	$(COMPILE) --constraint requirements.lock pyproject.toml --output-file deploy/docker/requirements.lock
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' | \
		$(COMPILE) --constraint requirements.lock - --output-file deploy/docker/build.lock

kafka: $(KAFKA)  ## Kafka's jars for the tests, by Maven, and their classes in a form that halves a broker's start

$(JARS): deploy/kafka/pom.xml
	rm -rf build/kafka/libs
	mvn -q -B -f deploy/kafka/pom.xml dependency:copy-dependencies
	@touch $@

$(KAFKA): $(JARS) | $(SETUP)
	$(BIN)/python -m tests.support.archive

tools: build/tools/promtool  ## promtool, from the system or Debian's package

build/tools/promtool:
	deploy/tools/debian.sh build/tools prometheus promtool

build/tools/prometheus:
	deploy/tools/debian.sh build/tools prometheus prometheus

build/tools/prometheus-alertmanager:
	deploy/tools/debian.sh build/tools prometheus-alertmanager prometheus-alertmanager

clean:           ## remove what was made here
	rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
