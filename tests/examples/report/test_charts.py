import re

import numpy as np
import pytest

from examples.anime_faces.report._charts import FRAME, chart_of, charts_of, nice_ticks
from examples.anime_faces.run import Losses


def test_charts_follow_their_numbers() -> None:
    lines = [{"step": step, "averages": {"critic/score": float(step)}} for step in range(20, 20_000, 20)]
    _, chart = charts_of(lines)  # the first shows the total
    assert chart.title == "Critic losses"
    (line,) = chart.lines
    assert (line.name, line.last) == ("score", "2e+04")
    linear, logarithmic = chart.scales
    assert (linear.name, logarithmic.name) == ("linear", "logarithmic")
    points = re.findall(r"(\d+\.\d) (\d+\.\d)", linear.paths[0].removeprefix("M"))
    assert 200 < len(points) <= 301
    xs, ys = zip(*((float(x), float(y)) for x, y in points), strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys, reverse=True)  # greater values lie higher
    assert chart.numbers["steps"][-1] == chart.numbers["last"] == 19_980
    bent = [float(y) for y in re.findall(r"\d+\.\d (\d+\.\d)", logarithmic.paths[0])]
    assert (
        bent[len(bent) // 2] < float(ys[len(ys) // 2]) - 20
    )  # the upper half of the values takes a small part of the axis


def test_the_greatest_and_the_least_value_are_drawn_where_they_are() -> None:
    """The most extreme hundredth was cut off: a critic that began at 12.3 looked flat at 10."""
    values = [12.31, *([1.0] * 150), 2.0, *([1.0] * 150), -7.0]
    for scale in chart_of("x", {"critic": (list(range(1, 304)), values)}).scales:
        heights = [float(y) for y in re.findall(r"\d+\.\d (\d+\.\d)", scale.paths[0])]
        assert heights[0] < heights[151] - 15 < heights[1] - 15 < heights[-1] - 15
        assert FRAME.top <= min(heights) == heights[0]
        assert FRAME.bottom >= max(heights) == heights[-1]


def test_a_decade_has_the_same_length_everywhere_on_the_logarithmic_axis() -> None:
    values = [-100.0, -10.0, 0.5, 10.0, 100.0]
    chart = chart_of("x", {"a": ([1, 2, 3, 4, 5], values)})
    heights = [float(y) for y in re.findall(r"\d+\.\d (\d+\.\d)", chart.scales[1].paths[0])]
    assert heights[0] - heights[1] == pytest.approx(heights[3] - heights[4], abs=0.2)
    assert [tick.label for tick in chart.scales[1].levels] == ["-100", "-10", "-1", "0", "1", "10", "100"]
    assert chart.scales[1].about == "logarithmic axis, linear between -1 and 1"


def test_the_first_chart_begins_with_the_first_step_where_all_losses_were_kept() -> None:
    log = [{"step": 400, "averages": {"losses/critic": 9.0, "losses/generator": 9.0}}]
    steps = np.arange(1, 401)
    losses = Losses(steps=steps, columns={"losses/critic": steps / 2.0, "losses/generator": np.full(400, 3.0)})
    both, first = charts_of(log, losses)
    assert (both.title, first.title) == ("Losses of both networks", "Losses of the first 300 steps, each as it was")
    assert both.numbers["steps"][0] == 1
    assert both.numbers["values"][0][0] == 0.5
    assert both.numbers["values"][0][-1] == pytest.approx(np.arange(301, 401).mean() / 2)
    assert first.numbers["steps"] == list(range(1, 301))
    assert first.numbers["values"][0] == [step / 2 for step in range(1, 301)]
    late = Losses(steps=steps[100:], columns={"losses/critic": steps[100:] / 2.0})
    (only,) = charts_of(log, late)
    assert only.numbers["steps"] == [400]


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.7, 8.1), (1e-4, 3e-4), (20, 20_000), (5.0, 5.0)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)
    assert ticks == sorted(set(ticks))
    assert len(ticks) <= 11
    assert high == low or len(ticks) >= 3


@pytest.mark.parametrize(
    ("group", "names", "title"),
    [
        ("accuracy", ("real", "fake"), "Share of pictures that the critic recognizes"),
        ("fresh", ("critic", "generator"), "Losses of both networks on pictures not used before"),
    ],
)
def test_accuracies_and_losses_on_fresh_pictures_have_charts_of_their_own(
    group: str, names: tuple[str, str], title: str
) -> None:
    log = [{"step": 20, "averages": {f"{group}/{names[0]}": 0.75, f"{group}/{names[1]}": 0.5}}]
    (chart,) = charts_of(log)
    assert chart.title == title
    assert [(line.name, line.last) for line in chart.lines] == [(names[0], "0.75"), (names[1], "0.5")]


def test_a_single_point_is_drawn_as_a_dot() -> None:
    for name in ("critic/score", "critic/late"):
        log = [{"step": 20, "averages": {"critic/score": 1.0}}, {"step": 40, "averages": {"critic/late": 2.0}}]
        chart = charts_of(log)[1]
        place = [line.name for line in chart.lines].index(name.removeprefix("critic/"))
        path = chart.scales[0].paths[place]
        assert re.fullmatch(r"M\d+\.\d \d+\.\d h0", path)
