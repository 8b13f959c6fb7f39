"""The bars that an arm must reach with every seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What samples of one seed must reach.

    Attributes:
        modes: Modes, at least.
        spared: Modes that one seed, and only one, may miss.
        high_quality: Share of good samples, at least; None where it is not asked.
        reverse_divergence: At most; None where it is not asked.
    """

    modes: int
    spared: int = 0
    high_quality: float | None = None
    reverse_divergence: float | None = None

    def misses(self, figures: Mapping[str, Any]) -> list[str]:
        """Return what one seed misses, in words; nothing where it reaches all."""
        missed = []
        if figures["modes"] < self.modes:
            missed.append("modes")
        if self.high_quality is not None and figures["high_quality"] < self.high_quality:
            missed.append("high quality")
        # Written so that a divergence that is no number is a miss.
        if self.reverse_divergence is not None and not figures["reverse_divergence"] <= self.reverse_divergence:
            missed.append("reverse KL")
        return missed

    def reached(self, seeds: Sequence[Mapping[str, Any]]) -> bool:
        """Say whether all seeds together reach the bar."""
        missing = [figures for figures in seeds if self.misses(figures)]
        if not missing:
            return bool(seeds)
        only_spared = self.misses(missing[0]) == ["modes"] and missing[0]["modes"] >= self.modes - self.spared
        return len(missing) == 1 and len(seeds) > 1 and only_spared
