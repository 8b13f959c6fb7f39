import re

import pytest

from examples.anime_faces.report._charts import charts_of, nice_ticks


def test_charts_follow_their_numbers() -> None:
    lines = [{"step": step, "averages": {"critic/score": float(step)}} for step in range(20, 20_000, 20)]
    _, chart = charts_of(lines)  # the first shows the total
    assert chart.title == "Critic losses"
    (line,) = chart.lines
    assert (line.name, line.last) == ("score", "2e+04")
    points = re.findall(r"(\d+\.\d) (\d+\.\d)", line.path.removeprefix("M"))
    assert 200 < len(points) <= 301
    xs, ys = zip(*((float(x), float(y)) for x, y in points), strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys, reverse=True)  # greater values lie higher
    assert chart.numbers["steps"][-1] == chart.numbers["last"] == 19_980


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.7, 8.1), (1e-4, 3e-4), (20, 20_000), (5.0, 5.0)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)
    assert ticks == sorted(set(ticks))
    assert len(ticks) <= 11
    assert high == low or len(ticks) >= 3


def test_the_accuracies_have_a_chart_of_their_own() -> None:
    log = [{"step": 20, "averages": {"accuracy/real": 0.75, "accuracy/fake": 0.5}}]
    (chart,) = charts_of(log)
    assert chart.title == "Share of pictures that the critic recognizes"
    assert [(line.name, line.last) for line in chart.lines] == [("real", "0.75"), ("fake", "0.5")]


def test_a_single_point_is_drawn_as_a_dot() -> None:
    for name in ("critic/score", "critic/late"):
        log = [{"step": 20, "averages": {"critic/score": 1.0}}, {"step": 40, "averages": {"critic/late": 2.0}}]
        lines = {line.name: line for line in charts_of(log)[1].lines}
        path = lines[name.removeprefix("critic/")].path
        assert re.fullmatch(r"M\d+\.\d \d+\.\d h0", path)
