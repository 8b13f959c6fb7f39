"""What a generator is compared with: its samples, and two sets of fresh renders of the same colors."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from examples.anime_faces.data.render import Knobs
from examples.anime_faces.judge import fresh_factors, render_fresh
from examples.anime_faces.metrics._asked import Pair, balanced_pairs
from examples.anime_faces.metrics._evaluation import Evaluation, Generate
from examples.anime_faces.metrics._plan import SMALLEST, SWEEP
from examples.anime_faces.metrics._tools import Costs, Tools

REFERENCE = 6_000
"""Number of real pictures in each of the two sets that samples are compared with, unless there are fewer samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Samples, and two sets of renders of the same colors as the first samples.

    Args:
        asked: The requested (hair, eyes) of each sample, of shape ``(n, 2)``.
        samples: The samples, uint8 of shape ``(n, 3, size, size)``.
        real: The first set of renders.
        second: The second one.
        key: What both sets depend on.
        shown: By label beside the colors, whether each render has it, those of the first set before those of the second.
    """

    asked: torch.Tensor
    samples: torch.Tensor
    real: torch.Tensor
    second: torch.Tensor
    key: Mapping[str, object]
    shown: Mapping[str, np.ndarray]

    def keyed(self, number: int) -> Mapping[str, object]:
        """Return what the first or second set of renders depends on."""
        return {**self.key, "set": number}

    @property
    def count(self) -> int:
        return len(self.real)

    @property
    def first(self) -> torch.Tensor:
        """The first samples, as many as there are renders in each set."""
        return self.samples[: self.count]


def gather(
    evaluation: Evaluation,
    generate: Generate,
    knobs: Knobs,
    size: int,
    tools: Tools,
    *,
    pairs: Sequence[Pair],
    labels: Sequence[str] = (),
) -> Pictures:
    """Draw the samples, and make the renders or read those that an earlier evaluation made.

    Args:
        evaluation: Says how many; it is shrunk if the time does not suffice.
        generate: Draws samples for pairs of colors.
        knobs: The distribution of the renders.
        size: Width and height.
        tools: Cache and costs.
        pairs: The pairs of colors that are requested.
        labels: Labels beside the colors that are known of the renders.

    Raises:
        ValueError: There are too few samples, or ``generate`` does not return pictures of the right size.
    """
    if evaluation.samples < SMALLEST:
        raise ValueError(f"samples must be at least {SMALLEST}, two for each pair of colors, got {evaluation.samples}")
    asked = balanced_pairs(evaluation.samples, evaluation.seed, pairs)
    with evaluation.timed("sampling", tools.costs.draw * len(asked)):
        samples = generate(asked)
    if samples.dtype != torch.uint8 or samples.shape != (len(asked), 3, size, size):
        raise ValueError(
            f"generate must return uint8 pictures of shape {(len(asked), 3, size, size)}, "
            f"got {samples.dtype} of shape {tuple(samples.shape)}"
        )
    key = {"seed": evaluation.seed, "count": evaluation.reference, "size": size, "sweep": SWEEP}
    kept = tools.cache.has("renders", key)
    with evaluation.timed("rendering", 0.0 if kept else tools.costs.render * 2 * evaluation.reference):
        renders = _Renders(evaluation=evaluation, asked=asked[: evaluation.reference], knobs=knobs, size=size)
        made = tools.cache.get("renders", key, renders.all) if kept else renders.affordable(tools.costs)
    real, second = made["first"], made["second"]
    if len(real) < evaluation.reference:
        evaluation.shrink(len(real))
        key["count"] = len(real)
    if not kept:
        tools.cache.get("renders", key, lambda: made)
    samples = samples[: evaluation.samples].cpu()
    shown = renders.shown(len(real), labels)
    return Pictures(asked=asked[: len(samples)], samples=samples, real=real, second=second, key=key, shown=shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Renders:
    """Makes two sets of renders of the same pairs, side by side, so that both can end after any sweep over the pairs."""

    evaluation: Evaluation
    asked: torch.Tensor
    knobs: Knobs
    size: int

    def all(self) -> dict[str, torch.Tensor]:
        """Render all pairs."""
        return self._made(None)

    def affordable(self, costs: Costs) -> dict[str, torch.Tensor]:
        """Render until no time would be left to look at one more sweep, but at least the smallest number of pairs."""
        start = time.perf_counter()

        def enough(pictures: int) -> bool:
            slowdown = max(1.0, (time.perf_counter() - start) / max(costs.render * pictures, 1e-9))
            looking = slowdown * 3 * costs.read * self._pairs(pictures)
            return self._pairs(pictures) >= SMALLEST and looking > self.evaluation.left

        return self._made(enough)

    def _pairs(self, pictures: int) -> int:
        """Return of how many pairs both pictures are there, in whole sweeps."""
        return len(self.asked) if pictures == 2 * len(self.asked) else pictures // (2 * SWEEP) * SWEEP

    def shown(self, count: int, labels: Sequence[str]) -> dict[str, np.ndarray]:
        """Return whether the first renders of both sets have labels beside the colors; nothing is rendered."""
        if not labels:
            return {}
        pairs, first = self._order()
        values = fresh_factors(pairs, seed=self._seed, knobs=self.knobs)
        of_sets = [[np.asarray(values[name])[part.numpy()][:count] for part in (first, ~first)] for name in labels]
        return {name: np.concatenate(sets) == 1 for name, sets in zip(labels, of_sets, strict=True)}

    @property
    def _seed(self) -> int:
        return 1_000_000 + self.evaluation.seed

    def _order(self) -> tuple[list[Pair], torch.Tensor]:
        """Return the pairs in the order in which they are rendered, and which of them are of the first set."""
        sweeps = torch.arange(len(self.asked)).split(SWEEP)
        rows = torch.cat([part for sweep in sweeps for part in (sweep, sweep)])
        first = torch.cat([torch.arange(2 * len(sweep)) < len(sweep) for sweep in sweeps])
        return [(int(hair), int(eyes)) for hair, eyes in self.asked[rows].tolist()], first

    def _made(self, enough: Callable[[int], bool] | None) -> dict[str, torch.Tensor]:
        pairs, first = self._order()
        images = render_fresh(pairs, seed=self._seed, knobs=self.knobs, size=self.size, enough=enough).images
        usable = 2 * self._pairs(len(images))
        return {"first": images[:usable][first[:usable]], "second": images[:usable][~first[:usable]]}
