"""The runs of all recipes are made by the commands of the example, and their pages hold what they gave."""

import json
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.gallery.__main__ import PAGES, RESULTS
from benchmarks.gallery.pages import section, table, with_section, write_pages
from benchmarks.gallery.runs import ARMS, PICTURES, Arm, Gallery
from benchmarks.toys.runs import Record, all_runs, play
from examples.anime_faces.recipes import recipe_names

RECORDS = [found for run in all_runs([Gallery(work=Path("unused"))], [0]) if (found := run.kept(RESULTS))]


def a_record(arm: str = "dcgan", *, fid: float = 12.345) -> Record:
    figures = {"fid": {"value": fid, "floor": 1.5}, "hair_accuracy": {"value": 0.5, "floor": 1.0}}
    return Record(
        experiment="gallery",
        arm=arm,
        seed=0,
        protocol={"rounds": 70, "faces": 30, "samples": 20},
        figures={"figures": figures, "minutes": 2.0},
        seconds=1.0,
        torch="2",
        threads=1,
        machine="a processor",
    )


def test_the_section_says_what_was_run_and_measured() -> None:
    words = section(a_record(), Arm(options=("--width", "4"), asked=False))
    assert "70 rounds on 30 rendered faces" in words
    assert "`--width 4`" in words
    assert "One thread of a processor, with other programs running, took 2 minutes." in words
    assert "| FID | 12.3 | 1.5 |" in words
    assert "as requested" not in words
    assert "| hair color as requested | 0.5 | 1 |" in section(a_record(), Arm())
    assert "dcgan-strip.png" not in words
    assert "](../../images/recipes/dcgan-strip.png)" in section(a_record(), Arm(strip=True))


@pytest.mark.parametrize("page", ["# a\n\nwords\n", "# a\n\nwords\n\n## References\n\nA paper.\n"])
def test_a_section_is_put_before_the_references_and_replaced_later(page: str) -> None:
    first = with_section(page, section(a_record(), Arm()))
    assert first.index("words") < first.index("## A run")
    assert ("References" not in page) or first.index("## A run") < first.index("\n\n## References\n\nA paper.")
    second = with_section(first, section(a_record(fid=99), Arm()))
    assert second == first.replace("12.3", "99")


def test_the_pages_are_written(tmp_path: Path) -> None:
    (tmp_path / "dcgan.md").write_text("# dcgan\n", encoding="utf-8")
    (tmp_path / "index.md").write_text("# Recipes\n\n## Other\n\nx\n", encoding="utf-8")
    for _ in range(2):
        write_pages([a_record()], {"dcgan": Arm(asked=False)}, tmp_path)
    assert "| `dcgan` | 2 |  |  |" in (tmp_path / "index.md").read_text(encoding="utf-8")
    assert (tmp_path / "index.md").read_text(encoding="utf-8").count("## Results of one run each") == 1
    assert "| FID | 12.3 | 1.5 |" in (tmp_path / "dcgan.md").read_text(encoding="utf-8")


def test_every_recipe_has_a_run() -> None:
    assert set(ARMS) == set(recipe_names())
    assert {record.arm for record in RECORDS} == set(ARMS)


@pytest.mark.parametrize("record", RECORDS, ids=[record.arm for record in RECORDS])
def test_the_page_of_a_recipe_holds_its_run(record: Record) -> None:
    page = (PAGES / f"{record.arm}.md").read_text(encoding="utf-8")
    assert section(record, ARMS[record.arm]) in page
    assert table(RECORDS, ARMS) in (PAGES / "index.md").read_text(encoding="utf-8")
    for name in [record.arm, *([f"{record.arm}-strip"] if ARMS[record.arm].strip else [])]:
        with Image.open(PICTURES / f"{name}.png") as picture:
            assert picture.width > 200


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["dcgan", "stargan", "gray_then_color"])
def test_a_run_is_made_drawn_and_kept(arm: str, tmp_path: Path) -> None:
    gallery = Gallery(
        work=tmp_path / "work", pictures=tmp_path / "pictures", arms={arm: ARMS[arm]}, rounds=2, faces=600, samples=264
    )
    gallery.prepare()
    (record,) = play(all_runs([gallery], [0]), tmp_path / "results", workers=1)
    assert record.figures["figures"]["fid"]["value"] > 0
    assert (tmp_path / "pictures" / f"{arm}.png").exists()
    assert (tmp_path / "pictures" / f"{arm}-strip.png").exists() == ARMS[arm].strip
    assert not (tmp_path / "work" / arm).exists()
    assert json.loads(next((tmp_path / "results").glob("*.json")).read_text(encoding="utf-8"))["arm"] == arm
    assert not list(play(all_runs([gallery], [0]), tmp_path / "results", workers=1))
