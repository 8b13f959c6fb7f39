"""Floor 1: losses of the critic and of the generator.

An objective is the per-score loss: Wasserstein, logistic (binary cross-entropy), hinge or least squares. The losses of critic
(discriminator) and generator are means of it over a batch.
"""

from gankit.losses._adaptive_probability import AdaptiveProbability as AdaptiveProbability
from gankit.losses._adversarial import (
    critic_loss as critic_loss,
    generator_loss as generator_loss,
    labeled_loss as labeled_loss,
)
from gankit.losses._class_losses import (
    class_loss as class_loss,
    multi_label_loss as multi_label_loss,
)
from gankit.losses._data_to_data import data_to_data_loss as data_to_data_loss
from gankit.losses._energy_distance import energy_distance_loss as energy_distance_loss
from gankit.losses._features import (
    conditioning_kl_loss as conditioning_kl_loss,
    feature_matching_loss as feature_matching_loss,
    mean_feature_loss as mean_feature_loss,
    mode_seeking_loss as mode_seeking_loss,
)
from gankit.losses._label_draws import (
    constant_labels as constant_labels,
    flip_labels as flip_labels,
    uniform_labels as uniform_labels,
)
from gankit.losses._matching_aware import matching_aware_critic_loss as matching_aware_critic_loss
from gankit.losses._mismatched import (
    mismatched_indices as mismatched_indices,
    mismatched_labels as mismatched_labels,
)
from gankit.losses._objectives import (
    Hinge as Hinge,
    LeastSquares as LeastSquares,
    Logistic as Logistic,
    Objective as Objective,
    Wasserstein as Wasserstein,
)
from gankit.losses._relativistic import (
    paired_critic_loss as paired_critic_loss,
    paired_generator_loss as paired_generator_loss,
    relativistic_average_critic_loss as relativistic_average_critic_loss,
    relativistic_average_generator_loss as relativistic_average_generator_loss,
)
