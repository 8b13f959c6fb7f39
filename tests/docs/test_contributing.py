"""The map of the example in CONTRIBUTING has a row for each folder, and names files that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "anime_faces"
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROWS = dict(
    re.findall(
        r"^\| `(\w+)` \| (.+) \|$", TEXT.partition("### The example")[2].partition("\n## ")[0], flags=re.MULTILINE
    )
)


def test_each_folder_of_the_example_has_a_row() -> None:
    folders = {init.parent.name for init in EXAMPLE.glob("*/__init__.py")}
    assert set(ROWS) == folders, "give each folder of examples/anime_faces a row in the map of CONTRIBUTING.md"


def test_files_that_the_map_names_are_there() -> None:
    named = [(folder, name) for folder, row in ROWS.items() for name in re.findall(r"`([\w/]+\.py)`", row)]
    assert named
    assert [
        one
        for folder, name in named
        if not (EXAMPLE / folder / name).is_file() and not (EXAMPLE / (one := name)).is_file()
    ] == []


def test_files_that_the_steps_name_are_there() -> None:
    named = set(re.findall(r"`((?:tests|docs|examples|benchmarks)/[\w/]+\.(?:py|toml|md))`", TEXT))
    assert len(named) > 5
    assert [name for name in sorted(named) if "NAME" not in name and not (ROOT / name).is_file()] == []
