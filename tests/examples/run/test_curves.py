"""What is drawn of the log."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from PIL import Image

from examples.anime_faces.run import Losses, _letters as letters, draw_curves, series, with_totals
from examples.anime_faces.run._curves import Panel, draw_panels, in_lines, loss_curves
from examples.anime_faces.run._folder import RunFolder

LINE = {
    "critic/real/score": 1.5,
    "critic/fake/score": 0.5,
    "generator/score": -2.0,
    "scores/real": 3.0,
    "critic gap": 1.0,
}


def test_the_whole_loss_of_each_network_is_the_sum_of_its_terms() -> None:
    assert with_totals(LINE) == {**LINE, "losses/critic": 2.0, "losses/generator": -2.0}
    assert with_totals({"scores/real": 1.0}) == {"scores/real": 1.0}


def test_both_losses_are_in_one_figure(tmp_path: Path) -> None:
    lines = [{"step": step, "averages": {name: value + step for name, value in LINE.items()}} for step in (20, 40, 60)]
    assert series(lines)["losses/critic"] == ([20, 40, 60], [42.0, 82.0, 122.0])
    draw_curves(lines, tmp_path / "losses.png")
    with Image.open(tmp_path / "losses.png") as picture:
        assert picture.size == (900, 5 * 260)  # the first two show both losses, on a linear and on a logarithmic axis
    draw_curves([], tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def drawn(monkeypatch: pytest.MonkeyPatch, lines: list[dict[str, Any]], losses: Losses | None) -> dict[str, Any]:
    """The axes of the picture by their titles."""
    from matplotlib.figure import Figure

    figures: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (figures.append(self), Path(path).touch()))
    with TemporaryDirectory() as folder:
        draw_curves(lines, Path(folder) / "losses.png", losses)
    return {axes.get_title(loc="left"): axes for axes in figures[0].axes}


def test_the_curves_of_both_losses_are_means_over_a_hundred_steps_from_the_first_step_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = np.arange(1, 402)
    columns = {"losses/critic": np.where(steps == 1, 500.0, 1.0), "losses/generator": -steps.astype(float)}
    lines = [{"step": 20, "averages": {"losses/critic": 7.0, "losses/generator": 7.0}}]
    axes = drawn(monkeypatch, lines, Losses(steps=steps, columns=columns))
    both = axes["losses of both networks"]
    assert both.get_yscale() == "linear"
    critic, generator = (dict(zip(*line.get_data(), strict=True)) for line in both.lines)
    assert critic[1] == 500
    assert critic[100] == pytest.approx((500 + 99) / 100)
    assert critic[101] == 1
    assert generator[401] == pytest.approx(-(302 + 401) / 2)
    other = axes["losses of both networks: logarithmic axis, linear between -1 and 1"]
    assert other.get_yscale() == "symlog"
    first = axes["losses of the first 300 steps, not averaged"]
    assert [len(line.get_xdata()) for line in first.lines] == [300, 300]
    assert first.lines[1].get_ydata()[-1] == -300


def test_losses_that_begin_late_leave_the_curves_of_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [{"step": 20, "averages": {"losses/critic": 7.0}}]
    late = Losses(steps=np.array([31, 32]), columns={"losses/critic": np.array([1.0, 2.0])})
    axes = drawn(monkeypatch, lines, late)
    assert [title for title in axes if "first" in title] == []
    assert list(axes["losses of both networks"].lines[0].get_ydata()) == [7.0]


@pytest.mark.parametrize("terms", [["critic/score"], ["generator/score"]])
def test_a_network_without_terms_has_no_loss(terms: list[str]) -> None:
    totals = with_totals(dict.fromkeys(terms, 1.0)).keys() - set(terms)
    assert totals == {f"losses/{terms[0].split('/')[0]}"}


def test_losses_of_the_log_are_kept_as_they_are() -> None:
    assert with_totals({**LINE, "losses/critic": 0.25})["losses/critic"] == 0.25


def test_a_single_line_of_the_log_is_seen(tmp_path: Path) -> None:
    empty, single = tmp_path / "empty.png", tmp_path / "single.png"
    draw_curves([{"step": 20, "averages": {"losses/critic": float("nan")}}], empty)
    draw_curves([{"step": 20, "averages": {"losses/critic": 1.0}}], single)

    def colored(path: Path) -> int:
        with Image.open(path) as picture:
            pixels = picture.convert("RGB").getcolors(1 << 20)
        return sum(count for count, color in pixels or [] if color == (0x40, 0x62, 0xBB))

    assert colored(empty) == 0
    assert colored(single) > 10


def test_names_of_any_letters_are_drawn_or_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With warnings as errors: matplotlib warns of boxes, of unreadable formulas, and of names that it leaves out."""
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", lambda **_: [])
    for cache in (letters._files, letters._file_with):
        cache.cache_clear()
    names = ["hair", "café", "青髪", "_x", "a$b$c", "$\\frac$", "long" * 20]
    draw_curves([{"step": 20, "averages": {f"critic/{name}": 1.0 for name in names}}], tmp_path / "losses.png")
    assert (tmp_path / "losses.legend.txt").read_text(encoding="utf-8") == "[1] critic/青髪\n"


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("use of noise, average", ["use of noise,", "average"]),
        ("raw", ["raw"]),
        ("exactly sixteen.", ["exactly sixteen."]),
        ("sixteen letters, and more", ["sixteen letters,", "and more"]),
        ("x" * 20, ["x" * 16, "xxxx"]),
        ("seventeen letters it is", ["seventeen", "letters it is"]),
        ("a " + "b" * 16, ["a", "b" * 16]),
        ("a b " + "c" * 30, ["a b", "c" * 13 + "..."]),
    ],
)
def test_names_beside_curves_are_broken_between_words(name: str, lines: list[str]) -> None:
    """There was "use of noise, av / erage"."""
    assert in_lines(name) == lines


@pytest.mark.parametrize("count", [1, 2, 5])
def test_panels_stand_below_each_other_inside_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    from matplotlib.figure import Figure

    figures: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (figures.append(self), Path(path).touch()))
    curves = {"critic/a": ([1, 2, 3], [0.5, 2.0, 1.0]), "critic/b": ([2], [1.0])}
    draw_panels([Panel(f"panel {number}", curves) for number in range(count)], tmp_path / "a.png")
    axes = figures[0].axes
    assert [one.get_title(loc="left") for one in axes] == [f"panel {number}" for number in range(count)]
    assert [one.get_xlabel() for one in axes] == [""] * (count - 1) + ["steps (running averages over 100)"]
    places = [one.get_position() for one in axes]
    edges = [edge for place in places for edge in (place.y1, place.y0)]
    assert all(0 < low < high < 1 for high, low in pairwise(edges))
    assert {(place.x0, place.x1) for place in places} == {(0.08, 0.83)}  # the names are to the right
    for one in axes:
        assert [line.get_marker() for line in one.lines] == ["None", "o"]
        assert len({line.get_color() for line in one.lines}) == 2
        legend = one.get_legend()
        assert legend is not None
        assert [(text.get_text(), text.get_fontsize()) for text in legend.get_texts()] == [("a", 8.0), ("b", 8.0)]


def test_the_losses_of_a_run_are_those_of_every_step_or_of_the_log(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.log.write_text(
        '{"step": 20, "seconds": 1.0, "images": 8, "averages": {"losses/critic": 7.0, "critic gap": 1.0}}\n'
    )
    assert loss_curves(folder) == {"critic": ([20], [7.0])}
    for steps, expected in (([31, 32], ([20], [7.0])), ([1, 2], ([1, 2], [1.0, 1.5]))):
        losses = Losses(steps=np.array(steps), columns={"losses/critic": np.array([1.0, 2.0])})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("examples.anime_faces.run._curves.read_losses", lambda path, losses=losses: losses)
            assert loss_curves(folder) == {"critic": expected}
