# Everything a developer or operator runs. `make run` and `make test` need only Python 3.11 and pip.
.PHONY: run test check lock train bench faults malformed supply evaluate screenshots browser-matrix load clean help
LOTSA := .venv/bin/lotsa

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /	/'

run: ## install what is missing and start Lotsa
	@scripts/setup
	@$(LOTSA) serve

test: ## install what is missing, check the code and run the tests
	@scripts/setup dev
	@$(MAKE) --no-print-directory check
	@$(LOTSA) train
	@.venv/bin/python -m pytest -n 2 --dist worksteal

check: ## style, types and import rules
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache

train: ## train models and build the index
	@scripts/setup
	@$(LOTSA) train

bench: ## speed of each stage of a turn
	@scripts/setup
	@$(LOTSA) bench
	@$(LOTSA) bench --longest 500
	@$(LOTSA) bench --catalogue
	@$(LOTSA) bench --copies 100000

faults: ## put 200 faults into the running product, then five seeded bugs
	@scripts/setup dev
	@$(LOTSA) train
	@.venv/bin/python -m pytest -m faults tests/faults
	@.venv/bin/python -W ignore -m tests.faults.run --log artifacts/faults.jsonl
	@.venv/bin/python -W ignore -m tests.faults.run --share 0.2 --processes 2
	@.venv/bin/python -W ignore -m tests.faults.run --seeded all

malformed: ## send 10,000 malformed requests
	@scripts/setup dev
	@.venv/bin/python -W ignore -m tests.security.malformed

supply: ## known faults, licences, a list of all parts, and secrets
	@scripts/setup dev
	@.venv/bin/python -m scripts.supply

evaluate: ## quality figures
	@scripts/setup
	@$(LOTSA) evaluate

screenshots: ## pictures for docs/images, from the running product
	@scripts/setup dev
	@.venv/bin/python -m tests.browser.screenshots

browser-matrix: ## every state of the parent's side in every context and direction
	@scripts/setup dev
	@.venv/bin/python -m pytest -m matrix tests/browser/matrix

load: ## 200 open chats and ten messages a second; prints what parents waited
	@scripts/setup dev
	@.venv/bin/python -m pytest -m load tests/load
	@.venv/bin/python -m tests.load.busy

lock: ## compile the lock files anew
	@scripts/setup dev
	@.venv/bin/pip install --quiet uv==0.13.9
	@.venv/bin/uv pip compile --quiet --python-version 3.11 --override overrides.txt \
		--no-emit-package torch --no-header --no-annotate requirements.in -o requirements.lock
	@.venv/bin/uv pip compile --quiet --python-version 3.11 --no-header --no-annotate \
		requirements-dev.in -o requirements-dev.lock

clean: ## remove everything that is built (never var/, which holds data and keys)
	rm -rf .venv artifacts
