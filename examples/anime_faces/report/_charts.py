"""Loss curves as inline SVG, with their numbers beside them for the pointer."""

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from examples.anime_faces.run import with_totals

WIDTH, HEIGHT = 760, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 752, 8, 184
MOST_POINTS = 300
COLORS = ("#4a72c8", "#d1495b", "#3a9d5d", "#e08e1b", "#8e5cc4", "#2a9d9d", "#a07a3c", "#7b818c")
PANELS = (
    ("Losses of both networks", "losses/", ()),
    ("Critic losses", "critic/", ()),
    ("Generator losses", "generator/", ()),
    ("Mean scores of the critic, and the gap between real and generated", "scores/", ("critic gap",)),
)


def draw_charts(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return a chart of both losses, one for the terms of each and one for the scores, as HTML."""
    thinned = [{**line, "averages": with_totals(line["averages"])} for line in _thinned(lines)]
    names = list(dict.fromkeys(name for line in thinned for name in line["averages"]))
    charts: list[str] = []
    for title, prefix, others in PANELS:
        chosen = [name for name in names if name.startswith(prefix) or name in others]
        if chosen:
            charts.append(_chart(title, thinned, chosen, prefix))
    return "\n".join(charts)


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers that cover most of ``low..high``, about `count` of them.

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


def _thinned(lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    stride = math.ceil(len(lines) / MOST_POINTS)
    kept = list(lines[::stride]) if stride else []
    if lines and kept[-1] is not lines[-1]:
        kept.append(lines[-1])
    return kept


def _chart(title: str, lines: Sequence[Mapping[str, Any]], names: Sequence[str], prefix: str) -> str:
    steps = [line["step"] for line in lines]
    values = [[line["averages"].get(name) for line in lines] for name in names]
    low, high = _range([value for row in values for value in row if value is not None])
    paths = "".join(_path(steps, row, low, high, color) for row, color in zip(values, _colors(names), strict=True))
    data = {
        "steps": steps, "values": values, "width": WIDTH, "left": LEFT, "right": RIGHT,
        "first": steps[0], "last": steps[-1],
    }  # fmt: skip
    legend = "".join(
        f'<li><i style="background:{color}"></i>{escape(name.removeprefix(prefix))} <b>{_short(row[-1])}</b></li>'
        for name, row, color in zip(names, values, _colors(names), strict=True)
    )
    return (
        f'<div class="card chart"><h3>{escape(title)}</h3>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{_axes(steps, low, high)}{paths}"
        f'<line class="cursor" x1="0" x2="0" y1="{TOP}" y2="{BOTTOM}"></line></svg>'
        f'<ul class="legend">{legend}<li class="step">step {steps[-1]}</li></ul>'
        f'<script type="application/json">{json.dumps(data)}</script></div>'
    )


def _colors(names: Sequence[str]) -> list[str]:
    return [COLORS[index % len(COLORS)] for index in range(len(names))]


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Cover the values but for the wildest in a hundred, which would flatten all the rest."""
    ordered = sorted(values)
    cut = len(ordered) // 100
    low, high = ordered[cut], ordered[-1 - cut]
    margin = 0.05 * (high - low) or max(abs(high), 1.0) * 0.05
    return low - margin, high + margin


def _x(step: float, steps: Sequence[int]) -> float:
    return LEFT + (step - steps[0]) / max(1, steps[-1] - steps[0]) * (RIGHT - LEFT)


def _y(value: float, low: float, high: float) -> float:
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return BOTTOM - share * (BOTTOM - TOP)


def _path(steps: Sequence[int], row: Sequence[float | None], low: float, high: float, color: str) -> str:
    points = [
        f"{_x(step, steps):.1f} {_y(value, low, high):.1f}"
        for step, value in zip(steps, row, strict=True)
        if value is not None
    ]
    return f'<path d="M{" L".join(points)}" stroke="{color}"></path>'


def _axes(steps: Sequence[int], low: float, high: float) -> str:
    parts: list[str] = []
    for tick in nice_ticks(low, high):
        y = _y(tick, low, high)
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"></line>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    parts += [
        f'<text x="{_x(tick, steps):.1f}" y="{BOTTOM + 20}" text-anchor="middle">{tick:g}</text>'
        for tick in nice_ticks(steps[0], steps[-1], 8)
    ]
    return "".join(parts)


def _short(value: float | None) -> str:
    return "?" if value is None else f"{value:.3g}"
