"""Floor 1: losses of the critic and of the generator.

An objective is the per-score loss: Wasserstein, logistic (binary cross-entropy), hinge or least squares. The losses of critic
(discriminator) and generator are means of it over a batch.

Groups:
    Objectives: What one score costs. Choose one first: every loss of scores takes it.
        Wasserstein, Logistic, Hinge, LeastSquares, Objective
    Losses of critic and generator: The loss of a batch of real and generated samples. Most GANs need the first two.
        critic_loss, generator_loss, labeled_loss
    Relativistic losses: The loss of a difference between real and fake scores, as in R3GAN and RaGAN.
        paired_critic_loss, paired_generator_loss, relativistic_average_critic_loss, relativistic_average_generator_loss
    Mismatched conditions: Real samples with a wrong text or label as further fakes (GAN-CLS), for a critic with a condition.
        matching_aware_critic_loss, mismatched_indices, mismatched_labels
    Class heads: Losses of a critic that also predicts classes, as in ACGAN, StarGAN and ReACGAN.
        class_loss, multi_label_loss, data_to_data_loss
    Labels of scores: Label smoothing, noisy and flipped labels, against a critic (discriminator) that is too strong.
        constant_labels, uniform_labels, flip_labels, AdaptiveProbability
    Further terms of the generator: Distances between features, terms against mode collapse, and a term for random conditions.
        feature_matching_loss, mean_feature_loss, energy_distance_loss, mode_seeking_loss, conditioning_kl_loss
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
