"""Checks of the callables that build layers."""

from functools import partial

import pytest
from torch import nn

from gankit._core import check_factory, check_out_of_place


def test_classes_functions_and_partials_pass() -> None:
    for factory in (nn.ReLU, partial(nn.LeakyReLU, 0.2), str):
        check_factory("activation", factory)


def test_a_finished_layer_and_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"norm must be .* got the finished layer BatchNorm2d\(3"):
        check_factory("norm", nn.BatchNorm2d(3))
    with pytest.raises(ValueError, match=r"norm must be .* \(nn.Identity for none\), got None"):
        check_factory("norm", None)  # type: ignore[arg-type]


def test_in_place_layers_are_found_at_any_depth() -> None:
    check_out_of_place("activation", nn.Sequential(nn.ReLU(), nn.SiLU()))
    with pytest.raises(ValueError, match=r"activation must not work in place, got SiLU\(inplace=True\)"):
        check_out_of_place("activation", nn.Sequential(nn.ReLU(), nn.Sequential(nn.SiLU(inplace=True))))
