import pytest
import torch

from examples.anime_faces.systems import base_and_doublings, from_unit_range, luminance, to_unit_range


@pytest.mark.parametrize(
    ("size", "expected"),
    [(32, (4, 3)), (40, (5, 3)), (48, (6, 3)), (56, (7, 3)), (64, (4, 4)), (96, (6, 4)), (128, (4, 5))],
)
def test_sizes_that_work(size: int, expected: tuple[int, int]) -> None:
    assert base_and_doublings(size) == expected
    assert expected[0] * 2 ** expected[1] == size


@pytest.mark.parametrize(
    ("size", "near"),
    [
        (65, ("64", "80")),
        (100, ("96", "112")),
        (7, ("8",)),
        (72, ("64", "80")),
        (0, ("; 8 would",)),
        (9999, ("; 1792 would",)),
    ],
)
def test_other_sizes_name_the_nearest(size: int, near: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=f"size must be .* but it is {size}") as caught:
        base_and_doublings(size)
    assert all(number in str(caught.value) for number in near)


def test_there_and_back() -> None:
    drawn = torch.sigmoid(torch.randn(5, 3))
    centered = from_unit_range(drawn)
    torch.testing.assert_close(to_unit_range(centered), drawn)
    torch.testing.assert_close(centered, 2 * drawn - 1)
    assert float(centered.min()) < 0


def test_ends_of_the_range() -> None:
    torch.testing.assert_close(to_unit_range(torch.tensor([-1.0, 0.0, 1.0])), torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(from_unit_range(torch.tensor([0.0, 0.5, 1.0])), torch.tensor([-1.0, 0.0, 1.0]))


def test_gray_forms_keep_the_range_and_gray_pictures() -> None:
    gray = torch.rand(2, 1, 3, 5) * 2 - 1
    torch.testing.assert_close(luminance(gray.expand(-1, 3, -1, -1)), gray)
    primary = torch.eye(3)[:, :, None, None]
    torch.testing.assert_close(luminance(primary).flatten(), torch.tensor([0.299, 0.587, 0.114]))
    torch.testing.assert_close(luminance(torch.ones(1, 3, 2, 2)), torch.ones(1, 1, 2, 2))
