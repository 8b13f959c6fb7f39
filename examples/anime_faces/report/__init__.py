"""The report of a run: one HTML file that needs nothing else.

`_evidence` reads the run's folder, `_facts`, `_figures` and `_charts` turn it into plain words and numbers, and `_page` fills
the templates of the folder `templates` with them. A template escapes every text that it is given.
"""

from examples.anime_faces.report._page import write_report as write_report
