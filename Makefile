# Every command installs what it needs into .venv first.
#   make demo      draw data, train, sample, evaluate, report, in MINUTES=12: open runs/demo/report.html
#   make test      lint, types, quick suite with doctests, strict documentation build
#   make test-all  the whole suite, with the slow tests
#   make check     lint and types
#   make docs      the documentation site, into site/
#   make bench     speed, error and memory of a step beside other libraries, on an idle machine, into benchmarks/results/
#                  (make bench BENCH=--busy publishes on a busy one, and says so)
#   make cuda      the same on one GPU, with launches, roofline, CUDA tests and a short training, into benchmarks/results/cuda.md
#   make toys      published experiments: ring, grid, Dirac-GAN, stacked digits, into benchmarks/results/
#   make faces     the default recipe and an earlier version of it, three seeds, several hours, into benchmarks/results/
#   make gallery   a run of each recipe, a few hours, into the pages of the recipes
#   make mutants   mutation testing of the library and of the example's run and data, by a sample, into benchmarks/results/mutants.md
#   make coverage  branch coverage of the package over its own tests, at least 98 %, half an hour
#   make faults    kills, damaged and hostile files, full disks, signals, a few hours, into benchmarks/results/faults.md
#   make clean     delete .venv and everything that is built
# Another version of torch: make test TORCH=torch==2.14.1

PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV ?= .venv

BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
TORCH_STAMP := $(STAMPS)/torch-$(subst /,-,$(subst :,-,$(subst =,-,$(TORCH))))
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DEMO ?= runs/demo
MINUTES ?= 12
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist worksteal

.PHONY: demo test test-all check docs bench cuda toys faces gallery mutants coverage faults clean
.DELETE_ON_ERROR:

demo: $(STAMPS)/examples
	$(BIN)/python -m examples.anime_faces demo --out $(DEMO) --minutes $(MINUTES)

test: check $(STAMPS)/all
	$(PYTEST)
	$(BIN)/python docs/build.py

test-all: $(STAMPS)/all
	$(PYTEST) -m "slow or not slow"

check: $(STAMPS)/all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

docs: $(STAMPS)/all
	$(BIN)/python docs/build.py

bench: $(STAMPS)/examples
	$(BIN)/python -m benchmarks.step_throughput.peers
	$(BIN)/python -m benchmarks.step_throughput $(BENCH)
	$(BIN)/python -m benchmarks.overhead $(BENCH)
	$(BIN)/python -m benchmarks.recipes $(BENCH)

cuda: $(STAMPS)/all
	$(BIN)/python -m benchmarks.cuda

toys: $(STAMPS)/all
	$(BIN)/python -m benchmarks.toys

faces: $(STAMPS)/examples
	$(BIN)/python -m benchmarks.faces

gallery: $(STAMPS)/examples
	$(BIN)/python -m benchmarks.gallery

mutants: $(STAMPS)/all
	$(BIN)/python -m tests.mutants --at-most 400 --records .mutants --write

# In pieces, a process each: what one of them measured stays when another is stopped. The bar is in pyproject.toml.
COVERED := core losses constraints schedules latents augment blocks embedders networks training test_contract.py test_devices.py \
	test_waiting.py
coverage: $(STAMPS)/all
	$(BIN)/python -m coverage erase
	for piece in $(COVERED); do $(BIN)/python -m coverage run -m pytest --quiet tests/$$piece || exit 1; done
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

faults: $(STAMPS)/all
	$(BIN)/python -m tests.faults

clean:
	rm -rf $(VENV) site build dist docs/api/generated .pytest_cache .ruff_cache .hypothesis .coverage .coverage.*

# torch is installed first and separately, so that no other package decides its version. Another TORCH is installed again.
$(TORCH_STAMP):
	$(PYTHON) -m venv $(VENV)
	$(PIP) "$(TORCH)"
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/torch* && touch "$@"

$(STAMPS)/examples: $(TORCH_STAMP) pyproject.toml constraints.txt
	$(PIP) --constraint constraints.txt --editable ".[examples]"
	@touch $@

$(STAMPS)/all: $(TORCH_STAMP) pyproject.toml constraints.txt
	$(PIP) --constraint constraints.txt --editable ".[benchmarks,examples,docs,test]"
	@touch $@
