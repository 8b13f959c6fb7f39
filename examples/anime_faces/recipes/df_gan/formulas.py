"""The losses of `df_gan` as formulas, and the weights by which a text enters its networks."""

import torch

from examples.anime_faces.recipes.df_gan.options import Options
from examples.anime_faces.recipes.df_gan.terms import OBJECTIVE, POWER
from examples.anime_faces.systems import Networks, generator_formula, matching_formula, number, weighted

NOTATION = {
    "grad D": "gradient of the score with respect to picture and sentence vector together; |...| is its length",
    "KL": "divergence of the drawn condition from N(0, 1), summed over its numbers",
}


def formulas_of_critic(options: Options) -> dict[str, str]:
    """Return the formula of each cost of the critic."""
    return {
        "score": matching_formula(OBJECTIVE, mismatched_weight=0.5, fake_weight=0.5),
        "penalty": weighted(options.penalty_weight, f"mean(|grad D(real)|^{POWER})"),
    }


def formulas_of_generator(options: Options) -> dict[str, str]:
    """Return the formula of each cost of the generator."""
    formulas = {"score": generator_formula(OBJECTIVE)}
    if options.conditioning_augmentation:
        formulas["condition"] = f"{number(options.kl_weight)} / {options.augmented} * KL"
    return formulas


def condition_weights(networks: Networks) -> dict[str, list[torch.Tensor]]:
    """Return the weights of each network's text projection."""
    return {name: [network.get_parameter("projection.linear.weight").detach()] for name, network in networks.items()}
