# make demo   the main job on real data      make test   everything that is tested
# make lint   style and types                make bench  peers and targets, side by side
# make check  what `sekisho check` finds in the examples: nothing
# make docs   the site, into site/           make coverage  which lines the suite runs
# make site   the site built, crawled, and each page looked at in a browser
# make follow the README from its first line to its last, in a clean environment
# Each sets up what it needs; a second run reuses it.

PYTHON ?= python3
VENV := .venv
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
SETUP_FILES := pyproject.toml constraints.txt

.PHONY: demo test test-numpy check lint format docs site follow coverage bench bench-check clean

demo: $(VENV)/.ready
	$(VENV)/bin/python examples/digits.py

test: $(VENV)/.ready
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

# The same suite where PyTorch is not installed: its tests are skipped, all others pass.
test-numpy: $(VENV)-numpy/.ready
	$(VENV)-numpy/bin/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.ready
	$(VENV)/bin/python -m sekisho check examples

lint: $(VENV)/.ready
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/basedpyright
	$(VENV)/bin/python tests/typing/check_snippets.py
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/zizmor --offline --quiet .github/workflows

docs: $(VENV)/.ready
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet

site: $(VENV)/.ready
	$(VENV)/bin/python -m pytest -q tests/test_site.py

follow:
	$(PYTHON) tests/follow.py

coverage: $(VENV)/.ready
	$(VENV)/bin/coverage erase
	$(VENV)/bin/coverage run -m pytest -n 2 --dist loadfile
	$(VENV)/bin/coverage combine --quiet
	$(VENV)/bin/coverage report

format: $(VENV)/.ready
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

bench: $(VENV)-bench/.ready
	$(VENV)-bench/bin/python -W ignore benchmarks/run.py
	$(VENV)-bench/bin/python benchmarks/check.py

bench-check: $(VENV)-bench/.ready
	$(VENV)-bench/bin/python benchmarks/check.py

# pip 25.1 is the first that reads dependency groups. Torch first: with 2.13.0 there, nothing
# else asks for a newer build of it.
$(VENV)/.ready: $(SETUP_FILES)
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP_INSTALL) "pip>=25.1"
	$(VENV)/bin/python $(PIP_INSTALL) torch
	$(VENV)/bin/python $(PIP_INSTALL) --editable ".[torch,jax,distributed]" --group test --group test-torch --group demo --group lint --group docs
	touch $@

$(VENV)-numpy/.ready: $(SETUP_FILES)
	test -x $(VENV)-numpy/bin/python || $(PYTHON) -m venv $(VENV)-numpy
	$(VENV)-numpy/bin/python $(PIP_INSTALL) "pip>=25.1"
	$(VENV)-numpy/bin/python $(PIP_INSTALL) --editable . --group test
	touch $@

# The peers, each for itself: one that cannot be installed is a row that says so.
$(VENV)-bench/.ready: $(SETUP_FILES) benchmarks/peers.txt
	test -x $(VENV)-bench/bin/python || $(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python $(PIP_INSTALL) "pip>=25.1"
	$(VENV)-bench/bin/python $(PIP_INSTALL) torch
	$(VENV)-bench/bin/python $(PIP_INSTALL) --editable . matplotlib
	while read peer; do \
		$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check \
			"$$peer" numpy==2.4.6 torch==2.13.0 || echo "cannot be installed: $$peer"; \
	done < benchmarks/peers.txt
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-numpy $(VENV)-bench build dist site
