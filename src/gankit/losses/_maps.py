"""Scores come as one tensor or as several maps: the same everywhere, so the floor below says how."""

from gankit._core import ScoreMaps, as_maps, as_matching_maps, mean_over_maps

__all__ = ["ScoreMaps", "as_maps", "as_matching_maps", "mean_over_maps"]
