"""The figures of metrics.json as a table to print."""

from collections.abc import Mapping
from typing import Any

from examples.anime_faces.printing import one_line


def side_of_target(figure: Mapping[str, Any]) -> str:
    """Return on which side of its target a figure is; empty where it has none.

    Args:
        figure: A figure of ``metrics.json``.
    """
    if figure.get("passed") is None:
        return ""
    if figure["passed"]:
        return "on target"
    low, value = figure.get("at_least"), figure.get("value")
    return "below target" if low is not None and (value is None or value < low) else "above target"


def summary(record: dict[str, Any]) -> str:
    """Return the figures of a metrics record, each with its interval, the figure of real pictures and its verdict."""
    lines = [f"{'figure':<28}{'value':>9}  {'95 in 100':<19}{'real':>9}   verdict"]
    for name, figure in record["figures"].items():
        floor = "" if figure["floor"] is None else f"{figure['floor']:.4g}"
        value = "unknown" if figure["value"] is None else f"{figure['value']:.4g}"
        line = f"{name:<28}{value:>9}  {_interval(figure):<19}{floor:>9}   {_verdict(figure)}"
        lines.append(line.rstrip())
    return "\n".join(map(one_line, [*lines, _count(record), *record["notes"]]))


def _interval(figure: dict[str, Any]) -> str:
    low, high = figure.get("low"), figure.get("high")
    return "" if low is None or high is None else f"{low:.4g} to {high:.4g}"


def _verdict(figure: dict[str, Any]) -> str:
    if figure.get("not_applied"):
        return f"not applied: {figure['not_applied']}"
    if figure["passed"] is None:
        return ""
    bounds = [f"at least {figure['at_least']:.4g}"] if figure["at_least"] is not None else []
    bounds += [f"at most {figure['at_most']:.4g}"] if figure["at_most"] is not None else []
    doubt = " (undecided)" if figure.get("undecided") else ""
    return f"{side_of_target(figure)}{doubt}: {' and '.join(bounds)}"


def _count(record: dict[str, Any]) -> str:
    words = f"{record['passed']} of {record['bounded']} thresholds passed"
    undecided = record.get("undecided", 0)
    if undecided:
        words += f"; {undecided} could come out the other way with other samples, as the intervals show"
    return words
