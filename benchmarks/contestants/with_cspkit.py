"""`cspkit load EXPORTS --out TABLES --rank RANKED`, as an operator runs it."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.contestants.facts import AS_OF


def run(folder: Path, out: Path) -> None:
    from cspkit import cli

    ranked = ["--rank", str(out / "ranked.parquet"), "--as-of", str(AS_OF)]
    sys.argv = ["cspkit", "load", str(folder / "exports"), "--out", str(out), *ranked]
    cli.main()
