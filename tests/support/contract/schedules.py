"""Rows of `gankit.schedules`."""

from gankit import schedules
from support.contract.row import Row

SCHEDULES: dict[str, Row] = {
    "Round": Row(make=lambda: schedules.Round(5, generator=2)),
    "Schedule": Row(make=lambda: schedules.Schedule),
    "Constant": Row(make=lambda: schedules.Constant(round=schedules.Round(5))),
    "HalfLife": Row(make=lambda: schedules.HalfLife(samples=100, batch_size=7, ramp=0.05)),
    "Ramp": Row(make=lambda: schedules.Ramp(start=3, length=5)),
    "Boosted": Row(make=lambda: schedules.Boosted(base=schedules.Round(5), boost=schedules.Round(25), every=500)),
}
