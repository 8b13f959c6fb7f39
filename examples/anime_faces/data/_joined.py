"""Joining data sets that are there already into one, with an attribute that says which of them a picture is from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from examples.anime_faces.bars import Bar
from examples.anime_faces.data._attributes import FACE_ATTRIBUTES, Attribute
from examples.anime_faces.data._dataset import Dataset
from examples.anime_faces.data._names import clean_name, similar_names
from examples.anime_faces.data._places import check_replaceable, check_space, find_same
from examples.anime_faces.data._source import notes_of_names
from examples.anime_faces.data._staging import staged_folder
from examples.anime_faces.data._writer import DatasetWriter, Watch, watch_nothing
from examples.anime_faces.links import real_path
from examples.anime_faces.printing import say

DOMAIN = "domain"
"""Name of the attribute that says which data set a picture is from."""

JOINED = "joined"
"""What `Dataset.kind` is for a joined data set."""

_PICTURES_AT_ONCE = 1024
_EXTRA_TAGS = "extra_tags"


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the data sets, and the class of the domain that its pictures get."""

    dataset: Dataset
    domain: str


def join_datasets(
    out: Path,
    folders: Sequence[Path],
    *,
    domains: Sequence[str] = (),
    labeled: bool = True,
    overwrite: bool = False,
    watch: Watch = watch_nothing,
) -> Dataset:
    """Write the pictures of several data sets as one, one data set after the other.

    Attributes of the same name become one, with the classes of all. Nothing is known of an attribute of which a data set has
    no labels: its pictures have no class of it. Texts are joined, and factors are kept where all data sets have them. An
    attribute ``domain`` with one class for each data set comes last; where texts are kept, its words are their end.

    Args:
        out: Folder to write.
        folders: The data sets, two or more.
        domains: The class of ``domain`` for each data set. Empty: the names of the folders.
        labeled: Whether there is the attribute ``domain``.
        overwrite: Whether to replace a data set that is already in ``out``. If not, a data set of the same parts is kept.
        watch: Is called after each block of pictures and may show how far the work is.

    Returns:
        The data set, opened.

    Raises:
        ValueError: There are fewer than two data sets, one is named twice, is not there, or was changed since it was written;
            their pictures have different sizes; names of the domains are missing, empty or too similar; or ``out`` contains
            something else.
    """
    parts = _parts(folders, domains, labeled=labeled)
    settings = {"joined": [{"domain": one.domain, "fingerprint": one.dataset.fingerprint} for one in parts]}
    settings |= {"domain_label": labeled}
    if real_path(out) in {real_path(folder) for folder in folders}:
        raise ValueError(f"--out must not be one of the data sets that are joined, got {out}")
    if not overwrite and (same := find_same(out, settings)):
        say(f"{out} already contains this data set: nothing to do")
        return same
    check_replaceable(out, overwrite=overwrite)
    check_space(out, sum(one.dataset.images.nbytes for one in parts))
    for one in parts:
        one.dataset.verify()
    with staged_folder(out, overwrite=overwrite) as folder:
        _write(folder, parts, settings, labeled=labeled, watch=watch)
    return Dataset.open(out)


def united_attributes(lists: Iterable[Sequence[Attribute]]) -> tuple[Attribute, ...]:
    """Return the attributes of all lists, each once, with the classes of all; colors of faces are in their usual order.

    Example:
        >>> united_attributes([[Attribute("hat", ("no",))], [Attribute("hat", ("yes", "no")), Attribute("bow", ("red",))]])
        (Attribute(name='hat', classes=('no', 'yes')), Attribute(name='bow', classes=('red',)))
    """
    classes: dict[str, dict[str, None]] = {}
    for attributes in lists:
        for attribute in attributes:
            classes.setdefault(attribute.name, {}).update(dict.fromkeys(attribute.classes))
    colors = {attribute.name: attribute.classes for attribute in FACE_ATTRIBUTES}
    found = []
    for name, known in classes.items():
        united = Attribute(name, tuple(known))
        if united.has_colors:
            united = Attribute(name, tuple(color for color in colors[name] if color in known))
        found.append(united)
    return tuple(found)


def _parts(folders: Sequence[Path], domains: Sequence[str], *, labeled: bool) -> list[_Part]:
    """Open the data sets, and refuse those that do not fit together."""
    if len(folders) < 2:
        raise ValueError(f"--join must name two data sets or more, but it names {len(folders)}")
    if len({real_path(folder) for folder in folders}) < len(folders):
        raise ValueError(f"--join must name each data set once, got {', '.join(map(str, folders))}")
    if domains and not labeled:
        raise ValueError("--domains must not be given with --no-domain-label, which leaves the domains out")
    if domains and len(domains) != len(folders):
        raise ValueError(
            f"--domains must have one name for each of the {len(folders)} data sets, but it has {len(domains)}"
        )
    datasets = [Dataset.open(folder) for folder in folders]
    for dataset in datasets[1:]:
        if dataset.size != datasets[0].size:
            raise ValueError(
                f"--join must name data sets of one size, but {folders[0]} has pictures of {datasets[0].size} pixels and "
                f"{dataset.path} of {dataset.size}"
            )
    names = [clean_name(name) for name in domains or [real_path(folder).name for folder in folders]]
    if labeled:
        _check_domains(names, datasets)
    return [_Part(dataset, name) for dataset, name in zip(datasets, names, strict=True)]


def _check_domains(names: Sequence[str], datasets: Sequence[Dataset]) -> None:
    if "" in names:
        raise ValueError(f"--domains must have no empty name, got {', '.join(map(repr, names))}")
    alike = [name for group in similar_names(dict.fromkeys(names)) for name in group]
    twice = [name for name in names if names.count(name) > 1]
    if alike or twice:
        raise ValueError(
            f"--domains must give the data sets different names, but {' and '.join(map(repr, alike or twice))} "
            "are alike"
        )
    for dataset in datasets:
        if any(attribute.name == DOMAIN for attribute in dataset.attributes):
            raise ValueError(
                f"{dataset.path} has an attribute {DOMAIN!r} already: join what it was made of together with the others, or "
                "give --no-domain-label to keep it as it is"
            )


def _write(folder: Path, parts: Sequence[_Part], settings: Mapping[str, Any], *, labeled: bool, watch: Watch) -> None:
    datasets = [one.dataset for one in parts]
    domain = [Attribute(DOMAIN, tuple(one.domain for one in parts))] if labeled else []
    attributes = (*united_attributes(dataset.attributes for dataset in datasets), *domain)
    factors = _common_factors(datasets)
    with_texts = any(dataset.own_texts is not None or _tells_more(dataset, factors) for dataset in datasets)
    total = sum(map(len, datasets))
    bar = Bar(total=total, unit="pictures", desc="joining")
    with bar, DatasetWriter(folder, size=datasets[0].size, attributes=attributes) as writer:
        for number, one in enumerate(parts):
            labels = _labels(one.dataset, attributes, domain=number if labeled else None)
            texts = _texts(one, labeled=labeled) if with_texts else None
            for rows in _blocks(len(one.dataset)):
                images = np.asarray(one.dataset.images[rows])
                writer.add(
                    images,
                    labels[rows],
                    {name: one.dataset.factors[name][rows] for name in factors},
                    texts=None if texts is None else texts[rows],
                )
                bar.update(len(images))
                watch(rows.stop + sum(map(len, datasets[:number])), total, images)
        details = {
            "sources": [_record(one) for one in parts],
            "notes": notes_of_names(attributes),
            "gray": all(dataset.is_gray for dataset in datasets),
        }
        details |= {_EXTRA_TAGS: datasets[0].info[_EXTRA_TAGS]} if _EXTRA_TAGS in factors else {}
        writer.finish(kind=JOINED, settings=settings, details=details)


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, count, _PICTURES_AT_ONCE):
        yield slice(start, min(start + _PICTURES_AT_ONCE, count))


def _record(part: _Part) -> dict[str, Any]:
    """Return what dataset.json says of one of the data sets."""
    dataset = part.dataset
    return {
        "folder": str(real_path(dataset.path)),
        "domain": part.domain,
        "kind": dataset.kind,
        "pictures": len(dataset),
        "fingerprint": dataset.fingerprint,
        "sha256": dict(dataset.info["sha256"]),
    }


def _labels(dataset: Dataset, attributes: Sequence[Attribute], *, domain: int | None) -> np.ndarray:
    """Return the labels of a data set in the columns of all attributes."""
    columns = [(one.name, of_class) for one in attributes for of_class in one.classes]
    own = [columns.index((one.name, of_class)) for one in dataset.attributes for of_class in one.classes]
    labels = np.zeros((len(dataset), len(columns)), np.uint8)
    labels[:, own] = dataset.labels
    if domain is not None:
        labels[:, len(columns) - len(attributes[-1].classes) + domain] = 1
    return labels


def _texts(part: _Part, *, labeled: bool) -> list[str]:
    """Return the texts of a data set, with the words for its domain at the end."""
    words = [part.domain] if labeled else []
    return [" ".join([text, *words] if text else words) for text in part.dataset.texts()]


def _common_factors(datasets: Sequence[Dataset]) -> list[str]:
    """Return the names of the factors that all data sets have, in the same form."""
    first = datasets[0]
    common = [
        name
        for name, values in first.factors.items()
        if all(
            name in other.factors
            and (other.factors[name].dtype, other.factors[name].shape[1:]) == (values.dtype, values.shape[1:])
            for other in datasets[1:]
        )
    ]
    same_tags = all(dataset.info.get(_EXTRA_TAGS) == first.info.get(_EXTRA_TAGS) for dataset in datasets)
    return [name for name in common if name != _EXTRA_TAGS or same_tags]


def _tells_more(dataset: Dataset, kept: Sequence[str]) -> bool:
    """Whether a data set has extra tags that are in its texts, and that would be lost."""
    return _EXTRA_TAGS not in kept and bool(np.any(dataset.factors.get(_EXTRA_TAGS, 0)))
