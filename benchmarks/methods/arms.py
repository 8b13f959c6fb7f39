"""The runs of the gallery: of each group every member, all else equal."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import gankit as gk
from benchmarks.failures.penalties import GradientPenalty, NoPenalty, ZeroCentered
from benchmarks.failures.plan import Plan
from benchmarks.methods.parts import (
    Consistency,
    Dragan,
    FiniteDifference,
    LeCam,
    OneSided,
    Steepest,
    averaged,
    clipped,
    joined,
    make_girls_moe,
    paired,
    patches,
    r3gan,
    residual,
    spectral,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A run.

    Args:
        group: The table that it belongs to.
        name: What it is, in Markdown.
        plan: How it is trained.
    """

    group: str
    name: str
    plan: Plan


_PLAIN = Plan(rounds=500, penalty=ZeroCentered(0.1), critic_rate=1e-3, generator_rate=1e-3)
_WASSERSTEIN = replace(_PLAIN, objective=gk.losses.Wasserstein(), penalty=GradientPenalty(10.0))
_FREE = replace(_PLAIN, penalty=NoPenalty())
_BOTH = replace(_PLAIN, penalty=ZeroCentered(0.1, fakes=True))
LOSSES, PENALTIES, NETWORKS = "Losses", "Penalties and constraints", "Networks"
BASE = "logistic"


def _arms(group: str, plans: Mapping[str, tuple[str, Plan]]) -> dict[str, Arm]:
    return {key: Arm(group=group, name=name, plan=plan) for key, (name, plan) in plans.items()}


ARMS: Mapping[str, Arm] = {
    **_arms(
        LOSSES,
        {
            BASE: ("[Logistic][gankit.losses.Logistic]", _PLAIN),
            "hinge": ("[Hinge][gankit.losses.Hinge]", replace(_PLAIN, objective=gk.losses.Hinge())),
            "least-squares": (
                "[Least squares][gankit.losses.LeastSquares]",
                replace(_PLAIN, objective=gk.losses.LeastSquares()),
            ),
            "wasserstein": ("[Wasserstein][gankit.losses.Wasserstein], gradient penalty", _WASSERSTEIN),
            "paired": (
                "[Paired][gankit.losses.paired_critic_loss] logistic, R1 and R2",
                replace(_BOTH, critic_loss=gk.losses.paired_critic_loss, generator_loss=paired),
            ),
            "average": (
                "[Relativistic average][gankit.losses.relativistic_average_critic_loss] logistic",
                replace(_PLAIN, critic_loss=gk.losses.relativistic_average_critic_loss, generator_loss=averaged),
            ),
        },
    ),
    **_arms(
        PENALTIES,
        {
            "none": ("None", _FREE),
            "r1-r2": ("[R1 and R2][gankit.constraints.zero_centered_penalty], 0.1", _BOTH),
            "gradient-penalty": (
                "[Gradient penalty][gankit.constraints.gradient_penalty], 10",
                replace(_PLAIN, penalty=GradientPenalty(10.0)),
            ),
            "one-sided": ("Gradient penalty, one-sided, 10", replace(_WASSERSTEIN, penalty=OneSided())),
            "dragan": ("[DRAGAN][gankit.constraints.dragan_penalty], 10", replace(_PLAIN, penalty=Dragan())),
            "steepest": (
                "[Largest slope][gankit.constraints.max_gradient_penalty], 1",
                replace(_WASSERSTEIN, penalty=Steepest()),
            ),
            "lecam": ("[LeCam][gankit.constraints.lecam_penalty], 0.1", replace(_PLAIN, penalty=LeCam())),
            "consistency": (
                "[Consistency][gankit.constraints.consistency_penalty], 10",
                replace(_PLAIN, penalty=Consistency()),
            ),
            "finite-difference": (
                "[Finite difference][gankit.constraints.finite_difference_penalty], 100",
                replace(_PLAIN, penalty=FiniteDifference()),
            ),
            "spectral": ("[Spectral norm][gankit.constraints.spectral_norm_]", replace(_FREE, networks=spectral)),
            "clipping": (
                "[Clipping][gankit.constraints.clip_weights_] at 0.02, Wasserstein",
                replace(_FREE, objective=gk.losses.Wasserstein(), constraint=clipped),
            ),
        },
    ),
    **_arms(
        NETWORKS,
        {
            "residual": (
                "[Residual][gankit.networks.ResidualGenerator], width 12",
                replace(_PLAIN, networks=residual),
            ),
            "r3gan": (
                "[R3GAN][gankit.networks.R3GANGenerator], widths 16 to 24, paired, R1 and R2",
                replace(_BOTH, networks=r3gan, critic_loss=gk.losses.paired_critic_loss, generator_loss=paired),
            ),
            "make-girls-moe": (
                "[MakeGirlsMoe][gankit.networks.MakeGirlsMoeGenerator], width 16, 4 blocks",
                replace(_PLAIN, networks=make_girls_moe),
            ),
            "patches": (
                "DCGAN's generator, [critic of patches][gankit.networks.PatchGANCritic]",
                replace(_PLAIN, networks=patches),
            ),
            "joined": (
                "DCGAN's generator with hair colors, [joined critic][gankit.networks.JoinedCritic]",
                replace(_PLAIN, networks=joined),
            ),
        },
    ),
}
