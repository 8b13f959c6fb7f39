"""The report of a run: one HTML file that needs nothing else."""

from examples.anime_faces.report._page import write_report as write_report
