"""Layers that scale and shift each channel by amounts computed from the condition, behind a norm or without one."""

import torch
from torch import nn

from gankit._core import Condition, Conditioned, check_at_least, check_batch, check_floating
from gankit.blocks._maps import check_condition, check_maps


class ConditionalBatchNorm2d(nn.Module, Conditioned):
    """Normalize over the batch, then scale and shift each channel by amounts that the condition decides.

    ``(1 + gain(condition)) * normalized(x) + shift(condition)``, `gain` and `shift` linear maps without bias that start
    at zero: at the start it is a plain batch norm with gain 1 and shift 0, whatever the condition. This is how a class
    reaches every layer of a residual generator. A critic under a gradient penalty must not use it: batch statistics
    couple the samples.

    Args:
        num_features: The channels.
        condition_features: The length of the condition's vector, an embedder's `out_features`.

    Shape:
        - x: ``(n, num_features, height, width)``, of more than one value a channel while training.
        - condition: ``(n, condition_features)``.
        - result: the shape of `x`.

    Raises:
        ValueError: A size is below 1; `x` or `condition` has another shape, or `condition` is missing; while training,
            there is one value a channel only.

    Example:
        >>> import torch
        >>> from gankit.blocks import ConditionalBatchNorm2d
        >>> norm = ConditionalBatchNorm2d(5, 3)
        >>> norm(torch.randn(2, 5, 4, 4), torch.eye(3)[:2]).mean().abs() < 1e-6
        tensor(True)

    Reference:
        Dumoulin, Shlens and Kudlur 2017, "A Learned Representation for Artistic Style", equation 5; de Vries et al.
        2017, "Modulating early visual processing by language" (gain as a change from the learned one); Brock et al.
        2019 (BigGAN). ``1 + gain`` is BigGAN's form. SNGAN and mimicry look the gain itself up in a table that starts
        at 1 or N(1, 0.02); BigGAN starts its maps orthogonally, so that classes differ from the first step. Epsilon is
        torch's 1e-5 (SNGAN 2e-5, StudioGAN 1e-4), and the running averages forget 0.1 a step as everywhere.
    """

    def __init__(self, num_features: int, condition_features: int) -> None:
        super().__init__()
        check_at_least("num_features", num_features, 1)
        check_at_least("condition_features", condition_features, 1)
        self.num_features = num_features
        self.condition_features = condition_features
        # A batch norm of torch's own, so that nn.SyncBatchNorm.convert_sync_batchnorm finds and converts it.
        self.normalize = nn.BatchNorm2d(num_features, affine=False)
        self.gain = nn.Linear(condition_features, num_features, bias=False)
        self.shift = nn.Linear(condition_features, num_features, bias=False)
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return `x` normalized, scaled and shifted."""
        check_maps("x", x, self.num_features)
        condition = check_condition(condition, x.shape[0], self.condition_features)
        gain = self.gain(condition)[:, :, None, None]
        shift = self.shift(condition)[:, :, None, None]
        return self.normalize(x) * (1 + gain) + shift


class ConditionalInstanceNorm2d(nn.Module, Conditioned):
    """Normalize each map of each sample, then scale and shift it by amounts that the condition decides.

    ``(1 + gain(condition)) * normalized(x) + shift(condition)``, `gain` and `shift` linear maps without bias that start
    at zero: at the start it is a plain instance norm, whatever the condition. Statistics are the sample's own, in train
    and in eval mode alike, so that samples stay apart, the batch may have any size, and a gradient penalty may run
    through it.

    A normalized map has forgotten its mean: what a layer before adds to a whole map, such as a condition joined as
    constant maps through a convolution without zero padding, does not reach the other side.

    Args:
        num_features: The channels.
        condition_features: The length of the condition's vector, an embedder's `out_features`.

    Shape:
        - x: ``(n, num_features, height, width)``, of more than one position.
        - condition: ``(n, condition_features)``.
        - result: the shape of `x`.

    Raises:
        ValueError: A size is below 1; `x` or `condition` has another shape, or `condition` is missing; maps have one
            position only, which normalizing would turn to 0.

    Example:
        >>> import torch
        >>> from gankit.blocks import ConditionalInstanceNorm2d
        >>> norm = ConditionalInstanceNorm2d(5, 3)
        >>> norm(torch.randn(2, 5, 4, 4), torch.eye(3)[:2]).mean(dim=(2, 3)).abs().max() < 1e-6
        tensor(True)

    Reference:
        Dumoulin, Shlens and Kudlur 2017, "A Learned Representation for Artistic Style", equation 5; Huang and Belongie
        2017, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization", equation 8, and StyleGAN
        (Karras et al. 2019), equation 1, with the style's affine map as `gain` and `shift`. Dumoulin looks the gain
        itself up in a table. Epsilon is torch's 1e-5 (StyleGAN 1e-8).
    """

    def __init__(self, num_features: int, condition_features: int) -> None:
        super().__init__()
        check_at_least("num_features", num_features, 1)
        check_at_least("condition_features", condition_features, 1)
        self.num_features = num_features
        self.condition_features = condition_features
        # As many groups as channels is instance norm. torch's own layer gives up the channels-last layout.
        self.normalize = nn.GroupNorm(num_features, num_features, affine=False)
        self.gain = nn.Linear(condition_features, num_features, bias=False)
        self.shift = nn.Linear(condition_features, num_features, bias=False)
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return `x` normalized, scaled and shifted."""
        check_maps("x", x, self.num_features)
        if x.shape[2] * x.shape[3] == 1:
            raise ValueError(f"x must have more than one position to be normalized over, got {tuple(x.shape)}")
        condition = check_condition(condition, x.shape[0], self.condition_features)
        gain = self.gain(condition)[:, :, None, None]
        shift = self.shift(condition)[:, :, None, None]
        return self.normalize(x) * (1 + gain) + shift


class FiLM(nn.Module, Conditioned):
    """Scale and shift each channel by amounts that the condition decides, without normalizing anything.

    ``(1 + gain(condition)) * x + shift(condition)``, `gain` and `shift` linear maps with bias that start at zero: at the
    start it returns its input, whatever the condition. It keeps samples apart and changes nothing with train or eval
    mode, so that it may stand in a critic under a gradient penalty, where `ConditionalBatchNorm2d` may not. Put it
    behind a norm of any kind, or behind none. (`gankit.constraints.spectral_norm_` refuses layers that are all zero, as
    these are at the start: call it on the other parts of such a critic.)

    Args:
        channels: The channels.
        condition_features: The length of the condition's vector, an embedder's `out_features`.

    Shape:
        - x: ``(n, channels)`` or ``(n, channels, ...)``, vectors or maps of any rank.
        - condition: ``(n, condition_features)``.
        - result: the shape of `x`.

    Raises:
        ValueError: A size is below 1; `x` or `condition` has another shape, or `condition` is missing.

    Example:
        >>> import torch
        >>> from gankit.blocks import FiLM
        >>> film = FiLM(5, 3)
        >>> x, condition = torch.randn(2, 5, 4, 4), torch.randn(2, 3)
        >>> film(x, condition).equal(x)
        True

    Reference:
        Perez et al. 2018, "FiLM: Visual Reasoning with a General Conditioning Layer" (AAAI), equation 2, with the gain
        as a change from 1 (their appendix). Behind an instance norm it is StyleGAN's AdaIN: `ConditionalInstanceNorm2d`
        is the two in one.
    """

    def __init__(self, channels: int, condition_features: int) -> None:
        super().__init__()
        check_at_least("channels", channels, 1)
        check_at_least("condition_features", condition_features, 1)
        self.channels = channels
        self.condition_features = condition_features
        self.gain = nn.Linear(condition_features, channels)
        self.shift = nn.Linear(condition_features, channels)
        for layer in (self.gain, self.shift):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return `x` scaled and shifted."""
        check_floating("x", x)
        if x.ndim < 2 or x.shape[1] != self.channels:
            raise ValueError(f"x must have shape (n, {self.channels}, ...), got {tuple(x.shape)}")
        check_batch("x", x)
        condition = check_condition(condition, x.shape[0], self.condition_features)
        positions = (1,) * (x.ndim - 2)
        gain = self.gain(condition).unflatten(1, (self.channels, *positions))
        shift = self.shift(condition).unflatten(1, (self.channels, *positions))
        return x * (1 + gain) + shift
