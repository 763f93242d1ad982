# Every target works alone on a fresh machine with python3 and make: the virtual environment is made when it is missing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Bytecode is kept: without it every start of a test's own process, and every worker of pytest, compiles all of it again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-all lint bench soak fuzz mutants coverage release screenshots texts clean

demo: $(READY)
	@$(BIN)/ryze-tui demo

test: $(READY)
	@$(BIN)/python -m compileall -q ryze_tui
	$(BIN)/python -m pytest tests -m "not long and not whatsapp" -n 5 --dist worksteal

test-all: $(READY)
	@$(BIN)/python -m compileall -q ryze_tui
	$(BIN)/python -m pytest tests -n 4 --dist loadscope

lint: $(READY)
	$(BIN)/ruff check ryze_tui tests
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	@$(BIN)/python -m compileall -q ryze_tui  # else each start would pay for it where bytecode is not written
	$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

soak: $(READY)
	RYZE_SOAK=$${RYZE_SOAK:-30} $(BIN)/python -m pytest tests/e2e/test_soak.py tests/simulation/test_soak.py -s

fuzz: $(READY)
	@files="$$(grep -rl --include='test_*.py' -E '^from hypothesis|^import hypothesis' tests)"; \
	RYZE_FUZZ=$${RYZE_FUZZ:-1} $(BIN)/python -m pytest --timeout 3600 $$files tests/fuzz tests/contract/test_schemathesis.py -n 4 --dist loadscope

mutants: $(READY)
	$(BIN)/python -m tests.mutants

coverage: $(READY)
	$(BIN)/python -m tests.coverage

release: $(READY)
	@$(BIN)/python -m tests.release

screenshots: $(READY)
	$(BIN)/python -m tests.screenshots

texts: $(READY)
	@$(BIN)/python -m tests.texts

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(READY): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "python3 is needed: apt-get install python3 python3-venv"; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV) (once; about a minute)"; $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "python3 -m venv failed; on Debian: apt-get install python3-venv"; exit 1; }; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,whatsapp]"
	@$(BIN)/python -m compileall -q ryze_tui $(VENV)/lib >/dev/null 2>&1 || true
	@touch $@
