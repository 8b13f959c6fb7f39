"""The table of small GANs: each is trained, and a batch may be split where the table says so."""

import pytest
import torch
from support.update_nets import CASES, SEPARATE, SGD, Gan, trained

from gankit.training import Accumulated


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("whole", [True, False])
def test_every_parameter_moves(name: str, whole: bool) -> None:
    before, (after, logged) = Gan(name, whole=whole).state(), trained(name, whole=whole)
    same = [key for key, value in after.items() if torch.equal(value, before[key])]
    assert not [key for key in same if not key.endswith("_u")]  # of a weight with one row it is 1
    assert [sorted(each) for each in logged] == [["loss", "penalty", "real"], ["loss"]] * 3
    assert all(torch.isfinite(value) for each in logged for value in each.values())


@pytest.mark.parametrize("name", SEPARATE)
def test_parts_of_a_batch_train_as_the_whole_of_it(name: str) -> None:
    if name == "spectral norm":
        pytest.skip("each forward pass in training mode moves its estimate of the norm")
    expected = trained(name, whole=False, optimizer=SGD)
    found = trained(name, lambda: Accumulated(2), whole=False, optimizer=SGD)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_two_plays_are_the_same() -> None:
    torch.testing.assert_close(trained("dropout"), trained("dropout"), rtol=0, atol=0)
