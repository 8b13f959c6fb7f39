"""The networks that are timed, all for images of 64 x 64 pixels, always with the same random weights."""

from collections.abc import Callable

import torch
from torch import nn

import gankit as gk
from benchmarks.step_throughput.setting import Networks, Setting

SLOPE = 0.2
TAGS = 34


def dcgan(norm: Callable[[int], nn.Module]) -> Callable[[Setting], Networks]:
    """Return what builds the DCGAN pair; the critic has this norm."""

    def build(setting: Setting) -> Networks:
        return _placed(
            setting,
            lambda: gk.networks.DCGANGenerator(width=setting.width),
            lambda: gk.networks.DCGANCritic(width=setting.width, norm=norm, activation=gk.blocks.LeakyReLU),
        )

    return build


def residual(setting: Setting) -> Networks:
    """Build the residual pair of WGAN-GP; the critic has layer norm."""
    return _placed(
        setting,
        lambda: gk.networks.ResidualGenerator(latent_features=100, width=setting.width),
        lambda: gk.networks.ResidualCritic(width=setting.width),
    )


def srresnet(setting: Setting) -> Networks:
    """Build the pair of Jin et al. (2017) for 64 x 64 pixels and 34 tags, with a quarter of their residual blocks."""
    return _placed(
        setting,
        lambda: gk.networks.MakeGirlsMoeGenerator(
            resolution=64, base=8, width=setting.width, blocks=4, embedder=gk.embedders.MultiHotEmbedder(TAGS)
        ),
        lambda: gk.networks.MakeGirlsMoeCritic(
            resolution=64, width=max(setting.width // 2, 2), halvings=5, num_classes=TAGS
        ),
    )


def r3gan(setting: Setting) -> Networks:
    """Build the pair of R3GAN, with one block a stage and the same number of channels in all stages."""
    widths, group = (setting.width,) * 5, min(16, 2 * setting.width)
    return _placed(
        setting,
        lambda: gk.networks.R3GANGenerator(widths=widths, blocks=1, group_channels=group),
        lambda: gk.networks.R3GANCritic(widths=widths, blocks=1, group_channels=group),
    )


def use_torch_rectifiers(network: nn.Module) -> None:
    """Replace the rectifiers of gankit by torch's, which have the same values and gradients."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, gk.blocks.LeakyReLU):
                setattr(module, name, nn.LeakyReLU(child.negative_slope))


def _placed(setting: Setting, generator: Callable[[], nn.Module], critic: Callable[[], nn.Module]) -> Networks:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = [generator(), critic()]
    for network in made:
        if not setting.saving:
            use_torch_rectifiers(network)
        setting.place(network)
    return Networks(*made)
