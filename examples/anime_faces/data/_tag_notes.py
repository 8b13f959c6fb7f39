"""What a user should know about the tags of a tag file: lines without a color, and tags that look like one."""

from collections.abc import Sequence

from examples.anime_faces.data._attributes import FACE_ATTRIBUTES
from examples.anime_faces.data._names import file_key, word_key
from examples.anime_faces.data._numbers import counted, worded
from examples.anime_faces.data._tag_lines import tags_of
from examples.anime_faces.data._vocabulary import phrases_of

_MOST_KEPT = 2**16
"""How many different tags are counted: a file of nothing but different ones needs no more memory for that."""
_MOST_NAMED = 5
_COLORS = ("hair color", "eye color")
_ENDINGS = tuple(f" {attribute.name}" for attribute in FACE_ATTRIBUTES)


class TagNotes:
    """Counts the lines that name no known color of hair or eyes, and what they say instead.

    Millions of lines take no longer than they must: only tags with the letters of hair or eyes are looked at, and lines that
    say the same once.
    """

    def __init__(self) -> None:
        self.lines = 0
        self._known = {key: one.attribute for key, one in phrases_of(FACE_ATTRIBUTES).loose().items()}
        self._keys: dict[str, str] = {}  # of tags their `word_key`
        self._alike: dict[tuple[str, ...], int] = {}  # how many lines have these tags
        self._idle = [0 for _ in FACE_ATTRIBUTES]  # of each attribute how many lines have no color of it
        # and how often these lines have each tag that ends like a color of it
        self._said: list[dict[str, int]] = [{} for _ in FACE_ATTRIBUTES]

    def add(self, text: str) -> None:
        """Count a line, see `read_tags`."""
        self.lines += 1
        if "\t" in text:
            fields = file_key(text).split("\t")
            tags = tuple([field.rpartition(":")[0] for field in fields if "hair" in field or "eyes" in field])
        else:
            tags = tags_of(text)
        times = self._alike.get(tags, 0)
        if times or len(self._alike) < _MOST_KEPT:
            self._alike[tags] = times + 1
        else:
            self._count(tags, 1)

    def _count(self, tags: Sequence[str], times: int) -> None:
        left = dict(enumerate(_ENDINGS))
        others: list[str] = []
        for tag in tags:
            if (key := self._keys.get(tag)) is None:
                key = word_key(tag)
                if len(self._keys) < _MOST_KEPT:
                    self._keys[tag] = key
            if (place := self._known.get(key)) is None:
                others.append(key)
            else:
                left.pop(place, None)
        for place, ending in left.items():
            self._idle[place] += times
            said = self._said[place]
            for key in others:
                if key.endswith(ending) and (key in said or len(said) < _MOST_KEPT):
                    said[key] = said.get(key, 0) + times

    def finish(self) -> dict[str, int]:
        """Return a note of each attribute that some lines have no color of, and the number of these lines."""
        while self._alike:
            self._count(*self._alike.popitem())
        notes: dict[str, int] = {}
        for attribute, color, idle, said in zip(FACE_ATTRIBUTES, _COLORS, self._idle, self._said, strict=True):
            most = sorted(said.items(), key=lambda each: (-each[1], each[0]))[:_MOST_NAMED]
            note = f"of {counted(self.lines, 'line')} {worded(idle, 'has', 'have')} no known {color}"
            words = ", ".join(f"{tag} {count}" for tag, count in most)
            notes[f"{note}; of {attribute.name} they say {words}" if words else note] = idle
        return notes
