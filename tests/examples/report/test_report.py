import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from examples.anime_faces.report import write_report
from examples.anime_faces.report._charts import draw_charts, nice_ticks
from examples.anime_faces.report._figures import figures_section
from examples.anime_faces.report._pictures import MOST_GRIDS, grids_of

HAIR = {"value": 0.991, "floor": 0.999, "at_least": 0.98, "at_most": None, "passed": True, "about": "as <asked>"}
METRICS = {
    "samples": 132,
    "figures": {
        "hair_accuracy": {
            "value": 0.991,
            "floor": 0.999,
            "at_least": 0.98,
            "at_most": None,
            "passed": True,
            "about": "as <asked>",
        },
        "spectrum": {
            "value": 3.5,
            "floor": 0.1,
            "at_least": None,
            "at_most": 2.0,
            "passed": False,
            "about": "decibels",
        },
        "noise_usage": {
            "value": 0.9,
            "floor": 1.0,
            "at_least": 0.6,
            "at_most": 1.4,
            "passed": True,
            "about": "unasked",
        },
        "fid": {"value": 41.0, "floor": 3.0, "at_least": None, "at_most": None, "passed": None, "about": "distance"},
    },
    "notes": ["a note & more"],
    "details": {"by_factor": {"value": {"style": 0.25}, "floor": {"style": 0.125}}, "decibels": [1, 2.5]},
    "versions": {"torch": "2"},
}


class Loads(HTMLParser):
    """Collects whatever a page would load, and whether its elements are closed."""

    VOID = frozenset({"meta", "img", "input", "br", "hr", "link", "source"})

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "poster")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def folder(trained_folder: Path, tmp_path: Path) -> Path:
    copied = tmp_path / "tiny <run>"
    shutil.copytree(trained_folder, copied)
    (copied / "metrics.json").write_text(json.dumps(METRICS))
    Image.new("RGB", (50, 40), (200, 30, 90)).save(copied / "samples.png")
    return copied


def parsed(page: str) -> Loads:
    parser = Loads()
    parser.feed(page)
    parser.close()
    return parser


def test_the_page_loads_nothing(folder: Path) -> None:
    page = write_report(folder).read_text(encoding="utf-8")
    loads = parsed(page)
    assert loads.open == []
    assert not [source for source in loads.sources if not source.startswith(("data:", "#"))]
    assert not re.search(r"https?://|@import|url\(|fetch\(|XMLHttpRequest", page)
    assert "link" not in loads.tags


def test_it_holds_samples_curves_figures_and_settings(folder: Path) -> None:
    page = write_report(folder).read_text(encoding="utf-8")
    steps = re.findall(r'data-step="(\d+)"', page)
    assert steps == ["0", "3", "6", "7"]
    assert page.count(" hidden>") == 3
    assert '<input type="range" min="0" max="3" value="3"' in page
    assert page.count("<svg") == 4
    assert "batch size" in page
    assert "No file was skipped" in page
    assert "--recipe acgan" in page
    assert "--width 4" in page
    assert "--embedding" not in page  # the usual value need not be said
    assert "tiny &lt;run&gt;" in page
    assert "<run>" not in page


def test_figures_show_bounds_and_verdicts(folder: Path) -> None:
    page = write_report(folder).read_text(encoding="utf-8")
    assert "2 of 3 figures with a bound pass, measured on 132 samples" in page
    assert page.count('class="pill good"') == 2
    assert page.count('class="pill bad"') == 1
    for words in (
        "≥ 0.98",
        "≤ 2",
        "0.6 to 1.4",
        "as &lt;asked&gt;",
        "a note &amp; more",
        "style 0.125",
        "<h3>Without a bound</h3>",
    ):
        assert words in page


def test_without_metrics_it_says_how_to_get_them() -> None:
    assert "evaluate" in figures_section(None)


def test_a_run_without_data_is_still_reported(folder: Path) -> None:
    settings = json.loads((folder / "settings.json").read_text())
    settings["data"] = "gone"
    (folder / "settings.json").write_text(json.dumps(settings))
    assert "cannot be listed" in write_report(folder).read_text(encoding="utf-8")


def test_damaged_metrics_are_named(folder: Path) -> None:
    (folder / "metrics.json").write_text("{")
    with pytest.raises(ValueError, match=r"metrics\.json is damaged .*run evaluate again"):
        write_report(folder)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no run"):
        write_report(tmp_path)


def test_many_grids_are_thinned_with_both_ends_kept(tmp_path: Path) -> None:
    for step in range(0, 3000, 10):
        (tmp_path / f"step-{step:07d}.png").touch()
    steps = [step for step, _ in grids_of(tmp_path)]
    assert len(steps) == MOST_GRIDS
    assert steps[0] == 0
    assert steps[-1] == 2990
    assert steps == sorted(set(steps))


def test_charts_follow_their_numbers() -> None:
    lines = [{"step": step, "averages": {"critic/score": float(step)}} for step in range(20, 20_000, 20)]
    chart = draw_charts(lines)
    points = re.findall(r"(\d+\.\d) (\d+\.\d)", re.findall(r'<path d="M([^"]*)"', chart)[0])
    assert 200 < len(points) <= 301
    xs, ys = zip(*((float(x), float(y)) for x, y in points), strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys, reverse=True)  # greater values lie higher
    data = json.loads(re.findall(r'<script type="application/json">(.*?)</script>', chart)[0])
    assert data["steps"][-1] == data["last"] == 19_980


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.7, 8.1), (1e-4, 3e-4), (20, 20_000), (5.0, 5.0)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)
    assert ticks == sorted(set(ticks))
    assert len(ticks) <= 11
    assert high == low or len(ticks) >= 3
