"""The roles that tensors play, as annotations that a reader (and a documentation page) sees."""

from collections.abc import Callable
from typing import Annotated, TypeAlias

import torch

Scores: TypeAlias = Annotated[torch.Tensor, "what the critic returns: one score a sample, or a map of them; any shape"]
Images: TypeAlias = Annotated[torch.Tensor, "(n, channels, height, width), usually in -1..1"]
Latents: TypeAlias = Annotated[torch.Tensor, "(n, latent_features), what the generator draws its variety from"]
Labels: TypeAlias = Annotated[torch.Tensor, "(n,) or (n, attributes), int64 class ids"]
Condition: TypeAlias = Annotated[torch.Tensor, "(n, features), the vector that an embedder makes of a label"]
Scalar: TypeAlias = Annotated[torch.Tensor, "0-d"]
Critic: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""Samples in, scores out. Conditions are bound by a lambda: ``lambda x: critic(x, labels)``."""
