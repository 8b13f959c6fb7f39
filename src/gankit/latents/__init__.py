"""Floor 1: what a generator draws its variety from: noise, its temperature, walks between latents, fixed sets."""

from gankit.latents._across_conditions import across_conditions as across_conditions
from gankit.latents._fixed import fixed_latents as fixed_latents
from gankit.latents._linear_interpolation import linear_interpolation as linear_interpolation
from gankit.latents._normal import normal_latents as normal_latents
from gankit.latents._spherical_interpolation import spherical_interpolation as spherical_interpolation
from gankit.latents._truncated_normal import truncated_normal_latents as truncated_normal_latents
from gankit.latents._uniform import uniform_latents as uniform_latents
