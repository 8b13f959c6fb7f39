"""Checks of the callables that build layers."""

from functools import partial

import pytest
import torch
from torch import nn

from gankit._core import build_layer, check_factory, check_out_of_place, layer_builder


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


def test_what_is_built_is_a_layer() -> None:
    assert isinstance(build_layer("activation", nn.ReLU), nn.ReLU)
    assert build_layer("norm", nn.BatchNorm2d, 5).num_features == 5
    assert layer_builder("convolution", partial(nn.Conv2d, kernel_size=3))(2, 7).out_channels == 7


def test_callables_that_build_no_layer_are_refused() -> None:
    with pytest.raises(ValueError, match=r"norm must build a torch\.nn\.Module, got <function .*, which gives None"):
        build_layer("norm", lambda channels: None, 3)
    with pytest.raises(
        ValueError, match=r"norm must be a callable .* got <class .*GroupNorm'>; called with 3: .*missing"
    ):
        build_layer("norm", nn.GroupNorm, 3)
    with pytest.raises(
        ValueError, match=r"activation must be .* got <built-in .* called with nothing: relu\(\) missing"
    ):
        build_layer("activation", torch.relu)
    with pytest.raises(ValueError, match=r"output must be a callable that builds a layer, .* the finished layer Tanh"):
        layer_builder("output", nn.Tanh())
    with pytest.raises(
        ValueError, match=r"norm must be a callable that builds a layer, .* the finished layer Identity"
    ):
        build_layer("norm", nn.Identity(), 3)
