"""Layers that scale and shift each channel by amounts computed from the condition, with or without a norm."""

import torch
from torch import nn

from gankit._core import Condition, Conditioned, check_at_least, check_batch, check_floating
from gankit.blocks._maps import check_condition, check_maps


class ConditionalBatchNorm2d(nn.Module, Conditioned):
    r"""Normalize over the batch, then scale and shift each channel by amounts computed from the condition.

    .. math:: y = (1 + \gamma(c)) \cdot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta(c)

    The mean :math:`\mu` and the variance :math:`\sigma^2` are those of each channel over the batch. The gain :math:`\gamma`
    and the shift :math:`\beta` are linear maps of the condition c without bias. Their weights start at zero, so a new layer
    is a plain batch norm for every condition. Residual generators use it to give the class to every layer. Do not use it in a
    critic under a gradient penalty: batch statistics couple the samples.

    Args:
        num_features: Number of channels.
        condition_features: Length of the condition's vector: the `out_features` of the embedder.

    Shape:
        - x: ``(n, num_features, height, width)``; in training mode more than one value per channel.
        - condition: ``(n, condition_features)``.
        - result: the shape of `x`.

    Raises:
        ValueError: A size is below 1; `x` or `condition` has another shape, or `condition` is missing; in training
            mode there is only one value per channel.

    Example:
        >>> import torch
        >>> from gankit.blocks import ConditionalBatchNorm2d
        >>> norm = ConditionalBatchNorm2d(5, 3)
        >>> norm(torch.randn(2, 5, 4, 4), torch.eye(3)[:2]).mean().abs() < 1e-6
        tensor(True)

    Reference:
        Dumoulin, Shlens and Kudlur 2017, "A Learned Representation for Artistic Style" (arXiv:1610.07629), equation 5;
        de Vries et al. 2017, "Modulating early visual processing by language", arXiv:1707.00683 (gain as a change from
        the learned one); Brock et al. 2019 (BigGAN, arXiv:1809.11096). ``1 + gain`` is BigGAN's form. SNGAN and mimicry
        look the gain itself up in a table initialized to 1 or from N(1, 0.02); BigGAN initializes its maps
        orthogonally, so that classes differ from the first step. Epsilon is torch's 1e-5 (SNGAN 2e-5, StudioGAN 1e-4),
        and the momentum of the running averages is 0.1 as usual.
    """

    def __init__(self, num_features: int, condition_features: int) -> None:
        super().__init__()
        check_at_least("num_features", num_features, 1)
        check_at_least("condition_features", condition_features, 1)
        self.num_features = num_features
        self.condition_features = condition_features
        # Torch's own batch norm, which nn.SyncBatchNorm.convert_sync_batchnorm finds and converts.
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
    r"""Normalize each map of each sample, then scale and shift it by amounts computed from the condition.

    .. math:: y = (1 + \gamma(c)) \cdot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta(c)

    The mean :math:`\mu` and the variance :math:`\sigma^2` are those of each map. The gain :math:`\gamma` and the shift
    :math:`\beta` are linear maps of the condition c without bias. Their weights start at zero, so a new layer is a plain
    instance norm for every condition. Each sample is normalized by its own statistics in training and in evaluation mode.
    Samples therefore stay independent, the batch may have any size, and a gradient penalty may run through the layer.

    Normalization removes the mean of each map: a constant that an earlier layer adds to a whole map is lost. A condition
    joined as constant maps before a convolution without zero padding is such a constant.

    Args:
        num_features: Number of channels.
        condition_features: Length of the condition's vector: the `out_features` of the embedder.

    Shape:
        - x: ``(n, num_features, height, width)``, of more than one position.
        - condition: ``(n, condition_features)``.
        - result: the shape of `x`.

    Raises:
        ValueError: A size is below 1; `x` or `condition` has another shape, or `condition` is missing; maps have only
            one position, whose normalized value would always be 0.

    Example:
        >>> import torch
        >>> from gankit.blocks import ConditionalInstanceNorm2d
        >>> norm = ConditionalInstanceNorm2d(5, 3)
        >>> norm(torch.randn(2, 5, 4, 4), torch.eye(3)[:2]).mean(dim=(2, 3)).abs().max() < 1e-6
        tensor(True)

    Reference:
        Dumoulin, Shlens and Kudlur 2017, "A Learned Representation for Artistic Style" (arXiv:1610.07629), equation 5;
        Huang and Belongie 2017, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization"
        (arXiv:1703.06868), equation 8, and StyleGAN (Karras et al. 2019, arXiv:1812.04948), equation 1, with the
        style's affine map as `gain` and `shift`. Dumoulin looks the gain itself up in a table. Epsilon is torch's 1e-5
        (StyleGAN 1e-8).
    """

    def __init__(self, num_features: int, condition_features: int) -> None:
        super().__init__()
        check_at_least("num_features", num_features, 1)
        check_at_least("condition_features", condition_features, 1)
        self.num_features = num_features
        self.condition_features = condition_features
        # With as many groups as channels this is instance norm. Torch's own layer loses the channels-last layout.
        self.normalize = nn.GroupNorm(num_features, num_features, affine=False)
        self.gain = nn.Linear(condition_features, num_features, bias=False)
        self.shift = nn.Linear(condition_features, num_features, bias=False)
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return `x` normalized, scaled and shifted."""
        check_maps("x", x, self.num_features)
        if x.shape[2] * x.shape[3] == 1:
            raise ValueError(f"x must have more than one position to normalize over, got shape {tuple(x.shape)}")
        condition = check_condition(condition, x.shape[0], self.condition_features)
        gain = self.gain(condition)[:, :, None, None]
        shift = self.shift(condition)[:, :, None, None]
        return self.normalize(x) * (1 + gain) + shift


class FiLM(nn.Module, Conditioned):
    r"""Scale and shift each channel by amounts computed from the condition, without normalization.

    .. math:: y = (1 + \gamma(c)) \cdot x + \beta(c)

    The gain :math:`\gamma` and the shift :math:`\beta` are linear maps of the condition c with bias that start at zero, so a
    new layer returns its input for every condition. Samples stay independent and training and evaluation mode are the same,
    so it may be used in a critic under a gradient penalty, where `ConditionalBatchNorm2d` may not. Put it after a norm of any
    kind, or use it without one. (`gankit.constraints.spectral_norm_` refuses layers whose weights are all zero, as these are
    at first: call it on the other parts of such a critic.)

    Args:
        channels: Number of channels.
        condition_features: Length of the condition's vector: the `out_features` of the embedder.

    Shape:
        - x: ``(n, channels)`` or ``(n, channels, ...)``: vectors, or maps of any rank.
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
        Perez et al. 2018, "FiLM: Visual Reasoning with a General Conditioning Layer" (AAAI, arXiv:1709.07871),
        equation 2, with the gain as a difference from 1 (their appendix). After an instance norm it is StyleGAN's
        AdaIN; `ConditionalInstanceNorm2d` combines the two.
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
