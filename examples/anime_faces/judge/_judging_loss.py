"""What the judge is trained to make small."""

from typing import TypeAlias

import numpy as np
import torch
from torch.nn import functional

from examples.anime_faces.judge._heads import BINARY_HEADS, CLASS_HEADS, NUMBER_HEADS

Targets: TypeAlias = dict[str, torch.Tensor]


def targets_of(factors: dict[str, np.ndarray]) -> Targets:
    """Return the labels of renders as tensors: class ids as integers, answers as 0 or 1, numbers in about -1..1."""
    classes = {name: torch.from_numpy(factors[name].astype(np.int64)) for name in CLASS_HEADS}
    answers = {name: torch.from_numpy(factors[name].astype(np.float32)) for name in BINARY_HEADS if name in factors}
    numbers = {name: torch.from_numpy(factors[name] / size).float() for name, size in NUMBER_HEADS.items()}
    return classes | answers | numbers


def judging_loss(outputs: dict[str, torch.Tensor], targets: Targets) -> torch.Tensor:
    """Return the sum over heads of their mean loss.

    Args:
        outputs: of a judge; pictures beyond the length of the targets are spoiled ones, from which nothing but
            "no face" is to be learnt.
        targets: as ``targets_of`` makes them.
    """
    count = len(targets["hair"])
    loss = _face_loss(outputs["face"].float(), count)
    for name, target in targets.items():
        output = outputs[name][:count].float()
        if name in CLASS_HEADS:
            # Eyes are a few pixels and learn slowest.
            weight = 2.0 if name == "eyes" else 1.0
            loss = loss + weight * functional.cross_entropy(output, target)
        elif name in NUMBER_HEADS:
            loss = loss + functional.smooth_l1_loss(output[:, 0], target)
        else:
            loss = loss + functional.binary_cross_entropy_with_logits(output[:, 0], target)
    return loss


def _face_loss(scores: torch.Tensor, faces: int) -> torch.Tensor:
    target = torch.zeros_like(scores)
    target[:faces] = 1.0
    return functional.binary_cross_entropy_with_logits(scores, target)
