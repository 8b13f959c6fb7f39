"""Batch normalization whose gain and shift depend on the condition."""

import torch
from torch import nn

from gankit._core import Condition, Conditioned, check_at_least
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
