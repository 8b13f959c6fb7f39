"""Floor 1: constraints on the critic: gradient penalties (WGAN-GP, R1, R2, DRAGAN), weight clipping, spectral norm, LeCam.

Groups:
    Gradient penalties: Penalties on the critic's gradient, such as WGAN-GP, R1 and R2. Multiply one by its weight
    (lambda) and add it to the critic's loss.
        gradient_penalty, zero_centered_penalty, dragan_penalty, max_gradient_penalty, matching_aware_gradient_penalty
    Gradients of scores: What these penalties are made of, for a penalty of your own.
        gradient_norm, score_gradient
    Penalties on scores: Penalties without a second derivative: less time and memory, and no double backward pass.
        consistency_penalty, finite_difference_penalty, lecam_penalty, ScoreAverages
    Weights: Weight clipping, spectral normalization, and penalties on weights.
        clip_weights_, spectral_norm_, weight_penalty, orthogonal_penalty
    Penalties at some steps: A penalty that is computed at every k-th step, as in StyleGAN 2.
        Lazy
"""

from gankit.constraints._consistency import (
    consistency_penalty as consistency_penalty,
    finite_difference_penalty as finite_difference_penalty,
)
from gankit.constraints._dragan import dragan_penalty as dragan_penalty
from gankit.constraints._gradient import gradient_norm as gradient_norm, score_gradient as score_gradient
from gankit.constraints._lazy import Lazy as Lazy
from gankit.constraints._lecam import ScoreAverages as ScoreAverages, lecam_penalty as lecam_penalty
from gankit.constraints._norm_penalties import (
    gradient_penalty as gradient_penalty,
    matching_aware_gradient_penalty as matching_aware_gradient_penalty,
    max_gradient_penalty as max_gradient_penalty,
    zero_centered_penalty as zero_centered_penalty,
)
from gankit.constraints._weight_penalties import (
    orthogonal_penalty as orthogonal_penalty,
    weight_penalty as weight_penalty,
)
from gankit.constraints._weights import clip_weights_ as clip_weights_, spectral_norm_ as spectral_norm_
