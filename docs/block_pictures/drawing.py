"""Draws one picture as SVG text: the residual from top to bottom, the shortcut to the left of it."""

from collections.abc import Sequence

from docs.block_pictures.pictures import Box, Picture

WIDTH, HEIGHT, GAP = 108, 24, 16  # of a box, and the arrow between two
EDGE, RADIUS, PLUS = 4, 8, 9  # the margin, the shortcut's corners, and the circle that adds
LINE, TERMINAL = "#85859c", "#66667a"

_FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
<title>{title}</title>
<desc>{description}</desc>
<defs>
<marker id="head" viewBox="0 0 6 6" refX="5.5" refY="3" markerWidth="6" markerHeight="6" orient="auto">\
<path d="M0 0 6 3 0 6z" fill="{line}"/></marker>
</defs>
<g fill="none" stroke="{line}" stroke-width="1.5">
{lines}
</g>
<g font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif" font-size="12" fill="#fff" \
text-anchor="middle">
{boxes}
</g>
</svg>
"""


def draw(picture: Picture) -> str:
    """Return the picture as the text of an SVG file."""
    lane = EDGE + (WIDTH / 2 if picture.shortcut else 0)
    center = (
        EDGE + WIDTH / 2 if picture.shortcut is None else lane + (WIDTH + 10 if picture.shortcut else WIDTH / 2 + 12)
    )
    canvas = _Canvas(center)
    canvas.terminal("input")
    canvas.row(picture.before)
    top = canvas.bottom
    canvas.row(picture.residual, skip=4 if picture.shortcut is not None else 0)
    if picture.shortcut is not None:
        canvas.add(lane, top + GAP / 2, picture.shortcut)
    canvas.row(picture.after)
    canvas.arrow()
    canvas.terminal("result")
    return _FRAME.format(
        width=_number(center + WIDTH / 2 + EDGE),
        height=_number(canvas.bottom + EDGE),
        title=picture.title,
        description=describe(picture),
        line=LINE,
        lines="\n".join(canvas.lines),
        boxes="\n".join(canvas.boxes),
    )


def describe(picture: Picture) -> str:
    """Describe the picture in words."""
    residual = ", ".join(box.label for box in picture.residual)
    if picture.shortcut is None:
        return f"{residual}."
    shortcut = ", ".join(box.label for box in picture.shortcut) or "the input itself"
    after = ", ".join(box.label for box in picture.after) or "nothing"
    first = f"First: {', '.join(box.label for box in picture.before)}. " if picture.before else ""
    return f"{first}Residual: {residual}. Shortcut: {shortcut}. After the addition: {after}."


class _Canvas:
    """A column that grows downward, and what is drawn so far."""

    def __init__(self, center: float) -> None:
        self.center = center
        self.bottom = float(EDGE)
        self.lines: list[str] = []
        self.boxes: list[str] = []

    def terminal(self, label: str) -> None:
        self._rectangle(self.center, self.bottom, (52, 20), f'rx="10" fill="{TERMINAL}"', label)
        self.bottom += 20

    def row(self, boxes: Sequence[Box], *, skip: float = 0) -> None:
        """Boxes below each other, each with its arrow; `skip` makes the first arrow longer."""
        for index, box in enumerate(boxes):
            self.arrow(GAP + (skip if index == 0 else 0))
            self._box(self.center, self.bottom, box)
            self.bottom += HEIGHT

    def arrow(self, length: float = GAP) -> None:
        self._path(f"M{_number(self.center)} {_number(self.bottom)}v{_number(length)}")
        self.bottom += length

    def add(self, lane: float, split: float, shortcut: Sequence[Box]) -> None:
        """The shortcut from the height of the split down its lane, and the circle that adds both paths."""
        self.arrow()
        middle = self.bottom + PLUS
        x, y = _number(self.center), _number(middle)
        self.lines.append(f'<circle cx="{x}" cy="{y}" r="{PLUS}"/>')
        self.lines.append(f'<path d="M{_number(self.center - 5)} {y}h10M{x} {_number(middle - 5)}v10"/>')
        self.bottom = middle + PLUS
        self._path(
            f"M{x} {_number(split)}H{_number(lane + RADIUS)}q-{RADIUS} 0-{RADIUS} {RADIUS}"
            f"V{_number(middle - RADIUS)}q0 {RADIUS} {RADIUS} {RADIUS}H{_number(self.center - PLUS)}"
        )
        height = len(shortcut) * HEIGHT + (len(shortcut) - 1) * GAP
        top = (split + middle - height) / 2
        for index, box in enumerate(shortcut):
            start = top + index * (HEIGHT + GAP)
            self._path(f"M{_number(lane)} {_number(start - GAP)}V{_number(start)}")
            self._box(lane, start, box)

    def _path(self, path: str) -> None:
        self.lines.append(f'<path d="{path}" marker-end="url(#head)"/>')

    def _box(self, center: float, top: float, box: Box) -> None:
        self._rectangle(center, top, (WIDTH, HEIGHT), f'rx="4" fill="{box.kind.value}"', box.label)

    def _rectangle(self, center: float, top: float, size: tuple[int, int], look: str, label: str) -> None:
        width, height = size
        self.boxes.append(
            f'<rect x="{_number(center - width / 2)}" y="{_number(top)}" width="{width}" height="{height}" {look}/>'
            f'<text x="{_number(center)}" y="{_number(top + height / 2 + 4)}">{label}</text>'
        )


def _number(value: float) -> str:
    return f"{value:g}"
