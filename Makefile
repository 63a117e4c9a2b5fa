# Every command is a plain `python -m` line, so that it can be copied where there is no make.
PYTHON ?= python3
VENV ?= .venv
ifeq ($(OS),Windows_NT)
PY = $(VENV)/Scripts/python
else
PY = $(VENV)/bin/python
endif

.PHONY: demo test proof bench pictures lab voila

demo: $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt .
	$(PY) -m cspkit demo

test: $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test,live,teams,spark]"
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder
	$(PY) -m pytest -n 2 --dist loadfile -p nbval --nbval-lax notebooks

proof: $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test,live,teams]"
	$(PY) -m tests.proof

# Everything that is measured, one run: benchmarks/results.md. make bench PARTS="load report" for some.
bench: $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test,bench,live,teams,spark]"
	$(PY) -m benchmarks $(PARTS)

pictures: $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test,live,teams]"
	$(PY) -m tests.browser.pictures reports/pictures

# Of a workspace: its notebooks in JupyterLab, or 20 and 30 as pages. make voila WORKSPACE=my-workspace
WORKSPACE ?= workspace

lab: $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt .
	$(PY) -m jupyter lab --ServerApp.root_dir=$(WORKSPACE)

voila: $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt ".[voila]"
	$(PY) -m cspkit.widgets.serving $(WORKSPACE)

$(PY):
	$(PYTHON) -m venv $(VENV)
