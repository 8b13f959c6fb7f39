"""Floor 1: what the critic and the generator pay.

An objective prices one score; every loss is a mean of prices.
"""

from gankit.losses._critic_loss import critic_loss as critic_loss
from gankit.losses._generator_loss import generator_loss as generator_loss
from gankit.losses._hinge import Hinge as Hinge
from gankit.losses._least_squares import LeastSquares as LeastSquares
from gankit.losses._logistic import Logistic as Logistic
from gankit.losses._objective import Objective as Objective
from gankit.losses._paired import (
    paired_critic_loss as paired_critic_loss,
    paired_generator_loss as paired_generator_loss,
)
from gankit.losses._relativistic_average import (
    relativistic_average_critic_loss as relativistic_average_critic_loss,
    relativistic_average_generator_loss as relativistic_average_generator_loss,
)
from gankit.losses._wasserstein import Wasserstein as Wasserstein
