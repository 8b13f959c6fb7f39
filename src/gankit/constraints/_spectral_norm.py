"""Spectral normalization of a whole network."""

import torch
from torch import nn
from torch.nn.utils import parametrizations

from gankit._core import check_at_least, values_are_at_hand

LAYERS = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)


def spectral_norm_(network: nn.Module, *, power_iterations: int = 1) -> None:
    """Divide the weight of every linear and convolutional layer by its largest singular value, in place and from now on.

    It is torch's own ``parametrizations.spectral_norm``, once for each layer: layers that have it already are left as they are.
    Parameters stay the same objects, so that an optimizer that knows them still does. Each layer is then 1-Lipschitz as a
    matrix, a convolution as the matrix of its flattened kernel, which is not quite that of the convolution.

    What a penalty on such a critic should know:

    - The singular value is followed by power iteration, which moves with **every forward pass in training mode**. The passes
      of one step (real, fake, penalty) therefore divide by slightly different numbers, and the same call twice gives two
      values. In eval mode nothing moves.
    - Check gradients numerically in eval mode only: in training mode each evaluation is another function.
    - Second derivatives are right, also through the singular value.
    - The power iteration is not in the graph, and its vectors are buffers: average, save and broadcast them.
    - A critic whose layers all have it must not be compiled alone under a penalty (torch drops the penalty without a word;
      gankit raises): compile the whole step.

    Args:
        network: The network; its linear layers and convolutions, transposed ones too, are parametrized. Embeddings are not.
        power_iterations: Iterations a forward pass, 1 or more.

    Raises:
        ValueError: `network` is no module or has no such layer, `power_iterations` is no whole number above 0, a weight is
            all zero (it has no direction to follow; seen on the CPU), has no shape yet, or has the old
            ``torch.nn.utils.spectral_norm``. Nothing is changed then.

    Example:
        >>> import torch
        >>> from gankit.constraints import spectral_norm_
        >>> critic = torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
        >>> spectral_norm_(critic)
        >>> torch.linalg.matrix_norm(critic[2].weight, ord=2).allclose(torch.tensor(1.0))
        True

    The first vectors are drawn from the default generator of the weight's device.

    Reference:
        Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks", algorithm 1. Their program also
        normalizes embeddings. torch's old form (``torch.nn.utils.spectral_norm``, in StudioGAN and others) computes the same
        number, but its layers cannot be copied by ``copy.deepcopy`` once they have run.
    """
    check_at_least("power_iterations", power_iterations, 1)
    if not isinstance(network, nn.Module):
        raise ValueError(f"network must be a torch.nn.Module, got {type(network).__name__}")
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, LAYERS)}
    if not layers:
        raise ValueError("network must have linear layers or convolutions, got a module without any")
    waiting = {name: layer for name, layer in layers.items() if not _has_it(layer)}
    for name, layer in waiting.items():
        _check_weight(f"{name}.weight" if name else "weight", layer)
    for layer in waiting.values():
        parametrizations.spectral_norm(layer, n_power_iterations=power_iterations)


def _has_it(layer: nn.Module) -> bool:
    # torch's class of the parametrization is private; its public function says by name what it registers.
    registered = getattr(layer, "parametrizations", {})
    return "weight" in registered and any(type(part).__name__ == "_SpectralNorm" for part in registered["weight"])


def _check_weight(name: str, layer: nn.Module) -> None:
    if hasattr(layer, "weight_orig"):
        raise ValueError(
            f"network must not have torch.nn.utils.spectral_norm already, got it in {name!r}: remove it with "
            "torch.nn.utils.remove_spectral_norm first"
        )
    weight = layer.weight
    assert isinstance(weight, torch.Tensor)
    if isinstance(weight, nn.UninitializedParameter):
        raise ValueError(f"network must know its shapes, got {name!r} without one: run a batch through it first")
    if values_are_at_hand(weight) and not bool(weight.any()):
        raise ValueError(f"network must have weights that are not all zero, got {name!r}: its norm is 0, to divide by")
