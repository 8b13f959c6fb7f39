"""Floor 2: what networks are made of: residual blocks, resampling, conditional norms, attention, heads."""

from gankit._core import Conditioned as Conditioned
from gankit.blocks._activation_before_addition import ActivationBeforeAdditionBlock as ActivationBeforeAdditionBlock
from gankit.blocks._activation_first import ActivationFirstBlock as ActivationFirstBlock
from gankit.blocks._activations import LeakyReLU as LeakyReLU, ReLU as ReLU
from gankit.blocks._blur import BlurDownsample as BlurDownsample, BlurUpsample as BlurUpsample
from gankit.blocks._bottleneck import BottleneckBlock as BottleneckBlock
from gankit.blocks._conditional_batch_norm import ConditionalBatchNorm2d as ConditionalBatchNorm2d
from gankit.blocks._conditional_instance_norm import ConditionalInstanceNorm2d as ConditionalInstanceNorm2d
from gankit.blocks._conditioned_sequential import ConditionedSequential as ConditionedSequential
from gankit.blocks._convolution_block import ConvolutionBlock as ConvolutionBlock, Step as Step
from gankit.blocks._data_to_data_head import DataToDataHead as DataToDataHead
from gankit.blocks._depth_concatenation import DepthConcatenation as DepthConcatenation
from gankit.blocks._dropout import AlwaysOnDropout as AlwaysOnDropout
from gankit.blocks._film import FiLM as FiLM
from gankit.blocks._heads import ClassHead as ClassHead, ProjectionHead as ProjectionHead
from gankit.blocks._learned_resampling import (
    StridedDownsample as StridedDownsample,
    SubPixelUpsample as SubPixelUpsample,
    TransposedUpsample as TransposedUpsample,
)
from gankit.blocks._minibatch_discrimination import MinibatchDiscrimination as MinibatchDiscrimination
from gankit.blocks._minibatch_standard_deviation import MinibatchStandardDeviation as MinibatchStandardDeviation
from gankit.blocks._multi_scale import MultiScale as MultiScale
from gankit.blocks._noise_injection import NoiseInjection as NoiseInjection
from gankit.blocks._norm_after_addition import NormAfterAdditionBlock as NormAfterAdditionBlock
from gankit.blocks._patch_head import PatchHead as PatchHead
from gankit.blocks._post_activation import PostActivationBlock as PostActivationBlock
from gankit.blocks._pre_activation import PreActivationBlock as PreActivationBlock
from gankit.blocks._resampling import (
    BilinearUpsample as BilinearUpsample,
    MeanDownsample as MeanDownsample,
    NearestUpsample as NearestUpsample,
)
from gankit.blocks._self_attention import SelfAttention2d as SelfAttention2d
from gankit.blocks._spatial_replication import SpatialReplication as SpatialReplication
from gankit.blocks._srresnet import SRResNetBlock as SRResNetBlock
