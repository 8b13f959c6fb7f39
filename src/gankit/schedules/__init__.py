"""Floor 1: how often each network is updated, and how much a term weighs, as plain functions of time."""

from gankit.schedules._boosted import Boosted as Boosted
from gankit.schedules._constant import Constant as Constant
from gankit.schedules._ramp import Ramp as Ramp
from gankit.schedules._round import Round as Round, Schedule as Schedule
