"""`report`: one page about a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(kw_only=True)
class Report:
    """Write report.html into a run's folder: samples over time, curves, figures, data, settings, in one file."""

    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(name="run")] = Path("runs/demo")
    """The run's folder."""

    def run(self) -> None:
        """Write the page and say where it is."""
        from examples.anime_faces.report import write_report

        print(f"report    {write_report(self.run_folder)}")
