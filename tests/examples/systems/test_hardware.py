"""What a run computes on."""

import pytest

from examples.anime_faces.systems import Hardware, choose_hardware


@pytest.mark.parametrize(
    ("wrong", "message"), [({"precision": "half"}, "precision must be one of"), ({"threads": 0}, "threads")]
)
def test_hardware_is_checked(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Hardware(**wrong)  # pyright: ignore[reportArgumentType]


def test_hardware_is_chosen_by_itself() -> None:
    hardware, reason = choose_hardware(device="cpu", threads=1)
    assert hardware.precision in ("float32", "bfloat16")
    assert "of its float32 time in bfloat16" in reason
    assert choose_hardware(device="cpu", precision="float32")[1] == "as asked"
