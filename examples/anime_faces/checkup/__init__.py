"""What can go wrong with a training, looked at before hours are spent: the data, the settings, the room, and the time."""

from examples.anime_faces.checkup._data import data_lines as data_lines, findings_of_data as findings_of_data
from examples.anime_faces.checkup._findings import Finding as Finding, problem as problem, warning as warning
from examples.anime_faces.checkup._room import findings_of_room as findings_of_room, room_lines as room_lines
from examples.anime_faces.checkup._settings import (
    findings_of_length as findings_of_length,
    findings_of_settings as findings_of_settings,
)
from examples.anime_faces.checkup._trial import Trial as Trial, try_steps as try_steps
