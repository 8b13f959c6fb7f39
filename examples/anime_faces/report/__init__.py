"""The report of a run: one HTML file that needs nothing else.

`_evidence` reads the run's folder, `_facts`, `_figures`, `_charts` and `_pictures` turn it into plain words, numbers and
pictures, `_status` says what goes on at the moment, and `_page` fills the templates of the folder `templates` with them. A
template escapes every text that it is given. `_live` renews the page while the work goes on.
"""

from examples.anime_faces.report._live import LivePage as LivePage
from examples.anime_faces.report._page import write_report as write_report
