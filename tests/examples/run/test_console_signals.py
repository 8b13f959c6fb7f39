"""Ctrl-C and SIGTERM during a session."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from examples.anime_faces.run._console import StopSignals


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


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_is_noted_and_said(number: int, code: int, capfd: pytest.CaptureFixture[str]) -> None:
    with StopSignals() as signals:
        assert signals.caught is None
        signal.raise_signal(number)
        assert (signals.caught, signals.exit_code) == (number, code)
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "\nfinishing this step, then saving; once more ends at once\n")


def test_of_several_ranks_none_speaks_before_all_have_agreed(capfd: pytest.CaptureFixture[str]) -> None:
    with StopSignals(is_announced=False) as signals:
        signal.raise_signal(signal.SIGINT)
    assert signals.exit_code == 130
    assert capfd.readouterr().err == ""


def test_a_signal_after_the_end_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with StopSignals() as signals:
        signals.finish()
        signal.raise_signal(signal.SIGINT)
    assert (signals.caught, signals.exit_code) == (signal.SIGINT, 0)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("is_finished", "code"), [(False, 143), (True, 0)])
def test_a_second_signal_ends_the_process_at_once(
    is_finished: bool, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class EndedError(Exception):
        pass

    def end(number: int) -> None:
        raise EndedError(number)

    monkeypatch.setattr(os, "_exit", end)
    with StopSignals() as signals:
        signal.raise_signal(signal.SIGINT)
        if is_finished:
            signals.finish()
        with pytest.raises(EndedError, match=f"^{code}$"):
            signal.raise_signal(signal.SIGTERM)


def test_a_signal_is_noted_where_the_error_output_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> None:
        raise OSError

    with StopSignals() as signals:
        monkeypatch.setattr(os, "write", closed)
        signal.raise_signal(signal.SIGINT)
        monkeypatch.undo()
    assert signals.exit_code == 130
