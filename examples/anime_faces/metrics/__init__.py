"""Figures that measure how good generated pictures are, each with the same figure for real pictures."""

from examples.anime_faces.metrics._classification_score import (
    ClassificationScore as ClassificationScore,
    classification_score as classification_score,
)
from examples.anime_faces.metrics._closeness import (
    closeness_figures as closeness_figures,
    parts_figures as parts_figures,
)
from examples.anime_faces.metrics._copies import Nearness as Nearness, nearness as nearness
from examples.anime_faces.metrics._distances import (
    frechet_distance as frechet_distance,
    kernel_distance as kernel_distance,
)
from examples.anime_faces.metrics._evaluation import (
    Evaluation as Evaluation,
    Figure as Figure,
    write_metrics as write_metrics,
)
from examples.anime_faces.metrics._failures import FAILURES as FAILURES, Failure as Failure
from examples.anime_faces.metrics._features import (
    Neighborhoods as Neighborhoods,
    load_features as load_features,
    neighborhoods as neighborhoods,
)
from examples.anime_faces.metrics._forecast import check_samples as check_samples, forecast as forecast
from examples.anime_faces.metrics._pictures import evaluate_pictures as evaluate_pictures
from examples.anime_faces.metrics._plan import choose_machine as choose_machine
from examples.anime_faces.metrics._readings import (
    Spread as Spread,
    noise_usage as noise_usage,
    total_variation as total_variation,
)
from examples.anime_faces.metrics._rendered import evaluate_rendered as evaluate_rendered
from examples.anime_faces.metrics._run import (
    Question as Question,
    evaluate_run as evaluate_run,
    knobs_of as knobs_of,
    metrics_path as metrics_path,
)
from examples.anime_faces.metrics._spectrum import SpectrumGap as SpectrumGap, spectrum_gap as spectrum_gap
from examples.anime_faces.metrics._steps import (
    evaluate_kept as evaluate_kept,
    steps_summary as steps_summary,
)
from examples.anime_faces.metrics._summary import side_of_target as side_of_target, summary as summary
from examples.anime_faces.metrics._tools import Costs as Costs, Tools as Tools
