"""Training runs: settings, data feed, loop, checkpoints, previews; and the trained generator afterwards."""

from examples.anime_faces.run._axis import SymmetricLog as SymmetricLog
from examples.anime_faces.run._batch import large_batch as large_batch
from examples.anime_faces.run._console import StopSignals as StopSignals
from examples.anime_faces.run._cure import cure_of as cure_of
from examples.anime_faces.run._curves import (
    Panel as Panel,
    averaged_curve as averaged_curve,
    draw_curves as draw_curves,
    draw_panels as draw_panels,
    first_steps as first_steps,
    loss_curves as loss_curves,
    series as series,
    with_totals as with_totals,
)
from examples.anime_faces.run._feed import Feed as Feed
from examples.anime_faces.run._figures import (
    Records as Records,
    best_of_each as best_of_each,
    read_kept as read_kept,
    read_metrics as read_metrics,
)
from examples.anime_faces.run._folder import RunFolder as RunFolder
from examples.anime_faces.run._formats import load_any_checkpoint as load_any_checkpoint
from examples.anime_faces.run._generator import (
    ANYTHING as ANYTHING,
    LoadedGenerator as LoadedGenerator,
    load_generator as load_generator,
)
from examples.anime_faces.run._hold import locked as locked
from examples.anime_faces.run._kept import (
    checkpoint_of as checkpoint_of,
    kept_steps as kept_steps,
    newest_step as newest_step,
    saved_steps as saved_steps,
)
from examples.anime_faces.run._letters import displayed as displayed
from examples.anime_faces.run._loading import load_network as load_network
from examples.anime_faces.run._losses import Losses as Losses, read_losses as read_losses
from examples.anime_faces.run._monitors import (
    BLIND as BLIND,
    CONVERGED as CONVERGED,
    DIVERGED as DIVERGED,
    RULES as RULES,
    Span as Span,
    are_watched as are_watched,
    spans_of as spans_of,
)
from examples.anime_faces.run._originals import (
    ORIGINAL as ORIGINAL,
    originals_of as originals_of,
    seed_of_prompt as seed_of_prompt,
)
from examples.anime_faces.run._outlines import read_outline as read_outline
from examples.anime_faces.run._planning import read_plan as read_plan
from examples.anime_faces.run._profile import profile_rounds as profile_rounds
from examples.anime_faces.run._record import read_log as read_log
from examples.anime_faces.run._request import Outcome as Outcome, TrainRequest as TrainRequest
from examples.anime_faces.run._seen import (
    COLOR_PROMPTS as COLOR_PROMPTS,
    SEEN as SEEN,
    UNSEEN as UNSEEN,
    marks_of as marks_of,
    seen as seen,
    table_prompts as table_prompts,
    training_data as training_data,
)
from examples.anime_faces.run._settings import Settings as Settings
from examples.anime_faces.run._sheet_files import read_layout as read_layout, read_sheet as read_sheet
from examples.anime_faces.run._sheets import (
    Block as Block,
    Layout as Layout,
    Sheet as Sheet,
    draw_sheet as draw_sheet,
    enlargement as enlargement,
)
from examples.anime_faces.run._state import digest as digest, take_networks as take_networks
from examples.anime_faces.run._stores import (
    as_network_input as as_network_input,
    choose_store as choose_store,
)
from examples.anime_faces.run._together import (
    ALONE as ALONE,
    Together as Together,
    joined as joined,
)
from examples.anime_faces.run._train import train as train
from examples.anime_faces.run._watch import Moment as Moment, Watcher as Watcher, watch_nothing as watch_nothing
