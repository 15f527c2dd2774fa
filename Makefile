# The recipes that people, hooks and CI share. Each sets up whatever it needs.
.PHONY: demo test check bench bench-calls bench-ledger soak docs intelligibility setup clean

BIN := .venv/bin

demo: .venv/ready  ## Make an announced call on this machine and show what the caller heard.
	$(BIN)/callcentre-disclosure demo

test: .venv/ready  ## Run every test.
	$(BIN)/coverage run -m pytest tests/unit/disclosure
	$(BIN)/coverage report --include='callcentre_disclosure/disclosure/*' --fail-under=100
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup tests --ignore tests/unit/disclosure

check: .venv/ready  ## Format, lint, types, import rule.
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready  ## Measure; the figures are printed.
	$(BIN)/python -m benchmarks

bench-calls: .venv/ready  ## Measure on a real Asterisk how long callers and agents wait, road by road (5 minutes).
	$(BIN)/python -m benchmarks.connecting

bench-ledger: .venv/ready  ## Measure the ledger, kill its writers, and take PostgreSQL away (2 minutes).
	$(BIN)/python -m benchmarks.ledger

soak: .venv/ready  ## 200 calls at once, cuts, a crash and hangups at random; nobody may notice (5 minutes).
	$(BIN)/python -m benchmarks.soak

docs: .venv/ready  ## Run every command and snippet of the README and the documentation.
	$(BIN)/python -m pytest tests/test_docs.py

intelligibility: .venv/intelligibility  ## Have a machine listen to the sounds; docs/intelligibility.md.
	$(BIN)/python -m benchmarks.intelligibility $(if $(ALL),--all)

setup: .venv/ready

.venv/intelligibility: .venv/ready
	$(BIN)/python -m pip install --quiet --editable . --group dev --group intelligibility
	: >$@

.venv/ready: pyproject.toml tools/venv.sh
	sh tools/venv.sh

clean:
	rm -rf .venv demo dist
