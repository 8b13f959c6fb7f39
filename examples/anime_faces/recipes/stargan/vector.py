"""The target vector of StarGAN: a number 0 or 1 for each class that can be set or cleared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from examples.anime_faces.data import Attribute, describe, find_classes, word_key

EXCLUSIVE = frozenset({"Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"})
"""Attributes of CelebA of which a picture is to have one at most; the authors' program names the same ones."""

NATURAL_HAIR = frozenset({"black", "brown", "blonde", "blond"})
"""The colors that StarGAN changes; faces of this program have more."""

_NO = frozenset({"-1", "0", "no", "false", "off", "none", "without", "absent"})
_YES = frozenset({"1", "yes", "true", "on", "with", "present"})


class Entry(NamedTuple):
    """One number of the vector: the attribute and the class for which it is 1."""

    attribute: int
    class_id: int


@dataclass(frozen=True, slots=True)
class TargetVector:
    """Which classes a run changes.

    An attribute with two classes has one entry, which is 1 for one class and 0 for the other. An attribute with more classes
    has an entry for each class that is changed, at most one of which is 1: all are 0 for a class that is not changed.

    Args:
        attributes: All attributes of the data.
        entries: What each number stands for.

    Example:
        >>> hair, glasses = Attribute("hair", ("red", "black", "brown")), Attribute("glasses", ("no", "yes"))
        >>> vector = target_vector((hair, glasses), "black hair, brown hair, glasses=yes")
        >>> vector.names
        ('black hair', 'brown hair', 'glasses')
        >>> vector.groups
        ((0, 1), (2,))
        >>> vector.encode(torch.tensor([[1, 0], [0, 1]])).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """

    attributes: tuple[Attribute, ...]
    entries: tuple[Entry, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The words for each entry: those of its class, or the name of an attribute with two classes."""
        return tuple(
            self.attributes[entry.attribute].name if self.is_binary(entry) else self._words(entry)
            for entry in self.entries
        )

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The entries of which one at most is 1, together; an entry that excludes no other one is alone."""
        groups: dict[object, list[int]] = {}
        for place, entry in enumerate(self.entries):
            name = self.attributes[entry.attribute].name
            groups.setdefault(EXCLUSIVE if name in EXCLUSIVE else entry.attribute, []).append(place)
        return tuple(tuple(group) for group in groups.values())

    def is_binary(self, entry: Entry) -> bool:
        """Whether the attribute of an entry has two classes, so that one number says everything."""
        return len(self.attributes[entry.attribute].classes) == 2

    def is_complete(self, group: Sequence[int]) -> bool:
        """Whether exactly one entry of a group is 1 for every picture: all classes of an attribute are in it."""
        first = self.entries[group[0]]
        return len(group) > 1 and len(group) == len(self.attributes[first.attribute].classes)

    def is_known(self, class_ids: torch.Tensor) -> torch.Tensor:
        """Return for each row of class ids ``(n, attributes)`` whether all numbers are known: no class of them is missing.

        An attribute of a single class is always known: a picture has that class, or not.
        """
        needed = {entry.attribute for entry in self.entries if len(self.attributes[entry.attribute].classes) > 1}
        return (class_ids[:, sorted(needed)] >= 0).all(dim=1)

    def encode(self, class_ids: torch.Tensor) -> torch.Tensor:
        """Turn class ids ``(n, attributes)`` into vectors ``(n, entries)`` of zeros and ones, in float32."""
        columns = [class_ids[:, entry.attribute] == entry.class_id for entry in self.entries]
        return torch.stack(columns, dim=1).float()

    def one_of_each_group(self, vectors: torch.Tensor) -> torch.Tensor:
        """Clear all ones of a group but the first: what is requested, unlike data, has one hair color at most."""
        vectors = vectors.clone()
        for group in self.groups:
            some = vectors[:, list(group)]
            vectors[:, list(group)] = some * (some.cumsum(dim=1) == 1)
        return vectors

    def targets(self, source: torch.Tensor) -> torch.Tensor:
        """Return what one picture is to be changed to, one change after the other.

        A number that excludes no other one is inverted; of a group, each one is set in turn and the others are cleared.

        Args:
            source: The vector of the picture, ``(entries,)``.

        Returns:
            Vectors ``(entries, entries)``, the change of each entry.
        """
        changed = source.repeat(len(self.entries), 1)
        for group in self.groups:
            for place in group:
                if len(group) == 1:
                    changed[place, place] = 1 - source[place]
                else:
                    changed[place, list(group)] = 0.0
                    changed[place, place] = 1.0
        return changed

    def _words(self, entry: Entry) -> str:
        ids = [entry.class_id if place == entry.attribute else -1 for place in range(len(self.attributes))]
        return describe(ids, self.attributes)


def target_vector(attributes: Sequence[Attribute], words: str = "") -> TargetVector:
    """Return the vector for a data set.

    Args:
        attributes: Those of the data set.
        words: The classes to change, as a prompt says them. Of an attribute with two classes, the named one is 1. Empty: all
            attributes with two classes or more. Then, of two classes, the one that means yes is 1, or else the second; of the
            hair colors of faces there are black, brown and blonde (where the data has one of them), and no eye color.

    Raises:
        ValueError: There are no such attributes, a word names no class, or a class or both of two are named.
    """
    attributes = tuple(attributes)
    if not attributes:
        raise ValueError("this recipe needs labels, but the data set has none; --recipe default trains without")
    entries = _named(attributes, words) if words.strip() else _default(attributes)
    return TargetVector(attributes, tuple(Entry(*entry) for entry in entries))


def yes_of(attribute: Attribute) -> int:
    """Return which of two classes means yes: the second one if their names do not say.

    Example:
        >>> [yes_of(Attribute("glasses", classes)) for classes in (("1", "-1"), ("no", "yes"), ("cat", "dog"))]
        [0, 1, 1]
    """
    said = [sign_of(name) for name in attribute.classes]
    return said.index(max(said)) if max(said) != min(said) else 1


def sign_of(name: str) -> int:
    """Return 1 for the name of a class that means yes, -1 for one that means no, and 0 for others."""
    key = word_key(name)
    return (key in _YES) - (key in _NO or key.startswith(("no ", "not ", "without ")))


def _named(attributes: tuple[Attribute, ...], words: str) -> list[tuple[int, int]]:
    try:
        choices = find_classes(words, attributes)
    except ValueError as error:
        raise ValueError(f"--targets: {error}") from error
    found = list(dict.fromkeys((choice.attribute, choice.class_id) for choice in choices))
    places = [place for place, _ in found]
    for place, attribute in enumerate(attributes):
        if len(attribute.classes) == 2 and places.count(place) == 2:
            raise ValueError(
                f"--targets must name one class of an attribute with two, but {words!r} names both of {attribute.name}"
            )
    return found


def _default(attributes: tuple[Attribute, ...]) -> list[tuple[int, int]]:
    entries: list[tuple[int, int]] = []
    for place, attribute in enumerate(attributes):
        ids = range(len(attribute.classes))
        if len(ids) == 2:
            entries.append((place, yes_of(attribute)))
        elif attribute.has_colors and attribute.name == "hair":
            natural = [one for one in ids if attribute.classes[one] in NATURAL_HAIR]
            entries += [(place, one) for one in natural or ids]
        elif len(ids) > 2 and not attribute.has_colors:
            entries += [(place, one) for one in ids]
    if not entries:
        names = ", ".join(attribute.name for attribute in attributes)
        raise ValueError(
            f"this recipe needs an attribute with two classes or more, other than the color of eyes, but the data set has only "
            f"{names}; name classes by --targets"
        )
    return entries
