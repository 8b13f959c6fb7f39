import math
from typing import Any

import pytest

from benchmarks.toys.bars import Bar

BAR = Bar(modes=25, spared=1, high_quality=0.88, reverse_divergence=0.03)


def _figures(modes: int = 25, high_quality: float = 0.88, reverse_divergence: float = 0.03) -> dict[str, Any]:
    return {"modes": modes, "high_quality": high_quality, "reverse_divergence": reverse_divergence}


@pytest.mark.parametrize(
    ("figures", "missed"),
    [
        (_figures(), []),
        (_figures(modes=24), ["modes"]),
        (_figures(high_quality=0.8799), ["high quality"]),
        (_figures(reverse_divergence=0.0301), ["reverse KL"]),
        (_figures(reverse_divergence=math.inf), ["reverse KL"]),
        (_figures(reverse_divergence=math.nan), ["reverse KL"]),
        (_figures(0, 0.0, math.inf), ["modes", "high quality", "reverse KL"]),
    ],
)
def test_one_seed(figures: dict[str, Any], missed: list[str]) -> None:
    assert BAR.misses(figures) == missed


def test_what_is_not_asked_is_not_missed() -> None:
    assert Bar(modes=900).misses({"modes": 900, "reverse_divergence": 3.0}) == []
    assert Bar(modes=900).misses({"modes": 899, "reverse_divergence": 0.0}) == ["modes"]


@pytest.mark.parametrize(
    ("seeds", "reached"),
    [
        ([_figures(), _figures(), _figures()], True),
        ([_figures(), _figures(modes=24), _figures()], True),
        ([_figures(modes=24), _figures(modes=24), _figures()], False),
        ([_figures(), _figures(modes=23), _figures()], False),
        ([_figures(), _figures(24, 0.5), _figures()], False),
        ([_figures(), _figures(high_quality=0.5), _figures()], False),
        ([_figures(modes=24)], False),
        ([], False),
    ],
)
def test_all_seeds(seeds: list[dict[str, Any]], reached: bool) -> None:
    assert BAR.reached(seeds) is reached


def test_nothing_is_spared_by_default() -> None:
    bar = Bar(modes=8)
    assert bar.reached([{"modes": 8}, {"modes": 8}])
    assert not bar.reached([{"modes": 8}, {"modes": 7}])
