"""The noise of pictures: drawn again beyond a bound, multiplied, refused."""

from functools import partial
from typing import Any

import pytest
import torch

import gankit as gk
from examples.anime_faces.run._noise import Noise

NORMAL = partial(gk.latents.normal_latents, features=50)


def rng(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("bound", "deviation"), [(0.1, 0.0576), (0.5, 0.2839), (1.0, 0.5396), (2.0, 0.8796)])
def test_truncated_noise_is_distributed_as_normal_numbers_within_the_bound(bound: float, deviation: float) -> None:
    drawn = Noise(truncation=bound).draw(NORMAL, 2000, rng())
    assert drawn.shape == (2000, 50)
    assert float(drawn.abs().max()) < bound  # a clamp would leave many numbers at the bound itself
    assert float(drawn.std()) == pytest.approx(deviation, rel=0.02)
    assert abs(float(drawn.mean())) < 0.01


def test_the_same_seed_draws_the_same_and_keeps_what_is_within_the_bound() -> None:
    first, other = rng(), rng()
    usual, truncated = Noise().draw(NORMAL, 7, first), Noise(truncation=0.8).draw(NORMAL, 7, other)
    assert torch.equal(first.get_state(), other.get_state())  # what is drawn afterwards stays as well
    inside = usual.abs() <= 0.8
    assert 0 < int(inside.sum()) < inside.numel()
    assert torch.equal(usual[inside], truncated[inside])
    assert torch.equal(truncated, Noise(truncation=0.8).draw(NORMAL, 7, rng()))
    assert not torch.equal(truncated, Noise(truncation=0.8).draw(NORMAL, 7, rng(2)))


def test_numbers_that_are_drawn_again_differ_from_seed_to_seed_and_from_the_noise_of_other_seeds() -> None:
    again = []
    for seed in range(4):
        usual, truncated = NORMAL(3, rng=rng(seed)), Noise(truncation=0.5).draw(NORMAL, 3, rng(seed))
        again.append(set(truncated[usual.abs() > 0.5].tolist()))
        assert all(again[-1].isdisjoint(NORMAL(3, rng=rng(other)).flatten().tolist()) for other in range(8))
    assert all(one.isdisjoint(other) for place, one in enumerate(again) for other in again[:place])


def test_the_temperature_comes_after_the_bound() -> None:
    cold = Noise(temperature=0.25, truncation=0.8).draw(NORMAL, 7, rng())
    assert torch.equal(cold, 0.25 * Noise(truncation=0.8).draw(NORMAL, 7, rng()))
    assert torch.equal(Noise(temperature=0.25).draw(NORMAL, 7, rng()), 0.25 * NORMAL(7, rng=rng()))


def test_noise_of_any_kind_can_be_truncated_if_enough_of_it_is_within_the_bound() -> None:
    uniform = Noise(truncation=0.3).draw(partial(gk.latents.uniform_latents, features=50), 400, rng())
    assert 0.29 < float(uniform.abs().max()) <= 0.3
    assert float(uniform.std()) == pytest.approx(0.3 / 3**0.5, rel=0.02)
    with pytest.raises(ValueError, match=r"--truncation 0\.5 leaves hardly any noise of this recipe: raise it"):
        Noise(truncation=0.5).draw(lambda count, *, rng: torch.ones(count, 3), 2, rng())


def test_numbers_at_the_bound_are_within_it() -> None:
    """Draws +0.5 and then 9 again and again, until a 0.25: only numbers beyond the bound are drawn again."""
    rows = iter([[0.5, -0.5, 9.0], [9.0, 9.0, 9.0], [0.125, 0.125, 0.25]])
    drawn = Noise(truncation=0.5).draw(lambda count, *, rng: torch.tensor([next(rows)] * count), 2, rng())
    assert drawn.tolist() == [[0.5, -0.5, 0.25]] * 2


def test_what_is_changed_is_said() -> None:
    assert Noise().changes == {}
    assert str(Noise()) == ""
    assert Noise(temperature=0.0).changes == {"temperature": 0.0}
    assert str(Noise(temperature=1.5, truncation=2.0)) == "temperature 1.5, truncation 2"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *[
            ({"temperature": number}, f"--temperature must be 0 or more and finite, but it is {number}")
            for number in (-0.1, float("inf"), float("nan"))
        ],
        *[
            ({"truncation": number}, f"--truncation must be at least 0.1 and finite, but it is {number}$")
            for number in (float("inf"), float("nan"))
        ],
        *[
            (
                {"truncation": number},
                f"--truncation must be at least 0.1 and finite, but it is {number}: --temperature makes all noise smaller$",
            )
            for number in (-1.0, 0.0, 0.09)
        ],
    ],
)
def test_numbers_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Noise(**options)
