"""How `stargan` reads labels: as vectors of zeros and ones, from data, from words, and for sample grids."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from examples.anime_faces.data import Attribute, Dataset, describe, parse_prompt
from examples.anime_faces.recipes.stargan.vector import TargetVector, target_vector
from examples.anime_faces.systems import Description, Grid, Labels, Selection


@dataclass(frozen=True, slots=True)
class TargetLabels(Labels):
    """Use the pictures of which every number of the target vector is known; the condition is that vector.

    Args:
        words: The classes to change, as for `target_vector`.
    """

    words: str = ""

    def vector(self, description: Description) -> TargetVector:
        """Return the target vector of a run."""
        return target_vector(description.attributes, self.words)

    def select(self, dataset: Dataset) -> Selection:
        """Drop pictures without a class, or with several, of an attribute of the vector."""
        vector = target_vector(dataset.attributes, self.words)
        ids = torch.from_numpy(np.asarray(dataset.class_ids(), dtype=np.int64))
        rows = np.flatnonzero(vector.is_known(ids).numpy())
        if len(rows) == 0:
            raise ValueError(
                f"this recipe trains on pictures with exactly one class of each attribute that it changes "
                f"({', '.join(vector.names)}), but none of the {len(dataset)} pictures has that"
            )
        used = ids[torch.from_numpy(rows)]
        description = Description(
            size=dataset.size,
            kind=dataset.kind,
            attributes=tuple(dataset.attributes),
            incomplete=tuple((used < 0).any(dim=0).tolist()),
            pictures=len(rows),
        )
        return Selection(rows=rows, conditions=vector.encode(used).numpy(), description=description)

    def encode(self, class_ids: torch.Tensor, description: Description) -> torch.Tensor | None:
        """Turn known class ids into vectors; classes that are not changed leave no trace in them."""
        vector = self.vector(description)
        return vector.one_of_each_group(vector.encode(class_ids))

    def read(self, prompts: Sequence[str], description: Description, rng: torch.Generator) -> torch.Tensor | None:
        """Read the classes out of each prompt, and draw what it leaves open.

        Raises:
            ValueError: A prompt names something that is not changed, or two classes of which a picture has one.
        """
        vector = self.vector(description)
        return torch.stack([_read(prompt, vector, rng) for prompt in prompts])

    def grid(self, description: Description, rows: int) -> Grid:
        """Show each class that can be set, with the first of each other group and no class that is alone."""
        vector = self.vector(description)
        start = torch.zeros(len(vector.entries))
        for group in vector.groups:
            start[group[0]] = float(len(group) > 1)
        changed = vector.targets(start)
        wanted = torch.cat([start[None], changed[(changed != start).any(dim=1)]])
        chosen = wanted[torch.arange(min(rows, len(wanted))) * len(wanted) // min(rows, len(wanted))]
        return Grid([_words(row, vector) for row in chosen], chosen)


def _words(wanted: torch.Tensor, vector: TargetVector) -> str:
    """Return a vector in words that `_read` reads as the same vector."""
    ids = [-1] * len(vector.attributes)
    for entry, on in zip(vector.entries, wanted.tolist(), strict=True):
        if on:
            ids[entry.attribute] = entry.class_id
        elif vector.is_binary(entry):
            ids[entry.attribute] = 1 - entry.class_id
    return describe(ids, vector.attributes)


def _read(prompt: str, vector: TargetVector, rng: torch.Generator) -> torch.Tensor:
    """Return the vector that a prompt requests."""
    known = _changed_attributes(vector)
    places = list(dict.fromkeys(entry.attribute for entry in vector.entries))
    named = {
        places[index]: vector.attributes[places[index]].classes.index(known[index].classes[class_id])
        for index, class_id in enumerate(parse_prompt(prompt, known))
        if class_id >= 0
    }
    wanted = torch.zeros(len(vector.entries))
    for group in vector.groups:
        drawn = torch.rand(len(group), generator=rng)  # also where nothing is left open: what follows stays the same
        entries = [vector.entries[place] for place in group]
        asked = [
            place for place, entry in zip(group, entries, strict=True) if named.get(entry.attribute) == entry.class_id
        ]
        open_ones = [place for place, entry in zip(group, entries, strict=True) if entry.attribute not in named]
        if len(asked) > 1:
            names = " and ".join(vector.names[place] for place in asked)
            raise ValueError(f"{prompt!r} asks for {names}, of which a picture can have only one")
        if asked:
            wanted[asked[0]] = 1.0
        elif len(group) == 1:
            wanted[group[0]] = float(bool(open_ones) and bool(drawn[0] < 0.5))
        elif open_ones:
            wanted[open_ones[int(drawn[0] * len(open_ones))]] = 1.0
    return wanted


def _changed_attributes(vector: TargetVector) -> tuple[Attribute, ...]:
    """Return the attributes of the vector, with those of their classes that can be requested."""
    ids: dict[int, list[int]] = {}
    for entry in vector.entries:
        ids.setdefault(entry.attribute, []).append(entry.class_id)
        if vector.is_binary(entry):
            ids[entry.attribute] = [0, 1]
    return tuple(
        Attribute(vector.attributes[place].name, tuple(vector.attributes[place].classes[one] for one in chosen))
        for place, chosen in ids.items()
    )
