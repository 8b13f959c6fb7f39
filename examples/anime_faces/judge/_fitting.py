"""How both networks are trained: the loop, and the loss of each."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from examples.anime_faces.judge._network import BINARY_HEADS, CLASS_HEADS, NUMBER_HEADS
from examples.anime_faces.systems import Hardware


def fit(
    network: nn.Module,
    batch_of: Callable[[torch.Tensor], torch.Tensor],
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    *,
    count: int,
    steps: int,
    batch: int,
    rate: float,
    rng: torch.Generator,
    hardware: Hardware,
) -> None:
    """Train a network in place with AdamW, a warm-up and a cosine decay.

    Args:
        network: The network to train. It is moved to the device.
        batch_of: Returns the pictures with the given indices, in float32, because blurs are very slow in bfloat16.
        loss_of: Returns the loss, given the result of ``batch_of`` and the indices; it runs in the precision of ``hardware``.
        count: Number of pictures. Every epoch uses each of them once, in a new order.
        steps: Number of updates.
        batch: Pictures in each update, at most ``count``. An incomplete batch at the end of an epoch is dropped.
        rate: Largest learning rate.
        rng: Where the order comes from.
        hardware: Device, precision and memory format.
    """
    network = hardware.place(network)
    update = updater(network, loss_of, steps=steps, rate=rate, hardware=hardware)
    network.train()
    progress = tqdm(_orders(count, steps, batch, rng), total=steps, unit="update", disable=None)
    for indices in progress:
        loss = update(batch_of(indices), indices)
        progress.set_postfix(loss=f"{float(loss):.3f}", refresh=False)
    network.eval()


def updater(
    network: nn.Module,
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    *,
    steps: int,
    rate: float,
    hardware: Hardware,
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return a function that makes one update of ``fit``, given the pictures and their indices, and returns the loss.

    Args:
        network: The network to train, on the device of ``hardware``.
        loss_of: Returns the loss, given pictures and indices.
        steps: Number of updates at most.
        rate: Largest learning rate.
        hardware: Device, precision and memory format.
    """
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=0.01, fused=True)
    # One step above, since the schedule refuses a total of 1.
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=max(2, steps), pct_start=0.1)
    loss_in_precision = hardware.autocast(loss_of)
    layout = torch.channels_last if hardware.channels_last else torch.contiguous_format

    def update(images: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        loss = loss_in_precision(images.to(hardware.device).contiguous(memory_format=layout), indices)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        return loss.detach()

    return update


def _orders(count: int, steps: int, batch: int, rng: torch.Generator) -> Iterator[torch.Tensor]:
    left = steps
    while left > 0:
        order = torch.randperm(count, generator=rng)
        batches = order[: count // batch * batch].split(batch)[:left]
        left -= len(batches)
        yield from batches


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
        outputs: Outputs of a judge. The pictures after the last target are corrupted: they only teach the answer "not a face".
        targets: What ``targets_of`` returns.
    """
    count = len(targets["hair"])
    loss = _face_loss(outputs["face"].float(), count)
    for name, target in targets.items():
        output = outputs[name][:count].float()
        if name in CLASS_HEADS:
            # Eyes are only a few pixels, and are learned most slowly.
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


TEMPERATURE = 0.2


def contrast_loss(vectors: torch.Tensor, pairs: int) -> torch.Tensor:
    """Return the mean cross-entropy of finding the other view of a picture among all other vectors.

    Args:
        vectors: ``(2 pairs + m, features)``: the first views, the second views, and m vectors without a partner.
        pairs: Number of pictures, each with two views.

    Reference:
        Chen et al. 2020, "A simple framework for contrastive learning of visual representations", equation 1. The extra
        vectors without a partner are from Ge et al. 2021, "Robust contrastive learning using negative
        samples with diminished semantics", equation 3.
    """
    unit = functional.normalize(vectors.float(), dim=1)
    likeness = unit[: 2 * pairs] @ unit.T / TEMPERATURE
    itself = torch.eye(2 * pairs, len(vectors), dtype=torch.bool, device=vectors.device)
    partner = torch.arange(2 * pairs, device=vectors.device).roll(pairs)
    return functional.cross_entropy(likeness.masked_fill(itself, -torch.inf), partner)
