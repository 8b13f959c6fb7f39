"""Batch normalization by the statistics of the whole batch, where several ranks share it."""

import torch
from torch import distributed, nn
from torch.nn import functional

from examples.anime_faces.systems._share import sum_over_ranks

PLAIN = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class WholeBatchNorm(nn.SyncBatchNorm):
    """Torch's layer for several GPUs, which works on every device and can be differentiated twice, as penalties need.

    Mean and variance are computed in two passes, each with one sum over the ranks, in float32 or wider. Every rank has equally
    many pictures.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
        """Normalize with the statistics of all ranks; in evaluation mode, as every batch norm does."""
        if not self.training:
            return functional.batch_norm(
                input,
                self.running_mean,
                self.running_var,
                self.weight,
                self.bias,
                training=self.running_mean is None,
                eps=self.eps,
            )
        wide = input.to(torch.promote_types(input.dtype, torch.float32))
        axes = [0, *range(2, wide.ndim)]
        ranks, shape = distributed.get_world_size(), (1, -1, *[1] * (wide.ndim - 2))
        mean = sum_over_ranks(wide.mean(axes)) / ranks
        centered = wide - mean.reshape(shape)
        variance = sum_over_ranks(centered.square().mean(axes)) / ranks
        self._follow(mean.detach(), variance.detach(), ranks * wide.numel() // wide.shape[1])
        normalized = centered * (variance + self.eps).rsqrt().reshape(shape)
        if self.weight is not None:
            normalized = normalized * self.weight.reshape(shape)
        if self.bias is not None:
            normalized = normalized + self.bias.reshape(shape)
        return normalized.to(input.dtype)

    @torch.no_grad()
    def _follow(self, mean: torch.Tensor, variance: torch.Tensor, count: int) -> None:
        """Move the running statistics as torch does: with the variance of a sample."""
        if self.running_mean is None or self.running_var is None:
            return
        share = self.momentum
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            share = 1 / self.num_batches_tracked.to(mean.dtype) if share is None else share
        assert share is not None
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_((variance * (count / max(1, count - 1))).to(self.running_var.dtype), share)


def share_batch_norms(network: nn.Module) -> None:
    """Turn the batch norms of a network into `WholeBatchNorm`, in place: references to the modules stay valid."""
    for module in network.modules():
        if type(module) in PLAIN:
            module.__class__ = WholeBatchNorm
