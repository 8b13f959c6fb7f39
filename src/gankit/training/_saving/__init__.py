"""Saving: states of networks and optimizers as plain data, and checkpoints of them that are whole or refused."""

from gankit.training._saving._checkpoints import (
    CheckpointError as CheckpointError,
    Checkpoints as Checkpoints,
    load_checkpoint as load_checkpoint,
    save_checkpoint as save_checkpoint,
)
from gankit.training._saving._names import bare as bare, plain_name as plain_name
from gankit.training._saving._networks import (
    load_network_state as load_network_state,
    network_state as network_state,
    refuse_lazy as refuse_lazy,
)
from gankit.training._saving._optimizers import (
    fitting_optimizer_state as fitting_optimizer_state,
    held as held,
    load_optimizer_state as load_optimizer_state,
    optimizer_state as optimizer_state,
)
from gankit.training._saving._random import load_random_state as load_random_state, random_state as random_state
