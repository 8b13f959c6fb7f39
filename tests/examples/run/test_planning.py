from pathlib import Path

import pytest

from examples.anime_faces.run._budget import steps_within
from examples.anime_faces.run._hardware import choose_hardware
from examples.anime_faces.run._preview import is_preview_step
from examples.anime_faces.run._settings import Settings


def test_minutes_are_divided_by_the_time_of_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("examples.anime_faces.run._budget.time.monotonic", lambda: now[0])
    monkeypatch.setattr("examples.anime_faces.run._budget.time.perf_counter", lambda: now[0])
    played: list[int] = []

    def play(step: int) -> None:
        played.append(step)
        now[0] += 0.5 if step >= 3 else 5.0  # first rounds are slow and do not count

    steps = steps_within(10.0, play)
    assert played == list(range(len(played)))
    assert steps == int((600 - now[0]) * 0.94 / 0.5)


def test_even_the_smallest_budget_is_a_step() -> None:
    assert steps_within(1e-9, lambda _: None) == 1


def test_grids_come_evenly_and_at_the_end() -> None:
    steps = [step for step in range(1, 6001) if is_preview_step(step, 6000, None)]
    assert steps[:5] == [16, 32, 64, 128, 200]
    assert steps[-2:] == [5800, 6000]
    assert [step for step in range(1, 8) if is_preview_step(step, 7, 3)] == [3, 6, 7]


def test_hardware_is_chosen_by_itself() -> None:
    hardware, reason = choose_hardware(device="cpu", threads=1)
    assert hardware.precision in ("float32", "bfloat16")
    assert "of its float32 time in bfloat16" in reason
    assert choose_hardware(device="cpu", precision="float32")[1] == "as asked"


def test_settings_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for text in ("{}", "not json", '{"recipe": 3}'):
        path.write_text(text)
        with pytest.raises(ValueError, match="is not the settings of a run"):
            Settings.load(path)
