"""The losses of `r3gan` as formulas, and the weights by which labels enter its networks."""

import torch

from examples.anime_faces.recipes.r3gan.networks import LATENTS
from examples.anime_faces.recipes.r3gan.plan import Plan
from examples.anime_faces.systems import Networks, columns_after, number

CRITIC_SCORE = "mean(softplus(D(fake) - D(real)))"
GENERATOR_SCORE = "mean(softplus(D(real) - D(fake)))"
NOTATION = {"D(...)": "score of a real picture, or of a drawn one (fake) with the same labels, changed a little"}


def formulas_of_critic(plan: Plan) -> dict[str, str]:
    """Return the formula of each cost of the critic."""
    first, last = (number(plan.penalty_weight(step)) for step in (0, plan.steps))
    penalty = "0.5 * gamma * mean(|grad D({})|^2), gamma from " + f"{first} to {last} along a cosine"
    return {"score": CRITIC_SCORE, "r1": penalty.format("real"), "r2": penalty.format("fake")}


def condition_weights(networks: Networks) -> dict[str, list[torch.Tensor]]:
    """Return the weights that multiply labels: columns of the generator's first layer, and the critic's class vectors."""
    return {
        "generator": [columns_after(networks["generator"].get_parameter("stem.weight"), LATENTS)],
        "critic": [one.detach() for one in networks["critic"].get_submodule("embedder").parameters()],
    }
