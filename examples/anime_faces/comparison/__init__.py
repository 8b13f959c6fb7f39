"""Several runs beside each other: curves, options, figures and pictures, on one page and in two PNG files.

`_entries` reads the runs, `_tables` finds what differs and puts the figures beside each other, `_pictures` draws the same
prompts with all of them, and `_page` writes the files.
"""

from examples.anime_faces.comparison._entries import Entry as Entry, read_entries as read_entries
from examples.anime_faces.comparison._page import Places as Places, write_comparison as write_comparison
from examples.anime_faces.comparison._pictures import (
    Gallery as Gallery,
    draw_gallery as draw_gallery,
)
from examples.anime_faces.comparison._tables import (
    differing as differing,
    figures_beside as figures_beside,
)
