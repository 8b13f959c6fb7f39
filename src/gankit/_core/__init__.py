"""Floor 0: what every part shares: the roles of tensors, checks of arguments, random draws, files, whole-batch statistics."""

from gankit._core._checks import (
    as_class_counts as as_class_counts,
    as_device as as_device,
    as_path as as_path,
    brief as brief,
    check_at_least as check_at_least,
    check_batch as check_batch,
    check_count as check_count,
    check_finite as check_finite,
    check_floating as check_floating,
    check_fraction as check_fraction,
    check_positive as check_positive,
    check_same_shape as check_same_shape,
    check_version as check_version,
    dense_tensor as dense_tensor,
    see_failures as see_failures,
    values_are_readable as values_are_readable,
)
from gankit._core._draws import (
    random_tensor as random_tensor,
    refuse_both as refuse_both,
    uniform_draw as uniform_draw,
    uniform_like as uniform_like,
)
from gankit._core._files import (
    is_at as is_at,
    replaced_atomically as replaced_atomically,
    sweep_orphans as sweep_orphans,
    try_lock as try_lock,
)
from gankit._core._layers import (
    Conditioned as Conditioned,
    build_layer as build_layer,
    check_factory as check_factory,
    check_out_of_place as check_out_of_place,
    layer_builder as layer_builder,
)
from gankit._core._memory import (
    beyond_memory as beyond_memory,
    lacks_memory as lacks_memory,
    memory_of_machine as memory_of_machine,
)
from gankit._core._tensors import (
    Condition as Condition,
    Critic as Critic,
    Images as Images,
    Labels as Labels,
    Latents as Latents,
    Scalar as Scalar,
    ScoreMaps as ScoreMaps,
    Scores as Scores,
    as_maps as as_maps,
    as_matching_maps as as_matching_maps,
    autocast_is_on as autocast_is_on,
    is_wide as is_wide,
    mean_over_maps as mean_over_maps,
    unit_rows as unit_rows,
    widen as widen,
    without_autocast as without_autocast,
)
from gankit._core._whole_batch import (
    batch_in_parts as batch_in_parts,
    gather_whole_batch as gather_whole_batch,
    has_group as has_group,
    mean_of_whole_batch as mean_of_whole_batch,
    own_rank as own_rank,
    ranks_of_whole_batch as ranks_of_whole_batch,
    sum_over_ranks as sum_over_ranks,
    world_size as world_size,
)
