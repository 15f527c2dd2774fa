# The recipes that people, hooks and CI share. Each sets up whatever it needs.
.PHONY: demo test check bench bench-calls bench-ledger bench-fleet soak fire fuzz docs intelligibility setup clean

BIN := .venv/bin

demo: .venv/ready  ## Make an announced call on this machine and show what the caller heard.
	$(BIN)/callcentre-disclosure demo

test: .venv/ready  ## Run every test.
	$(BIN)/coverage run -m pytest tests/unit/disclosure
	$(BIN)/coverage report --include='callcentre_disclosure/disclosure/*' --fail-under=100
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile tests --ignore tests/unit/disclosure

check: .venv/ready  ## Format, lint, types, import rule.
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready  ## Measure; the figures are printed.
	$(BIN)/python -m benchmarks

bench-calls: .venv/ready  ## Measure on a real Asterisk how long callers and agents wait, road by road (8 minutes).
	$(BIN)/python -m benchmarks.connecting --at-once 4
	$(BIN)/python -m benchmarks.rate

bench-ledger: .venv/ready  ## Measure the ledger, kill its writers, and take PostgreSQL away (2 minutes).
	$(BIN)/python -m benchmarks.ledger

bench-fleet: .venv/ready  ## Measure what a machine of a fleet carries, and what more of them bring (5 minutes).
	$(BIN)/python -m benchmarks.fleet

soak: .venv/ready  ## 200 calls at once, cuts, a crash and hangups at random; nobody may notice (5 minutes).
	$(BIN)/python -m benchmarks.soak

fire: .venv/ready  ## Everything goes wrong while calls go on, again and again (16 minutes).
	$(BIN)/python -m tests.fire

fuzz: .venv/fuzz  ## Fuzz all that reads what others write, RUNS=100000 times each (10 minutes).
	$(BIN)/python -m tests.hostile.fuzz --runs $(or $(RUNS),100000)

docs: .venv/ready  ## Run every command and snippet of the README and the documentation.
	$(BIN)/python -m pytest tests/test_docs.py

intelligibility: .venv/intelligibility  ## Have a machine listen to the sounds; docs/intelligibility.md.
	$(BIN)/python -m benchmarks.intelligibility $(if $(ALL),--all)

setup: .venv/ready

.venv/intelligibility: .venv/ready
	$(BIN)/python -m pip install --quiet --editable . --group dev --group intelligibility
	: >$@

.venv/fuzz: .venv/ready
	$(BIN)/python -m pip install --quiet --editable . --group dev --group fuzz
	: >$@

.venv/ready: pyproject.toml tools/venv.sh
	sh tools/venv.sh

clean:
	rm -rf .venv demo dist
