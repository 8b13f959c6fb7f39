"""The residual block whose shortcut stays clean: norm and activation come before each convolution."""

from collections.abc import Callable

import torch
from torch import nn

from gankit._core import Condition, Conditioned, build_layer, check_out_of_place
from gankit.blocks._maps import check_maps
from gankit.blocks._residual_orders import check_block, check_resampling, project, project_resampled
from gankit.blocks._sequential import call_layer


class PreActivationBlock(nn.Module, Conditioned):
    """Add to the input what two convolutions make of it; nothing touches the sum afterwards.

    The residual is norm, activation, (up,) 3x3 convolution, norm, activation, 3x3 convolution(, down). The shortcut is
    the raw input: itself where channels and size stay, else (up,) 1x1 convolution(, down). With `up` it is the block of
    residual generators, with `down` that of residual critics; `first` makes the critic's first block, which sees
    pixels, not features: it has no leading norm and activation, and its shortcut is pooled before the 1x1 convolution.

    The hidden channels are `in_channels` where a block goes down and `out_channels` otherwise, as in WGAN-GP and SNGAN;
    a first block has `out_channels`.

    The 3x3 convolutions start as torch starts them, which makes the residual small beside the shortcut: over a row of
    eight blocks the variance stays within a factor of 4. The 1x1 convolution starts by Glorot's uniform law without
    bias, which keeps the variance.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the result.
        norm: Builds a norm layer from its number of channels; ``nn.Identity`` for none. A norm that derives from
            `Conditioned` gets the condition.
        activation: Builds an activation; it must not work in place.
        up: Doubles the resolution, such as `NearestUpsample`; sees `in_channels` on both branches.
        down: Halves the resolution, such as `MeanDownsample`; sees `out_channels` (a first block's shortcut:
            `in_channels`).
        first: Whether this is the first block of a critic.
        activated_shortcut: Whether a shortcut with a 1x1 convolution begins behind the first norm and activation, which
            both ways then share, as He et al. have it; without one it is the raw input in any case.

    Shape:
        - x: ``(n, in_channels, height, width)``; never changed.
        - condition: ``(n, condition_features)``, needed where `norm` depends on it and unused elsewhere.
        - result: ``(n, out_channels, height, width)``, or twice or half that size.

    Raises:
        ValueError: A number of channels is below 1; `norm` or `activation` is no callable that builds a layer; the
            activation works in place; `up` and `down` come together, or are no layers; a first block has `up` or
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
        He et al. 2016, "Identity Mappings in Deep Residual Networks" (ECCV), figure 4(e), full pre-activation; with
        resampling: Gulrajani et al. 2017 (WGAN-GP). Differences: He shares the first norm and activation with a
        projecting shortcut (`activated_shortcut`), here it gets the raw input as in WGAN-GP, SNGAN and BigGAN (mimicry's
        gets an activated one by accident, since its in-place ReLU overwrites the input); a resampling block always
        projects its shortcut, as those do; the first convolution keeps its bias, which WGAN-GP's 64x64 nets drop.
        Where `up` or `down` has no parameters the 1x1 convolution is on the side of fewer pixels, as in WGAN-GP's 64x64
        critic: the same function up to rounding.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
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
        hidden = in_channels if down is not None and not first else out_channels
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
        """Return the shortcut plus the residual of `x`."""
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
        flags = {"first": self.first, "activated_shortcut": self.activated_shortcut}
        return ", ".join(
            [f"{self.in_channels}, {self.out_channels}", *(f"{name}=True" for name in flags if flags[name])]
        )
