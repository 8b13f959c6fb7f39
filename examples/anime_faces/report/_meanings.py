"""What it means for the pictures when a figure does not pass, in one sentence each."""

from collections.abc import Mapping
from typing import Any

COLORS = "Many pictures do not have the requested {what} color: train longer, or check whether the colors are rare."
COPIES = "Some pictures are very close to pictures of the data set, so they may be copies."
VARIATION = (
    "Factors that were not requested (style, pose, expression, background, position) do not vary as in real pictures: "
    "some are drawn too often or too rarely"
)
BELOW = {
    "accuracy": "Many pictures do not show what was requested.",
    "hair_accuracy": COLORS.format(what="hair"),
    "eye_accuracy": COLORS.format(what="eye"),
    "withheld_hair_accuracy": "For pairs of colors that were never seen together, the hair often has another color.",
    "withheld_eye_accuracy": "For pairs of colors that were never seen together, the eyes often have another color.",
    "noise_usage": "Pictures of the same prompt are too similar to each other.",
    "precision": "Many pictures do not look like any real one.",
    "density": "Many pictures do not look like any real one.",
    "recall": "Some kinds of real pictures are never drawn (mode collapse).",
    "coverage": "For many real pictures no drawn picture is similar: kinds are missing, or pictures are not clean enough.",
    "nearest_pixels": COPIES,
    "nearest_features": COPIES,
    "score_joint": "A network that learns from these pictures alone does not recognize the colors of real ones.",
    "score": "A network that learns from these pictures alone does not recognize the classes of real ones.",
}
ABOVE = {
    "noise_usage": "Pictures of the same prompt vary more than real ones, often because many are broken.",
    "unasked_variation": f"{VARIATION}.",
    "unasked_variation_worst": f"{VARIATION}; the note names the worst.",
    "spectrum_greatest": "Fine texture is too strong or too weak somewhere: pictures look noisy, checkered or blurred.",
    "spectrum_mean": "Fine texture is too strong or too weak: pictures look noisy, checkered or blurred.",
    "fid": "The pictures as a whole are far from the real ones.",
    "kid": "The pictures as a whole are far from the real ones.",
    "copies_pixels": COPIES,
    "copies_features": COPIES,
}


def meaning_of(name: str, figure: Mapping[str, Any]) -> str:
    """Return what a figure that does not pass says about the pictures; empty for one that passes or has no bound.

    Args:
        name: The figure's name in metrics.json.
        figure: Its entry.
    """
    if figure.get("passed") is not False:
        return ""
    low = figure.get("at_least")
    is_below = low is not None and figure["value"] is not None and figure["value"] < low
    table, side = (BELOW, "below") if is_below else (ABOVE, "above")
    # The longest known part of the name counts: `coarse_coverage_of_real` is a coverage.
    known = [part for part in table if part in name]
    return (
        table[max(known, key=len)] if known else f"It is {side} the target; real pictures have {figure.get('floor')}."
    )
