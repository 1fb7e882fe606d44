# Each target is one command of `python -m embedded`; everything it needs is installed into .venv first.
PYTHON ?= python3
RUN = PYTHONPATH=platform $(PYTHON) -m embedded
yes = $(filter-out 0 no false,$(1))

.PHONY: up restart down reset test lint

up: ## Everything on this machine, in the foreground; DETACH=1 returns when it is ready
	@$(RUN) up $(if $(call yes,$(DETACH)),--detach)

restart: ## Bring new code to what `make up` started, without a pause
	@$(RUN) restart

down: ## Stop what `make up` started
	@$(RUN) down

reset: ## Delete all data, after asking; YES=1 does not ask
	@$(RUN) reset $(if $(call yes,$(YES)),--yes)

test: ## The whole suite; ARGS="tests/chat -x" for a part of it
	@$(RUN) test -- $(ARGS)

lint: ## Formatting, lint, types, layers
	@$(RUN) develop
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy .
	.venv/bin/lint-imports
	@test ! -e platform/__init__.py || { echo "platform/ shadows the standard library: delete platform/__init__.py"; exit 1; }
