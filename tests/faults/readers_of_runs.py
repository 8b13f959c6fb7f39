"""Readers of the folder of a run: what goes on with it, reports it, or compares it with others."""

from pathlib import Path

from tests.faults.contents import pictures, texts
from tests.faults.materials import Materials, training
from tests.faults.readers import Reader, Words, anything, by_command, changed_entry, in_run, of_json, of_plain


def _report(path: Path, folder: Path, materials: Materials) -> list[str]:
    del materials
    return ["report", str(folder / "run")]


def _compare(path: Path, folder: Path, materials: Materials) -> list[str]:
    return ["compare", str(folder / "run"), str(materials.run), "--n", "1", "--out", str(folder / "compared")]


def _go_on(path: Path, folder: Path, materials: Materials) -> list[str]:
    return training(materials.faces, "--out", str(folder / "run"), steps=4)


def _figures(name: str) -> bool:
    """Whether what is in a file of figures may be used: an object that has none, for example."""
    return any(words in name for words in ("an empty object", "exponent", "NaN", "half"))


def _reader(name: str, words: Words, **more: object) -> Reader:
    return Reader(place=in_run(name), read=by_command(words), **more)  # pyright: ignore[reportArgumentType]


READERS: dict[str, Reader] = {
    "settings.json": _reader(
        "settings.json", _report, contents=of_json(in_run("settings.json")), may_pass=changed_entry
    ),
    "settings.json, by train --plan": _reader(
        "settings.json",
        lambda path, folder, m: training(m.faces, "--out", str(folder / "out"), "--plan", str(path.parent), steps=1),
        contents=of_json(),
    ),
    "settings.json, by compare": _reader("settings.json", _compare, contents=of_json(), quick=False),
    "metrics.json": _reader("metrics.json", _report, contents=of_json(), may_pass=_figures),
    "metrics.json, by compare": _reader("metrics.json", _compare, contents=of_json(), may_pass=_figures, quick=False),
    "system.json": _reader("system.json", _report, contents=of_json(in_run("system.json")), may_pass=anything),
    "log.jsonl": _reader("log.jsonl", _report, contents=of_json(), may_pass=anything),
    "log.jsonl, to go on": _reader("log.jsonl", _go_on, contents=of_json(), may_pass=anything, quick=False),
    "losses.csv": _reader("losses.csv", _report, contents=of_plain(texts), may_pass=anything),
    "losses.csv, to go on": _reader("losses.csv", _go_on, contents=of_plain(texts), may_pass=anything, quick=False),
    "losses.csv, by compare": _reader("losses.csv", _compare, contents=of_plain(texts), may_pass=anything, quick=False),
    "a sheet of pictures": _reader("samples.png", _report, contents=of_plain(pictures), may_pass=anything),
}
