"""Pictures and their labels: the renderer of faces, and readers for the user's own files."""

from examples.anime_faces.data._arguments import as_argument as as_argument, command_line as command_line
from examples.anime_faces.data._attributes import (
    BINARY_ATTRIBUTES as BINARY_ATTRIBUTES,
    FACE_ATTRIBUTES as FACE_ATTRIBUTES,
    Attribute as Attribute,
)
from examples.anime_faces.data._dataset import (
    Dataset as Dataset,
    open_verified as open_verified,
)
from examples.anime_faces.data._images import write_images as write_images
from examples.anime_faces.data._joined import DOMAIN as DOMAIN, join_datasets as join_datasets
from examples.anime_faces.data._layout import MEASURED_FOLDER as MEASURED_FOLDER, is_dataset as is_dataset
from examples.anime_faces.data._lines import ParseError as ParseError
from examples.anime_faces.data._lost_pictures import losses_in_words as losses_in_words
from examples.anime_faces.data._names import normalized as normalized, word_key as word_key
from examples.anime_faces.data._numbers import counted as counted
from examples.anime_faces.data._only import only_chosen as only_chosen
from examples.anime_faces.data._phrases import (
    describe as describe,
    example_of as example_of,
    find_classes as find_classes,
    parse_prompt as parse_prompt,
)
from examples.anime_faces.data._picture import Reading as Reading, read_picture as read_picture
from examples.anime_faces.data._pixels import Fit as Fit, UnusableError as UnusableError, to_square as to_square
from examples.anime_faces.data._places import (
    check_apart_from_data as check_apart_from_data,
    check_place_of_run as check_place_of_run,
)
from examples.anime_faces.data._prompts import (
    Prompt as Prompt,
    free_id as free_id,
    read_prompts as read_prompts,
)
from examples.anime_faces.data._rendered import render_faces as render_faces, write_rendered as write_rendered
from examples.anime_faces.data._sharded import ShardedImages as ShardedImages
from examples.anime_faces.data._shards import write_shards as write_shards
from examples.anime_faces.data._source import (
    Source as Source,
    folder_source as folder_source,
    list_files as list_files,
    unlabeled_source as unlabeled_source,
)
from examples.anime_faces.data._summary import summarize as summarize
from examples.anime_faces.data._table import line_of_class as line_of_class, table_source as table_source
from examples.anime_faces.data._tags import tag_source as tag_source
from examples.anime_faces.data._texts import (
    has_underscored_words as has_underscored_words,
    has_word as has_word,
    text_of_tags as text_of_tags,
    varied_texts as varied_texts,
)
from examples.anime_faces.data._workers import default_workers as default_workers
from examples.anime_faces.data._writer import Watch as Watch, watch_nothing as watch_nothing
