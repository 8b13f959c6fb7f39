"""The table of the contract test: a row for each public name, with how to make and call it, and which checks apply."""

from support.contract.augment import AUGMENT
from support.contract.blocks import BLOCKS
from support.contract.constraints import CONSTRAINTS
from support.contract.embedders import EMBEDDERS
from support.contract.latents import LATENTS
from support.contract.losses import LOSSES
from support.contract.networks import NETWORKS
from support.contract.row import Row as Row
from support.contract.schedules import SCHEDULES
from support.contract.training import TRAINING

TABLE: dict[str, dict[str, Row]] = {
    "augment": AUGMENT,
    "blocks": BLOCKS,
    "constraints": CONSTRAINTS,
    "embedders": EMBEDDERS,
    "latents": LATENTS,
    "losses": LOSSES,
    "networks": NETWORKS,
    "schedules": SCHEDULES,
    "training": TRAINING,
}
