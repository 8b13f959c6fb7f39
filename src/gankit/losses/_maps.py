"""Scores come as one tensor or as several maps: the same everywhere, so the floor below says how."""

from gankit._core import (
    ScoreMaps as ScoreMaps,
    as_maps as as_maps,
    as_matching_maps as as_matching_maps,
    mean_over_maps as mean_over_maps,
)
