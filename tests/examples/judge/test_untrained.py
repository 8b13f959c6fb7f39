"""The network that was never trained: the same everywhere, and sensitive to what the encoder overlooks."""

import pytest
import torch

from examples.anime_faces.judge import Untrained
from examples.anime_faces.judge._untrained import _filters


def picture() -> torch.Tensor:
    """A picture without random numbers."""
    line = torch.arange(64)
    red, green, blue = line[:, None] * 3 % 256, line[None, :] * 7 % 256, (line[:, None] + line[None, :]) * 5 % 256
    return torch.stack([red.expand(64, 64), green.expand(64, 64), blue]).to(torch.uint8)[None]


def test_the_weights_are_these_on_every_machine_and_for_every_version():
    filters = _filters(2019)
    torch.testing.assert_close(
        filters[0, 0, 0], torch.tensor([-0.1763486, -0.0551428, -0.096665, 0.1593613, -0.1537666]), atol=1e-6, rtol=1e-6
    )


def test_the_vectors_are_these():
    vectors = Untrained()(picture())
    assert vectors.shape == (1, 16, 27)
    torch.testing.assert_close(
        vectors[0, 5, :6], torch.tensor([-0.44706, 0.2902, 0.32549, 0.09438, 0.07252, 0.09639]), atol=1e-4, rtol=1e-4
    )


def test_does_not_touch_the_random_state():
    before = torch.get_rng_state()
    torch.manual_seed(1)
    first = Untrained().state_dict()
    torch.manual_seed(2)
    second = Untrained().state_dict()
    torch.set_rng_state(before)
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("size", [32, 48, 64, 128])
def test_a_flat_picture_has_only_its_color(size: int):
    color = torch.tensor([30, 120, 250], dtype=torch.uint8)
    vectors = Untrained()(color[None, :, None, None].expand(2, 3, size, size))
    torch.testing.assert_close(vectors[0, :, :3], (color / 127.5 - 1.0).expand(16, 3))
    torch.testing.assert_close(vectors[:, :, 3:], torch.zeros(2, 16, 24), atol=1e-4, rtol=0.0)


def test_a_change_is_seen_in_its_part_alone():
    changed = picture()
    changed[:, :, 20:28, 36:44] = 0
    difference = (Untrained()(changed) - Untrained()(picture())).abs().amax(dim=2)[0]
    assert int(difference.argmax()) == 6  # second row, third column
    assert float(difference[[0, 3, 12, 15]].max()) < 0.05 * float(difference.max())
