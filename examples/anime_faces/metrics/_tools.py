"""What an evaluation works with: a machine, networks that look at pictures, and a cache for what they see in real ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import torch

from examples.anime_faces.judge import Untrained, encode, encode_with, load_card, load_encoder, load_judge, read
from examples.anime_faces.metrics._cache import Cache
from examples.anime_faces.metrics._features import Features
from examples.anime_faces.metrics._readings import Readings
from examples.anime_faces.systems import Hardware

Key: TypeAlias = Mapping[str, object]
"""What a set of real pictures depends on, besides the data set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Seconds of each kind of work, as measured on this machine; 0 where nothing was measured.

    Args:
        draw: To draw one sample.
        render: To render one fresh picture.
        read: To put one picture through all networks that look at it.
        score: To train the student of the classification score.
    """

    draw: float = 0.0
    render: float = 0.0
    read: float = 0.0
    score: float = 0.0

    def of(self, samples: int) -> float:
        """Return the seconds that all figures but the classification score take for a number of samples."""
        return samples * (self.draw + 2 * self.render + 3 * self.read)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Everything that figures are computed with.

    Args:
        hardware: What they are computed on.
        features: The user's own feature network instead of the encoder.
        cache: Where what networks see in real pictures is kept.
        costs: What each kind of work takes.
    """

    hardware: Hardware = field(default_factory=Hardware)
    features: Features | None = None
    cache: Cache = field(default_factory=Cache)
    costs: Costs = field(default_factory=Costs)

    def vectors(self, images: torch.Tensor, key: Key | None = None) -> torch.Tensor:
        """Return the vectors of the encoder or of the user's network, ``(n, features)``.

        Args:
            images: uint8 pictures ``(n, 3, size, size)``.
            key: What real pictures depend on, to keep their vectors. None: they are samples.
        """
        if self.features is not None:  # nobody knows when it changes, so nothing is kept
            return encode_with(self.features, images, self.hardware.device).to(self.hardware.device)
        return self.encoded(images, key).to(self.hardware.device)

    def encoded(self, images: torch.Tensor, key: Key | None = None) -> torch.Tensor:
        """Return the vectors of the encoder, whatever the user's network, ``(n, features)`` on the CPU."""

        def make() -> dict[str, torch.Tensor]:
            return {"vectors": encode(load_encoder(self.hardware.device), images)}

        return self._kept("encoder", _sha("encoder"), key, make)["vectors"]

    def parts(self, images: torch.Tensor, key: Key | None = None) -> torch.Tensor:
        """Return the vectors of the untrained network, ``(n, parts, features)``."""

        def make() -> dict[str, torch.Tensor]:
            network = Untrained().to(self.hardware.device)
            flat = encode_with(lambda batch: network(batch).flatten(1), images, self.hardware.device)
            return {"vectors": flat}

        flat = self._kept("untrained", Untrained.version, key, make)["vectors"]
        return flat.unflatten(1, (-1, Untrained.part_features)).to(self.hardware.device)

    def readings(self, images: torch.Tensor, key: Key | None = None) -> Readings:
        """Return what the judge reads from pictures."""

        def make() -> dict[str, torch.Tensor]:
            found = read(load_judge(self.hardware.device), images)
            return {name: torch.from_numpy(values) for name, values in found.items()}

        return {name: values.numpy() for name, values in self._kept("judge", _sha("judge"), key, make).items()}

    def _kept(
        self, network: str, version: object, key: Key | None, make: Callable[[], dict[str, torch.Tensor]]
    ) -> dict[str, torch.Tensor]:
        return make() if key is None else self.cache.get(network, {"network": version, **key}, make)


def _sha(network: str) -> str:
    return load_card(network)["file"]["sha256"]
