"""The losses of `tags_wgan_gp` as formulas, and the weights by which tags enter its networks."""

import torch

import gankit as gk
from examples.anime_faces.recipes.tags_wgan_gp.networks import LATENTS
from examples.anime_faces.recipes.tags_wgan_gp.options import Options
from examples.anime_faces.systems import (
    NOTATION,
    Description,
    Networks,
    base_and_doublings,
    columns_after,
    critic_formula,
    generator_formula,
    weighted,
)

ONE_MIX = {"between": f"{NOTATION['between']}, the same for the whole batch"}


def formulas_of_critic(options: Options, objective: gk.losses.Objective) -> dict[str, str]:
    """Return the formula of each cost of the critic."""
    formulas = {"score": critic_formula(objective)}
    if options.constraint == "gp":
        formulas["penalty"] = weighted(options.number("penalty_weight"), "mean((|grad D(between)| - 1)^2)")
    return formulas | _weights(options, "critic")


def formulas_of_generator(options: Options, objective: gk.losses.Objective) -> dict[str, str]:
    """Return the formula of each cost of the generator."""
    return {"score": generator_formula(objective)} | _weights(options, "generator")


def _weights(options: Options, name: str) -> dict[str, str]:
    weight = options.number("l1_weight")
    return {"weights": weighted(weight, f"sum(|weights of the {name}|)")} if weight else {}


def condition_weights(networks: Networks, description: Description) -> dict[str, list[torch.Tensor]]:
    """Return the weights that multiply tags: of the generator's first layer, and of the critic's next layer after them."""
    critic, tags = dict(networks["critic"].named_parameters()), sum(description.classes)
    joined = critic.get("compared.0.weight")
    if joined is None:
        base, _ = base_and_doublings(description.size)
        joined, tags = critic["score.weight"], tags * base**2  # a number at each position, behind the features
    return {
        "generator": [columns_after(networks["generator"].get_parameter("stem.weight"), LATENTS)],
        "critic": [columns_after(joined, joined.shape[1] - tags)],
    }
