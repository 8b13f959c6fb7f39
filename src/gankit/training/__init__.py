"""Floor 4: one update, one round of updates, and the state around them.

Groups:
    Updates: One optimizer step of one network, and rounds of them. Start here.
        Update, play_round, BatchesExhaustedError
    Terms and losses: What an update adds up and differentiates.
        Terms, Loss, Values
    Gradients: How an update computes its gradient: plainly, in parts (gradient accumulation), compiled, or as a CUDA graph.
        Eager, Accumulated, Compiled, Graphed, Gradients
    Steppers: How an update steps: never on NaN, with a clipped gradient, or in float16.
        FiniteStepper, ScaledStepper, NonFiniteError, Stepper
    Averages and replay: An average of the generator's weights (EMA), and earlier samples for the critic.
        WeightAverage, Replay
    Several ranks: Data-parallel training without a wrapper. With DistributedDataParallel you need neither.
        AveragedOverRanks, broadcast_state
    Logs: Values of updates, read from the device once in a while.
        LogRing
    Checkpoints: Files that are complete or refused, and folders of them.
        Checkpoints, save_checkpoint, load_checkpoint, CheckpointError, CheckpointFolderError
    States: What a checkpoint holds: networks, updates with their optimizers, random numbers.
        network_state, load_network_state, updates_state, load_updates_state, random_state, load_random_state,
        check_finite_state
"""

from gankit.training._accumulated import Accumulated as Accumulated
from gankit.training._average import WeightAverage as WeightAverage
from gankit.training._bare_ranks import AveragedOverRanks as AveragedOverRanks, broadcast_state as broadcast_state
from gankit.training._compiled import Compiled as Compiled
from gankit.training._finite import NonFiniteError as NonFiniteError
from gankit.training._gradients import Eager as Eager, Gradients as Gradients
from gankit.training._graphed import Graphed as Graphed
from gankit.training._log import LogRing as LogRing
from gankit.training._loss import Loss as Loss, Terms as Terms, Values as Values
from gankit.training._replay import Replay as Replay
from gankit.training._round import BatchesExhaustedError as BatchesExhaustedError, play_round as play_round
from gankit.training._saving import (
    CheckpointError as CheckpointError,
    CheckpointFolderError as CheckpointFolderError,
    Checkpoints as Checkpoints,
    check_finite_state as check_finite_state,
    load_checkpoint as load_checkpoint,
    load_network_state as load_network_state,
    load_random_state as load_random_state,
    network_state as network_state,
    random_state as random_state,
    save_checkpoint as save_checkpoint,
)
from gankit.training._scaled import ScaledStepper as ScaledStepper
from gankit.training._stepper import FiniteStepper as FiniteStepper, Stepper as Stepper
from gankit.training._update import Update as Update
from gankit.training._updates_state import (
    load_updates_state as load_updates_state,
    updates_state as updates_state,
)
