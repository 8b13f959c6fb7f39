"""Floor 2: the parts of networks: residual blocks, resampling, conditional norms, attention, heads."""

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
