"""The words of guides and docstrings: what people search for, formulas, and words that make a reader stop."""

import inspect
import re
from pathlib import Path

import pytest

from docs.api.public_names import PublicName, public_folders, public_names

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "docs" / "guides").rglob("*.md"), *(ROOT / f"{name}.md" for name in ("README", "SECURITY"))])
NAMES = {public.path.removeprefix("gankit."): public for folder in public_folders() for public in public_names(folder)}

TERMS = {
    "discriminator": ["losses.critic_loss", "networks.DCGANCritic", "index.md", "losses.md", "training.md"],
    "BCE": ["losses.Logistic", "losses.md"],
    "BCEWithLogitsLoss": ["losses.Logistic"],
    "hinge loss": ["losses.Hinge"],
    "LSGAN": ["losses.LeastSquares", "losses.md"],
    "WGAN": ["losses.Wasserstein", "constraints.clip_weights_"],
    "RpGAN": ["losses.paired_critic_loss"],
    "RaGAN": ["losses.relativistic_average_critic_loss", "glossary.md"],
    "GAN-CLS": ["losses.matching_aware_critic_loss"],
    "AC-GAN": ["losses.class_loss", "blocks.ClassHead"],
    "label smoothing": ["losses.critic_loss", "losses.constant_labels", "losses.md"],
    "soft labels": ["losses.uniform_labels"],
    "mode collapse": ["losses.mode_seeking_loss", "losses.paired_critic_loss", "glossary.md", "losses.md"],
    "feature matching": ["README.md"],
    "WGAN-GP": ["constraints.gradient_penalty", "penalties.md"],
    "lambda": ["constraints.gradient_penalty", "constraints.dragan_penalty", "penalties.md"],
    "R1": ["constraints.zero_centered_penalty"],
    "gamma": ["constraints.zero_centered_penalty"],
    "lazy regularization": ["constraints.Lazy"],
    "weight clipping": ["constraints.clip_weights_"],
    "spectral normalization": ["constraints.spectral_norm_"],
    "n_critic": ["schedules.Round", "schedules.md", "glossary.md"],
    "D steps": ["schedules.md", "glossary.md"],
    "warm-up": ["schedules.Ramp", "training.WeightAverage"],
    "TTUR": ["training.md"],
    "truncation trick": ["latents.truncated_normal_latents"],
    "slerp": ["latents.spherical_interpolation"],
    "instance noise": ["latents_and_augmentation.md"],
    "DiffAugment": ["augment.Composed", "latents_and_augmentation.md"],
    "ADA": ["augment.GeometricTransformation", "losses.AdaptiveProbability"],
    "APA": ["augment.mix_in_fakes"],
    "cGAN": ["blocks.ProjectionHead", "conditions.md", "glossary.md"],
    "conditional GAN": ["embedders.OneHotEmbedder", "conditions.md"],
    "projection discriminator": ["blocks.ProjectionHead"],
    "self-attention": ["blocks.SelfAttention2d"],
    "SAGAN": ["blocks.SelfAttention2d"],
    "PatchGAN": ["networks.PatchGANCritic", "blocks.PatchHead"],
    "EMA": ["training.WeightAverage", "glossary.md", "training.md"],
    "gradient accumulation": ["training.Accumulated", "training.md"],
    "gradient clipping": ["training.FiniteStepper", "training.md"],
    "mixed precision": ["training.ScaledStepper", "training.md"],
    "AMP": ["training.ScaledStepper", "training.md"],
    "bf16": ["training.md"],
    "NaN": ["training.FiniteStepper", "training.NonFiniteError"],
    "DDP": ["training.Update", "training.AveragedOverRanks"],
    "D step": ["training.Update"],
    "G step": ["training.Update"],
    "torch.compile": ["training.Compiled"],
    "CUDA graph": ["training.Graphed"],
    "checkpoint": ["training.save_checkpoint", "training.Checkpoints"],
    "resume": ["training.Checkpoints", "checkpoints.md"],
    "experience replay": ["training.Replay"],
    "FID": ["faces/evaluate.md", "training.md"],
}
"""A word of papers and programs, and the docstrings and guides that have to hold it."""

FORMULAS = (
    *(f"losses.{name}" for name in ("Wasserstein", "Logistic", "Hinge", "LeastSquares", "AdaptiveProbability")),
    *(name for name in NAMES if name.startswith("losses.") and name.endswith("_loss")),
    *(name for name in NAMES if name.startswith("constraints.")),
    *("schedules.Boosted", "schedules.HalfLife", "schedules.Ramp"),
    *(name for name in NAMES if name.startswith("latents.") and name.endswith("interpolation")),
    *("training.WeightAverage", "training.FiniteStepper", "embedders.ConditioningAugmentation"),
    *(f"blocks.{name}" for name in ("ConditionalBatchNorm2d", "ConditionalInstanceNorm2d", "FiLM", "ProjectionHead")),
    *(f"blocks.{name}" for name in ("MinibatchStandardDeviation", "MinibatchDiscrimination", "SelfAttention2d")),
)
"""What computes something that a paper writes as a formula."""

STOPS = re.compile(
    r"\b(?:pa(?:ys?|id|ying)|pric(?:e|es|ed)|tells?|told|minds?|laid|speaks?|spoken|knows|wants|deserves?|owes?|hence|therein"
    r"|anew|gone on|goes on|costs? nothing|(?:value|norm|score|loss|gradient|number|draw|weight|row|vector)s? a sample)\b",
    re.IGNORECASE,
)
"""Words with a plainer one beside them: takes, needs, names, computes, continues, again, per sample, has cost 0."""
ALLOWED = {"scores a sample": "a verb with its object", "tell us": "a person tells another one"}


def text_of(place: str) -> str:
    """Return a page, or the docstring of a name with those of its methods."""
    if place.endswith(".md"):
        return (
            (ROOT if place in ("README.md", "SECURITY.md") else ROOT / "docs" / "guides")
            .joinpath(place)
            .read_text(encoding="utf-8")
        )
    return docstrings(NAMES[place])


def docstrings(public: PublicName) -> str:
    """Return the docstring of a name, and those of its public methods if it is a class."""
    thing = public.load()
    found = [inspect.getdoc(thing) or ""]
    if inspect.isclass(thing):
        own = [value for name, value in vars(thing).items() if not name.startswith("_")]
        found += [getattr(one, "__doc__", None) or "" for one in own]
    return "\n\n".join(found)


def prose(text: str) -> str:
    """Return a text on one line without code, examples and addresses of links."""
    text = re.sub(r"^( *)```.*?^\1```", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^\s*(?:>>>|\.\.\. ).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"``[^`]*``|`[^`\n]*`|\]\([^)]*\)|\$[^$\n]*\$", " ", text)
    return " ".join(text.split())


@pytest.mark.parametrize("term", TERMS)
def test_what_people_search_for_stands_where_it_is_meant(term: str) -> None:
    missing = [place for place in TERMS[term] if term.lower() not in " ".join(text_of(place).split()).lower()]
    assert not missing, f"{term!r} is not in {missing}"


@pytest.mark.parametrize("name", FORMULAS)
def test_what_has_a_formula_shows_it(name: str) -> None:
    assert ".. math::" in docstrings(NAMES[name]), f"{name}: its docstring has no formula"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_word_that_makes_a_reader_stop(page: Path) -> None:
    assert stops(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_docstring_has_no_word_that_makes_a_reader_stop(name: str) -> None:
    assert stops(docstrings(NAMES[name])) == []


def stops(text: str) -> list[str]:
    """Return each word that stops a reader, with what stands around it."""
    line = prose(text)
    around = [line[max(0, match.start() - 20) : match.end() + 20] for match in STOPS.finditer(line)]
    return [one for one in around if not any(allowed in one for allowed in ALLOWED)]


def test_the_rule_finds_words_and_leaves_code_alone() -> None:
    assert len(stops("A gradient a sample. It goes on, and costs nothing.")) == 3
    assert stops("See `tell`, [it](pays.md) and\n\n```python\nprice = told\n```\n\n>>> knows\n") == []
    assert stops("The head scores a sample.") == []
