"""What a run computes on."""

import pytest

import gankit as gk
from examples.anime_faces.systems import Hardware


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"precision": "half"}, "precision must be one of"),
        ({"threads": 0}, "threads"),
        ({"gradients": "traced"}, "gradients must be one of"),
    ],
)
def test_hardware_is_checked(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Hardware(**wrong)  # pyright: ignore[reportArgumentType]


def test_the_parts_of_an_update_follow_the_hardware() -> None:
    assert isinstance(Hardware().gradient_part(), gk.training.Eager)
    assert isinstance(Hardware(gradients="compiled").gradient_part(), gk.training.Compiled)
    graphed = Hardware(device="cuda", gradients="graphed")
    assert isinstance(graphed.gradient_part(), gk.training.Graphed)
    assert graphed.gradient_part() is not graphed.gradient_part()  # each update has a part of its own
    assert str(graphed) == "cuda, float32, channels last, 1 CPU thread, graphed updates"
    assert str(Hardware()) == "cpu, float32, channels last, 1 CPU thread"
    assert Hardware(precision="bfloat16").stepper() is None
    assert isinstance(Hardware(precision="float16").stepper(), gk.training.ScaledStepper)
