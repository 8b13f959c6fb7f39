"""The page and both PNG files, and the command that writes them."""

import contextlib
import html
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from examples.anime_faces.__main__ import main
from examples.anime_faces.comparison import Places
from tests.examples.report.test_page import parsed


def compared(*arguments: object) -> int:
    return main(["compare", *map(str, arguments)])


def test_the_page_has_curves_settings_figures_and_pictures(
    labels: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {"fid": {"value": 3.0, "floor": 1.0}, "kid": {"value": 9.0, "floor": 1.0}}
    for run, step, factor in ((labels, 7, 1), (texts, 5, 2)):
        scaled = {name: {**figure, "value": figure["value"] * factor} for name, figure in figures.items()}
        (run / "metrics.json").write_text(json.dumps({"step": step, "figures": scaled}))
    out = tmp_path / "both"
    assert compared(labels, texts, "--out", out, "--n", 3) == 0
    assert f"compare   {out / 'compare.html'}" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["compare-samples.png", "compare.html", "compare.png"]
    text = (out / "compare.html").read_text(encoding="utf-8")
    page = parsed(text)
    assert page.open == []
    assert not [source for source in page.sources if not source.startswith(("data:", "#"))]
    assert not re.search(r"https?://|@import|url\(|fetch\(|XMLHttpRequest", text)
    assert re.findall(r"<h3>(\w+ loss)", text) == ["Generator loss", "Critic loss"]
    for chart in text.split('<div class="card chart">')[1:]:
        data = json.loads(re.findall(r'<script type="application/json">(.*?)</script>', chart)[0])
        assert len(data["values"]) == 2
        assert re.findall(r"</i>(\d \w+) <b>", chart) == ["1 labels", "2 texts"]
        linear = chart.split('<g class="linear">')[1].split("</g>")[0]
        assert linear.count("<path") == 2
    assert text.count('class="number best"') == 2
    assert '<td class="number best" data-label=" 1 labels">3</td>' in text
    assert text.count("<img") == 5 * 2 * 3
    assert "The same prompts, and the same noise" in text
    assert "labels and texts" in text
    with Image.open(out / "compare.png") as curves:
        assert curves.size == (900, 520)


def test_a_page_can_be_named_and_begin_with_a_logarithmic_axis(
    labels: Path, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    scales: list[str] = []
    original = Figure.savefig

    def savefig(self: Figure, *arguments: object, **options: object) -> None:
        scales.extend(axes.get_yscale() for axes in self.axes)
        original(self, *arguments, **options)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Figure, "savefig", savefig)
    assert compared(labels, texts, "--out", tmp_path / "new" / "mine.html", "--n", 1, "--log") == 0
    names = ["mine-samples.png", "mine.html", "mine.png"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == names
    assert scales == ["symlog", "symlog"]
    assert 'data-axes="logarithmic"' in (tmp_path / "new" / "mine.html").read_text()
    assert compared(labels, texts, "--out", tmp_path / "linear", "--n", 1) == 0
    assert scales[2:] == ["linear", "linear"]
    assert 'data-axes="linear"' in (tmp_path / "linear" / "compare.html").read_text()


def test_runs_without_anything_to_show_are_compared_by_their_settings(
    labels: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for run in (labels, texts):
        for path in (run / "log.jsonl", run / "losses.csv", *(run / "checkpoints").iterdir()):
            path.unlink()
    assert compared(labels, texts, "--out", tmp_path / "out") == 0
    assert "note: 1 labels has no checkpoint, so it draws nothing." in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["compare.html"]
    text = (tmp_path / "out" / "compare.html").read_text()
    assert "No run has logged anything yet." in text
    assert "matching_wgan" in text


def test_names_of_folders_are_text(labels: Path, texts: Path, tmp_path: Path) -> None:
    hostile = labels.rename(tmp_path / "<b>&amp; 青髪")
    assert compared(hostile, texts, "--out", tmp_path / "out", "--n", 1) == 0
    text = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "<b>&amp;" not in text
    assert "1 <b>&amp; 青髪" in html.unescape(text)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (("--n", "0"), "--n must be 1 to 64, but it is 0"),
        (("--n", "65"), "--n must be 1 to 64, but it is 65"),
        (("--out", "a.png"), "--out must be a folder, or a file that ends with .html, but it is a.png"),
        (("--prompt", "blu hair"), "--prompt must be understood by every run, but not by 1 labels: "),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(
    labels: Path, texts: Path, mistake: tuple[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    here = labels.parent / "here"
    here.mkdir()
    with contextlib.chdir(here):
        assert compared(labels, texts, *mistake) == 2
    assert f"error: {message}" in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_files_in_the_way_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "page.html").mkdir()
    with pytest.raises(ValueError, match="file is another file"):
        Places.of(tmp_path / "file")
    with pytest.raises(ValueError, match=r"page\.html is a folder of that name"):
        Places.of(tmp_path / "page.html")
    (tmp_path / "v1.2").mkdir()
    assert Places.of(tmp_path / "v1.2").page == tmp_path / "v1.2" / "compare.html"
