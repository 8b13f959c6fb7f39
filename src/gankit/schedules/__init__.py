"""Floor 1: plain functions of time: how many updates each network gets in a round, and how much a term weighs."""

from gankit.schedules._ramp import Ramp as Ramp
from gankit.schedules._rounds import (
    Boosted as Boosted,
    Constant as Constant,
    Round as Round,
    Schedule as Schedule,
)
