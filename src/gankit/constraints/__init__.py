"""Floor 1: what keeps a critic smooth: gradient norms, the penalties made of them, and bounds on weights."""

from gankit.constraints._clip_weights import clip_weights_ as clip_weights_
from gankit.constraints._consistency_penalty import consistency_penalty as consistency_penalty
from gankit.constraints._dragan_penalty import dragan_penalty as dragan_penalty
from gankit.constraints._finite_difference_penalty import finite_difference_penalty as finite_difference_penalty
from gankit.constraints._gradient_norm import gradient_norm as gradient_norm
from gankit.constraints._gradient_penalty import gradient_penalty as gradient_penalty
from gankit.constraints._lazy import Lazy as Lazy
from gankit.constraints._lecam_penalty import lecam_penalty as lecam_penalty
from gankit.constraints._matching_aware_gradient_penalty import (
    matching_aware_gradient_penalty as matching_aware_gradient_penalty,
)
from gankit.constraints._max_gradient_penalty import max_gradient_penalty as max_gradient_penalty
from gankit.constraints._orthogonal_penalty import orthogonal_penalty as orthogonal_penalty
from gankit.constraints._score_averages import ScoreAverages as ScoreAverages
from gankit.constraints._score_gradient import score_gradient as score_gradient
from gankit.constraints._spectral_norm import spectral_norm_ as spectral_norm_
from gankit.constraints._weight_penalty import weight_penalty as weight_penalty
from gankit.constraints._zero_centered_penalty import zero_centered_penalty as zero_centered_penalty
