"""The training script that users copy: it learns, goes on bit for bit, and trains on two ranks what it trains on one."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import gankit as gk
from examples import training_script as script

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "training_script.md"
LAUNCHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
TINY = ["--resolution", "8", "--width", "4", "--batch", "6", "--critic-steps", "2", "--every", "2"]


def train(out: Path, rounds: int, *more: str) -> dict[str, Any]:
    script.main(["--out", str(out), "--rounds", str(rounds), *TINY, *more])
    return saved(out, rounds)


def saved(out: Path, rounds: int) -> dict[str, Any]:
    found = gk.training.Checkpoints(out / "checkpoints").load_latest()
    assert found is not None
    assert found[0] == rounds
    return found[1]


def torchrun(out: Path, rounds: int) -> None:
    """Run the file itself on two ranks, by the command of its docstring."""
    options = ["--out", str(out), "--rounds", str(rounds), *TINY]
    done = subprocess.run(
        [*LAUNCHER, script.__file__, *options], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr


def assert_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one["options"] == other["options"]
    numbers = [{name: value for name, value in state.items() if name != "options"} for state in (one, other)]
    torch.testing.assert_close(*numbers, rtol=0, atol=0)


def test_a_stopped_run_goes_on_bit_for_bit(tmp_path: Path) -> None:
    through = train(tmp_path / "through", 4)
    train(tmp_path / "stopped", 2)
    again = train(tmp_path / "stopped", 4)
    assert_equal(again, through)
    assert [row["round"] for row in again["log"]] == [2, 4]
    for name in ("log.jsonl", "samples-000002.png", "samples-000004.png"):
        assert (tmp_path / "through" / name).read_bytes() == (tmp_path / "stopped" / name).read_bytes()
    with pytest.raises(SystemExit, match="other values of lr, seed: take another --out"):
        train(tmp_path / "stopped", 6, "--seed", "1", "--lr", "1e-3")
    other = train(tmp_path / "other", 2, "--seed", "1")
    assert not torch.equal(other["critic"]["body.0.weight"], through["critic"]["body.0.weight"])


def test_bfloat16_trains_in_it_and_keeps_losses_in_float32(tmp_path: Path) -> None:
    low, high = train(tmp_path / "low", 2, "--dtype", "bfloat16"), train(tmp_path / "high", 2)
    for name in ("critic/loss", "critic/penalty", "generator/loss"):
        assert low["log"][0][name] != high["log"][0][name]
        assert low["log"][0][name] == pytest.approx(high["log"][0][name], rel=0.05, abs=0.02)
    assert low["generator"]["stem.weight"].dtype == torch.float32


def test_the_batches_of_two_ranks_are_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    data = torch.arange(11, dtype=torch.uint8), torch.arange(11)

    def labels(first: int, number: int) -> list[list[int]]:
        stream = script.batches(data, 4, seed=3, first=first)
        return [next(stream)[1].tolist() for _ in range(number)]

    whole = labels(0, 6)
    assert labels(3, 3) == whole[3:]
    assert all(len({*whole[start], *whole[start + 1]}) == 8 for start in (0, 2, 4))  # an epoch has no picture twice
    assert whole[:2] != whole[2:4]
    drawn = torch.manual_seed(0) and script.own_rows(script.partial(torch.randn), 4, 3)
    monkeypatch.setattr(script, "RANKS", 2)
    for rank in range(2):
        monkeypatch.setattr(script, "RANK", rank)
        assert labels(0, 6) == [batch[rank::2] for batch in whole]
        torch.manual_seed(0)
        assert torch.equal(script.own_rows(script.partial(torch.randn), 2, 3), drawn[rank::2])


def test_a_folder_of_pictures_is_read_by_class(tmp_path: Path) -> None:
    for name, color, size in (
        ("b/two.png", "blue", (9, 5)),
        ("a/one.jpg", "red", (8, 8)),
        ("b/one.PNG", "lime", (4, 7)),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", size, color).save(tmp_path / name)
    (tmp_path / "b" / "notes.txt").write_text("no picture")
    turned = Image.new("RGB", (8, 8), "black")
    turned.paste("white", (0, 0, 8, 4))
    turned.getexif()[0x0112] = 3  # upside down
    (tmp_path / "turned").mkdir()
    turned.save(tmp_path / "turned" / "photo.png", exif=turned.getexif())
    (image,), _ = script.read_folder(tmp_path / "turned", 8)
    assert image[0, :, 0].tolist() == [0] * 4 + [255] * 4
    shutil.rmtree(tmp_path / "turned")
    images, labels = script.read_folder(tmp_path, 8)
    assert images.shape == (3, 3, 8, 8)
    assert labels.tolist() == [0, 1, 1]
    assert images[1:, :, 4, 4].tolist() == [[0, 255, 0], [0, 0, 255]]
    assert script.read_folder(tmp_path / "b", 8)[1].tolist() == [0, 0]
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match="must hold pictures"):
        script.read_folder(tmp_path / "empty", 8)
    with pytest.raises(SystemExit, match="at most 2 pictures"):
        train(tmp_path / "out", 2, "--data", str(tmp_path / "b"))
    two = train(tmp_path / "out", 2, "--data", str(tmp_path / "b"), "--batch", "2")
    assert two["generator"]["stem.weight"].shape[1] == script.LATENTS + 1


def test_the_drawn_shapes_can_be_told_apart() -> None:
    images, labels = script.draw_shapes(32, 300)
    assert labels.bincount().tolist() == [100, 100, 100]
    inside = (images > 79).all(dim=1).float()
    filled = inside.mean(dim=(1, 2))
    assert (filled > 0.02).all()
    assert (filled < 0.5).all()
    middle = torch.stack([torch.stack(torch.where(picture)).float().mean(dim=1).round() for picture in inside]).long()
    at_center = inside[torch.arange(300), middle[:, 0], middle[:, 1]]
    assert (at_center == (labels != 2)).all()  # a ring has a hole


def test_the_guide_quotes_the_script() -> None:
    text, source = GUIDE.read_text(encoding="utf-8"), Path(script.__file__).read_text(encoding="utf-8")
    assert '--8<-- "examples/training_script.py"' in text
    quotes = re.findall(r"^``` \{\.python[^\n]*\}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    quotes = [quote for quote in quotes if "--8<--" not in quote]
    assert len(quotes) >= 4
    assert max(map(len, source.splitlines())) <= 116, "a page of 1280 pixels shows no more"
    flat = " ".join(source.split())
    for quote in quotes:
        assert " ".join(quote.split()) in flat


@pytest.mark.slow
def test_two_ranks_train_what_one_trains_and_go_on_bit_for_bit(tmp_path: Path) -> None:
    one = train(tmp_path / "one", 4)
    torchrun(tmp_path / "two", 4)
    two = saved(tmp_path / "two", 4)
    for row, other in zip(one["log"], two["log"], strict=True):
        assert row == pytest.approx(other, rel=1e-3, abs=1e-4)
    pictures = [Image.open(tmp_path / name / "samples-000004.png") for name in ("one", "two")]
    first, second = (torch.tensor(list(picture.tobytes()), dtype=torch.int16) for picture in pictures)
    assert (first - second).abs().max() <= 2
    torchrun(tmp_path / "stopped", 2)
    torchrun(tmp_path / "stopped", 4)
    assert_equal(saved(tmp_path / "stopped", 4), two)
    train(tmp_path / "stopped", 6)  # and alone
    assert json.loads((tmp_path / "stopped" / "log.jsonl").read_text().splitlines()[-1])["round"] == 6


@pytest.mark.slow
def test_the_samples_of_a_class_look_like_its_pictures(tmp_path: Path) -> None:
    options = [
        "--resolution",
        "16",
        "--width",
        "16",
        "--batch",
        "32",
        "--every",
        "300",
        "--lr",
        "1e-3",
        "--decay",
        "0.98",
    ]
    script.main(["--out", str(tmp_path), "--rounds", "300", *options])
    generator = gk.networks.DCGANGenerator(
        resolution=16,
        width=16,
        latent_features=script.LATENTS,
        embedder=gk.embedders.OneHotEmbedder(3),
        norm=script.partial(torch.nn.GroupNorm, 4),
    )
    gk.training.load_network_state(generator, saved(tmp_path, 300)["average"]["network"])
    pictures, labels = script.draw_shapes(16)
    latents = gk.latents.fixed_latents(128, script.LATENTS, seed=1)
    found = []
    for label in range(3):
        with torch.no_grad():
            samples = generator(latents, torch.full((128,), label))
        real = pictures[labels == label] / 127.5 - 1
        assert (samples[:, :, :2].mean() - real[:, :, :2].mean()).abs() < 0.1  # the background
        found.append(samples[:, :, 6:10, 6:10].mean())
    disc, square, ring = found
    assert min(disc, square) > ring + 0.2  # a ring has a hole


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for the ranks in /proc")
def test_a_killed_rank_ends_the_run_and_the_same_command_goes_on(tmp_path: Path) -> None:
    command = [*LAUNCHER, script.__file__, "--out", str(tmp_path / "killed"), *TINY, "--rounds", "100000"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as launcher:
        try:
            until(lambda: len(list(tmp_path.glob("killed/checkpoints/checkpoint-*.pt"))) >= 2, seconds=200)
            ranks = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
            os.kill(int(ranks[-1]), signal.SIGKILL)
            assert launcher.wait(timeout=60) != 0
        finally:
            launcher.kill()
    found = gk.training.Checkpoints(tmp_path / "killed" / "checkpoints").load_latest()
    assert found is not None
    rounds = found[0] + 2
    torchrun(tmp_path / "killed", rounds)
    torchrun(tmp_path / "through", rounds)
    assert_equal(saved(tmp_path / "killed", rounds), saved(tmp_path / "through", rounds))


def until(is_so: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)
