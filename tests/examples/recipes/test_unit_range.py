import torch
from torch import nn

from examples.anime_faces.recipes._unit_range import Centered, to_unit_range


class Joined(nn.Module):
    def forward(self, latents: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(latents + 3 * condition)


def test_there_and_back() -> None:
    latents, condition = torch.randn(5, 3), torch.randn(5, 3)
    drawn = Joined()(latents, condition)
    centered = Centered(Joined())(latents, condition)
    torch.testing.assert_close(to_unit_range(centered), drawn)
    assert float(centered.min()) < 0


def test_ends_of_the_range() -> None:
    torch.testing.assert_close(to_unit_range(torch.tensor([-1.0, 0.0, 1.0])), torch.tensor([0.0, 0.5, 1.0]))
