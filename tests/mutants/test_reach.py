"""What a test reaches is all that it needs, also where an earlier one has left it in a cache."""

import importlib
from pathlib import Path

import pytest

from tests.mutants.reach import reach_of

CACHED = """
from functools import lru_cache

@lru_cache(maxsize=1)
def slow():
    return 3

def quick():
    return slow() + 1
"""


def test_each_test_reaches_what_it_uses_from_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cached_module.py"
    path.write_text(CACHED)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("cached_module")
    files = frozenset({str(path)})
    for _ in range(2):
        reach = reach_of(lambda: module.quick() == 4, files)
        assert reach.passed
        assert {line for _, line in reach.lines} == {6, 9}
    assert not reach_of(lambda: False, files).passed
