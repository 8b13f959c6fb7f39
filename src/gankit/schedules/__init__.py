"""Floor 1: plain functions of time: the updates of each network in a round, weights of terms, decays of averages.

Groups:
    Rounds: How many updates critic and generator make in a round (`n_critic`), and in which order.
        Round, Constant, Boosted, Schedule
    Numbers over time: A weight or a learning rate that changes during training, and the decay of an average of weights (EMA).
        Ramp, HalfLife
"""

from gankit.schedules._half_life import HalfLife as HalfLife
from gankit.schedules._ramp import Ramp as Ramp
from gankit.schedules._rounds import (
    Boosted as Boosted,
    Constant as Constant,
    Round as Round,
    Schedule as Schedule,
)
