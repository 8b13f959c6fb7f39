"""What who watches a session is shown."""

import pytest

from examples.anime_faces.run import Moment
from examples.anime_faces.run._watch import watch_nothing


def test_a_moment_counts_steps_and_a_session_that_nobody_watches_shows_none(capsys: pytest.CaptureFixture[str]) -> None:
    moment = Moment(done=3, total=7)
    watch_nothing(moment)
    assert capsys.readouterr() == ("", "")
    assert (moment.done, moment.total, moment.unit) == (3, 7, "steps")
    assert moment.seconds_left is None
    assert moment.has_new_grid is False
