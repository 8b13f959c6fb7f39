"""The vectors of given pictures: from labels of any spelling, and from a critic where labels say nothing."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from examples.anime_faces.data import Attribute, counted, word_key
from examples.anime_faces.recipes.stargan.vector import Entry, TargetVector, sign_of, yes_of

UNKNOWN = -1.0


def known_numbers(vector: TargetVector, attributes: Sequence[Attribute], class_ids: np.ndarray) -> torch.Tensor:
    """Return the vectors of pictures whose labels may have other attributes than the vector.

    Attributes and classes are compared by their names. Of two classes, ``yes`` and ``1`` are the same, and so are ``no``, ``0``
    and ``-1``.

    Args:
        vector: What the numbers stand for.
        attributes: The attributes of the labels.
        class_ids: The classes, ``(n, attributes)``; -1 where there is none, or several.

    Returns:
        ``(n, entries)``, 0 or 1, and -1 where the labels do not say.
    """
    places = {word_key(one.name): place for place, one in enumerate(attributes)}
    numbers = torch.full((len(class_ids), len(vector.entries)), UNKNOWN)
    for column, entry in enumerate(vector.entries):
        own = vector.attributes[entry.attribute]
        place = places.get(word_key(own.name))
        if place is None:
            continue
        without = 0.0 if len(own.classes) == 1 else UNKNOWN
        values = [_number(name, own, entry) for name in attributes[place].classes]
        numbers[:, column] = torch.tensor([*values, without])[torch.from_numpy(class_ids[:, place])]
    return numbers


def _number(name: str, own: Attribute, entry: Entry) -> float:
    """Return the number of a picture whose label has this class."""
    keys = [word_key(one) for one in own.classes]
    if word_key(name) in keys or len(keys) != 2:
        return float(word_key(name) == keys[entry.class_id])
    sign = sign_of(name)
    return UNKNOWN if sign == 0 else float((sign > 0) == (entry.class_id == yes_of(own)))


def what_labels_leave_open(numbers: torch.Tensor, vector: TargetVector) -> str:
    """Return in words what labels do not say: each attribute with the number of pictures; empty where they say everything.

    Args:
        numbers: As `known_numbers` returns them.
        vector: What the numbers stand for.
    """
    parts: list[str] = []
    for number, attribute in enumerate(vector.attributes):
        columns = [column for column, entry in enumerate(vector.entries) if entry.attribute == number]
        pictures = int((numbers[:, columns] == UNKNOWN).any(dim=1).sum()) if columns else 0
        if pictures:
            parts.append(f"{attribute.name} of {'all ' * (pictures == len(numbers))}{counted(pictures, 'picture')}")
    return ", ".join(parts)


@torch.no_grad()
def complete(numbers: torch.Tensor, images: torch.Tensor, vector: TargetVector, critic: nn.Module) -> torch.Tensor:
    """Let a critic say what labels did not: each number by the sign of its logit, and of a group the greatest one alone.

    Args:
        numbers: As `known_numbers` returns them.
        images: The pictures, in -1..1.
        vector: What the numbers stand for.
        critic: Predicts logits of the vector.

    Returns:
        Vectors of zeros and ones.
    """
    logits = critic(images).classes[0].float().cpu()
    read = (logits > 0).float()
    for group in vector.groups:
        some = list(group)
        if len(some) > 1:
            greatest = torch.nn.functional.one_hot(logits[:, some].argmax(dim=1), len(some)).float()
            read[:, some] = greatest if vector.is_complete(group) else greatest * read[:, some]
        open_rows = (numbers[:, some] == UNKNOWN).any(dim=1)
        numbers = numbers.clone()
        numbers[:, some] = torch.where(open_rows[:, None], read[:, some], numbers[:, some])
    return numbers
