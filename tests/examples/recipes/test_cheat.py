"""Report D's cheat: how often a generated picture passes for real."""

import pytest
import torch

from examples.anime_faces.recipes.gan_cls.cheat import Cheat
from examples.anime_faces.recipes.gan_cls.options import Options

SCORES = torch.zeros(4000)


def cheat(steps: int = 100, **options: float | bool) -> Cheat:
    return Cheat(Options(**options, batch_size=len(SCORES)), steps, SCORES.device)  # pyright: ignore[reportArgumentType]


def share(one: Cheat, step: int) -> float:
    one.plan(step)
    return float(one.labels(SCORES).mean())


def test_a_share_of_pictures_passes_for_real() -> None:
    one = cheat()
    one.plan(0)
    labels = one.labels(SCORES)
    assert set(labels.tolist()) == {0.0, 1.0}
    assert 0.07 < float(labels.mean()) < 0.13
    assert share(cheat(cheat=0.0), 5) == 0
    assert share(cheat(cheat=1.0), 5) == 1


def test_it_may_decay_along_the_run() -> None:
    falling, steady = cheat(cheat=0.8, cheat_decays=True), cheat(cheat=0.8)
    assert share(falling, 0) == pytest.approx(0.8, abs=0.05)
    assert share(falling, 50) == pytest.approx(0.4, abs=0.05)
    assert share(falling, 100) == 0
    assert share(steady, 100) == pytest.approx(0.8, abs=0.05)


def test_one_coin_may_count_for_the_batch() -> None:
    shares = [share(cheat(cheat=0.5, cheat_per_batch=True), 0) for _ in range(60)]
    assert set(shares) == {0.0, 1.0}
    assert 10 < sum(shares) < 50


def test_it_may_follow_the_critic() -> None:
    adaptive = cheat(cheat=0.3, cheat_adapts=True)
    assert list(adaptive.parts) == ["cheat"]
    assert share(adaptive, 0) == 0
    for _ in range(50):
        adaptive.follow(adaptive.readings(SCORES + 1))  # 200,000 sure pictures of the 500,000 that move it by 1
    assert share(adaptive, 0) == pytest.approx(0.3, abs=0.04)
    state = adaptive.parts["cheat"].state_dict()
    again = cheat(cheat=0.3, cheat_adapts=True)
    again.parts["cheat"].load_state_dict(state)
    assert share(again, 0) == pytest.approx(0.3, abs=0.04)
    for _ in range(50):
        adaptive.follow(adaptive.readings(SCORES - 1))
    assert share(adaptive, 0) == 0


def test_a_fixed_cheat_has_no_state() -> None:
    fixed = cheat()
    assert fixed.readings(SCORES + 1) == {}
    fixed.follow({})
    assert fixed.parts == {}
