"""Rows of `gankit.training`."""

from gankit import training
from support.contract.row import Row

# Parts that own an optimizer, a file or a weight average are not functions of a tensor; their own tests check them.
TRAINING: dict[str, Row] = {
    "Accumulated": Row(make=lambda: training.Accumulated(4)),
    "AveragedOverRanks": Row(make=lambda: training.AveragedOverRanks(training.Accumulated(2))),
    "BatchesExhaustedError": Row(make=lambda: training.BatchesExhaustedError),
    "CheckpointError": Row(make=lambda: training.CheckpointError),
    "CheckpointFolderError": Row(make=lambda: training.CheckpointFolderError),
    "Checkpoints": Row(make=lambda: training.Checkpoints),
    "Compiled": Row(make=lambda: training.Compiled(tolerance=0.5)),
    "Eager": Row(make=training.Eager),
    "FiniteStepper": Row(make=lambda: training.FiniteStepper),
    "Gradients": Row(make=lambda: training.Gradients),
    "Graphed": Row(make=lambda: training.Graphed),
    "LogRing": Row(make=lambda: training.LogRing),
    "Loss": Row(make=lambda: training.Loss),
    "NonFiniteError": Row(make=lambda: training.NonFiniteError),
    "Replay": Row(make=lambda: training.Replay(50)),
    "ScaledStepper": Row(make=lambda: training.ScaledStepper),
    "Stepper": Row(make=lambda: training.Stepper),
    "Terms": Row(make=lambda: training.Terms),
    "Update": Row(make=lambda: training.Update),
    "Values": Row(make=lambda: training.Values),
    "WeightAverage": Row(make=lambda: training.WeightAverage),
    "check_finite_state": Row(make=lambda: training.check_finite_state),
    "broadcast_state": Row(make=lambda: training.broadcast_state),
    "load_checkpoint": Row(make=lambda: training.load_checkpoint),
    "load_network_state": Row(make=lambda: training.load_network_state),
    "load_updates_state": Row(make=lambda: training.load_updates_state),
    "load_random_state": Row(make=lambda: training.load_random_state),
    "network_state": Row(make=lambda: training.network_state),
    "random_state": Row(make=lambda: training.random_state),
    "play_round": Row(make=lambda: training.play_round),
    "save_checkpoint": Row(make=lambda: training.save_checkpoint),
    "updates_state": Row(make=lambda: training.updates_state),
}
