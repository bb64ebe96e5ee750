# Everything a developer runs. The first use of any target makes .venv and installs into it.

VENV ?= .venv
JOBS ?= 4
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
bin := $(VENV)/bin
stamp := $(VENV)/installed

# Bytecode is kept: else each of some hundred processes compiles all that it imports.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test versions bench bench-peers chaos soak handlers announced unlinked copied shadowed tried model monoliths docs check format types boundaries django clean

demo: $(stamp)
	$(bin)/python manage.py demo $(if $(BREAK),--break $(BREAK)) $(DEMO)

# Most tests wait for other processes, so more of them fit side by side than there are cores.
# A file's tests stay together: they share servers and systems.
test: $(stamp)
	$(bin)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(TEST)

versions: $(stamp)
	$(bin)/tox run --skip-missing-interpreters=true $(VERSIONS)

bench: $(stamp)
	$(bin)/python -m bench $(BENCH)

bench-peers: $(stamp)
	$(bin)/python -m bench.peers $(BENCH)

chaos: $(stamp)
	$(bin)/python -m tests.chaos $(CHAOS)

soak: $(stamp)
	$(bin)/python -m tests.chaos.soak $(SOAK)

handlers: $(stamp)
	HANDLERS_EVENTS=$(or $(HANDLERS),50000) $(bin)/python -m pytest -s tests/integration/kit/test_misbehaving.py

announced: $(stamp)
	ANNOUNCED_CHANGES=$(or $(ANNOUNCED),100000) ANNOUNCED_SEEDS="$(or $(SEEDS),1 2 3 4 5)" \
		$(bin)/python -m pytest -s tests/integration/kit/test_announced_changes.py

unlinked: $(stamp)
	UNLINKED_ROWS=$(or $(UNLINKED),1000000) UNLINKED_CHANGES=$(or $(CHANGES),20000) \
		$(bin)/python -m pytest -m slow -s tests/acceptance/test_unlinked_at_size.py

copied: $(stamp)
	COPIED_ROWS=$(or $(COPIED),1000000) COPIED_CHANGES=$(or $(CHANGES),100000) \
		$(bin)/python -m pytest -m slow -s tests/acceptance/test_copied_at_size.py

shadowed: $(stamp)
	SHADOWED_SALES=$(or $(SALES),10000) SHADOWED_SALES_WITH_FAULT=1000 \
		SHADOWED_SALES_WHILE_SWITCHED=4000 \
		$(bin)/python -m pytest -m slow -s tests/acceptance/test_shadow_at_size.py

tried: $(stamp)
	TRIED_ORDERS=$(or $(ORDERS),50000) $(if $(FILE),TRIED_FILE=$(abspath $(FILE))) \
		$(bin)/python -m pytest -m slow -s tests/acceptance/test_tryout_at_size.py

model: $(stamp)
	$(bin)/python -m tests.model

monoliths: $(stamp)
	$(bin)/python -m pytest -m slow -s tests/monoliths $(MONOLITHS)

# Without --quiet: it drops the warnings that "strict" refuses.
docs: $(stamp)
	NO_MKDOCS_2_WARNING=1 $(bin)/mkdocs build
	@echo "build/docs/index.html"

check: format types boundaries django

format: $(stamp)
	$(bin)/ruff check .
	$(bin)/ruff format --check .

types: $(stamp)
	$(bin)/mypy

boundaries: $(stamp)
	$(bin)/lint-imports
	$(bin)/python -m tests.house

django: $(stamp)
	$(bin)/python manage.py check
	$(bin)/python manage.py makemigrations --check --dry-run
	$(bin)/python manage.py contracts --check
	$(bin)/python manage.py contextmap --check --declared
	$(bin)/python manage.py survey --check

clean:
	rm -rf $(VENV) .carveout build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(stamp): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found. Say make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV), once: a minute or two."
	$(bin)/python -m pip install --disable-pip-version-check -r requirements.txt
	touch $@
