"""Self-attention over the positions of a map."""

import torch
from torch import nn
from torch.nn import functional

from gankit._core import check_at_least
from gankit.blocks._maps import check_maps


class SelfAttention2d(nn.Module):
    """Let every position of a map look at every other one; a gate lets the result in.

    ``x + gate * project(sum over positions of softmax(<query, key>) * value)``. Convolutions see a neighborhood; this
    sees the whole picture at once, so that two eyes can agree on a color. The gate is one trained number that starts at
    0: at the start the block returns its input, and it learns first near, then far.

    Its work grows with the square of the number of positions: place it at 16 x 16 to 64 x 64. Keys and values are
    pooled by the largest of every 2 x 2 positions, which costs a quarter; at an odd border by the largest of those that
    are there.

    It is made of plain products and a softmax, not of torch's ``scaled_dot_product_attention``, which has no second
    derivative: a gradient penalty may run through it.

    Args:
        channels: Channels of the input and of the result. Queries and keys have an eighth of them, values a half.
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
        >>> attention(x).equal(x)  # the gate is still shut
        True

    Reference:
        Zhang, Goodfellow, Metaxas and Odena 2019, "Self-Attention Generative Adversarial Networks" (ICML), equations 1
        to 3; the pooling, the halved values and Glorot's uniform law at the start are their program's (and BigGAN's,
        but for the start). The products are not divided by the root of their length, unlike a transformer's. Both
        programs normalize the four convolutions spectrally: call `gankit.constraints.spectral_norm_` on the network.
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
        # One number in a vector: sharded data parallelism takes no 0-d parameters.
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` plus what its positions gather from one another."""
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
