"""Run one way in this process, with nothing imported that it does not need itself.

python -m benchmarks.contestants duckdb FOLDER OUT
"""

import sys
from importlib import import_module
from pathlib import Path

import_module(f"benchmarks.contestants.with_{sys.argv[1]}").run(*map(Path, sys.argv[2:4]))
