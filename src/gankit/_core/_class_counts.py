"""How the numbers of classes of one or several attributes are given."""

from collections.abc import Iterable, Sequence

from gankit._core._checks import check_at_least


def as_class_counts(num_classes: int | Sequence[int]) -> tuple[int, ...]:
    """Return the number of classes of each attribute: ``12`` stands for one attribute, ``(12, 11)`` for two."""
    if not isinstance(num_classes, Iterable | int):
        raise ValueError(f"num_classes must be a whole number or a sequence of them, got {num_classes!r}")
    counts = (num_classes,) if isinstance(num_classes, int) else tuple(num_classes)
    if not counts:
        raise ValueError(f"num_classes must name at least one attribute, got {num_classes!r}")
    for count in counts:
        check_at_least("num_classes", count, 1)
    return counts
