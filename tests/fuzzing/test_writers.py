"""What is written reads back equal, whatever the names, texts and numbers in it are."""

import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import seeds

from examples.anime_faces.data import Attribute, Dataset, normalized
from examples.anime_faces.data._writer import DatasetWriter
from examples.anime_faces.metrics._cache import Cache
from examples.anime_faces.run import Settings, read_layout, read_log, read_losses, read_sheet
from examples.anime_faces.run._losses import LossTable
from examples.anime_faces.run._record import Record
from examples.anime_faces.run._sheets import Block, draw_sheet
from examples.anime_faces.systems import Description
from tests.fuzzing.run_files import settings as settings_of_a_run
from tests.fuzzing.target import frozen, quick_folder

letters = st.characters(exclude_categories=["Cs"])
texts = st.text(letters, max_size=12)
lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=12)
names = texts.map(lambda text: " ".join(normalized("NFC", text).split())).filter(bool)
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
wide = st.floats(allow_nan=False, allow_infinity=False)
plain = st.one_of(st.none(), st.booleans(), st.integers(-(10**18), 10**18), wide, texts)
mappings = st.dictionaries(texts, plain)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


@st.composite
def attributes(draw: st.DrawFn) -> tuple[Attribute, ...]:
    wanted = st.lists(st.lists(names, min_size=1, max_size=4, unique=True), max_size=3)
    found = [Attribute(draw(names), tuple(classes)) for classes in draw(wanted)]
    return tuple({one.name: one for one in found}.values())


@given(
    own=attributes(),
    options=st.dictionaries(texts, plain),
    versions=st.dictionaries(texts, texts),
    seed=st.integers(0, 2**64 - 1),
)
def test_settings(place: Path, own: Any, options: Any, versions: Any, seed: int) -> None:
    description = Description(size=8, kind="table", attributes=own, incomplete=(False,) * len(own))
    given_ones = replace(settings_of_a_run(), options=options, versions=versions, seed=seed, description=description)
    given_ones.save(place / "settings.json")
    read = Settings.load(place / "settings.json")
    assert frozen(read.to_dict()) == frozen(given_ones.to_dict())


@given(rows=st.lists(st.dictionaries(texts.map("critic/{}".format), numbers, max_size=3), max_size=8))
def test_losses(place: Path, rows: list[dict[str, float]]) -> None:
    path = place / "losses.csv"
    path.unlink(missing_ok=True)
    table = LossTable(path)
    table.open(0)
    for step, values in enumerate(rows, start=1):
        table.append([(step, values)])
    table.close()
    read = read_losses(path)
    kept = [(step, values) for step, values in enumerate(rows, start=1) if values]
    assert ([] if read is None else read.steps.tolist()) == [step for step, _ in kept]
    for row, (_, values) in enumerate(kept):
        assert read is not None
        held = {name: column[row] for name, column in read.columns.items() if name.startswith("critic/")}
        expected = {" ".join(name.split()): value for name, value in values.items()}
        assert {name: np.float32(value) for name, value in held.items() if not np.isnan(value)} == expected


@given(values=st.dictionaries(texts.map("critic/{}".format), numbers, min_size=1, max_size=3), seed=seeds)
def test_the_log(place: Path, values: dict[str, float], seed: int) -> None:
    path = place / "log.jsonl"
    path.unlink(missing_ok=True)
    record = Record(path, every=1)
    record.open(0)
    record.add(1, {name: torch.tensor(value) for name, value in values.items()})
    averages = record.read()
    record.write(1, images=seed, images_per_second=1.5)
    record.close()
    (line,) = read_log(path)
    assert (line["step"], line["images"]) == (1, seed)
    assert line["averages"] == {name: round(value, 6) for name, value in averages.items()}


@given(own=attributes(), seed=seeds, data=st.data())
def test_data_sets(place: Path, own: tuple[Attribute, ...], seed: int, data: st.DataObject) -> None:
    rng, count, columns = np.random.default_rng(seed), 3, sum(len(one.classes) for one in own)
    images = rng.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    labels = rng.integers(0, 2, (count, columns), dtype=np.uint8)
    words = data.draw(st.lists(lines, min_size=count, max_size=count))
    skipped = [
        {"file": file, "reason": reason} for file, reason in data.draw(st.lists(st.tuples(texts, texts), max_size=3))
    ]
    with quick_folder() as folder:
        with DatasetWriter(folder, size=4, attributes=own) as writer:
            writer.add(images, labels, {"pose": rng.normal(size=(count, 2))}, texts=words)
            writer.finish(kind="table", settings={"seed": seed}, skipped=skipped)
        read = Dataset.open(folder)
        read.verify()
        assert np.array_equal(read.images, images)
        assert np.array_equal(read.labels, labels)
        assert (read.attributes, list(read.own_texts or ()), list(read.skipped)) == (own, words, skipped)


@given(key=mappings, name=texts.filter(lambda text: text != "__metadata__"), seed=seeds)
def test_kept_features(place: Path, key: dict[str, Any], name: str, seed: int) -> None:
    tensors = {name: torch.randn(2, 3, generator=torch.Generator().manual_seed(seed))}
    folder = place / "measured"
    with redirect_stdout(io.StringIO()) as said:
        made = Cache(folder=folder).get("a", key, lambda: tensors)
        read = Cache(folder=folder).get("a", key, dict)
    assert frozen(made) == frozen(read)
    assert not said.getvalue()
    for path in folder.iterdir():
        path.unlink()


@given(labels=st.lists(texts, min_size=1, max_size=3), heading=texts)
def test_sheets(place: Path, labels: list[str], heading: str) -> None:
    images = np.zeros((len(labels), 2, 8, 8, 3), np.uint8)
    draw_sheet(labels, [Block(heading, images)]).save(place / "sheet.png")
    layout = read_layout(read_sheet(place / "sheet.png"))
    assert layout is not None
    assert (list(layout.labels), list(layout.headings)) == (labels, [heading])
