"""The report of a run: one HTML file that needs nothing else.

`_evidence` reads the run's folder, `_facts`, `_figures`, `_charts` and `_pictures` turn it into plain words, numbers and
pictures, `_status` describes the progress, and `_page` fills the templates of the folder `templates` with them. A
template escapes every text that it is given. `_live` renews the page while the work continues.
"""

from examples.anime_faces.report._charts import COLORS as COLORS, FRAME as FRAME, chart_of as chart_of
from examples.anime_faces.report._figures import marked_rows as marked_rows
from examples.anime_faces.report._live import LivePage as LivePage
from examples.anime_faces.report._page import fill as fill, write_report as write_report
from examples.anime_faces.report._pictures import Embedded as Embedded, embedded as embedded
