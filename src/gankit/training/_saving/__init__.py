"""Saving: states of networks and optimizers as plain data, and checkpoints of them that are whole or refused."""

from gankit.training._saving._checkpoints import Checkpoints as Checkpoints
from gankit.training._saving._finite_state import (
    MomentWatch as MomentWatch,
    check_finite_state as check_finite_state,
    finite_tensor as finite_tensor,
)
from gankit.training._saving._locks import CheckpointFolderError as CheckpointFolderError
from gankit.training._saving._names import bare as bare, plain_name as plain_name
from gankit.training._saving._networks import (
    load_fitting_state as load_fitting_state,
    load_network_state as load_network_state,
    network_state as network_state,
    refuse_lazy as refuse_lazy,
)
from gankit.training._saving._one_file import (
    CheckpointError as CheckpointError,
    load_checkpoint as load_checkpoint,
    save_checkpoint as save_checkpoint,
)
from gankit.training._saving._optimizers import (
    fitting_optimizer_state as fitting_optimizer_state,
    held as held,
    load_optimizer_state as load_optimizer_state,
    optimizer_state as optimizer_state,
)
from gankit.training._saving._random import load_random_state as load_random_state, random_state as random_state
