"""Self-attention among the positions of a map."""

import torch
from torch import nn
from torch.nn import functional

from gankit._core import check_at_least
from gankit.blocks._maps import check_maps


class SelfAttention2d(nn.Module):
    r"""Self-attention (SAGAN): every position of a map attends to all positions; a learned gate scales the result.

    .. math:: y_i = x_i + g\,P \sum_j a_{ij} v_j, \qquad a_{ij} = \frac{e^{q_i \cdot k_j}}{\sum_l e^{q_i \cdot k_l}}

    with queries q, keys k and values v, 1x1 convolutions of x, the gate g and the 1x1 convolution P.

    A convolution sees a neighborhood; attention sees the whole picture, so that both eyes can get the same color. The gate is
    one learned number that starts at 0: a new block returns its input, and the network learns local patterns before distant
    ones.

    The cost grows with the square of the number of positions: use it at 16 x 16 to 64 x 64. Keys and values are
    max-pooled over 2 x 2 positions, which reduces the cost to a quarter; at an odd border the pooling takes the
    positions that exist.

    It uses plain products and a softmax, since torch's ``scaled_dot_product_attention`` has no second derivative. A
    gradient penalty may therefore run through it.

    Args:
        channels: Channels of the input and of the result. Queries and keys have an eighth of them, values half.
        pooled: Whether keys and values are pooled.

    Shape:
        - x: ``(n, channels, height, width)``; never changed.
        - result: the same shape.

    Raises:
        ValueError: `channels` is below 1, or `x` has another shape.

    Example:
        >>> import torch
        >>> from gankit.blocks import SelfAttention2d
        >>> attention = SelfAttention2d(16)
        >>> x = torch.randn(2, 16, 8, 8)
        >>> attention(x).equal(x)  # the gate is still 0
        True

    Reference:
        Zhang, Goodfellow, Metaxas and Odena 2019, "Self-Attention Generative Adversarial Networks" (ICML,
        arXiv:1805.08318), equations 1 to 3. The pooling, the halved values and the initialization (Glorot uniform) are
        those of their program (BigGAN's differs in the initialization). The products are not divided by the root of
        their length, unlike a transformer's. Both programs use spectral norm in the four convolutions: call
        `gankit.constraints.spectral_norm_` on the network.
    """

    def __init__(self, channels: int, *, pooled: bool = True) -> None:
        super().__init__()
        check_at_least("channels", channels, 1)
        self.channels = channels
        self.pooled = pooled
        compared, carried = max(channels // 8, 1), max(channels // 2, 1)
        self.query = nn.Conv2d(channels, compared, 1, bias=False)
        self.key = nn.Conv2d(channels, compared, 1, bias=False)
        self.value = nn.Conv2d(channels, carried, 1, bias=False)
        self.project = nn.Conv2d(carried, channels, 1, bias=False)
        for layer in (self.query, self.key, self.value, self.project):
            nn.init.xavier_uniform_(layer.weight)
        # A vector of one number, since sharded data parallelism does not take 0-d parameters.
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` plus the gated result of attention."""
        check_maps("x", x, self.channels)
        queries = self.query(x).flatten(2)
        keys, values = (self._pool(layer(x)).flatten(2) for layer in (self.key, self.value))
        attention = (queries.mT @ keys).softmax(dim=2)
        gathered = (values @ attention.mT).unflatten(2, x.shape[2:])
        return x + self.gate * self.project(gathered)

    def _pool(self, maps: torch.Tensor) -> torch.Tensor:
        return functional.max_pool2d(maps, 2, ceil_mode=True) if self.pooled else maps

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"{self.channels}" + ("" if self.pooled else ", pooled=False")
