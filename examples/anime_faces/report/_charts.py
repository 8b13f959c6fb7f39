"""The loss curves as points of an inline SVG, with their numbers for the pointer."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from examples.anime_faces.run import with_totals

MOST_POINTS = 300
COLORS = ("#4a72c8", "#d1495b", "#3a9d5d", "#e08e1b", "#8e5cc4", "#2a9d9d", "#a07a3c", "#7b818c")
PANELS = (
    ("Losses of both networks", "losses/", ()),
    ("Critic losses", "critic/", ()),
    ("Generator losses", "generator/", ()),
    ("Mean scores of the critic, and the gap between real and generated", "scores/", ("critic gap",)),
    ("Share of pictures that the critic recognizes", "accuracy/", ()),
)


class Frame(NamedTuple):
    """Size of a chart, and the box inside it that the curves fill."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int


FRAME = Frame(width=760, height=210, left=46, right=752, top=8, bottom=184)


class Line(NamedTuple):
    """One curve: its name, color and last value in the legend, and its path in the SVG."""

    name: str
    color: str
    last: str
    path: str


class Tick(NamedTuple):
    """One mark on an axis: its place in the SVG, and its label."""

    at: float
    label: str


class Chart(NamedTuple):
    """One chart: title, curves, marks on both axes, and the numbers that the script reads."""

    title: str
    lines: list[Line]
    levels: list[Tick]
    steps: list[Tick]
    numbers: dict[str, Any]


def charts_of(log: Sequence[Mapping[str, Any]]) -> list[Chart]:
    """Return a chart of both losses, one for the terms of each, and one for the scores.

    Args:
        log: Lines of a run's log.
    """
    lines = [{**line, "averages": with_totals(line["averages"])} for line in _thinned(log)]
    names = list(dict.fromkeys(name for line in lines for name in line["averages"]))
    charts: list[Chart] = []
    for title, prefix, others in PANELS:
        chosen = [name for name in names if name.startswith(prefix) or name in others]
        if chosen:
            charts.append(_chart(title, lines, chosen, prefix))
    return charts


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers that cover most of ``low..high``.

    Example:
        >>> nice_ticks(0.0, 10.0)
        [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    span = max(high - low, 1e-12)
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((factor * power for factor in (1, 2, 5, 10)), key=lambda size: abs(size - rough))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12) + 0.0 for index in range(first, last + 1)]


def _thinned(log: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    stride = math.ceil(len(log) / MOST_POINTS)
    kept = list(log[::stride]) if stride else []
    if log and kept[-1] is not log[-1]:
        kept.append(log[-1])
    return kept


def _chart(title: str, log: Sequence[Mapping[str, Any]], names: Sequence[str], prefix: str) -> Chart:
    steps = [line["step"] for line in log]
    first, last = steps[0], steps[-1]
    values = [[line["averages"].get(name) for line in log] for name in names]
    low, high = _range([value for row in values for value in row if value is not None])

    def x(step: float) -> float:
        return FRAME.left + (step - first) / max(1, last - first) * (FRAME.right - FRAME.left)

    def y(value: float) -> float:
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return FRAME.bottom - share * (FRAME.bottom - FRAME.top)

    def line(index: int) -> Line:
        row = values[index]
        points = [f"{x(at):.1f} {y(value):.1f}" for at, value in zip(steps, row, strict=True) if value is not None]
        shown = "?" if row[-1] is None else f"{row[-1]:.3g}"
        path = (
            f"M{' L'.join(points)}" if len(points) != 1 else f"M{points[0]} h0"
        )  # a line without length is drawn as a dot
        return Line(names[index].removeprefix(prefix), COLORS[index % len(COLORS)], shown, path)

    return Chart(
        title=title,
        lines=[line(index) for index in range(len(names))],
        levels=[Tick(y(tick), f"{tick:g}") for tick in nice_ticks(low, high)],
        steps=[Tick(x(tick), f"{tick:g}") for tick in nice_ticks(first, last, 8)],
        numbers={
            "steps": steps,
            "values": values,
            "width": FRAME.width,
            "left": FRAME.left,
            "right": FRAME.right,
            "first": first,
            "last": last,
        },
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Cover the values but for the most extreme hundredth at each end, which would flatten all the rest."""
    ordered = sorted(values)
    cut = len(ordered) // 100
    low, high = ordered[cut], ordered[-1 - cut]
    margin = 0.05 * (high - low) or max(abs(high), 1.0) * 0.05
    return low - margin, high + margin
