"""Floor 4: one update, one round, and the state around them."""

from gankit.training._accumulated import Accumulated as Accumulated
from gankit.training._average import WeightAverage as WeightAverage
from gankit.training._checkpoint import (
    CheckpointError as CheckpointError,
    load_checkpoint as load_checkpoint,
    save_checkpoint as save_checkpoint,
)
from gankit.training._checkpoints import Checkpoints as Checkpoints
from gankit.training._finite import NonFiniteError as NonFiniteError
from gankit.training._gradients import Eager as Eager, Gradients as Gradients
from gankit.training._network_state import (
    load_network_state as load_network_state,
    network_state as network_state,
)
from gankit.training._round import BatchesExhaustedError as BatchesExhaustedError, play_round as play_round
from gankit.training._terms import Terms as Terms
from gankit.training._update import Update as Update
