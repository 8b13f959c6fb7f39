"""Settings of the whole suite: hypothesis profiles, threads, the CUDA marker."""

import os
import signal
import sys

# One thread per process: tests are small, and on a busy machine threads that wait for each other take more time than they save.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import HealthCheck, Phase, settings

# Shells start background jobs with Ctrl-C ignored, and children inherit that: tests of interruption need the ordinary state.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Failing examples are not shrunk: shrinking would slow down every killed mutant.
_COMMON = {
    "deadline": None,
    "phases": (Phase.explicit, Phase.generate),
    "suppress_health_check": (HealthCheck.too_slow, HealthCheck.data_too_large),
    "print_blob": True,
}
settings.register_profile("quick", max_examples=25, derandomize=True, **_COMMON)  # the same examples in each run
settings.register_profile("thorough", max_examples=500, **_COMMON)
settings.load_profile(os.environ.get("GANKIT_PROFILE", "quick"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests that need a CUDA device if there is none."""
    if torch.cuda.is_available():
        return
    for item in items:
        if "cuda" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Start every test from the same global random state."""
    torch.manual_seed(0)


_TRACER = sys.gettrace()


@pytest.fixture(autouse=True)
def _traced() -> None:
    """Measure coverage again after a test that reached the limit of recursion: Python removes the tracer then."""
    if sys.gettrace() is None and _TRACER is not None:
        sys.settrace(_TRACER)
