"""The loop that both kept networks are trained with."""

from collections.abc import Callable, Iterator

import torch
from torch import nn
from tqdm import tqdm


def fit(
    network: nn.Module,
    batch_of: Callable[[torch.Tensor], torch.Tensor],
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    *,
    count: int,
    epochs: int,
    batch: int,
    rate: float,
    rng: torch.Generator,
) -> None:
    """Train a network in place with AdamW, a warm-up and a cosine decay, in bfloat16.

    Args:
        network: its parameters are trained.
        batch_of: the pictures with the given indices, in float32: blurs are very slow in bfloat16.
        loss_of: the loss of the pictures that ``batch_of`` returned, and their indices; it runs in bfloat16.
        count: number of pictures; every epoch goes once over all of them in a new order.
        epochs: how often.
        batch: pictures an update; what is left over at the end of an epoch waits for the next one.
        rate: greatest learning rate.
        rng: where the order comes from.
    """
    steps = epochs * (count // batch)
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    network.train()
    progress = tqdm(_orders(count, epochs, batch, rng), total=steps, unit="update", disable=None)
    for indices in progress:
        images = batch_of(indices).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(images, indices)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        progress.set_postfix(loss=f"{float(loss.detach()):.3f}", refresh=False)
    network.eval()


def _orders(count: int, epochs: int, batch: int, rng: torch.Generator) -> Iterator[torch.Tensor]:
    for _ in range(epochs):
        order = torch.randperm(count, generator=rng)
        yield from order[: count // batch * batch].split(batch)
