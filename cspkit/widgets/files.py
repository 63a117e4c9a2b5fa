"""Choose export files: upload them or say where they lie; see at once what they hold."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import ipywidgets
import pandas as pd
from IPython.display import display

from cspkit import exports
from cspkit.errors import CspkitError, ExportError
from cspkit.exports.saved import is_saved
from cspkit.rehearsal import samples
from cspkit.widgets.showing import Shown, show
from cspkit.widgets.tools import Grid, Tool, button, line

if TYPE_CHECKING:
    from cspkit.exports import Exports
    from cspkit.settings import Settings

TABLES = "tables"
COUNTS = ["read", "accepted", "rejected", "set_aside"]
AGAIN = "Now run the cells below again: Run, Run Selected Cell and All Below."
LEFT = 5


def source(exports_dir: str, settings: Settings) -> Path:
    """Say where a notebook reads from.

    The given folder or file; without one the tables that `Files` kept in the workspace, and
    where nobody loaded anything yet, the packaged samples.
    """
    if exports_dir:
        return settings.path(str(Path(exports_dir).expanduser()))
    kept = settings.root / TABLES
    return kept if is_saved(kept) else samples.folder()


class Files(Tool):
    """Controls to upload export files or to name their folder, above what was read from them.

    `exports` is what was loaded and `source` the path that gives the same again. Uploads are kept
    in the workspace's exports folder, what was loaded by hand in its folder `tables`, so that
    this notebook and the later ones find it after a restart.
    """

    def __init__(self, exports_dir: str, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.source = source(exports_dir, settings)
        self.loaded: list[Callable[[], None]] = []
        self.upload = ipywidgets.FileUpload(multiple=True, description="Upload", accept="")
        self.upload.observe(lambda _: self.attempt(self._uploaded) if self.upload.value else None)
        self.folder = line("folder or file", exports_dir or settings.paths.exports)
        self.load = button("Load", lambda: self.attempt(self._chosen))
        self.progress = ipywidgets.IntProgress(layout={"display": "none", "width": "34em"})
        self.words = ipywidgets.HTML()
        self.grid = Grid()
        self._begin()
        hint = (
            f"Uploads are kept in {escape(self._named(settings.exports))}. More than 8 MB at once"
            " do not fit: put such files there with the file browser, then press Load."
        )
        self.put(
            ipywidgets.HBox([self.upload, self.folder, self.load]),
            ipywidgets.HTML(f"<p><small>{hint}</small></p>"),
            self.progress,
            self.words,
            self.grid.table,
        )

    @property
    def summary(self) -> pd.DataFrame:
        """Count the rows of each file: source_file, read, where they ended, and its profile."""
        return self.exports.summary()[["source_file", *COUNTS, "profile"]]

    @property
    def corrections(self) -> Path:
        """The file with the rejects that were put right by hand."""
        return self.settings.exports / exports.CORRECTIONS

    @property
    def origin(self) -> Path:
        """The export files themselves, where what was read last are tables made of them."""
        if not is_saved(self.source):
            return self.source
        return self.settings.path(str(Path(self.folder.value.strip() or ".").expanduser()))

    def still(self) -> Iterable[Shown | str]:
        """Say what was read, file by file."""
        return [self._said(), show(self.summary)]

    def read(self, path: Path) -> str:
        """Load export files, show what they hold, and keep it for the notebooks that follow."""
        paths = [path]
        apart = path != self.settings.exports and not is_saved(path)
        if apart and self.corrections.exists():
            paths.append(self.corrections)
        self._take(self._load(*paths), path)
        kept = self.settings.root / TABLES
        if path == kept:
            return f"Loaded what was kept before. {AGAIN}"
        try:
            self.exports.save(kept)
        except (OSError, CspkitError) as error:
            why = getattr(error, "strerror", None) or str(error)
            return f"Loaded, but {escape(str(kept))} cannot be written ({escape(why)}). {AGAIN}"
        self.source, place = kept, escape(self._named(path))
        return f"Loaded from {place}, and kept in {escape(self._named(kept))}. {AGAIN}"

    def _named(self, path: Path) -> str:
        """Name a path as it is called in the workspace, where it lies there."""
        inside = path.is_relative_to(self.settings.root)
        return path.relative_to(self.settings.root).as_posix() if inside else str(path)

    def _begin(self) -> None:
        """Load what the parameter says, with a bar for those who wait; errors are the cell's."""
        shown = display(self.progress, display_id=True)
        try:
            self._take(self._load(self.source), self.source)
        finally:
            if shown is not None:
                shown.update({"text/html": ""}, raw=True)

    def _load(self, *paths: Path) -> Exports:
        self.progress.layout.display = ""
        try:
            return exports.load(
                *paths,
                partner_tenant=self.settings.service.partner_tenant,
                progress=self._advance,
            )
        finally:
            self.progress.layout.display = "none"

    def _advance(self, name: str, done: int, every: int) -> None:
        self.progress.max, self.progress.value = every, done
        self.progress.description = f"{done} of {every}"

    def _take(self, loaded: Exports, path: Path) -> None:
        self.exports, self.source = loaded, path
        self.words.value = f"<p>{escape(self._said())}</p>"
        self.grid.fill(self.summary)
        for follow in self.loaded:
            follow()

    def _said(self) -> str:
        sums = {name: int(number) for name, number in self.summary[COUNTS].sum().items()}
        what = (
            "the packaged samples" if self.source == samples.folder() else self._named(self.source)
        )
        words = (
            f"{what}: {len(self.summary):,} files, {sums['read']:,} rows ="
            f" {sums['accepted']:,} accepted + {sums['rejected']:,} rejected +"
            f" {sums['set_aside']:,} set aside; {len(self.exports.customers):,} customers,"
            f" {len(self.exports.subscriptions):,} subscriptions."
        )
        left = [f"{name} ({why})" for name, why in self.exports.unrecognised]
        more = f" and {len(left) - LEFT} more" if len(left) > LEFT else ""
        return words + (f" Left alone: {'; '.join(left[:LEFT])}{more}." if left else "")

    def _chosen(self) -> str:
        typed = self.folder.value.strip()
        if not typed:
            raise ExportError("folder or file", ["expected where the export files lie, found none"])
        return self.read(self.settings.path(str(Path(typed).expanduser())))

    def _uploaded(self) -> str:
        """Keep those uploaded files that can be read as exports, then load all that are there."""
        files = {PurePath(one["name"]).name: bytes(one["content"]) for one in self.upload.value}
        self.upload.value = ()
        with TemporaryDirectory(prefix="cspkit-upload-") as scratch:
            for name, content in files.items():
                (Path(scratch) / name).write_bytes(content)
            left = dict(self._load(Path(scratch)).unrecognised)
            good = [name for name in files if name not in left]
            self.settings.exports.mkdir(parents=True, exist_ok=True)
            for name in good:
                shutil.copyfile(Path(scratch) / name, self.settings.exports / name)
        self.folder.value = self.settings.paths.exports
        not_kept = [f"{escape(name)} was not kept: {escape(left[name])}." for name in left]
        return " ".join([*not_kept, self.read(self.settings.exports)])
