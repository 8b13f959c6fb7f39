"""Floor 3: networks built of blocks and embedders, one file per pair of generator and critic.

Groups:
    DCGAN: Plain convolutions, with or without labels. Start here.
        DCGANGenerator, DCGANCritic, JoinedCritic
    Residual networks: The networks of WGAN-GP, MakeGirlsMoe and R3GAN.
        ResidualGenerator, ResidualCritic, MakeGirlsMoeGenerator, MakeGirlsMoeCritic, R3GANGenerator, R3GANCritic
    From image to image: The networks of pix2pix (coloring) and StarGAN.
        UNetColorizer, PatchGANCritic, StarGANGenerator, StarGANCritic
    Results and tables: What a critic with class heads returns, and a list of any network's layers.
        CriticOutput, layer_table, LayerTable, LayerRow
"""

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
