from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import recipes
from benchmarks.gallery.runs import ARMS
from benchmarks.idle import Idleness
from benchmarks.recipes import CHOICES, main, measure, options_of
from examples.anime_faces.recipes import recipe_names
from examples.anime_faces.systems import Hardware

IDLE = Idleness(others=0.0, spread=0.0, load=0.0)


def test_each_recipe_has_options_in_the_gallery() -> None:
    assert set(ARMS) == set(recipe_names())
    assert (options_of("matching_wgan").width, options_of("matching_wgan").batch_size) == (16, 32)


class Clock:
    """Rounds that take two seconds in bfloat16 and four in float32, half a second more with channels first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.built: list[tuple[str, Hardware]] = []
        monkeypatch.setattr(recipes.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(recipes, "trial_round", self.build)
        monkeypatch.setattr(recipes, "peak_in_own_process", lambda prepare, name, choice, threads, size: len(choice))

    def build(self, name: str, size: int, *, options: Any, hardware: Hardware) -> Callable[[int], object]:
        assert options == options_of(name)
        assert size == 32
        self.built.append((name, hardware))

        def play(number: int) -> None:
            first_is_slow = 50.0 if number == 0 else 0.0
            own = (2.0 if hardware.precision == "bfloat16" else 4.0) + 0.5 * (not hardware.channels_last)
            self.now += first_is_slow + own

        return play


def test_rounds_are_timed_in_turn_without_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    found = measure("dcgan", 3)
    assert [found[choice]["seconds"] for choice in CHOICES] == [[4.0] * 3, [4.5] * 3, [2.0] * 3, [2.5] * 3]
    assert [hardware.threads for _, hardware in clock.built] == [3] * 4
    assert found["bfloat16"]["megabytes"] == len("bfloat16")
    assert found["bfloat16, channels first"]["megabytes"] is None


def test_a_long_round_is_played_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    monkeypatch.setattr(recipes, "LONG", 4.2)
    found = measure("dcgan", 1)
    assert found["float32, channels first"]["seconds"] == [4.5] * 3
    assert clock.now == 4 * 50 + (4 + 4.5 + 2 + 2.5) + 3 * (4 + 2 + 2.5) + 4.5


def test_the_page_and_its_records(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock(monkeypatch)
    monkeypatch.setattr(recipes.Watch, "others", lambda _: 0.0)
    seen = iter([Idleness(others=0.5, spread=0.0, load=1.0), IDLE, IDLE])
    monkeypatch.setattr(recipes, "look", lambda: next(seen))
    threads = torch.get_num_threads()
    words = ["--threads", "1", "--out", str(tmp_path / "deep"), "--only", "default", "--only", "dcgan"]
    try:
        assert main(words) == 1
        assert "not idle" in capsys.readouterr().err
        assert main(words) == 0
        assert main(words) == 0
    finally:
        torch.set_num_threads(threads)
    assert [name for name, _ in clock.built] == ["default"] * 4 + ["dcgan"] * 4
    text = (tmp_path / "deep" / "recipes.md").read_text(encoding="utf-8")
    row = "4.00 s | 1.12 (1.12 to 1.12) | 0.50 (0.50 to 0.50) | 0.62 (0.62 to 0.62) | 7 | 8 |"
    assert f"| `dcgan` | {row}" in text
    assert "not idle" not in text


@pytest.mark.slow
def test_a_recipe_is_really_measured() -> None:
    found = measure("dcgan", 1, rounds=1)
    assert all(min(one["seconds"]) > 0 for one in found.values())
    assert all(found[choice]["megabytes"] is None or found[choice]["megabytes"] > 1 for choice in recipes.WEIGHED)
