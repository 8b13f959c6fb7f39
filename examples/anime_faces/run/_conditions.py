"""Class ids that no user named: the halves that a prompt leaves open."""

from collections.abc import Sequence

import torch


def fill_in(class_ids: torch.Tensor, counts: Sequence[int], rng: torch.Generator) -> torch.Tensor:
    """Draw a class for every half that is not named (-1), all classes alike."""
    columns = [
        torch.where(
            class_ids[:, index] < 0, torch.randint(count, (len(class_ids),), generator=rng), class_ids[:, index]
        )
        for index, count in enumerate(counts)
    ]
    return torch.stack(columns, dim=1) if columns else class_ids
