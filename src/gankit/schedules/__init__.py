"""Floor 1: plain functions of time: the updates of each network in a round, weights of terms, decays of averages."""

from gankit.schedules._half_life import HalfLife as HalfLife
from gankit.schedules._ramp import Ramp as Ramp
from gankit.schedules._rounds import (
    Boosted as Boosted,
    Constant as Constant,
    Round as Round,
    Schedule as Schedule,
)
