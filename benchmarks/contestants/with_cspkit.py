"""What `cspkit load EXPORTS --out` and `cspkit rank` do, in one process."""

from __future__ import annotations

from pathlib import Path

from benchmarks.contestants.facts import AS_OF


def run(folder: Path, out: Path) -> None:
    from cspkit import exports, ranking
    from cspkit.cli.saying import write_table

    loaded = exports.load(folder / "exports")
    loaded.save(out)
    write_table(ranking.listed(loaded, as_of=AS_OF).parts(), out / "ranked.parquet")
