"""Other programs' gradient penalties, called on the example."""

import types
from typing import Any

from docs.different_numbers.example import Example
from docs.different_numbers.peer_modules import Scorer, drawing, take, take_file
from docs.different_numbers.peer_scores import Check
from docs.different_numbers.penalties import CTGAN, GAN_ZOO, STYLEGAN2_PYTORCH, VEGANS
from docs.different_numbers.scores import BASICSR, MIMICRY, MMGEN, PARTICLEGAN, TORCHGAN


def _basicsr(e: Example) -> Any:
    with drawing(e.mix):
        return take_file("basicsr", "losses/gan_loss.py", "gradient_penalty_loss")(e.critic, e.real, e.fake)


def _basicsr_r1(e: Example) -> Any:
    points = e.real.clone().requires_grad_()
    return take_file("basicsr", "losses/gan_loss.py", "r1_penalty")(e.critic(points), points)


def _ctgan(e: Example) -> Any:
    class Packed(Scorer):
        calc_gradient_penalty = take("ctgan.synthesizers.ctgan", "Discriminator").calc_gradient_penalty

    flat = e.real.flatten(1), e.fake.flatten(1)
    with drawing(e.mix.view(5, 1, 1)):
        return Packed(e).calc_gradient_penalty(*(part.requires_grad_() for part in flat), pac=1)


def _gan_zoo(e: Example) -> Any:
    with drawing(e.mix):
        return take("ganzoo.losses.wgan_losses", "wgan_gradient_penalty")(e.real, e.fake, e.critic)


def _mimicry(e: Example) -> Any:
    base = take_file("torch_mimicry", "nets/wgan_gp/wgan_gp_base.py", "WGANGPBaseDiscriminator")
    penalty = base.compute_gradient_penalty_loss
    with drawing(e.mix.view(5, 1)):
        return penalty(types.SimpleNamespace(forward=e.critic), e.real, e.fake)


def _mmgen(**options: str) -> Check:
    def call(e: Example) -> Any:
        penalty = take_file("mmgen", "models/losses/disc_auxiliary_loss.py", "gradient_penalty_loss")
        with drawing(e.mix):
            return penalty(e.critic, e.real, e.fake, **options)

    return call


def _mmgen_r1(**options: str) -> Check:
    return lambda e: take_file("mmgen", "models/losses/disc_auxiliary_loss.py", "r1_gradient_penalty_loss")(
        e.critic, e.real, **options
    )


def _particlegan(e: Example, *, patches: bool = False) -> Any:
    penalty = take("particlegan.grad_regularizers", "GradientPenalty")(arm="a_r1r2")
    critic = e.patch_critic if patches else e.critic
    # R1 and R2 together, on the real images twice, are twice R1.
    return 0.5 * penalty(critic, e.real, e.real)


def _torchgan(e: Example) -> Any:
    share = e.mix[0]
    points = (share * e.real + (1 - share) * e.fake).requires_grad_()
    return take("torchgan.losses.functional", "wasserstein_gradient_penalty")(points, e.critic(points))


def _torchgan_dragan(e: Example) -> Any:
    loss = take("torchgan.losses", "DraganGradientPenalty")()
    optimizer = types.SimpleNamespace(zero_grad=lambda: None, step=lambda: None)
    draws = e.shares.clone().requires_grad_(), e.noise.clone().requires_grad_()
    with drawing(*draws):
        return loss.train_ops(Scorer(e), Scorer(_trainable(e)), optimizer, e.real, "cpu")


def _trainable(e: Example) -> Example:
    e.first_layer.requires_grad_()
    return e


def _lucidrains(module: str) -> Check:
    def call(e: Example) -> Any:
        points = e.real.clone().requires_grad_()
        return take(f"{module}.{module}", "gradient_penalty")(points, e.critic(points))

    return call


def _vegans(e: Example) -> Any:
    penalty = take_file("vegans", "models/unconditional/WassersteinGANGP.py", "WassersteinGANGP")._gradient_penalty  # noqa: SLF001
    with drawing(e.mix):
        return penalty(types.SimpleNamespace(device="cpu", adversary=e.critic), e.real, e.fake)


CHECKS: dict[tuple[str, str, str], Check] = {
    ("wgan_gp", BASICSR, ""): _basicsr,
    ("wgan_gp", CTGAN, ""): _ctgan,
    ("wgan_gp", GAN_ZOO, ""): _gan_zoo,
    ("wgan_gp", MIMICRY, ""): _mimicry,
    ("wgan_gp", MMGEN, "the default"): _mmgen(),
    ("wgan_gp", MMGEN, "'HWC'"): _mmgen(norm_mode="HWC"),
    ("wgan_gp", TORCHGAN, ""): _torchgan,
    ("wgan_gp", VEGANS, ""): _vegans,
    ("r1", BASICSR, ""): _basicsr_r1,
    ("r1", MMGEN, "the default"): _mmgen_r1(),
    ("r1", MMGEN, "'HWC'"): _mmgen_r1(norm_mode="HWC"),
    ("r1", PARTICLEGAN, ""): _particlegan,
    ("r1", STYLEGAN2_PYTORCH, ""): _lucidrains("stylegan2_pytorch"),
    ("r1", "gigagan-pytorch 0.3.0", ""): _lucidrains("gigagan_pytorch"),
    ("patches", PARTICLEGAN, ""): lambda e: _particlegan(e, patches=True),
    ("dragan", TORCHGAN, ""): _torchgan_dragan,
}
"""Functions to call, by table, program and the end of the place (if a program occurs twice in a table)."""
