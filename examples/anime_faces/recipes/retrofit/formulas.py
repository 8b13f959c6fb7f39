"""The losses of `retrofit` as formulas."""

from examples.anime_faces.recipes.retrofit.options import Options
from examples.anime_faces.recipes.retrofit.terms import OBJECTIVE
from examples.anime_faces.systems import critic_formula, generator_formula, number, weighted

NOTATION = {
    "D(...)": "score of a picture as the critic sees it: a real or a drawn one (fake), changed a little",
    "CE": "softmax cross-entropy of its class; mean over the pictures",
}


def formulas_of_critic(options: Options, names: list[str], size: int) -> dict[str, str]:
    """Return the formula of each cost of the critic.

    Args:
        options: The weights.
        names: Names of the class losses.
        size: Height and width of the pictures.
    """
    gamma, every = number(options.penalty_weight_for(size)), options.penalty_every
    penalty = f"0.5 * {gamma} * {every} * mean(|grad D(real)|^2), at every {every}th round"
    formulas = {"score": weighted(options.score_weight, critic_formula(OBJECTIVE)), "R1": penalty}
    formulas |= {name: weighted(options.class_weight, f"CE({name} of real)") for name in names}
    if options.fake_class_weight:
        formulas |= {f"fake {name}": weighted(options.fake_class_weight, f"CE({name} of fake)") for name in names}
    return formulas


def formulas_of_generator(options: Options, names: list[str]) -> dict[str, str]:
    """Return the formula of each cost of the generator."""
    classes = {name: weighted(options.generator_class_weight, f"CE({name} of fake)") for name in names}
    return {"score": generator_formula(OBJECTIVE)} | classes
