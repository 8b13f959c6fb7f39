"""The loss curves as points of an inline SVG, with their numbers for the pointer."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from examples.anime_faces.run import Losses, SymmetricLog, averaged_curve, first_steps, with_totals

MOST_POINTS = 300
COLORS = ("#4a72c8", "#d1495b", "#3a9d5d", "#e08e1b", "#8e5cc4", "#2a9d9d", "#a07a3c", "#7b818c")
PANELS = (
    ("Losses of both networks", "losses/", ()),
    ("Losses of both networks on pictures not used before", "fresh/", ()),
    ("Critic losses", "critic/", ()),
    ("Generator losses", "generator/", ()),
    ("Mean scores of the critic, and the gap between real and generated", "scores/", ("critic gap",)),
    ("Share of pictures that the critic recognizes", "accuracy/", ()),
    ("Length of the gradient of each network, all weights together", "gradients/", ()),
    ("Length of the weights that multiply the condition", "weights/", ()),
)
GRIDS = "Sample grids: variety beside real pictures (1: as much), and the share of it that noise makes"


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
    """One curve: its name, color and last value in the legend."""

    name: str
    color: str
    last: str


class Tick(NamedTuple):
    """One mark on an axis: its place in the SVG, and its label."""

    at: float
    label: str


class Scale(NamedTuple):
    """The curves on one kind of axis: its name, what it is in words, its marks, and a path for each curve."""

    name: str
    about: str
    levels: list[Tick]
    paths: list[str]


class Chart(NamedTuple):
    """One chart: title, curves, both kinds of axes, marks of steps, and the numbers that the script reads."""

    title: str
    lines: list[Line]
    scales: list[Scale]
    steps: list[Tick]
    numbers: dict[str, Any]


def charts_of(log: Sequence[Mapping[str, Any]], losses: Losses | None = None) -> list[Chart]:
    """Return a chart of both losses, one for the terms of each, and one for the scores.

    Args:
        log: Lines of a run's log.
        losses: The losses of every step, which give the first chart from the first step on, and one of the first steps as they
            are. None: only the log is there.
    """
    lines = [{**line, "averages": with_totals(line["averages"])} for line in _thinned(log)]
    names = list(dict.fromkeys(name for line in lines for name in line["averages"]))
    charts: list[Chart] = []
    for title, prefix, others in PANELS:
        chosen = [name for name in names if name.startswith((prefix, *others))]
        curves = {name.removeprefix(prefix): _logged(lines, name) for name in chosen}
        if prefix == "losses/" and losses is not None and losses.is_whole:
            curves = {name.removeprefix(prefix): averaged_curve(losses, name, MOST_POINTS) for name in chosen}
        if curves:
            charts.append(chart_of(title, curves))
        if prefix == "losses/" and losses is not None and (first := first_steps(losses)):
            steps = max(steps[-1] for steps, _ in first.values() if steps)
            curves = {name.removeprefix(prefix): curve for name, curve in first.items()}
            charts.append(chart_of(f"Losses of the first {steps} steps, each as it was", curves))
    grids = [{"step": line["step"], "averages": line["grid"]} for line in log if "grid" in line]
    if grids:
        names = dict.fromkeys(name for line in grids for name in line["averages"])
        charts.append(chart_of(GRIDS, {name: _logged(grids, name) for name in names}))
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


def _logged(log: Sequence[Mapping[str, Any]], name: str) -> tuple[list[int], list[float]]:
    there = [line for line in log if name in line["averages"]]
    return [line["step"] for line in there], [line["averages"][name] for line in there]


def chart_of(
    title: str, curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, colors: Sequence[str] = COLORS
) -> Chart:
    """Return a chart of curves, each of which has steps and values of its own.

    Args:
        title: What it shows.
        curves: The curves by name; each has at least one point.
        colors: Their colors, which are repeated where there are fewer.
    """
    known = [dict(zip(steps, values, strict=True)) for steps, values in curves.values()]
    steps = sorted({step for curve in known for step in curve})
    first, last = steps[0], steps[-1]
    every = [value for curve in known for value in curve.values()]

    def x(step: float) -> float:
        return FRAME.left + (step - first) / max(1, last - first) * (FRAME.right - FRAME.left)

    def scale(name: str, about: str, place: Callable[[float], float], ticks: Callable[..., list[float]]) -> Scale:
        low, high = _range(every, place)

        def y(value: float) -> float:
            share = (place(value) - place(low)) / (place(high) - place(low))
            return FRAME.bottom - share * (FRAME.bottom - FRAME.top)

        paths = [_path([f"{x(step):.1f} {y(value):.1f}" for step, value in curve.items()]) for curve in known]
        return Scale(name, about, [Tick(y(tick), f"{tick:g}") for tick in ticks(low, high)], paths)

    axis = SymmetricLog.of(every)
    return Chart(
        title=title,
        lines=[
            Line(name, colors[index % len(colors)], f"{curve[max(curve)]:.3g}")
            for index, (name, curve) in enumerate(zip(curves, known, strict=True))
        ],
        scales=[
            scale("linear", "", float, nice_ticks),
            scale("logarithmic", axis.in_words(min(every)), axis, axis.ticks),
        ],
        steps=[Tick(x(tick), f"{tick:g}") for tick in nice_ticks(first, last, 8)],
        numbers={
            "steps": steps,
            "values": [[curve.get(step) for step in steps] for curve in known],
            "width": FRAME.width,
            "left": FRAME.left,
            "right": FRAME.right,
            "first": first,
            "last": last,
        },
    )


def _path(points: Sequence[str]) -> str:
    """Return the path through points; one without length is drawn as a dot."""
    return f"M{points[0]} h0" if len(points) == 1 else f"M{' L'.join(points)}"


def _range(values: Sequence[float], place: Callable[[float], float]) -> tuple[float, float]:
    """Cover all values: a curve that is cut off looks flat where it is not.

    A little room is left above and below on a linear axis; on another one, it ends at values.
    """
    low, high = min(values), max(values)
    margin = 0.05 * (high - low) or max(abs(high), 1.0) * 0.05
    if place is float or place(low) == place(high):
        return low - margin, high + margin
    return low, high
