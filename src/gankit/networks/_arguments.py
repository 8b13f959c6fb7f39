"""Checks of the arguments of networks and of their inputs."""

import torch

from gankit._core import Condition, Images, Labels, Latents, check_at_least, check_batch, check_floating
from gankit.embedders import Embedder


def count_doublings(resolution: int, base: int) -> int:
    """Return the k of ``resolution = base * 2**k``, k at least 1; otherwise name the nearest possible resolutions."""
    check_at_least("base", base, 1)
    check_at_least("resolution", resolution, 1)
    doublings = max(1, (resolution // base).bit_length() - 1)
    if base << doublings != resolution:
        below, above = base << doublings, base << (doublings + 1)
        near = f"{below} or {above}" if resolution > below else f"{below}"
        fits = [str(other) for other in range(3, 9) if _reaches(resolution, other)]
        hint = f"; {resolution} is possible with base {' or '.join(fits)}" if fits else ""
        raise ValueError(
            f"resolution must be base * 2**k with k at least 1, got {resolution} with base={base}: the nearest are {near}{hint}"
        )
    return doublings


def _reaches(resolution: int, base: int) -> bool:
    times, rest = divmod(resolution, base)
    return rest == 0 and times >= 2 and times & (times - 1) == 0


def vector_length(embedder: Embedder | None, *, required: bool = False) -> int:
    """Return the length of the embedder's vectors, or 0 without an embedder; refuse anything that is not an embedder."""
    if embedder is None and not required:
        return 0
    length = getattr(embedder, "out_features", None)
    if not callable(embedder) or isinstance(length, bool) or not isinstance(length, int) or length < 1:
        raise ValueError(
            f"embedder must turn labels into vectors of `out_features` numbers, as OneHotEmbedder(12) does, got {embedder!r}"
        )
    return length


def embed(embedder: Embedder | None, labels: Labels | None, samples: int) -> Condition | None:
    """Return the condition of each sample, or None for an unconditional network."""
    if embedder is None:
        if labels is not None:
            given = f"shape {tuple(labels.shape)}" if isinstance(labels, torch.Tensor) else f"{labels!r}"
            raise ValueError(f"labels must be left out: this network has no embedder, got {given}")
        return None
    if labels is None:
        raise ValueError("labels must be given: this network has an embedder, got None")
    condition = embedder(labels)
    if tuple(condition.shape) != (samples, embedder.out_features):
        raise ValueError(
            f"labels must give one vector per sample, ({samples}, {embedder.out_features}), got {tuple(condition.shape)}"
        )
    return condition


def check_latents(latents: Latents, latent_features: int) -> None:
    """Refuse latents of another shape, or of an integer dtype."""
    check_floating("latents", latents)
    if latents.ndim != 2 or latents.shape[1] != latent_features:
        raise ValueError(f"latents must have shape (n, {latent_features}), got {tuple(latents.shape)}")
    check_batch("latents", latents)


def check_images(images: Images, channels: int, resolution: int) -> None:
    """Refuse images of another shape, or of an integer dtype."""
    check_floating("images", images)
    if tuple(images.shape[1:]) != (channels, resolution, resolution):
        raise ValueError(
            f"images must have shape (n, {channels}, {resolution}, {resolution}), got {tuple(images.shape)}"
        )
    check_batch("images", images)


def parameter_count(network: torch.nn.Module) -> str:
    """Return the number of parameters of a network as text for its `repr`."""
    return f"parameters={sum(parameter.numel() for parameter in network.parameters()):,}"


def check_halvable_images(images: Images, channels: int, factor: int) -> None:
    """Refuse images with other channels, of an integer dtype, or whose height or width `factor` does not divide."""
    check_floating("images", images)
    if images.ndim != 4 or images.shape[1] != channels:
        raise ValueError(f"images must have shape (n, {channels}, height, width), got {tuple(images.shape)}")
    if images.shape[2] % factor or images.shape[3] % factor:
        raise ValueError(f"images must have a height and width divisible by {factor}, got shape {tuple(images.shape)}")
    check_batch("images", images)


def count_positions(resolution: int, halvings: int) -> int:
    """Return the height of a square picture after `halvings` halvings; refuse one that cannot be halved so often."""
    check_at_least("halvings", halvings, 1)
    check_at_least("resolution", resolution, 1)
    if resolution % (1 << halvings):
        possible = (resolution & -resolution).bit_length() - 1
        raise ValueError(
            f"resolution must be divisible by 2**halvings, {1 << halvings}, got {resolution} with halvings={halvings}: "
            f"it can be halved {possible} times"
        )
    return resolution >> halvings
