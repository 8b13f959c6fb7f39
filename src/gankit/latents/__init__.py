"""Floor 1: the latents that a generator gets: random draws, fixed sets, and interpolation between latents.

Groups:
    Random draws: The noise z of every update.
        normal_latents, uniform_latents, truncated_normal_latents
    Fixed latents: The same samples in every picture of a run, and grids of conditions.
        fixed_latents, across_conditions
    Interpolation: Ways from one latent to another.
        spherical_interpolation, linear_interpolation
"""

from gankit.latents._draws import (
    normal_latents as normal_latents,
    truncated_normal_latents as truncated_normal_latents,
    uniform_latents as uniform_latents,
)
from gankit.latents._grids import (
    across_conditions as across_conditions,
    fixed_latents as fixed_latents,
)
from gankit.latents._interpolation import (
    linear_interpolation as linear_interpolation,
    spherical_interpolation as spherical_interpolation,
)
