"""The guide on failures shows what its runs gave: each run that fails does, and its cure cures it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from benchmarks.failures.__main__ import RESULTS
from benchmarks.failures.drawing import curves, write_sheet
from benchmarks.failures.faces import SIZE, Faces
from benchmarks.failures.measuring import measure, watched
from benchmarks.failures.networks import CLASSES
from benchmarks.failures.page import MARKED, PAGE, curve, fill, pairs, value
from benchmarks.failures.rows import TABLE, zero_to_one
from benchmarks.failures.runs import CURED, FAILS, PICTURES, Failures
from benchmarks.failures.training import train
from benchmarks.toys.runs import all_runs, play

TEXT = PAGE.read_text(encoding="utf-8")
RECORDS = {run.arm: one for run in all_runs([Failures(work=Path("unused"))], [0]) if (one := run.kept(RESULTS))}
FOUND = pairs(RECORDS)


def few_faces() -> Faces:
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(48, 3, SIZE, SIZE, generator=rng) * 2 - 1
    labels = torch.eye(CLASSES)[torch.arange(48) % CLASSES]
    return Faces(images=images, labels=labels, held_out=images.flip(0).roll(1, 3))


def test_every_row_has_both_runs_and_a_place_on_the_page() -> None:
    assert set(FOUND) == set(TABLE)
    assert [match[2] for match in MARKED.finditer(TEXT)] == re.findall(r"^## .* \{#([\w-]+)\}$", TEXT, re.MULTILINE)
    assert {match[2] for match in MARKED.finditer(TEXT)} == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_the_run_fails_and_the_cure_cures(name: str) -> None:
    fails, cured = (value(TABLE[name], record) for record in FOUND[name])
    assert TABLE[name].is_shown(fails, cured)


def test_the_page_and_its_curves_are_those_of_the_runs() -> None:
    assert fill(TEXT, TABLE, FOUND) == TEXT, "run python -m benchmarks.failures"
    for name, pair in FOUND.items():
        assert (PICTURES / f"{name}.svg").read_text(encoding="utf-8") == curve(TABLE[name], *pair)
        for kind in (FAILS, CURED):
            with Image.open(PICTURES / f"{name}-{kind}.png") as sheet:
                assert sheet.size == (6 * SIZE, 3 * SIZE)
    changed = TEXT.replace("| Fails |", "| 1234 |", 1)
    assert fill(changed, TABLE, FOUND) == TEXT
    with pytest.raises(ValueError, match="another"):
        fill("<!-- runs another -->\n<!-- end -->", TABLE, FOUND)


def test_the_list_leads_to_every_section() -> None:
    listed = re.findall(r"\]\(#([\w-]+)\)", TEXT.partition("## ")[0])
    assert set(listed) == set(TABLE)


def test_a_row_is_shown_only_on_both_sides_of_its_border() -> None:
    row = replace(TABLE["mode-collapse"], border=0.5, fails_above=False)
    assert row.is_shown(0.4, 0.6)
    assert not row.is_shown(0.6, 0.7)
    assert not row.is_shown(0.3, 0.4)
    assert replace(row, fails_above=True).is_shown(0.6, 0.4)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_curves_stay_inside_and_mark_where_a_run_broke_off(logarithmic: bool) -> None:
    drawn = curves([1.0, 300.0], [1.0, 2.0, 3.0], title="x", every=10, rounds=20, logarithmic=logarithmic)
    assert "<circle" in drawn
    numbers = [float(n) for points in re.findall(r'points="([^"]+)"', drawn) for n in re.split("[ ,]", points)]
    assert min(numbers) >= 0
    assert max(numbers) <= 480
    assert "<circle" not in curves([1.0], [1.0], title="x", every=10, rounds=20, logarithmic=logarithmic)


def test_a_sheet_has_its_pictures_in_rows(tmp_path: Path) -> None:
    images = torch.zeros(18, 3, 4, 4, dtype=torch.uint8)
    images[6] = 255
    write_sheet(images, tmp_path / "a" / "sheet.png")
    with Image.open(tmp_path / "a" / "sheet.png") as sheet:
        assert sheet.size == (24, 12)
        assert sheet.getpixel((0, 4)) == (255, 255, 255)
        assert sheet.getpixel((4, 4)) == (0, 0, 0)


def test_the_pattern_and_the_range_are_seen() -> None:
    faces, noise = few_faces(), torch.randn(8, 3, SIZE, SIZE) / 10
    pattern = (1.0 - 2.0 * (torch.arange(SIZE) % 2)).outer(1.0 - 2.0 * (torch.arange(SIZE) % 2))
    plain, dotted = (watched(one, faces, by_judge=False) for one in (noise, noise + 0.5 * pattern))
    assert dotted["checkers"] > 10 * plain["checkers"]
    assert watched(zero_to_one(faces.images), faces, by_judge=False)["darkest"] >= 0
    assert watched(faces.images, faces, by_judge=False)["darkest"] < -0.8
    alike = watched(noise[:1].expand(8, -1, -1, -1), faces, by_judge=False)["variety"]
    assert alike < 1e-3 < plain["variety"]


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE)
def test_every_plan_trains_and_is_measured(name: str) -> None:
    faces = few_faces()
    for plan in (TABLE[name].fails, TABLE[name].cured):
        short = plan.changed({"rounds": 11})
        outcome = train(short, faces, 0, lambda samples: watched(samples, faces, by_judge=True))
        figures = measure(outcome, faces, short)
        assert not figures or figures["distance"] > 0
        assert TABLE[name].curve in outcome.curves


@pytest.mark.slow
def test_a_run_leaves_a_record_and_a_sheet(tmp_path: Path) -> None:
    row = {"mode-collapse": TABLE["mode-collapse"]}
    failures = Failures(work=tmp_path / "faces", pictures=tmp_path / "pictures", rows=row, rounds=2)
    records = list(play(all_runs([failures], [0]), tmp_path / "results", workers=1))
    assert {record.arm for record in records} == {f"mode-collapse {FAILS}", f"mode-collapse {CURED}"}
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        "mode-collapse-cured.png",
        "mode-collapse-fails.png",
    ]
    assert not list(play(all_runs([failures], [0]), tmp_path / "results", workers=1))
