"""Layers in numpy float64, written from their definitions: loops over the kernel's taps, no torch."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
State = Mapping[str, Array]
Norm = Callable[[Array, str], Array]


def convolve(x: Array, weight: Array, bias: Array | None, stride: int = 1, padding: int = 0) -> Array:
    """Cross-correlation: each tap of the kernel multiplies a shifted picture."""
    taps = weight.shape[2]
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    height = (padded.shape[2] - taps) // stride + 1
    width = (padded.shape[3] - taps) // stride + 1
    result = np.zeros((x.shape[0], weight.shape[0], height, width))
    for i in range(taps):
        for j in range(taps):
            piece = padded[:, :, i : i + stride * height : stride, j : j + stride * width : stride]
            result += np.einsum("nchw,oc->nohw", piece, weight[:, :, i, j])
    return result if bias is None else result + bias[None, :, None, None]


def convolve_transposed(x: Array, weight: Array, bias: Array | None, stride: int, padding: int) -> Array:
    """Add the kernel to the result once for every pixel, multiplied by the pixel."""
    n, _, height, width = x.shape
    taps = weight.shape[2]
    stamped = np.zeros((n, weight.shape[1], stride * (height - 1) + taps, stride * (width - 1) + taps))
    for i in range(taps):
        for j in range(taps):
            stamped[:, :, i : i + stride * height : stride, j : j + stride * width : stride] += np.einsum(
                "nchw,co->nohw", x, weight[:, :, i, j]
            )
    cut = stamped[:, :, padding : stamped.shape[2] - padding, padding : stamped.shape[3] - padding]
    return cut if bias is None else cut + bias[None, :, None, None]


def repeat_pixels(x: Array) -> Array:
    return np.repeat(np.repeat(x, 2, axis=2), 2, axis=3)


def interpolate_pixels(x: Array) -> Array:
    """Bilinear, pixels as areas: the center of a new pixel is a quarter of an old pixel away from an old center."""
    for axis in (2, 3):
        size = x.shape[axis]
        before = np.take(x, [max(i - 1, 0) for i in range(size)], axis)
        after = np.take(x, [min(i + 1, size - 1) for i in range(size)], axis)
        pieces = np.stack((0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after), axis + 1)
        shape = list(x.shape)
        shape[axis] = 2 * size
        x = pieces.reshape(shape)
    return x


def mean_of_pixels(x: Array) -> Array:
    samples, channels, height, width = x.shape
    result = np.zeros((samples, channels, height // 2, width // 2))
    for i in range(height // 2):
        for j in range(width // 2):
            result[:, :, i, j] = x[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean(axis=(2, 3))
    return result


def normalize(x: Array, axes: tuple[int, ...], epsilon: float = 1e-5) -> Array:
    mean = x.mean(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(axis=axes, keepdims=True) + epsilon)


def per_channel(x: Array, gain: Array, shift: Array) -> Array:
    return x * gain[None, :, None, None] + shift[None, :, None, None]


def no_norm(x: Array, _: str) -> Array:
    return x


def batch_norm(state: State, *, training: bool) -> Norm:
    """Batch norm whose values come from a state dict, under the layer's name."""

    def apply(x: Array, name: str) -> Array:
        if training:
            normalized = normalize(x, (0, 2, 3))
        else:
            deviation = np.sqrt(state[f"{name}.running_var"] + 1e-5)
            normalized = per_channel(x, 1 / deviation, -state[f"{name}.running_mean"] / deviation)
        return per_channel(normalized, state[f"{name}.weight"], state[f"{name}.bias"])

    return apply


def layer_norm(state: State) -> Norm:
    """Over channels and positions of each sample, with one gain and one shift per channel."""

    def apply(x: Array, name: str) -> Array:
        return per_channel(normalize(x, (1, 2, 3)), state[f"{name}.weight"], state[f"{name}.bias"])

    return apply


def conditional_batch_norm(state: State, condition: Array, *, training: bool) -> Norm:
    """Batch norm with the gain ``1 + G c`` and the shift ``S c`` of each sample's condition c."""

    def apply(x: Array, name: str) -> Array:
        if training:
            normalized = normalize(x, (0, 2, 3))
        else:
            deviation = np.sqrt(state[f"{name}.normalize.running_var"] + 1e-5)
            normalized = per_channel(x, 1 / deviation, -state[f"{name}.normalize.running_mean"] / deviation)
        result = np.empty_like(normalized)
        for sample, vector in enumerate(condition):
            gain = 1 + state[f"{name}.gain.weight"] @ vector
            shift = state[f"{name}.shift.weight"] @ vector
            result[sample] = normalized[sample] * gain[:, None, None] + shift[:, None, None]
        return result

    return apply


def relu(x: Array) -> Array:
    return np.where(x > 0, x, 0.0)


def leaky_relu(x: Array) -> Array:
    return np.where(x > 0, x, 0.2 * x)


def pre_activation_block(
    state: State,
    name: str,
    x: Array,
    norm: Norm = no_norm,
    *,
    resample: str = "same",
    first: bool = False,
    activated_shortcut: bool = False,
) -> Array:
    """The block of He et al. 2016, figure 4(e), with WGAN-GP's resampling; `name` is the prefix of its layers."""

    def layer(part: str, maps: Array, padding: int) -> Array:
        return convolve(maps, state[f"{name}{part}.weight"], state[f"{name}{part}.bias"], padding=padding)

    h = x if first else relu(norm(x, f"{name}norm1"))
    if activated_shortcut and f"{name}shortcut.weight" in state:
        x = h
    if resample == "up":
        h = repeat_pixels(h)
    h = relu(norm(layer("conv1", h, 1), f"{name}norm2"))
    h = layer("conv2", h, 1)
    if resample == "down":
        h = mean_of_pixels(h)
    if f"{name}shortcut.weight" not in state:
        return x + h
    if resample == "up":
        return layer("shortcut", repeat_pixels(x), 0) + h
    if resample == "down" and first:
        return layer("shortcut", mean_of_pixels(x), 0) + h
    carried = layer("shortcut", x, 0)
    return (mean_of_pixels(carried) if resample == "down" else carried) + h
