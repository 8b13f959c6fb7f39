"""The progress bar of a session."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from examples.anime_faces.run._console import Progress
from gankit.schedules import Round


class _Bar:
    def __init__(self, **options: Any) -> None:
        self.options, self.total, self.updates, self.text = options, options["total"], 0, ""
        self.is_away = self.is_drawn = False

    def update(self) -> None:
        self.updates += 1

    def set_postfix_str(self, text: str, *, refresh: bool) -> None:
        self.text, self.is_drawn = text, refresh

    @contextmanager
    def external_write_mode(self) -> Iterator[None]:
        self.is_away = True
        yield
        self.is_away = False


def test_the_bar_counts_updates_pictures_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("examples.anime_faces.run._console.Bar", _Bar)
    monkeypatch.setattr("examples.anime_faces.run._console.time.monotonic", lambda: now[0])
    system: Any = SimpleNamespace(schedule=lambda t: Round(critic=5 if t < 2 else 3, generator=2))
    feed: Any = SimpleNamespace(draws=10, batch_size=4)
    progress = Progress(system, feed, 9, 3)
    bar: Any = progress.bar
    assert bar.options == {"total": 9, "initial": 3, "unit": "steps", "desc": "training"}
    assert progress.images == 40
    now[0] += 8
    assert progress.seconds_left() == 8 * 6  # as if one step had been done
    for _ in range(4):
        progress.advance()
    feed.draws += 12
    assert progress.seconds_left() == 8 / 4 * 2
    assert progress.images_per_second() == 12 * 4 / 8
    progress.show({"critic gap": 0.125})
    assert (bar.updates, bar.text) == (4, "6 images/s, 25 critic and 14 generator updates, gap 0.12")
    now[0] += 4
    feed.draws += 2
    assert progress.images_per_second() == 2 * 4 / 4  # since the call before
    progress.show({})
    assert bar.text == "2 images/s, 25 critic and 14 generator updates"
    assert not bar.is_drawn  # the next step draws it anyway
    now[0] += 0.25
    feed.draws += 3
    assert progress.images_per_second() == 3 * 4 / 0.25
    feed.draws += 1
    assert progress.images_per_second() == pytest.approx(4e9)  # a coarse clock has not moved


def test_another_plan_is_followed_and_said_above_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    system: Any = SimpleNamespace(schedule=lambda t: Round(critic=1))
    other: Any = SimpleNamespace(schedule=lambda t: Round(critic=4, generator=0))
    feed, larger = (cast("Any", SimpleNamespace(draws=5, batch_size=size)) for size in (2, 4))
    progress = Progress(system, feed, 9, 0)
    progress.follow(other, larger, 20, "larger pictures")
    progress.advance()
    assert (progress.images, progress.bar.total, progress._critic, progress._generator) == (20, 20, 4, 0)
    assert capsys.readouterr().out.strip() == "larger pictures"
    progress.bar.close()


def test_the_bar_is_away_while_a_line_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.run._console.Bar", _Bar)
    system: Any = SimpleNamespace(schedule=lambda t: Round(critic=1))
    feed: Any = SimpleNamespace(draws=5, batch_size=2)
    progress = Progress(system, feed, 9, 0)
    said: list[tuple[str, bool]] = []
    bar: Any = progress.bar
    monkeypatch.setattr("examples.anime_faces.run._console.say", lambda text: said.append((text, bar.is_away)))
    progress.say("a word")
    assert said == [("a word", True)]
    assert not bar.is_away
