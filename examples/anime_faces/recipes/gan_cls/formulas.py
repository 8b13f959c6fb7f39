"""The losses of `gan_cls` as formulas, and the weights by which a text enters its networks."""

import torch

from examples.anime_faces.recipes.gan_cls.options import Options
from examples.anime_faces.recipes.gan_cls.terms import OBJECTIVE
from examples.anime_faces.systems import Networks, generator_formula, matching_formula, number, weighted


def formulas_of_critic(options: Options) -> dict[str, str]:
    """Return the formula of each cost of the critic."""
    weight, label = 1.0 if options.literal else 0.5, "t" if options.cheat and not options.apa else ""
    formulas = {"score": matching_formula(OBJECTIVE, mismatched_weight=weight, fake_weight=weight, fake_label=label)}
    if options.r1:
        formulas["penalty"] = f"0.5 * {number(options.r1)} * mean(|grad D(real)|^2)"
    return formulas


def formulas_of_generator(options: Options) -> dict[str, str]:
    """Return the formula of each cost of the generator."""
    formulas = {"score": generator_formula(OBJECTIVE)}
    if options.beta:
        formulas["text weights"] = f"0.5 * {number(options.beta)} * |P|^2"
    if options.conditioning_augmentation:
        formulas["condition"] = f"{number(options.kl_weight)} / {options.augmented} * KL"
    if options.mode_seeking:
        formulas["modes"] = weighted(options.mode_seeking, "modes(G(z1), G(z2))")
    return formulas


def notation_of(options: Options) -> dict[str, str]:
    """Return what the names in the formulas mean."""
    meanings = {
        "t": f"1 with {_cheat(options)}, else 0",
        "P": "weights of the generator's text layer",
        "KL": "divergence of the drawn condition from N(0, 1), summed over its numbers",
        "modes": "distance of the noises z1, z2 of one text, divided by that of their pictures",
    }
    if options.apa:
        meanings["real"] = "real pictures, some of them replaced by drawn ones (adaptive pseudo augmentation)"
    return meanings


def _cheat(options: Options) -> str:
    of = "batch" if options.cheat_per_batch else "picture"
    if options.cheat_adapts:
        return f"a probability of up to {number(options.cheat)} for each {of} that follows the critic"
    falls = " that falls to 0 along the run" if options.cheat_decays else ""
    return f"probability {number(options.cheat)} for each {of}{falls}"


def condition_weights(networks: Networks) -> dict[str, list[torch.Tensor]]:
    """Return the weights of each network's text layer."""
    return {name: [network.get_parameter("projection.linear.weight").detach()] for name, network in networks.items()}
