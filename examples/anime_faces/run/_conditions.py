"""Class ids that no user named: those of preview grids, and the halves that a prompt leaves open."""

from collections.abc import Sequence

import torch

from examples.anime_faces.data import Attribute


def preview_conditions(attributes: Sequence[Attribute], rows: int) -> torch.Tensor:
    """Return class ids ``(rows, attributes)`` that spread over all classes and differ as much as they can."""
    if not attributes:
        return torch.zeros(rows, 0, dtype=torch.int64)
    most = max(len(attribute.classes) for attribute in attributes)
    # One row for each class of the largest attribute where there are few: equal rows show nothing.
    rows = min(rows, most)
    columns = []
    for index, attribute in enumerate(attributes):
        count = len(attribute.classes)
        spread = torch.arange(rows) * most // rows
        columns.append((spread * (2 * index + 1) + 2 * index) % count)
    return torch.stack(columns, dim=1)


def fill_in(class_ids: torch.Tensor, counts: Sequence[int], rng: torch.Generator) -> torch.Tensor:
    """Draw a class for every half that is not named (-1), all classes alike."""
    columns = [
        torch.where(
            class_ids[:, index] < 0, torch.randint(count, (len(class_ids),), generator=rng), class_ids[:, index]
        )
        for index, count in enumerate(counts)
    ]
    return torch.stack(columns, dim=1) if columns else class_ids
