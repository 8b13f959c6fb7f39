"""Floor 3: networks built of blocks and embedders, one file per pair of generator and critic."""

from gankit.networks._dcgan import DCGANCritic as DCGANCritic, DCGANGenerator as DCGANGenerator
from gankit.networks._joined_critic import JoinedCritic as JoinedCritic
from gankit.networks._layer_table import (
    LayerRow as LayerRow,
    LayerTable as LayerTable,
    layer_table as layer_table,
)
from gankit.networks._make_girls_moe import (
    MakeGirlsMoeCritic as MakeGirlsMoeCritic,
    MakeGirlsMoeGenerator as MakeGirlsMoeGenerator,
)
from gankit.networks._parts import CriticOutput as CriticOutput
from gankit.networks._pix2pix import PatchGANCritic as PatchGANCritic, UNetColorizer as UNetColorizer
from gankit.networks._r3gan import R3GANCritic as R3GANCritic, R3GANGenerator as R3GANGenerator
from gankit.networks._residual import ResidualCritic as ResidualCritic, ResidualGenerator as ResidualGenerator
from gankit.networks._stargan import StarGANCritic as StarGANCritic, StarGANGenerator as StarGANGenerator
