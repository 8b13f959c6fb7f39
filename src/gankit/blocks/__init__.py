"""Floor 2: the parts of networks: residual blocks, resampling, conditional norms, attention, heads.

Groups:
    Residual blocks: Two or three convolutions and a shortcut. They differ in the order of norm, activation and addition.
        PreActivationBlock, PostActivationBlock, NormAfterAdditionBlock, ActivationBeforeAdditionBlock, ActivationFirstBlock,
        SRResNetBlock, BottleneckBlock
    Sequences of layers: A convolution with norm, dropout and activation in any order, and layers that pass a condition on.
        ConvolutionBlock, Step, ConditionedSequential, Conditioned
    Upsampling: Layers that double height and width.
        NearestUpsample, BilinearUpsample, BlurUpsample, UpsampledConv2d, TransposedUpsample, SubPixelUpsample
    Downsampling: Layers that halve height and width.
        MeanDownsample, BlurDownsample, PooledConv2d, StridedDownsample
    Conditions in a network: Conditional norms, and joining a condition to a map.
        ConditionalBatchNorm2d, ConditionalInstanceNorm2d, FiLM, DepthConcatenation, SpatialReplication
    Heads of a critic: The last layers: a score with a condition, a score per patch or size, classes.
        ProjectionHead, PatchHead, MultiScale, ClassHead, DataToDataHead
    Against mode collapse: Features that show the critic (discriminator) how much the samples of a batch differ.
        MinibatchStandardDeviation, MinibatchDiscrimination
    Attention: Every position of a map sees all others.
        SelfAttention2d
    Noise: Randomness inside a generator.
        NoiseInjection, AlwaysOnDropout
    Activations: Rectifiers that save work under a gradient penalty.
        LeakyReLU, ReLU
"""

from gankit._core import Conditioned as Conditioned
from gankit.blocks._activations import LeakyReLU as LeakyReLU, ReLU as ReLU
from gankit.blocks._conditional_norms import (
    ConditionalBatchNorm2d as ConditionalBatchNorm2d,
    ConditionalInstanceNorm2d as ConditionalInstanceNorm2d,
    FiLM as FiLM,
)
from gankit.blocks._heads import (
    ClassHead as ClassHead,
    DataToDataHead as DataToDataHead,
    PatchHead as PatchHead,
    ProjectionHead as ProjectionHead,
)
from gankit.blocks._joining import DepthConcatenation as DepthConcatenation, SpatialReplication as SpatialReplication
from gankit.blocks._learned_resampling import (
    PooledConv2d as PooledConv2d,
    StridedDownsample as StridedDownsample,
    SubPixelUpsample as SubPixelUpsample,
    TransposedUpsample as TransposedUpsample,
    UpsampledConv2d as UpsampledConv2d,
)
from gankit.blocks._minibatch import (
    MinibatchDiscrimination as MinibatchDiscrimination,
    MinibatchStandardDeviation as MinibatchStandardDeviation,
)
from gankit.blocks._multi_scale import MultiScale as MultiScale
from gankit.blocks._noise import AlwaysOnDropout as AlwaysOnDropout, NoiseInjection as NoiseInjection
from gankit.blocks._plain_residual import BottleneckBlock as BottleneckBlock, SRResNetBlock as SRResNetBlock
from gankit.blocks._pre_activation import PreActivationBlock as PreActivationBlock
from gankit.blocks._resampling import (
    BilinearUpsample as BilinearUpsample,
    BlurDownsample as BlurDownsample,
    BlurUpsample as BlurUpsample,
    MeanDownsample as MeanDownsample,
    NearestUpsample as NearestUpsample,
)
from gankit.blocks._residual_orders import (
    ActivationBeforeAdditionBlock as ActivationBeforeAdditionBlock,
    ActivationFirstBlock as ActivationFirstBlock,
    NormAfterAdditionBlock as NormAfterAdditionBlock,
    PostActivationBlock as PostActivationBlock,
)
from gankit.blocks._self_attention import SelfAttention2d as SelfAttention2d
from gankit.blocks._sequential import (
    ConditionedSequential as ConditionedSequential,
    ConvolutionBlock as ConvolutionBlock,
    Step as Step,
)
