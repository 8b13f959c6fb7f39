"""Two small networks that look at faces: the judge reads what is drawn, the encoder measures how similar pictures are."""

from examples.anime_faces.judge._fitting import fit as fit, updater as updater
from examples.anime_faces.judge._network import (
    BINARY_HEADS as BINARY_HEADS,
    CLASS_HEADS as CLASS_HEADS,
    NUMBER_HEADS as NUMBER_HEADS,
    Encoder as Encoder,
    Judge as Judge,
    prepare as prepare,
)
from examples.anime_faces.judge._reading import encode as encode, encode_with as encode_with, read as read
from examples.anime_faces.judge._renders import (
    Renders as Renders,
    fresh_factors as fresh_factors,
    render_fresh as render_fresh,
)
from examples.anime_faces.judge._storage import (
    load_card as load_card,
    load_encoder as load_encoder,
    load_judge as load_judge,
    renderer_fingerprint as renderer_fingerprint,
)
from examples.anime_faces.judge._untrained import Untrained as Untrained
