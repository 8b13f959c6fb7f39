"""The losses of `acgan` as formulas, and the weights by which its labels enter the generator."""

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.acgan.networks import LATENTS
from examples.anime_faces.recipes.acgan.options import EmbeddingForm, Options
from examples.anime_faces.recipes.acgan.terms import OBJECTIVE, SOFTNESS
from examples.anime_faces.systems import costs_of, labeled_formula, number, rows_after, weighted

NOTATION = {
    "t": f"label of a real picture, uniform in {number(1 - SOFTNESS)}..1",
    "u": f"label of a generated picture for the critic, uniform in 0..{number(SOFTNESS)}",
    "CE": "softmax cross-entropy of its class, as labeled or as requested; mean over the pictures",
}


def formulas_of_critic(options: Options, names: list[str]) -> dict[str, str]:
    """Return the formula of each cost of the critic.

    Args:
        options: The weights, and whether the critic has one step or two.
        names: Names of the class losses.
    """
    costs, space = costs_of(OBJECTIVE), " " if options.critic_step == "mixed" else "/"
    of_fakes = options.class_weight if options.fake_class_weight == "auto" else options.fake_class_weight
    formulas: dict[str, str] = {}
    for kind, label, weight in (("real", "t", options.class_weight), ("fake", "u", of_fakes)):
        score = labeled_formula(costs, f"D({kind})", label)
        formulas[f"{kind}{space}score"] = weighted(options.score_weight, score)
        if weight or kind == "real":
            formulas |= {f"{kind}{space}{name}": weighted(weight, f"CE({name} of {kind})") for name in names}
    return formulas


def formulas_of_generator(options: Options, names: list[str]) -> dict[str, str]:
    """Return the formula of each cost of the generator."""
    score = weighted(options.generator_score_weight, labeled_formula(costs_of(OBJECTIVE), "D(fake)", "t"))
    weight = options.generator_class_weight
    return {"score": score} | ({name: weighted(weight, f"CE({name} of fake)") for name in names} if weight else {})


def condition_weights(generator: nn.Module, form: EmbeddingForm) -> dict[str, list[torch.Tensor]]:
    """Return the weights that multiply embeddings; where these multiply the noise, the embeddings themselves."""
    match form:
        case "joined" | "product":
            weights = [rows_after(generator.get_parameter("layers.0.weight"), LATENTS)]
        case "noise_product":
            weights = [one.detach() for one in generator.get_submodule("embedder").parameters()]
        case "norms":
            norms = [one for one in generator.modules() if isinstance(one, gk.blocks.ConditionalBatchNorm2d)]
            weights = [layer.weight.detach() for norm in norms for layer in (norm.gain, norm.shift)]
    return {"generator": weights}
