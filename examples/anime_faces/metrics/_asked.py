"""What is requested of a generator: pairs of colors, and the classes of a data set, in the class ids of its run."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch

from examples.anime_faces.data import DOMAIN, FACE_ATTRIBUTES, Attribute, Dataset
from examples.anime_faces.metrics._by_class import further_labels
from examples.anime_faces.run import LoadedGenerator

Pair = tuple[int, int]


def pairs_of(attributes: Sequence[Attribute]) -> tuple[Pair, ...]:
    """Return the pairs of colors that a data set of rendered faces has classes for.

    Example:
        >>> pairs_of([Attribute("hair", ("black", "brown")), Attribute("eyes", ("gray",))])
        ((9, 0), (10, 0))
    """
    hair, eyes = (
        [one.classes.index(name) for name in next(own for own in attributes if own.name == one.name).classes]
        for one in FACE_ATTRIBUTES
    )
    return tuple(product(hair, eyes))


ALL_PAIRS = pairs_of(FACE_ATTRIBUTES)
"""Every pair of a hair and an eye color, as indices into the colors of faces."""


def balanced_pairs(count: int, seed: int, pairs: Sequence[Pair] = ALL_PAIRS) -> torch.Tensor:
    """Return pairs of shape ``(count, 2)``: from the start on, as many rows as there are pairs contain each of them once."""
    rng = np.random.default_rng(seed)
    sweeps = [rng.permutation(np.array(pairs)) for _ in range(-(-count // len(pairs)))]
    return torch.from_numpy(np.concatenate(sweeps)[:count])


def class_ids_for(generator: LoadedGenerator, dataset: Dataset) -> np.ndarray:
    """Return the class ids of the pictures of a data set as the run of a generator numbers them; -1 where there is no class.

    A data set that was joined to others for the run has the class of the run's domain that stands for it.

    Raises:
        ValueError: The data set has an attribute or a class that the run lacks.
    """
    ids = dataset.class_ids_of(generator.attributes)
    names = [attribute.name for attribute in generator.attributes]
    if DOMAIN in names and all(attribute.name != DOMAIN for attribute in dataset.attributes):
        column = names.index(DOMAIN)
        domain = _domain_of(dataset, generator)
        ids[:, column] = generator.attributes[column].classes.index(domain) if domain is not None else -1
    return ids


def drawing_colors(generator: LoadedGenerator, dataset: Dataset, seed: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return what draws faces of pairs of colors; further labels are those of faces of the data, drawn at random."""
    ids, names = class_ids_for(generator, dataset), [attribute.name for attribute in generator.attributes]
    # For each color of faces, its class id in the run.
    own = [
        torch.tensor([known.index(color) if color in known else -1 for color in one.classes])
        for one in FACE_ATTRIBUTES
        for known in [generator.attributes[names.index(one.name)].classes if one.name in names else ()]
    ]

    def draw(colors: torch.Tensor) -> torch.Tensor:
        asked = torch.from_numpy(ids[_rows(dataset, len(colors), seed)])
        for column, (attribute, of_color) in enumerate(zip(FACE_ATTRIBUTES, own, strict=True)):
            if attribute.name in names:
                asked[:, names.index(attribute.name)] = of_color[colors[:, column].cpu()]
        return generator.generate(asked.to(colors.device), seed=seed)

    return draw


def further_asked(generator: LoadedGenerator, dataset: Dataset, count: int, seed: int) -> dict[str, np.ndarray]:
    """Return what `drawing_colors` requests beside the colors of `count` faces: by label, whether each is to have it."""
    names = [attribute.name for attribute in generator.attributes]
    return further_labels(class_ids_for(generator, dataset)[_rows(dataset, count, seed)], names)


def _rows(dataset: Dataset, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, len(dataset), count)


def _domain_of(dataset: Dataset, generator: LoadedGenerator) -> str | None:
    """Return the class of the domain for one of the data sets that the run's own was joined from; None if it is not known."""
    try:
        joined = Dataset.open(Path(generator.settings.data))
    except ValueError:
        return None
    if joined.fingerprint != generator.settings.fingerprint:
        return None
    sources = joined.info.get("sources", [])
    return next((one["domain"] for one in sources if one["fingerprint"] == dataset.fingerprint), None)
