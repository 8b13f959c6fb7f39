"""What is drawn of the log."""

from pathlib import Path

import pytest
from PIL import Image

from examples.anime_faces.run import _letters as letters, draw_curves, series, with_totals

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
        assert picture.size == (900, 4 * 260)
    lines[-1]["averages"] |= {"accuracy/real": 0.75, "accuracy/fake": 0.5}
    draw_curves(lines, tmp_path / "accuracy.png")
    with Image.open(tmp_path / "accuracy.png") as picture:
        assert picture.size == (900, 5 * 260)
    draw_curves([], tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


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
