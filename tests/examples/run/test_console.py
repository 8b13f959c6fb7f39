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
