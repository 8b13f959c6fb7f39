import dataclasses
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from examples.anime_faces.data import Dataset
from examples.anime_faces.report import write_report
from examples.anime_faces.report._facts import MOST_SKIPPED
from examples.anime_faces.report._guide import guide
from examples.anime_faces.run import Block, Settings, draw_sheet, read_outline
from examples.anime_faces.run._settings import PlanChange

METRICS: dict[str, Any] = {
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
        self.attributes: list[str] = []
        self.classes: list[list[str]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.classes.append((dict(attrs).get("class") or "").split())
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "poster")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


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
    assert not [source for source in loads.sources if not source.startswith(("data:", "#", guide("")))]
    without_links = page.replace(f'<a href="{guide("")}', "<a ")  # which load nothing before somebody follows one
    assert not re.search(r"https?://|@import|url\(|fetch\(|XMLHttpRequest", without_links)
    assert "link" not in loads.tags


def test_it_holds_samples_curves_figures_and_settings(folder: Path) -> None:
    page = write_report(folder).read_text(encoding="utf-8")
    steps = re.findall(r'data-step="(\d+)"', page)
    assert steps == ["0", "3", "6", "7"]
    assert page.count('" hidden>') == 3
    assert '<input type="range" min="0" max="3" value="3"' in page
    assert page.count("<svg") == 9
    assert "batch size" in page
    assert "No file was skipped" in page
    assert "--recipe acgan" in page
    assert "--width 4" in page
    assert "--embedding" not in page  # the usual value need not be said
    assert "tiny &lt;run&gt;" in page
    assert "<run>" not in page


def test_it_says_what_was_trained_and_watched(folder: Path) -> None:
    page = write_report(folder).read_text(encoding="utf-8")
    outline = read_outline(folder / "system.json")
    assert outline is not None
    assert "<h3>Loss of critic, update real = score + hair + eyes</h3>" in page
    assert "<code>1.4 * mean(t * softplus(-D(real)) + (1 - t) * softplus(D(real)))</code>" in page
    assert "All losses are minimized." in page
    for network in outline.networks:
        assert f"Layers of {network.name}: {network.parameters:,} parameters" in page
        for layer in network.layers:
            assert f"<td><code>{layer.name}</code></td><td>{layer.kind}</td><td>{layer.output}</td>" in page
    assert "<dt>optimizer</dt><dd>Adam: betas 0.5 and 0.999, eps 1e-08, weight_decay 0</dd>" in page
    assert page.count("<td>never</td>") == 5
    for title in ("Length of the gradient of each network", "Length of the weights that", "Sample grids: variety"):
        assert f"<h3>{title}" in page
    for name in ("variety, raw", "use of noise, average", "condition of generator"):
        assert f"</i>{name} <b>" in page


def test_the_page_of_a_run_of_an_earlier_version_leaves_that_out(folder: Path) -> None:
    for name in ("system.json", "system.txt"):
        (folder / name).unlink()
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    old = [{key: value for key, value in line.items() if key not in ("states", "grid")} for line in lines]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in old))
    page = write_report(folder).read_text(encoding="utf-8")
    assert 'id="system"' not in page
    assert 'id="watched"' not in page
    assert "Sample grids: variety" not in page


def test_steps_of_states_are_joined(folder: Path) -> None:
    path = folder / "log.jsonl"
    line = json.loads(path.read_text().splitlines()[0])
    states = {1000: ["critic converged"], 1020: ["critic converged"], 1040: [], 1060: ["critic converged"]}
    states |= {step: ["samples collapsed"] if step % 40 == 0 else [] for step in range(2000, 2400, 20)}
    path.write_text("".join(json.dumps({**line, "step": step, "states": of}) + "\n" for step, of in states.items()))
    page = write_report(folder).read_text(encoding="utf-8")
    assert "<td>1,000 to 1,020; 1,060</td>" in page
    assert "<td>2,000; 2,040; 2,080; 2,120; 2,160; and 5 times more, the last at 2,360</td>" in page
    assert page.count("<td>never</td>") == 3


def test_figures_show_bounds_and_verdicts(folder: Path) -> None:
    page = write_report(folder).read_text(encoding="utf-8")
    assert "2 of 3 figures with a target reach it, measured on 132 samples" in page
    assert page.count('class="pill good"') == 2
    assert page.count('class="pill off" href="#targets"') == 1
    for words in (
        "≥ 0.98",
        "≤ 2",
        "0.6 to 1.4",
        "as &lt;asked&gt;",
        "a note &amp; more",
        "style 0.125",
        "<h3>Without a target</h3>",
    ):
        assert words in page


def test_coverage_stands_beside_what_means_nothing_without_it(folder: Path) -> None:
    figure = METRICS["figures"]["fid"]
    figures = {
        "precision": {**figure, "value": 0.94, "low": 0.91, "high": 0.96},
        "density": {**figure, "value": 1.1},
        "coverage": {**figure, "value": 0.12},
        "coarse_precision": {**figure, "value": 0.7},
    }
    (folder / "metrics.json").write_text(json.dumps({**METRICS, "figures": figures}))
    page = write_report(folder).read_text(encoding="utf-8")
    assert page.count('<small class="beside">coverage 0.12</small>') == 2
    assert page.count('<small class="beside">coverage was not measured</small>') == 1
    assert re.findall(r"<td>(\w+ ?\w*)<small>", page) == ["coverage", "precision", "density", "coarse precision"]
    assert "0.91 to 0.96" in page
    assert "in 95 of 100 cases" in page


def test_tables_within_the_circumstances_are_words(folder: Path) -> None:
    hardware = {"chosen": "cpu, float32", "timed": {"float32, 1 thread": 0.4812, "bfloat16, 1 thread": 6.2}}
    (folder / "metrics.json").write_text(json.dumps({**METRICS, "hardware": hardware}))
    page = write_report(folder).read_text(encoding="utf-8")
    assert "chosen cpu, float32, timed (float32, 1 thread 0.481, bfloat16, 1 thread 6.2)" in page


def test_verdicts_say_what_they_mean_and_whether_they_are_sure(folder: Path) -> None:
    page = write_report(folder).read_text(encoding="utf-8")
    assert "in 95 of 100 cases" not in page
    assert page.count('class="meaning"') == 1
    figures = {"noise_usage": {**METRICS["figures"]["noise_usage"], "undecided": True}}
    (folder / "metrics.json").write_text(json.dumps({**METRICS, "figures": figures}))
    page = write_report(folder).read_text(encoding="utf-8")
    assert '<span class="pill open">undecided</span>' in page
    assert "1 of the verdicts could be different with other samples" in page


def test_names_of_classes_are_text_of_the_page(folder: Path) -> None:
    images = np.full((2, 3, 8, 8, 3), 90, np.uint8)
    draw_sheet(["青髪 👩\u200d🎤", "<b>café</b>"], [Block("", images)]).save(folder / "samples.png")
    page = write_report(folder).read_text(encoding="utf-8")
    assert '<p dir="auto">青髪 👩\u200d🎤</p>' in page
    assert '<p dir="auto">&lt;b&gt;café&lt;/b&gt;</p>' in page
    assert re.search(r'<li title="[^"]+ hair [^"]+ eyes"><span dir="auto">', page)
    assert page.index('class="card samples"') < page.index('class="tiles"') < page.index('id="time"')


def test_grids_without_labels_have_no_list_of_names(folder: Path) -> None:
    images = np.full((2, 3, 8, 8, 3), 90, np.uint8)
    for path in (folder / "grids").glob("step-*.png"):
        draw_sheet(["", ""], [Block("", images)]).save(path)
    page = write_report(folder).read_text(encoding="utf-8")
    assert "<li title" not in page
    assert page.count("samples after step") == 4


def test_without_metrics_it_says_how_to_get_them(folder: Path) -> None:
    (folder / "metrics.json").unlink()
    page = write_report(folder).read_text(encoding="utf-8")
    assert "Nothing was measured yet." in page
    program = r"\S*python\S* -m examples.anime_faces"
    assert re.search(rf"<pre>{program} evaluate &#34;\S*/tiny &lt;run&gt;&#34;\n{program} report ", page)


def test_a_changed_plan_is_shown_and_repeated(folder: Path) -> None:
    assert "the plan of" not in write_report(folder).read_text(encoding="utf-8")
    settings = Settings.load(folder / "settings.json")
    change = PlanChange(step=1300, before=4600, after=3100)
    dataclasses.replace(settings, changes=(change,)).save(folder / "settings.json")
    page = write_report(folder).read_text(encoding="utf-8")
    assert page.count("After step 1,300, the plan of 4,600 steps became one of 3,100.") == 2
    assert re.search(r"train --out \S*/tiny &lt;run&gt;-again&#34; --plan \S*/tiny &lt;run&gt;&#34;", page)
    more = (change, PlanChange(step=2000, before=3100, after=2900), PlanChange(step=2500, before=2900, after=2700))
    dataclasses.replace(settings, changes=more).save(folder / "settings.json")
    page = write_report(folder).read_text(encoding="utf-8")
    assert page.count("the plan of 4,600 steps became one of 3,100.") == 1  # among the settings
    words = (
        "The plan of 4,600 steps changed 3 times, the last time after step 2,500 to 2,700; the settings below list all"
    )
    assert page.count(words) == 1


def test_the_next_commands_can_be_pasted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.executable", str(folder / ".venv" / "bin" / "python"))
    page = write_report(folder).read_text(encoding="utf-8")
    assert "<pre>.venv/bin/python -m examples.anime_faces sample " in page
    assert re.search(r"anime_faces train --out &#34;\S*/tiny &lt;run&gt;&#34; --steps 14 ", page)
    monkeypatch.setattr("sys.executable", "/usr/bin/python3.12")
    assert "<pre>python -m examples.anime_faces sample " in write_report(folder).read_text(encoding="utf-8")


def test_a_recipe_that_was_removed_is_still_reported(folder: Path) -> None:
    settings = json.loads((folder / "settings.json").read_text())
    (folder / "settings.json").write_text(json.dumps({**settings, "recipe": "gone"}))
    page = write_report(folder).read_text(encoding="utf-8")
    assert "Recipe gone. It is not a recipe of this version." in page
    assert "--embedding 8" in page  # what was usual is not known any more


def test_a_run_without_data_is_still_reported(folder: Path) -> None:
    settings = json.loads((folder / "settings.json").read_text())
    settings["data"] = "gone"
    (folder / "settings.json").write_text(json.dumps(settings))
    assert "cannot be listed" in write_report(folder).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content", ["[1, 2]", "7", '{"figures": 7}', '{"figures": {"fid": 7}}', '{"details": [1]}', "\xff"]
)
def test_metrics_of_another_shape_are_named(folder: Path, content: str) -> None:
    (folder / "metrics.json").write_text(content, encoding="latin-1")
    with pytest.raises(ValueError, match=r"metrics\.json is damaged .*run evaluate again"):
        write_report(folder)


def test_damaged_metrics_are_named(folder: Path) -> None:
    (folder / "metrics.json").write_text("{")
    with pytest.raises(ValueError, match=r"metrics\.json is damaged .*run evaluate again"):
        write_report(folder)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not contain a run"):
        write_report(tmp_path)


HOSTILE = "<b>\"'&{{ 7 * 7 }}{% raw %}</script><img src=x onerror=alert(1)>"


def report_with(text: str, folder: Path) -> Loads:
    """Report a run that has `text` wherever a user or a file may name something."""
    settings = json.loads((folder / "settings.json").read_text())
    settings["data"] = text
    settings["versions"] = {text: text}
    settings["description"]["attributes"][0]["classes"][0] = text
    settings["options"]["width"] = text
    (folder / "settings.json").write_text(json.dumps(settings))
    figure = {**METRICS["figures"]["fid"], "about": text, "not_applied": text}
    metrics = {"figures": {text: figure}, "notes": [text], "details": {text: {text: text}}, text: text}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    line = json.loads((folder / "log.jsonl").read_text().splitlines()[0])
    (folder / "log.jsonl").write_text(json.dumps({**line, "averages": {f"critic/{text}": 1.0}}) + "\n")
    return parsed(write_report(folder).read_text(encoding="utf-8"))


def test_hostile_text_stays_text(folder: Path) -> None:
    plain, hostile = report_with("plain words", folder), report_with(HOSTILE, folder)
    assert hostile.open == []
    assert hostile.tags == plain.tags
    assert hostile.attributes == plain.attributes
    text = "".join(hostile.texts).replace("'\"'\"'", "'")  # in the commands, as a shell reads it
    assert text.count(HOSTILE) == "".join(plain.texts).count("plain words") >= 12


def test_skipped_files_are_listed_as_they_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skipped = tuple({"file": f"{index} {HOSTILE}.png", "reason": "a web page"} for index in range(MOST_SKIPPED + 2))
    opened = Dataset.open(json.loads((folder / "settings.json").read_text())["data"])
    monkeypatch.setattr(Dataset, "open", lambda path: dataclasses.replace(opened, skipped=skipped))
    seen = parsed(write_report(folder).read_text(encoding="utf-8"))
    text = "".join(seen.texts)
    assert f"{MOST_SKIPPED + 2} files were skipped: a web page ({MOST_SKIPPED + 2})." in text
    assert text.replace("strip.png", "").count(".png") == MOST_SKIPPED
    assert f"0 {HOSTILE}.png" in text
    assert "and 2 more, listed in skipped.jsonl" in text


def test_a_failed_report_leaves_the_old_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = write_report(folder).read_text(encoding="utf-8")
    monkeypatch.setattr(Path, "replace", lambda path, target: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_report(folder)
    assert (folder / "report.html").read_text(encoding="utf-8") == before
    assert not list(folder.glob("report.html.tmp-*"))
