"""All targets, by name."""

from tests.fuzzing.data_files import DATA_FILES
from tests.fuzzing.library_files import LIBRARY_FILES
from tests.fuzzing.run_files import RUN_FILES
from tests.fuzzing.run_states import RUN_STATES

TARGETS = {**LIBRARY_FILES, **DATA_FILES, **RUN_FILES, **RUN_STATES}
"""Every reader that is fuzzed, by its name."""
BINARY = (
    *(
        "checkpoint",
        "pickle of a checkpoint",
        "table of vectors",
        "vectors of skip-thoughts",
        "weights of skip-thoughts",
    ),
    *("array", "shard", "weights of StarGAN", "kept features"),
)
"""The targets of the coverage-guided fuzzer, where none is named."""
