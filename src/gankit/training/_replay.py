"""A pool of earlier generated samples, from which the critic's batches are mixed."""

from collections.abc import Mapping, Sequence
from typing import Any, overload

import torch

from gankit._core import (
    brief,
    check_at_least,
    check_fraction,
    check_version,
    own_rank,
    random_tensor,
    world_size,
)
from gankit.training._samples import check_samples, kinds_of, places_for, samples_of_state

VERSION = 1


class Replay:
    """A pool of earlier generated samples (experience replay, image pool), so that the critic does not forget them.

    Only the critic's update uses it; the generator is trained on its current samples. What belongs together, such as images
    and their labels, is given together and stays together. There are two ways to mix a batch, on the same pool:

    - `swap` (CycleGAN's image pool): each current sample stays, or, with a probability, goes into the pool while a pooled one
      takes its place. Nothing is lost or doubled.
    - `half_batch` (Shrivastava et al.): half of the batch stays, the other half is drawn from the pool; then half a batch of
      current samples takes the places of random pooled ones. A pooled sample may be used several times.

    The pool stores detached copies, in the dtype and on the device of the samples. What is drawn depends only on the sizes,
    so nothing waits for the device. The pool is not part of a traced graph: mix before the terms, as in
    ``map(prepare, batches)``.

    With data-parallel training each rank has a pool of its own samples. Give each rank its own `rng` or seed, and save and
    load the state of each rank, in a file of its own. A state contains its rank and the number of ranks, and is refused
    elsewhere: with one state for all, every rank would draw the same earlier samples. Where the number of ranks changes,
    begin with an empty pool, which fills in a few batches.

    Args:
        capacity: Number of samples in the pool, 0 or more; with 0 batches are returned unchanged.

    Raises:
        ValueError: `capacity` is not a whole number of 0 or more; or, when a batch is mixed: no dense tensors are given, they
            have no batch axis or no elements, their numbers of samples differ, they differ from earlier batches in number, in
            the shape of a sample, or in being floating-point; `capacity` of them does not fit into memory; `probability` is
            not in 0..1; `rng` is no generator; or half a batch is asked for one sample.

    Example:
        >>> import torch
        >>> from gankit.training import Replay
        >>> replay = Replay(50)
        >>> images, labels = torch.zeros(4, 3, 8, 8), torch.arange(4)
        >>> mixed, their_labels = replay.half_batch(images, labels)  # the pool was empty: the current samples
        >>> torch.equal(mixed, images), len(replay)
        (True, 2)
        >>> later = replay.swap(torch.ones(4, 3, 8, 8), torch.arange(4))
        >>> len(replay)
        6

    Reference:
        Shrivastava et al. 2017, "Learning from Simulated and Unsupervised Images through Adversarial Training" (CVPR,
        arXiv:1612.07828), section 2.3: "updating discriminator using a history of refined images". Zhu et al. 2017,
        "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks" (arXiv:1703.10593), section 4,
        keep 50 images; their program goes through a batch one by one, so that with more than one image a pooled place
        can be swapped twice in a batch; here places are drawn without replacement.
    """

    def __init__(self, capacity: int) -> None:
        check_at_least("capacity", capacity, 0)
        self.capacity = capacity
        self._stored: tuple[torch.Tensor, ...] = ()
        self._filled = 0

    def __len__(self) -> int:
        """Return the number of samples in the pool."""
        return self._filled

    def __repr__(self) -> str:
        return f"{type(self).__name__}(capacity={self.capacity})"

    @overload
    def swap(
        self, samples: torch.Tensor, /, *, probability: float = 0.5, rng: torch.Generator | None = None
    ) -> torch.Tensor: ...
    @overload
    def swap(
        self,
        first: torch.Tensor,
        second: torch.Tensor,
        /,
        *more: torch.Tensor,
        probability: float = 0.5,
        rng: torch.Generator | None = None,
    ) -> tuple[torch.Tensor, ...]: ...
    @torch.no_grad()
    def swap(
        self, *samples: torch.Tensor, probability: float = 0.5, rng: torch.Generator | None = None
    ) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """Swap each current sample with a pooled one, with a probability.

        Until the pool is full, samples are copied into it and returned; those that find no more room in their batch are
        swapped already. In a batch larger than the pool at most `capacity` random samples can be swapped.

        Args:
            *samples: Current samples, one tensor or several that belong together, row by row, such as images and labels.
            probability: Probability of being swapped, in 0..1.
            rng: Generator of the draws, on the samples' device: ``torch.randperm`` of the samples, ``torch.randperm`` of the
                places, and one ``torch.rand`` number per sample that may be swapped. Default: the default generator of the
                device.

        Shape:
            Each tensor ``(n, ...)``; the results have the same shapes and dtypes. One tensor gives a tensor, several a tuple.
        """
        check_fraction("probability", probability)
        current = self._checked(samples, rng)
        count, room = len(current[0]), self.capacity - self._filled
        copied = min(count, room)
        self._append([one[:copied] for one in current])
        several = min(count - copied, self.capacity)
        if several > 0:
            device = current[0].device
            rows = copied + _permutation(count - copied, device, rng)[:several]
            places = _permutation(self.capacity, device, rng)[:several]
            coins = random_tensor(torch.rand, (several,), rng, dtype=torch.float32, device=device) < probability
            for one, stored in zip(current, self._stored, strict=True):
                new, old = one[rows], stored[places]
                swapped = coins.reshape(-1, *[1] * (one.ndim - 1))
                one[rows] = torch.where(swapped, old, new)
                stored[places] = torch.where(swapped, new, old)
        return current if len(samples) > 1 else current[0]

    @overload
    def half_batch(self, samples: torch.Tensor, /, *, rng: torch.Generator | None = None) -> torch.Tensor: ...
    @overload
    def half_batch(
        self, first: torch.Tensor, second: torch.Tensor, /, *more: torch.Tensor, rng: torch.Generator | None = None
    ) -> tuple[torch.Tensor, ...]: ...
    @torch.no_grad()
    def half_batch(
        self, *samples: torch.Tensor, rng: torch.Generator | None = None
    ) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """Replace half of the current samples by pooled ones, then put as many current ones into the pool.

        Which samples are replaced is random, and of those that stay, ``n // 2`` random ones are copied into the pool: into
        empty places first, then over random ones. While the pool has fewer than ``n // 2`` samples, fewer are replaced.

        Args:
            *samples: Current samples, one tensor or several that belong together, row by row, such as images and labels.
            rng: Generator of the draws, on the samples' device: ``torch.randperm`` of the samples, ``torch.randperm`` of the
                pooled samples to draw, and ``torch.randperm`` of those to overwrite. Default: the default generator of the
                device.

        Shape:
            Each tensor ``(n, ...)`` with n of at least 2; the results have the same shapes and dtypes. One tensor gives a
            tensor, several a tuple.
        """
        current = self._checked(samples, rng)
        count, before = len(current[0]), self._filled
        if count < 2:
            raise ValueError(f"samples must be at least 2 for half a batch, got {count}")
        half, device = count // 2, current[0].device
        order = _permutation(count, device, rng)
        drawn = min(half, before)
        pooled = _permutation(before, device, rng)[:drawn]
        kept = order[drawn:][: min(half, self.capacity)]
        overwritten = _permutation(before, device, rng)[: max(0, len(kept) - (self.capacity - before))]
        appended = len(kept) - len(overwritten)
        self._append([one[kept[:appended]] for one in current])
        for one, stored in zip(current, self._stored, strict=True):
            earlier = stored[pooled]
            stored[overwritten] = one[kept[appended:]]
            one[order[:drawn]] = earlier
        return current if len(samples) > 1 else current[0]

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of this rank's pooled samples; draws come from generators, whose state is saved elsewhere."""
        samples = [stored[: self._filled].clone() for stored in self._stored]
        return {"version": VERSION, "samples": samples, "rank": own_rank(), "ranks": world_size()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state that `state_dict` returned. The samples move to the device of the next batch.

        Raises:
            ValueError: The state has another version, or no list of tensors that belong together, or more samples than the
                pool has places, or samples that are empty or not finite; or it is that of another rank, or number of ranks.
        """
        whose = "a replay pool"
        check_version(whose, state, VERSION, "samples", optional=("rank", "ranks"))
        of, own = (state.get("rank", 0), state.get("ranks", 1)), (own_rank(), world_size())
        if any(type(number) is not int for number in of) or of != own:
            raise ValueError(
                f"state of a replay pool must be that of rank {own[0]} of {own[1]}, got that of rank {brief(of[0])} of "
                f"{brief(of[1])}: save and load the state of each rank, or begin with an empty pool if their number has changed"
            )
        samples = samples_of_state(whose, state["samples"])
        if samples and len(samples[0]) > self.capacity:
            raise ValueError(f"state of {whose} must fit into capacity {self.capacity}, got {len(samples[0])} samples")
        samples = samples if samples and len(samples[0]) else []  # the shapes of none are those of the next batch
        self._stored, self._filled = places_for(self.capacity, samples), 0
        self._append([one.detach() for one in samples])

    def _append(self, samples: Sequence[torch.Tensor]) -> None:
        """Copy samples into the next empty places."""
        count = len(samples[0]) if samples else 0
        for stored, one in zip(self._stored, samples, strict=True):
            stored[self._filled : self._filled + count] = one
        self._filled += count

    def _checked(self, samples: tuple[torch.Tensor, ...], rng: object) -> tuple[torch.Tensor, ...]:
        """Return copies of a batch, for which the pool has places of the right shape, dtype and device."""
        check_samples(samples)
        if not isinstance(rng, torch.Generator | None):
            raise ValueError(f"rng must be a torch.Generator or None, got {brief(rng)}")
        if self._filled == 0:
            self._stored = places_for(self.capacity, samples)
        earlier, now = kinds_of(self._stored), kinds_of(samples)
        if earlier != now:
            raise ValueError(f"samples must be of the kind of earlier ones, {earlier}, got {now}")
        # A pool that was loaded on another device, or in another precision, follows the samples.
        with torch.inference_mode(False):
            self._stored = tuple(stored.to(one) for stored, one in zip(self._stored, samples, strict=True))
        return tuple(one.clone() for one in samples)  # without a graph: gradients are off


def _permutation(count: int, device: torch.device, rng: torch.Generator | None) -> torch.Tensor:
    return torch.randperm(count, device=device) if rng is None else torch.randperm(count, device=device, generator=rng)
