"""An exponential moving average of a network's weights."""

import copy
from typing import Any

import torch
from torch import nn

from gankit._core import check_count, check_fraction, check_version, lacks_memory
from gankit.training._counterparts import Counterparts
from gankit.training._ranks import is_sharded, reshard, whole
from gankit.training._saving import bare, load_fitting_state, network_state, plain_name, refuse_lazy

VERSION = 1


class WeightAverage:
    r"""Exponential moving average (EMA) of a network's weights, usually of the generator.

    .. math::

        \bar w \leftarrow \bar w + (1 - d)\,(w - \bar w), \qquad d = \min\left(\text{decay}, \frac{1 + k}{10 + k}\right)
        \text{ at the k-th update with warm-up}

    Samples of the averaged generator vary less from step to step than those of the trained one. Parameters are averaged, tied
    ones once; buffers (running statistics, counters, vectors of spectral normalization) are copied. Half-precision tensors are
    kept in float32, in which a small step of the average is not rounded to zero; give such a copy float32 latents.

    Under FSDP2, make the average before ``fully_shard(network)``. Each rank then keeps a whole average, and each update
    gathers the weights. To send nothing, apply ``fully_shard`` to ``average.network`` in the same way.

    Args:
        network: The network to average; of a wrapped network (data-parallel, compiled) the inner one. It is never changed.
        decay: Share of the average that each update keeps, in 0..1.
        warmup: Use ``min(decay, (1 + k) / (10 + k))`` at the k-th update, so that the random initial weights lose their
            influence quickly.

    Attributes:
        decay: The share that the next update keeps; may be changed between updates, for an average that grows longer.
        network: The averaged copy, in eval mode, its parameters without gradients.
        updates: Number of updates so far.

    Raises:
        ValueError: `decay` is not in 0..1, there or at an update; or the network cannot be copied, or it is lazy and was not
            called yet; or, at an update, its modules, parameters or buffers differ from those that were copied.

    Example:
        >>> import torch
        >>> from gankit.training import WeightAverage
        >>> generator = torch.nn.Linear(1, 1)
        >>> average = WeightAverage(generator, decay=0.9, warmup=False)
        >>> before = average.network.weight.clone()
        >>> with torch.no_grad():
        ...     _ = generator.weight.add_(1.0)
        >>> average.update()
        >>> torch.testing.assert_close(average.network.weight, before + 0.1)

    Reference:
        Yazici et al. 2019, "The Unusual Effectiveness of Averaging in GAN Training" (arXiv:1806.04498), equation 4. The
        warm-up is that of TensorFlow's ``ExponentialMovingAverage`` with ``num_updates``. StyleGAN copies buffers as
        well; BigGAN-PyTorch averages them.
    """

    def __init__(self, network: nn.Module, *, decay: float = 0.999, warmup: bool = True) -> None:
        check_fraction("decay", decay)
        self.decay = decay
        self.warmup = warmup
        self.updates = 0
        self._source = network
        self.network = _averaged_copy(bare(network))
        self._counterparts = Counterparts(bare(network), self.network)

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the network's weights, once."""
        check_fraction("decay", self.decay)
        source = bare(self._source)
        reshard(source)
        reshard(self.network)
        pairs, copied = self._counterparts.tensors("parameters"), self._counterparts.tensors("buffers")
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates)) if self.warmup else self.decay
        averaged = [pair for pair in pairs if pair[0].is_floating_point() or pair[0].is_complex()]
        # Interpolation leaves equal numbers equal, which decay * average + (1 - decay) * weight does not.
        if averaged:
            wide = [_as(average, weight) for average, weight in averaged]
            torch._foreach_lerp_([average for average, _ in averaged], wide, 1.0 - decay)
        copied += [pair for pair in pairs if not (pair[0].is_floating_point() or pair[0].is_complex())]
        for copy_of, tensor in copied:
            copy_of.copy_(tensor)
        self._counterparts.follow()

    def state_dict(self) -> dict[str, Any]:
        """Return the averaged weights by plain names and the number of updates."""
        return {"version": VERSION, "updates": self.updates, "network": network_state(self.network)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state that `state_dict` returned.

        Raises:
            ValueError: The state is of another version, belongs to another network, or holds weights that are not finite;
                all faults are listed.
        """
        check_version("a weight average", state, VERSION, "updates", "network")
        check_count("a weight average", "updates", state["updates"])
        averaged = {plain_name(name) for name, _ in self.network.named_parameters(remove_duplicate=False)}
        load_fitting_state(self.network, state["network"], finite=averaged)
        self.updates = state["updates"]


@torch.inference_mode(False)  # or the average could be changed in that mode only
def _averaged_copy(network: nn.Module) -> nn.Module:
    refuse_lazy(network)
    try:
        with torch.no_grad():  # copies of scripted modules would have a graph
            copied = copy.deepcopy(network)
    except Exception as error:
        if lacks_memory(error):
            raise
        raise ValueError(
            f"network must be one that copy.deepcopy can copy, got: {error}{_cure(network, error)}"
        ) from error
    for tensor in (*copied.parameters(), *copied.buffers()):
        # In place of the data, so that tied parameters stay tied.
        if tensor.is_floating_point() and tensor.dtype.itemsize < torch.float32.itemsize:
            tensor.data = tensor.data.float()
        elif tensor.dtype == torch.complex32:
            tensor.data = tensor.data.to(torch.complex64)
    for parameter in copied.parameters():  # not by the module's method, which scripted modules lack
        parameter.requires_grad_(False)
    return copied.eval()


def _cure(network: nn.Module, error: Exception) -> str:
    computed = [
        f"{name}.{attribute}".removeprefix(".")
        for name, module in network.named_modules()
        for attribute, value in vars(module).items()
        if isinstance(value, torch.Tensor) and value.grad_fn is not None
    ]
    if computed:
        return (
            f" (the attribute {computed[0]!r} is the result of a computation; torch.nn.utils.spectral_norm and weight_norm "
            "keep such ones, those of torch.nn.utils.parametrizations do not)"
        )
    return " (make the average before fully_shard)" if isinstance(error, AssertionError) else ""


def _as(average: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (weight if is_sharded(average) else whole(weight)).to(average.dtype)
