"""What the top of the page says."""

import pytest

from examples.anime_faces.report._status import GRACE_OF_OTHERS, status_of
from examples.anime_faces.run import Moment

STAGES = ("rendering faces", "training", "measuring them")


def test_stages_before_are_done_and_later_ones_follow() -> None:
    status = status_of(STAGES, "training", Moment(done=480, total=1738, seconds_left=12.6), pause=7.2, pace=1.0)
    assert [stage.state for stage in status.stages] == ["done", "now", "next"]
    assert status.doing == "Training"
    assert status.counted == "480 of 1,738 steps"
    assert status.share == pytest.approx(480 / 1738)
    assert status.seconds_left == 13
    assert status.every == 7


def test_slow_steps_and_silent_work_get_more_patience() -> None:
    quick, slow = (status_of(STAGES, "training", Moment(done=1, total=2), pause=5, pace=pace) for pace in (0.1, 60))
    silent = status_of(STAGES, "measuring them", None, pause=5, pace=0.1)
    assert quick.patience < 120 < slow.patience
    assert silent.patience == GRACE_OF_OTHERS
    assert silent.counted == ""
    assert silent.share is silent.seconds_left is None
