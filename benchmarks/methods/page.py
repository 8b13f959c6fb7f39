"""The tables of the gallery, written into its page."""

import re
from collections.abc import Mapping

from benchmarks.failures.runs import ROOT
from benchmarks.methods.arms import ARMS
from benchmarks.methods.runs import TIMES
from benchmarks.toys.runs import Record

PAGE = ROOT / "docs" / "guides" / "gallery.md"
MARKED = re.compile(r"(<!-- group ([\w ]+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)


def fill(text: str, records: Mapping[str, Record]) -> str:
    """Return the page with the table of each group, of the records by arm.

    Raises:
        ValueError: A place on the page is that of no group.
    """

    def filled(match: re.Match[str]) -> str:
        names = [name for name, arm in ARMS.items() if arm.group == match[2]]
        if not names:
            raise ValueError(f"the page has a place for {match[2]!r}, which is no group")
        return match[1] + "".join(line + "\n" for line in _table(names, records)) + match[3]

    return MARKED.sub(filled, text)


def _table(names: list[str], records: Mapping[str, Record]) -> list[str]:
    times = records[TIMES].figures["ratios"]
    lines = [
        '<div class="gallery" markdown>',
        "",
        "| Samples | Distance | Variety | Time |",
        "|---|--:|--:|--:|",
    ]
    for name in names:
        figures = records[name].figures["figures"]
        lines.append(
            f"| {ARMS[name].name}<br>![Samples](images/gallery/{name}.png) | {figures['distance']:.0f} "
            f"| {figures['variety']:.2f} | {times[name]:.2f} |"
        )
    return [*lines, "", "</div>"]
