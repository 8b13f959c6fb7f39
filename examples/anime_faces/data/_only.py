"""Choosing some of the classes of a data set: pictures of other classes are left out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from examples.anime_faces.data._attributes import Attribute
from examples.anime_faces.data._phrases import find_classes
from examples.anime_faces.data._source import Picture, Source

NOT_CHOSEN = "not of the classes of --only"


@dataclass(frozen=True)
class ChosenClasses:
    """Some classes of some attributes.

    A picture fits if it has, of each attribute that is named, one of its chosen classes and no other one.

    Args:
        attributes: All attributes, with all their classes.
        words: The chosen classes, as a prompt says them; several of one attribute are alternatives.

    Raises:
        ValueError: A word names no class.

    Example:
        >>> chosen = ChosenClasses((Attribute("hat", ("red", "blue", "none")), Attribute("size", ("s", "m"))), "red, none")
        >>> chosen.columns, chosen.kept
        ((0, 2, 3, 4), (Attribute(name='hat', classes=('red', 'none')), Attribute(name='size', classes=('s', 'm'))))
        >>> chosen.fits({0, 4}), chosen.fits({1}), chosen.fits({0, 1}), chosen.fits({3})
        (True, False, False, False)
    """

    attributes: tuple[Attribute, ...]
    words: str

    def __post_init__(self) -> None:
        """Read the words."""
        _ = self.ids

    @cached_property
    def ids(self) -> dict[int, tuple[int, ...]]:
        """The chosen class ids of each attribute that is named."""
        try:
            choices = find_classes(self.words, self.attributes)
        except ValueError as error:
            raise ValueError(f"--only: {error}") from error
        found: dict[int, set[int]] = {}
        for attribute, class_id in choices:
            found.setdefault(attribute, set()).add(class_id)
        return {attribute: tuple(sorted(ids)) for attribute, ids in found.items()}

    def ids_of(self, attribute: int) -> tuple[int, ...]:
        """Return the class ids of an attribute that are kept: the chosen ones, or all if it is not named."""
        return self.ids.get(attribute, tuple(range(len(self.attributes[attribute].classes))))

    @property
    def kept(self) -> tuple[Attribute, ...]:
        """All attributes, with the classes that are kept."""
        return tuple(
            Attribute(one.name, tuple(one.classes[class_id] for class_id in self.ids_of(index)))
            for index, one in enumerate(self.attributes)
        )

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns of the labels that are kept."""
        return tuple(
            start + class_id for index, start in enumerate(_starts(self.attributes)) for class_id in self.ids_of(index)
        )

    def fits(self, columns: Collection[int]) -> bool:
        """Return whether a picture with these columns of the labels has only chosen classes of the attributes named."""
        starts = _starts(self.attributes)
        for index, ids in self.ids.items():
            own = {column - starts[index] for column in columns} & set(range(len(self.attributes[index].classes)))
            if not own or not own <= set(ids):
                return False
        return True


def only_chosen(source: Source, words: str) -> Source:
    """Return a source with the pictures that fit the chosen classes; the others are among those that are skipped.

    Args:
        source: The pictures and their labels.
        words: The chosen classes, as for `ChosenClasses`.

    Raises:
        ValueError: A word names no class of the source, or the source has no labels.
    """
    if not source.attributes:
        raise ValueError(f"--only must be given for pictures with labels, but those in {source.root} have none")
    chosen = ChosenClasses(source.attributes, words)
    places = {column: place for place, column in enumerate(chosen.columns)}
    left_out = [one for one in source.pictures if not chosen.fits(one.columns)]
    return replace(
        source,
        attributes=chosen.kept,
        pictures=[_moved(one, places) for one in source.pictures if chosen.fits(one.columns)],
        skipped=[*source.skipped, *({"file": one.name, "reason": NOT_CHOSEN} for one in left_out)],
        only=words,
    )


def _moved(picture: Picture, places: dict[int, int]) -> Picture:
    return picture._replace(columns=tuple(sorted(places[column] for column in picture.columns)))


def _starts(attributes: Sequence[Attribute]) -> list[int]:
    return [sum(len(one.classes) for one in attributes[:index]) for index in range(len(attributes))]
