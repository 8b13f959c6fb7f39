"""Hostile files of weights: wrong lengths, flipped bits, compressed arrays. Each is refused."""

import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from embedders.published import SHAPES, head, literal, write_model
from hypothesis import given, strategies as st

from gankit.embedders import SkipThoughts

MEGABYTE = 2**20


def test_weights_are_read_in_either_order_of_memory(tmp_path: Path) -> None:
    write_model(tmp_path)
    plain = SkipThoughts(tmp_path)(["blue hair"])
    with np.load(tmp_path / "uni_skip.npz") as archive:
        arrays = {name: np.asfortranarray(archive[name]) for name in archive}
    np.savez(tmp_path / "uni_skip.npz", allow_pickle=False, **arrays)
    assert np.array_equal(SkipThoughts(tmp_path)(["blue hair"]), plain)


def _members(contents: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name in SHAPES:
                archive.writestr(f"encoder_{name}.npy", contents.get(name, b""))

    return write


def _marked_as_encrypted(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    for magic, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        whole[whole.find(magic) + flags] |= 1
    path.write_bytes(whole)


def _of_a_later_version(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    place = -1
    while (place := whole.find(b"PK\x01\x02", place + 1)) >= 0:
        whole[place + 6] = 99
    path.write_bytes(whole)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_members({"W": head("(1000000, 1000000)")}), r"encoder_W declares the shape \(1000000, 1000000\)"),
        (_members({"W": head("(2,)") + bytes(12)}), r"encoder_W declares .* \(2,\) of float32, but has 12 bytes"),
        (_members({"W": head("(-7,)") + bytes(28)}), "encoder_W is not a .npy file of a plain array"),
        (_members({"W": literal("-" * 5000 + "1")}), "encoder_W is not a .npy file of a plain array"),
        (_members({}), "encoder_W is not a .npy file, or is truncated: it begins with b''"),
        (
            _members({"W": head("(2,)", "<f16") + bytes(32)}),
            "encoder_W must hold floating-point numbers of 16, 32|its header is",
        ),
        (
            _members({"W": head("(50000000,)") + bytes(200_000_000)}, zipfile.ZIP_DEFLATED),
            r"encoder_W must not be compressed: save it with numpy\.savez",
        ),
        (_marked_as_encrypted, "is encrypted"),
        (_of_a_later_version, "zip file version 9.9"),
    ],
)
def test_archives_that_lie_or_unpack(tmp_path: Path, damage: Callable[[Path], None], message: str) -> None:
    write_model(tmp_path)
    damage(tmp_path / "uni_skip.npz")
    tracemalloc.start()
    with pytest.raises(ValueError, match=message) as caught:
        SkipThoughts(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(caught.value).startswith(
        f"{tmp_path / 'uni_skip.npz'} does not contain the weights of a skip-thought encoder"
    )
    assert len(str(caught.value)) < 1000
    assert peak < 4 * MEGABYTE


flips = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=4)


@given(
    name=st.sampled_from(("dictionary.txt", "utable.npy", "uni_skip.npz")),
    pickled=st.booleans(),
    flipped=flips,
    kept=st.floats(0.5, 1),
)
def test_any_damage_is_a_value_error_or_another_model(
    tmp_path_factory: pytest.TempPathFactory, name: str, pickled: bool, flipped: list[tuple[float, int]], kept: float
) -> None:
    """Bytes changed anywhere, and the end cut off."""
    folder = tmp_path_factory.mktemp("damaged")
    write_model(folder, features=3, size=2, pickled=pickled)
    whole = bytearray((folder / name).read_bytes())
    for place, change in flipped:
        whole[int(place * len(whole))] ^= change
    (folder / name).write_bytes(whole[: round(kept * len(whole))])
    with suppress(ValueError):
        assert SkipThoughts(folder)(["blue hair", "Red"]).shape[0] == 2
