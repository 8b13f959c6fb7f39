"""Losses as formulas in plain text, for people: those of gankit's objectives, and what the letters in them mean."""

from typing import NamedTuple

import gankit as gk

SIGNS = "All losses are minimized. The critic's score D is high for pictures that it takes for real."

NOTATION = {
    "D(...)": "score of a picture: a real one, a drawn one (fake), or a real one with the text of another (mismatched)",
    "mean": "over the pictures of a batch (and over patches, where a critic scores patches)",
    "softplus(s)": "log(1 + e^s), so that softplus(-D) = -log(sigmoid(D))",
    "relu(s)": "max(0, s)",
    "grad D": "gradient of the score with respect to the picture; |...| is its length",
    "between": "m * real + (1 - m) * fake, m uniform in 0..1",
    "around": "real + m * 0.5 * deviation of the batch * noise, m and noise uniform in 0..1",
    "CE": "softmax cross-entropy, summed over the attributes, mean over the pictures",
    "BCE": "sigmoid cross-entropy, summed over the tags, mean over the pictures",
}
"""What the names in formulas mean; a recipe lists its own in `System.notation`."""


def number(value: float) -> str:
    """Return a weight as formulas show it.

    Example:
        >>> number(10.0), number(0.05), number(1.25e-5)
        ('10', '0.05', '1.25e-05')
    """
    return f"{value:.6g}"


def weighted(weight: float, formula: str) -> str:
    """Return a formula times its weight; a weight of 1 is not written.

    Example:
        >>> weighted(10, "mean(s + t)"), weighted(2.5, "mean(s) + mean(t)"), weighted(1, "-mean(s)"), weighted(2, "-mean(s)")
        ('10 * mean(s + t)', '2.5 * (mean(s) + mean(t))', '-mean(s)', '2 * (-mean(s))')
    """
    if weight == 1:
        return formula
    return f"{number(weight)} * ({formula})" if _is_sum(formula) else f"{number(weight)} * {formula}"


def _is_sum(formula: str) -> bool:
    """Whether a formula has a sign in front, or a plus outside of all brackets."""
    depth = 0
    for place, letter in enumerate(formula):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and (letter == "+" or (letter == "-" and place == 0)):
            return True
    return False


class Costs(NamedTuple):
    """The costs of one score, as formats for its name."""

    real: str
    fake: str
    generator: str


def costs_of(objective: gk.losses.Objective) -> Costs:
    """Return the costs of one of gankit's objectives.

    Raises:
        ValueError: The objective is not known here.
    """
    match objective:
        case gk.losses.Wasserstein():
            return Costs("-{}", "{}", "-{}")
        case gk.losses.Hinge():
            return Costs("relu(1 - {})", "relu(1 + {})", "-{}")
        case gk.losses.Logistic(saturating=False):
            return Costs("softplus(-{})", "softplus({})", "softplus(-{})")
        case _:
            raise ValueError(f"the formula of objective {objective!r} is not known here: write it out")


def mean_formula(cost: str, scores: str) -> str:
    """Return the mean of a cost over a batch.

    Example:
        >>> mean_formula("softplus(-{})", "D(real)"), mean_formula("-{}", "D(real)")
        ('mean(softplus(-D(real)))', '-mean(D(real))')
    """
    return f"-mean({scores})" if cost == "-{}" else f"mean({cost.format(scores)})"


def labeled_formula(costs: Costs, scores: str, label: str) -> str:
    """Return the mean cost of scores with labels between real (1) and generated (0), as `gankit.losses.labeled_loss`.

    Example:
        >>> labeled_formula(costs_of(gk.losses.Logistic()), "D(real)", "t")
        'mean(t * softplus(-D(real)) + (1 - t) * softplus(D(real)))'
    """
    return f"mean({label} * {costs.real.format(scores)} + (1 - {label}) * {costs.fake.format(scores)})"


def critic_formula(objective: gk.losses.Objective, real: str = "D(real)", fake: str = "D(fake)") -> str:
    """Return what `gankit.losses.critic_loss` computes.

    Args:
        objective: One of gankit's.
        real: Name of the scores of real pictures.
        fake: Name of the scores of drawn ones.

    Raises:
        ValueError: The objective is not known here.

    Example:
        >>> critic_formula(gk.losses.Hinge())
        'mean(relu(1 - D(real))) + mean(relu(1 + D(fake)))'
    """
    costs = costs_of(objective)
    return f"{mean_formula(costs.real, real)} + {mean_formula(costs.fake, fake)}"


def generator_formula(objective: gk.losses.Objective, fake: str = "D(fake)") -> str:
    """Return what `gankit.losses.generator_loss` computes.

    Raises:
        ValueError: The objective is not known here.

    Example:
        >>> generator_formula(gk.losses.Wasserstein())
        '-mean(D(fake))'
    """
    return mean_formula(costs_of(objective).generator, fake)


def matching_formula(
    objective: gk.losses.Objective, *, mismatched_weight: float, fake_weight: float, fake_label: str = ""
) -> str:
    """Return what `gankit.losses.matching_aware_critic_loss` computes.

    Args:
        objective: One of gankit's.
        mismatched_weight: Weight of the cost of mismatched pairs.
        fake_weight: Weight of the cost of drawn pictures.
        fake_label: Name of the labels of drawn pictures; empty where they are 0.

    Raises:
        ValueError: The objective is not known here.

    Example:
        >>> matching_formula(gk.losses.Wasserstein(), mismatched_weight=0.5, fake_weight=0.5)
        '-mean(D(real)) + 0.5 * mean(D(mismatched)) + 0.5 * mean(D(fake))'
    """
    costs = costs_of(objective)
    mismatched = weighted(mismatched_weight, mean_formula(costs.fake, "D(mismatched)"))
    fake = labeled_formula(costs, "D(fake)", fake_label) if fake_label else mean_formula(costs.fake, "D(fake)")
    return f"{mean_formula(costs.real, 'D(real)')} + {mismatched} + {weighted(fake_weight, fake)}"
