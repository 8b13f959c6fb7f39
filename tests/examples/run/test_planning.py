import pytest

from examples.anime_faces.run._planning import steps_within


def test_minutes_are_divided_by_the_time_of_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("examples.anime_faces.run._planning.time.monotonic", lambda: now[0])
    monkeypatch.setattr("examples.anime_faces.run._planning.time.perf_counter", lambda: now[0])
    played: list[int] = []

    def play(step: int) -> None:
        played.append(step)
        now[0] += 0.5 if step >= 3 else 5.0  # first rounds are slow and do not count

    steps = steps_within(10.0, play)
    assert played == list(range(len(played)))
    assert steps == int((600 - now[0]) * 0.94 / 0.5)


def test_even_the_smallest_budget_is_a_step() -> None:
    assert steps_within(1e-9, lambda _: None) == 1
