"""What recipes share: how a data set is read, what a recipe says, and how it becomes something that trains."""

from examples.anime_faces.systems._choices import (
    fastest_hardware as fastest_hardware,
    hardware_choices as hardware_choices,
)
from examples.anime_faces.systems._description import (
    Condition as Condition,
    Description as Description,
    TextDescription as TextDescription,
)
from examples.anime_faces.systems._drawing import Drawer as Drawer, to_pixels as to_pixels
from examples.anime_faces.systems._expected import warning_expected as warning_expected
from examples.anime_faces.systems._formulas import (
    NOTATION as NOTATION,
    SIGNS as SIGNS,
    Costs as Costs,
    costs_of as costs_of,
    critic_formula as critic_formula,
    generator_formula as generator_formula,
    labeled_formula as labeled_formula,
    matching_formula as matching_formula,
    mean_formula as mean_formula,
    number as number,
    weighted as weighted,
)
from examples.anime_faces.systems._hardware import Hardware as Hardware, wait_for as wait_for
from examples.anime_faces.systems._labels import (
    AnyPicture as AnyPicture,
    AnyTag as AnyTag,
    Conditioning as Conditioning,
    ExactlyOne as ExactlyOne,
    Grid as Grid,
    Labels as Labels,
    Selection as Selection,
    WhateverIsKnown as WhateverIsKnown,
    fill_in as fill_in,
)
from examples.anime_faces.systems._outline import (
    Fact as Fact,
    NetworkOutline as NetworkOutline,
    Outline as Outline,
    Section as Section,
)
from examples.anime_faces.systems._outlining import (
    costs_of_updates as costs_of_updates,
    outline_of as outline_of,
    training_on_meta as training_on_meta,
)
from examples.anime_faces.systems._pictures import (
    base_and_doublings as base_and_doublings,
    from_unit_range as from_unit_range,
    halvings_of as halvings_of,
    luminance as luminance,
    to_unit_range as to_unit_range,
)
from examples.anime_faces.systems._players import Player as Player, joined as joined
from examples.anime_faces.systems._readings import (
    columns_after as columns_after,
    rows_after as rows_after,
    score_readings as score_readings,
)
from examples.anime_faces.systems._recipe import (
    Blueprint as Blueprint,
    Networks as Networks,
    OptimizerMaker as OptimizerMaker,
    Recipe as Recipe,
    Scalars as Scalars,
    Side as Side,
    Stateful as Stateful,
    System as System,
    always as always,
    drawn_in_unit_range as drawn_in_unit_range,
)
from examples.anime_faces.systems._second_set import (
    AnyPictureOfTwo as AnyPictureOfTwo,
    WithSecondSet as WithSecondSet,
)
from examples.anime_faces.systems._share import (
    WHOLE as WHOLE,
    Share as Share,
    of_all_ranks as of_all_ranks,
    of_one_rank as of_one_rank,
)
from examples.anime_faces.systems._texts import EveryText as EveryText, cleaned_texts as cleaned_texts
from examples.anime_faces.systems._timing import (
    Candidate as Candidate,
    Clock as Clock,
    Comparison as Comparison,
    UnusableError as UnusableError,
    compare as compare,
    typical_seconds as typical_seconds,
)
from examples.anime_faces.systems._training import Training as Training, assemble as assemble
