"""The residual block with norm and activation before each convolution, so that the shortcut has neither."""

from collections.abc import Callable

import torch
from torch import nn

from gankit._core import Condition, Conditioned, build_layer, check_at_least, check_out_of_place
from gankit.blocks._maps import check_maps
from gankit.blocks._residual_orders import check_block, check_resampling, project, project_resampled
from gankit.blocks._sequential import call_layer


class PreActivationBlock(nn.Module, Conditioned):
    """Add two convolutions of the input to it; the sum is neither normalized nor activated.

    The residual is norm, activation, (up,) 3x3 convolution, norm, activation, 3x3 convolution(, down). The shortcut is
    the raw input if channels and size stay the same, otherwise (up,) 1x1 convolution(, down) of it. With `up` it is the
    block of residual generators, with `down` that of residual critics. With `first` it is the first block of a critic,
    whose input is pixels, not features: it has no leading norm and activation, and its shortcut is pooled before the 1x1
    convolution.

    The 3x3 convolutions keep torch's initialization, which makes the residual small beside the shortcut: over eight
    blocks the variance stays within a factor of 4. The 1x1 convolution is initialized by Glorot's uniform law with a
    bias of 0, which keeps the variance.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the result.
        hidden: Channels between the two convolutions. Default: `in_channels` in a block with `down` that is not the
            first, as in WGAN-GP and SNGAN, otherwise `out_channels`. BigGAN's critic has ``hidden=out_channels`` in
            every block.
        norm: Builds a norm layer from its number of channels; ``nn.Identity`` for no norm. A norm that derives from
            `Conditioned` gets the condition.
        activation: Builds an activation; it must not work in place.
        up: A layer that doubles the resolution, such as `NearestUpsample`; on both paths it gets `in_channels` maps.
        down: A layer that halves the resolution, such as `MeanDownsample`; it gets `out_channels` maps (in the shortcut of
            a first block `in_channels`).
        first: Whether this is the first block of a critic.
        activated_shortcut: Whether a shortcut with a 1x1 convolution takes the result of the first norm and activation, as
            the residual does (He et al.). A shortcut without a convolution is always the raw input.

    Shape:
        - x: ``(n, in_channels, height, width)``; never changed.
        - condition: ``(n, condition_features)``, needed if `norm` uses it and ignored otherwise.
        - result: ``(n, out_channels, height, width)``, or twice or half that size.

    Raises:
        ValueError: A number of channels is below 1; `norm` or `activation` is not a callable that builds a layer; the
            activation works in place; both `up` and `down` are given, or one is not a layer; a first block has `up` or
            `activated_shortcut`; `x` has another shape, or a height or width that `down` cannot halve; a norm needs a
            condition and gets none.

    Example:
        >>> import torch
        >>> from functools import partial
        >>> from gankit.blocks import MeanDownsample, PreActivationBlock
        >>> layer_norm = partial(torch.nn.GroupNorm, 1)
        >>> block = PreActivationBlock(8, 16, norm=layer_norm, down=MeanDownsample())
        >>> block(torch.randn(2, 8, 32, 32)).shape
        torch.Size([2, 16, 16, 16])

    Reference:
        He et al. 2016, "Identity Mappings in Deep Residual Networks" (ECCV, arXiv:1603.05027), figure 4(e), full
        pre-activation; with resampling: Gulrajani et al. 2017 (WGAN-GP, arXiv:1704.00028); ``hidden=out_channels``:
        Brock et al. 2019 (BigGAN, arXiv:1809.11096), appendix B. BigGAN-deep has another block: 1x1, 3x3, 3x3, 1x1
        convolutions with a quarter of the channels inside, and shortcuts that drop or append channels.

        Differences: in He's block a projecting shortcut shares the first norm and activation (`activated_shortcut`),
        here it gets the raw input as in WGAN-GP, SNGAN and BigGAN (mimicry's gets an activated one by accident, since its
        in-place ReLU overwrites the input). A resampling block always projects its shortcut, as theirs do. The first
        convolution has a bias, which WGAN-GP's 64x64 nets leave out. If `up` or `down` has no parameters, the 1x1
        convolution is applied at the smaller size, as in WGAN-GP's 64x64 critic: the same function up to rounding.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        hidden: int | None = None,
        norm: Callable[[int], nn.Module] = nn.Identity,
        activation: Callable[[], nn.Module] = nn.ReLU,
        up: nn.Module | None = None,
        down: nn.Module | None = None,
        first: bool = False,
        activated_shortcut: bool = False,
    ) -> None:
        super().__init__()
        check_block(in_channels, out_channels, norm, activation)
        check_resampling(up, down)
        if up is not None and (down is not None or first):
            raise ValueError(f"up must be left out with down and in a first block, got {up!r}")
        if first and activated_shortcut:
            raise ValueError(
                "activated_shortcut must be False in a first block, which has no leading activation, got True"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.first = first
        self.activated_shortcut = activated_shortcut
        self.hidden = hidden
        if hidden is None:
            hidden = in_channels if down is not None and not first else out_channels
        check_at_least("hidden", hidden, 1)
        self.norm1 = None if first else build_layer("norm", norm, in_channels)
        self.activation1 = None if first else build_layer("activation", activation)
        self.up = up
        self.conv1 = nn.Conv2d(in_channels, hidden, 3, padding=1)
        self.norm2 = build_layer("norm", norm, hidden)
        self.activation2 = build_layer("activation", activation)
        self.conv2 = nn.Conv2d(hidden, out_channels, 3, padding=1)
        self.down = down
        self.shortcut = None
        if in_channels != out_channels or up is not None or down is not None:
            self.shortcut = project(in_channels, out_channels)
        check_out_of_place("activation", self.activation2)

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return the sum of shortcut and residual."""
        check_maps("x", x, self.in_channels)
        activated = x
        if self.norm1 is not None and self.activation1 is not None:
            activated = self.activation1(call_layer(self.norm1, x, condition))
        shared = self.activated_shortcut and self.shortcut is not None
        return self._carried(activated if shared else x) + self._residual(activated, condition)

    def _residual(self, x: torch.Tensor, condition: Condition | None) -> torch.Tensor:
        if self.up is not None:
            x = self.up(x)
        x = self.activation2(call_layer(self.norm2, self.conv1(x), condition))
        x = self.conv2(x)
        return x if self.down is None else self.down(x)

    def _carried(self, x: torch.Tensor) -> torch.Tensor:
        if self.shortcut is None:
            return x
        if self.first and self.down is not None:
            return self.shortcut(self.down(x))
        return project_resampled(x, self.shortcut, self.up, self.down)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        options = {"hidden": self.hidden, "first": self.first, "activated_shortcut": self.activated_shortcut}
        return ", ".join(
            [
                f"{self.in_channels}, {self.out_channels}",
                *(f"{name}={given}" for name, given in options.items() if given),
            ]
        )
