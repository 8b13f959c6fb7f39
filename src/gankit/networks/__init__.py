"""Floor 3: thin presets built of blocks and embedders, one file each."""

from gankit.networks._critic_output import CriticOutput as CriticOutput
from gankit.networks._dcgan_critic import DCGANCritic as DCGANCritic
from gankit.networks._dcgan_generator import DCGANGenerator as DCGANGenerator
from gankit.networks._joined_critic import JoinedCritic as JoinedCritic
from gankit.networks._layer_table import (
    LayerRow as LayerRow,
    LayerTable as LayerTable,
    layer_table as layer_table,
)
from gankit.networks._make_girls_moe_critic import MakeGirlsMoeCritic as MakeGirlsMoeCritic
from gankit.networks._make_girls_moe_generator import MakeGirlsMoeGenerator as MakeGirlsMoeGenerator
from gankit.networks._patchgan_critic import PatchGANCritic as PatchGANCritic
from gankit.networks._r3gan_critic import R3GANCritic as R3GANCritic
from gankit.networks._r3gan_generator import R3GANGenerator as R3GANGenerator
from gankit.networks._residual_critic import ResidualCritic as ResidualCritic
from gankit.networks._residual_generator import ResidualGenerator as ResidualGenerator
from gankit.networks._stargan_critic import StarGANCritic as StarGANCritic
from gankit.networks._stargan_generator import StarGANGenerator as StarGANGenerator
from gankit.networks._unet_colorizer import UNetColorizer as UNetColorizer
