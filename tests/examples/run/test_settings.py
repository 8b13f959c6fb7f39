from pathlib import Path

import pytest

from examples.anime_faces.run import Settings


def test_settings_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for text in ("{}", "not json", '{"recipe": 3}'):
        path.write_text(text)
        with pytest.raises(ValueError, match="is not the settings of a run"):
            Settings.load(path)
