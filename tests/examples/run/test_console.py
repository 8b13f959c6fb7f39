import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pytest

from examples.anime_faces.run._console import Progress, StopSignals
from gankit.schedules import Round


def test_signals_are_caught_while_entered() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals() as signals:
        assert signals.exit_code == 0
        signal.raise_signal(signal.SIGTERM)
        assert signals.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) == before


def test_outside_the_main_thread_handlers_stay_as_they_are() -> None:
    def enter() -> tuple[object, int]:
        with StopSignals() as signals:
            return signal.getsignal(signal.SIGINT), signals.exit_code

    with ThreadPoolExecutor(1) as workers:
        assert workers.submit(enter).result() == (signal.getsignal(signal.SIGINT), 0)


def test_a_handler_that_python_did_not_set_does_not_stop_the_end() -> None:
    """`signal.signal` returns None for it."""
    signals = StopSignals()
    before = signal.getsignal(signal.SIGTERM)
    with signals:
        signals._before[signal.SIGTERM] = None
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    signal.signal(signal.SIGTERM, before)


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_signal_after_the_end_is_too_late() -> None:
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.exit_code == 143
        signals.finish()
        assert signals.exit_code == 0


class _Bar:
    def __init__(self, **options: Any) -> None:
        self.options, self.total, self.updates, self.text = options, options["total"], 0, ""

    def update(self) -> None:
        self.updates += 1

    def set_postfix_str(self, text: str, *, refresh: bool) -> None:
        self.text = text


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
