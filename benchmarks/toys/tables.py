"""Tables in Markdown, and how numbers read in them."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, and an empty one after it."""
    return [*(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)), ""]


def percent(share: float) -> str:
    """Return a share as percent, with one decimal."""
    return f"{100 * share:.1f} %"


def short(number: float | None) -> str:
    """Return four significant digits, as few as there are, or a dash for None."""
    return "-" if number is None else f"{number:.4g}"


def joined(words: Sequence[str]) -> str:
    """Return words with commas, and an "and" before the last."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
