"""What `cspkit load EXPORTS --out TABLES --rank RANKED` does."""

from __future__ import annotations

from pathlib import Path

from benchmarks.contestants.facts import AS_OF


def run(folder: Path, out: Path) -> None:
    from cspkit import exports
    from cspkit.cli.saying import write_table

    loaded = exports.load(folder / "exports")
    with loaded.saving(out):
        from cspkit import ranking

        write_table(ranking.listed(loaded, as_of=AS_OF).parts(), out / "ranked.parquet")
