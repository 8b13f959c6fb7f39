"""Runs whose updates are compiled, or whose losses are scaled for float16."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch

import gankit as gk
from examples.anime_faces.run import TrainRequest, load_any_checkpoint, train
from examples.anime_faces.systems._hardware import GRADIENTS

RequestMaker = Callable[..., TrainRequest]
pytestmark = pytest.mark.usefixtures("without_curves")


def test_a_compiled_run_says_how_long_compiling_took_and_computes_the_same(
    request_for: RequestMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(GRADIENTS, "compiled", partial(gk.training.Compiled, backend="aot_eager"))
    request = request_for("dcgan", steps=3, gradients="compiled")
    train(request)
    printed = capsys.readouterr().out
    assert "compiled updates (as asked)" not in printed
    assert printed.count("compiled  updates of step 1 for the first time: ") == 1
    eager = replace(request, gradients=None, out=request.out.parent / "eager")
    train(eager)
    assert "compiled  " not in capsys.readouterr().out
    states = [load_any_checkpoint(one.out)["networks"] for one in (request, eager)]
    torch.testing.assert_close(*states, rtol=1e-4, atol=1e-5)


def test_a_run_in_float16_scales_its_losses_and_resumes_bit_for_bit(request_for: RequestMaker) -> None:
    whole = request_for("dcgan", steps=4, precision="float16")
    outcome = train(whole)
    in_parts = replace(whole, out=whole.out.parent / "parts", steps=2)
    train(in_parts)
    assert train(replace(in_parts, steps=4)).digest == outcome.digest
    steppers = [one["stepper"] for one in load_any_checkpoint(whole.out)["updates"].values()]
    assert all(float(one["scale"]) > 1 for one in steppers)
