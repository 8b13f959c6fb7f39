"""The picture of a profile, and what `train --profile` prints and writes."""

import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from PIL import Image

from examples.anime_faces.run import RunFolder
from examples.anime_faces.run._profile import Profile
from examples.anime_faces.run._profile_picture import COLORS, OTHER, draw_profile, show_profile
from examples.anime_faces.run._settings import Settings
from examples.anime_faces.run._together import Together
from examples.anime_faces.systems import Hardware, Share

PARTS = {"data": 0.05, "critic: optimizer": 0.0995, "critic: forward passes": 0.1, "generator: optimizer": 1.25}
PROFILE = Profile(rounds=7, whole=1.25, queued=1.25, parts=PARTS)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The figures that are saved."""
    from matplotlib.figure import Figure

    found: list[Any] = []
    plain = Figure.savefig

    def noted(figure: Figure, *arguments: Any, **options: Any) -> None:
        found.append(figure)
        plain(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", noted)
    yield found
    found.clear()


def test_each_part_has_a_bar_with_its_time_and_share(tmp_path: Path, figures: list[Any]) -> None:
    draw_profile(PROFILE, tmp_path / "profile", title="a title")
    (axes,) = figures[0].axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(PARTS)
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([50, 99.5, 100, 1250])
    assert [bar.get_y() + bar.get_height() / 2 for bar in axes.patches] == pytest.approx([0, 1, 2, 3])
    assert list(axes.get_yticks()) == [0, 1, 2, 3]
    assert axes.yaxis_inverted()  # the first part is at the top
    # The sum is 1.4995 s.
    assert [text.get_text() for text in axes.texts] == ["50 ms, 3%", "99.5 ms, 7%", "100 ms, 7%", "1,250 ms, 83%"]
    assert axes.get_xlabel() == "milliseconds in a round, mean of 7"
    assert figures[0].get_suptitle() == "a title"


def test_parts_of_one_update_have_one_color(tmp_path: Path, figures: list[Any]) -> None:
    draw_profile(PROFILE, tmp_path / "profile.png", title="")
    updates = {f"update {number}: optimizer": 1.0 for number in range(len(COLORS) + 1)}
    draw_profile(Profile(rounds=1, whole=1, queued=1, parts=updates), tmp_path / "many.png", title="")
    few, many = ([to_hex(bar.get_facecolor()) for bar in figure.axes[0].patches] for figure in figures)
    assert few == [OTHER, COLORS[0], COLORS[0], COLORS[1]]
    assert many == [*COLORS, COLORS[0]]  # from the first one again


def test_all_letters_and_bars_are_inside_the_picture_and_apart(tmp_path: Path, figures: list[Any]) -> None:
    draw_profile(PROFILE, tmp_path / "profile.png", title="a title of some length, on a device")
    (figure,) = figures
    (axes,) = figure.axes
    with Image.open(tmp_path / "profile.png") as picture:
        assert picture.format == "PNG"
        width, height = picture.size
    assert (width, height) == (900, 100 * 1.1 + 32 * len(PARTS))
    renderer = FigureCanvasAgg(figure).get_renderer()
    labels = [label.get_window_extent(renderer) for label in (*axes.texts, *axes.get_yticklabels())]
    around = [figure.texts[0].get_window_extent(renderer), axes.xaxis.label.get_window_extent(renderer)]
    for box in (*labels, *around):
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height
    assert not any(one.overlaps(other) for one in around for other in labels)
    right, (left, end) = axes.get_window_extent(renderer).x1, axes.get_xlim()
    assert max(text.get_window_extent(renderer).x1 for text in axes.texts) <= right
    assert left == 0  # so that lengths can be compared
    assert 0.5 < max(bar.get_width() for bar in axes.patches) / end < 0.9
    bars = [bar.get_window_extent(renderer) for bar in axes.patches]
    assert not any(bar.overlaps(label) for bar in bars for label in labels)
    assert all(2 < high.height / (high.y0 - low.y1) < 3 for high, low in pairwise(bars))
    assert around[0].x0 < min(label.x0 for label in labels) + 20  # the title begins at the left edge


def test_letters_are_larger_the_more_they_say_about_all_rows(tmp_path: Path, figures: list[Any]) -> None:
    draw_profile(PROFILE, tmp_path / "profile.png", title="a title")
    (axes,) = figures[0].axes
    (times,) = {text.get_fontsize() for text in axes.texts}
    (names,) = {label.get_fontsize() for label in axes.get_yticklabels()}
    assert times < names == axes.xaxis.label.get_fontsize() < figures[0].texts[0].get_fontsize() < 10.5


def test_settings_of_a_user_for_figures_do_not_change_its_size(tmp_path: Path) -> None:
    with mpl.rc_context({"figure.dpi": 50, "savefig.dpi": "figure", "figure.figsize": (3, 3)}):
        draw_profile(PROFILE, tmp_path / "profile.png", title="")
    with Image.open(tmp_path / "profile.png") as picture:
        assert picture.width == 900


def test_the_picture_has_lines_to_read_lengths_by_behind_the_bars(tmp_path: Path, figures: list[Any]) -> None:
    draw_profile(PROFILE, tmp_path / "profile.png", title="")
    (axes,) = figures[0].axes
    for line in axes.get_xgridlines():
        assert line.get_visible()
        assert min(to_rgb(line.get_color())) > 0.8
        assert line.get_linewidth() < 0.8
    assert not any(line.get_visible() for line in axes.get_ygridlines())
    assert axes.get_axisbelow() is True
    assert {side: spine.get_visible() for side, spine in axes.spines.items()} == {
        "left": True,
        "bottom": True,
        "top": False,
        "right": False,
    }


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is measured, in place of real rounds."""
    found: list[dict[str, Any]] = []

    def measured(build: object, **options: Any) -> Profile:
        found.append({"build": build, **options})
        return PROFILE

    monkeypatch.setattr("examples.anime_faces.run._profile_picture.profile_rounds", measured)
    return found


SETTINGS = cast("Settings", SimpleNamespace(steps=30, recipe="acgan", hardware=Hardware(threads=2)))
BUILD = cast("Any", object())


def test_the_profile_is_printed_written_and_drawn(
    tmp_path: Path, asked: list[dict[str, Any]], figures: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, together = RunFolder(tmp_path), Together()
    show_profile(SETTINGS, folder, BUILD, together)
    assert asked == [{"build": BUILD, "steps": 30, "together": together}]
    assert capsys.readouterr().out.splitlines() == [
        "profile   measuring 16 rounds twice, or as many as begin in 40 seconds",
        *(f"          {line}" for line in PROFILE.lines("cpu")),
        f"          drawn in {folder.profile}",
    ]
    assert json.loads((tmp_path / "profile.json").read_text()) == {
        "rounds": 7,
        "whole": 1.25,
        "queued": 1.25,
        "parts": PARTS,
        "waiting": 0.0,
    }
    assert (tmp_path / "profile.json").read_text().splitlines()[:2] == ["{", ' "rounds": 7,']  # to read it, too
    title = "acgan: 1.25 s in a round as it runs, on cpu, float32, channels last, 2 CPU threads"
    assert figures[0].get_suptitle() == title
    assert folder.profile.exists()


def test_only_the_first_rank_shows_its_profile(
    tmp_path: Path, asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    show_profile(SETTINGS, RunFolder(tmp_path), BUILD, Together(Share(rank=1, ranks=2)))
    assert len(asked) == 1  # all ranks measure together
    assert list(tmp_path.iterdir()) == []
    assert "drawn in" not in capsys.readouterr().out


def test_what_is_measured_is_said_before_it_takes_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.BytesIO()
    seen: list[bytes] = []

    def measured(build: object, **options: Any) -> Profile:
        del build, options
        seen.append(output.getvalue())
        return PROFILE

    monkeypatch.setattr("examples.anime_faces.run._profile_picture.profile_rounds", measured)
    monkeypatch.setattr(
        "sys.stdout", io.TextIOWrapper(output, encoding="utf-8")
    )  # a file, which is not written by lines
    show_profile(SETTINGS, RunFolder(tmp_path), BUILD, Together(Share(rank=1, ranks=2)))
    assert seen == [b"profile   measuring 16 rounds twice, or as many as begin in 40 seconds\n"]
