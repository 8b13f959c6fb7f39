"""Floor 1: what keeps a critic smooth: gradient norms, the penalties made of them, and weight clipping."""

from gankit.constraints._clip_weights import clip_weights_ as clip_weights_
from gankit.constraints._gradient_norm import gradient_norm as gradient_norm
from gankit.constraints._gradient_penalty import gradient_penalty as gradient_penalty
from gankit.constraints._score_gradient import score_gradient as score_gradient
from gankit.constraints._zero_centered_penalty import zero_centered_penalty as zero_centered_penalty
