"""Floor 1: what the critic and the generator pay.

An objective prices one score; every loss is a mean of prices.
"""

from gankit.losses._adaptive_probability import AdaptiveProbability as AdaptiveProbability
from gankit.losses._class_loss import class_loss as class_loss
from gankit.losses._conditioning_kl import conditioning_kl_loss as conditioning_kl_loss
from gankit.losses._critic_loss import critic_loss as critic_loss
from gankit.losses._data_to_data import data_to_data_loss as data_to_data_loss
from gankit.losses._feature_matching import (
    feature_matching_loss as feature_matching_loss,
    mean_feature_loss as mean_feature_loss,
)
from gankit.losses._flip_labels import flip_labels as flip_labels
from gankit.losses._generator_loss import generator_loss as generator_loss
from gankit.losses._hinge import Hinge as Hinge
from gankit.losses._label_draws import (
    constant_labels as constant_labels,
    uniform_labels as uniform_labels,
)
from gankit.losses._labeled_loss import labeled_loss as labeled_loss
from gankit.losses._least_squares import LeastSquares as LeastSquares
from gankit.losses._logistic import Logistic as Logistic
from gankit.losses._matching_aware import matching_aware_critic_loss as matching_aware_critic_loss
from gankit.losses._mismatched import (
    mismatched_indices as mismatched_indices,
    mismatched_labels as mismatched_labels,
)
from gankit.losses._mode_seeking import mode_seeking_loss as mode_seeking_loss
from gankit.losses._multi_label_loss import multi_label_loss as multi_label_loss
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
