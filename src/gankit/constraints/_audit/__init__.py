"""The audit of a critic that a penalty differentiates: its first call is checked closely, later calls cost almost nothing."""

from gankit.constraints._audit._calls import (
    call_audited as call_audited,
    check_scores_graph as check_scores_graph,
    in_place_message as in_place_message,
)
