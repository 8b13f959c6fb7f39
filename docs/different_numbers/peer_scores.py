"""Other programs' losses of scores, features and class heads, called on the example."""

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from docs.different_numbers.example import Example
from docs.different_numbers.peer_modules import take, take_file
from docs.different_numbers.scores import (
    BASICSR,
    MIMICRY,
    MMGEN,
    MONAI,
    PARTICLEGAN,
    TAMING,
    TORCHGAN,
    VOCODERS,
)

Check = Callable[[Example], Any]


def _critic_of(loss: Any, real: Any, fake: Any) -> Any:
    return loss(real, True, is_disc=True) + loss(fake, False, is_disc=True)


def _basicsr(kind: str) -> Check:
    return lambda e: _critic_of(
        take_file("basicsr", "losses/gan_loss.py", "GANLoss")(kind), e.real_scores, e.fake_scores
    )


def _basicsr_maps(e: Example) -> Any:
    loss = take_file("basicsr", "losses/gan_loss.py", "MultiScaleGANLoss")("hinge")
    return _critic_of(loss, list(e.real_maps), list(e.fake_maps))


def _mmgen(kind: str) -> Check:
    return lambda e: _critic_of(
        take_file("mmgen", "models/losses/gan_loss.py", "GANLoss")(kind), e.real_scores, e.fake_scores
    )


def _mimicry(name: str, **options: float) -> Check:
    def call(e: Example) -> Any:
        function = take_file("torch_mimicry", "modules/losses.py", name)
        return function(output_real=e.real_scores[:, None], output_fake=e.fake_scores[:, None], **options)

    return call


def _mimicry_slope(e: Example) -> Any:
    score = torch.full_like(e.real_scores[:1], -30.0).requires_grad_()
    loss = take_file("torch_mimicry", "modules/losses.py", "ns_loss_gen")(score)
    return torch.autograd.grad(loss, score)[0]


def _monai(kind: str) -> Check:
    def call(e: Example) -> Any:
        loss = take("monai.losses", "PatchAdversarialLoss")(criterion=kind)
        real, fake = e.real_scores, e.fake_scores
        return loss(real, target_is_real=True, for_discriminator=True) + loss(
            fake, target_is_real=False, for_discriminator=True
        )

    return call


def _particlegan(kind: str) -> Check:
    return lambda e: take("particlegan.gan_loss", "GANLoss")(kind).d_loss(e.real_scores, e.fake_scores)


def _torchgan(name: str, **options: float) -> Check:
    return lambda e: take("torchgan.losses.functional", name)(e.real_scores, e.fake_scores, **options)


def _vocoders(kind: str, *, maps: bool = False) -> Check:
    def call(e: Example) -> Any:
        loss = take_file("parallel_wavegan", "losses/adversarial_loss.py", "DiscriminatorAdversarialLoss")(
            loss_type=kind
        )
        real, fake = (list(e.real_maps), list(e.fake_maps)) if maps else (e.real_scores, e.fake_scores)
        return sum(loss(fake, real))

    return call


def _vegans(e: Example) -> Any:
    loss = take_file("vegans", "utils/losses.py", "WassersteinLoss")()
    real, fake = e.real_scores, e.fake_scores
    return 0.5 * (loss(fake, torch.zeros_like(fake)) + loss(real, torch.ones_like(real)))


def _features(e: Example) -> Any:
    loss = take_file("parallel_wavegan", "losses/feat_match_loss.py", "FeatureMatchLoss")(include_final_outputs=True)
    return loss(e.fake_features, e.features)


def _taming(name: str) -> Check:
    return lambda e: take("taming.modules.losses.vqperceptual", name)(e.real_scores, e.fake_scores)


def _unlabeled(e: Example) -> Any:
    classes = e.classes.clone()
    classes[:2] = -1
    return functional.cross_entropy(e.real_logits, classes, ignore_index=-1)


CHECKS: dict[tuple[str, str, str], Check] = {
    ("hinge", BASICSR, ""): _basicsr("hinge"),
    ("hinge", MIMICRY, ""): _mimicry("hinge_loss_dis"),
    ("hinge", MMGEN, ""): _mmgen("hinge"),
    ("hinge", MONAI, ""): _monai("hinge"),
    ("hinge", PARTICLEGAN, ""): _particlegan("hinge"),
    ("hinge", TAMING, ""): _taming("hinge_d_loss"),
    ("hinge", VOCODERS, ""): _vocoders("hinge"),
    ("hinge", "gigagan-pytorch 0.3.0", ""): lambda e: take(
        "gigagan_pytorch.gigagan_pytorch", "discriminator_hinge_loss"
    )(e.real_scores, e.fake_scores),
    ("hinge", "lightweight-gan 1.2.1", ""): lambda e: take("lightweight_gan.lightweight_gan", "hinge_loss")(
        e.real_scores, e.fake_scores
    ),
    ("hinge", "stylegan2-pytorch 1.9.0", ""): lambda e: take("stylegan2_pytorch.stylegan2_pytorch", "hinge_loss")(
        real=e.real_scores, fake=e.fake_scores
    ),
    ("logistic", BASICSR, ""): _basicsr("vanilla"),
    ("logistic", MIMICRY, ""): _mimicry("minimax_loss_dis"),
    ("logistic", MMGEN, ""): _mmgen("vanilla"),
    ("logistic", MONAI, ""): _monai("bce"),
    ("logistic", PARTICLEGAN, ""): _particlegan("non_saturating"),
    ("logistic", TAMING, ""): _taming("vanilla_d_loss"),
    ("logistic", TORCHGAN, ""): _torchgan("minimax_discriminator_loss"),
    ("sure_critic", MIMICRY, ""): _mimicry_slope,
    ("least_squares", BASICSR, ""): _basicsr("lsgan"),
    ("least_squares", MMGEN, ""): _mmgen("lsgan"),
    ("least_squares", MONAI, ""): _monai("least_squares"),
    ("least_squares", PARTICLEGAN, ""): _particlegan("least_squares"),
    ("least_squares", TORCHGAN, ""): _torchgan("least_squares_discriminator_loss"),
    ("least_squares", VOCODERS, ""): _vocoders("mse"),
    ("wasserstein", BASICSR, ""): _basicsr("wgan"),
    ("wasserstein", MIMICRY, ""): _mimicry("wasserstein_loss_dis"),
    ("wasserstein", PARTICLEGAN, ""): _particlegan("wasserstein"),
    ("wasserstein", TORCHGAN, ""): _torchgan("wasserstein_discriminator_loss"),
    ("wasserstein", "vegans 0.4.0", ""): _vegans,
    ("several_maps", BASICSR, ""): _basicsr_maps,
    ("several_maps", VOCODERS, ""): _vocoders("hinge", maps=True),
    ("soft_labels", MIMICRY, ""): _mimicry("minimax_loss_dis", real_label_val=0.9),
    ("soft_labels", TORCHGAN, ""): _torchgan("minimax_discriminator_loss", label_smoothing=0.1),
    ("tags", "torch 2.13.0", ""): lambda e: functional.binary_cross_entropy_with_logits(e.real_logits, e.tags),
    ("unlabeled_rows", "torch 2.13.0", ""): _unlabeled,
    ("feature_matching", VOCODERS, ""): _features,
    ("mean_features", TORCHGAN, ""): lambda e: take("torchgan.losses", "FeatureMatchingGeneratorLoss")()(
        e.embeddings, e.latents[0]
    ),
}
"""Functions to call, by table, program and the end of the place (if a program occurs twice in a table)."""
