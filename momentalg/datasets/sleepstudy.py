"""Sleepstudy: repeated measurements with a slope for each subject."""

from momentalg.datasets.dataset import Dataset

DATASET = Dataset(
    name="sleepstudy",
    description="Reaction times of 18 subjects on ten days of restricted sleep.",
    citation=(
        "G. Belenky, N. J. Wesensten, D. R. Thorne, M. L. Thomas, H. C. Sing, D. P. Redmond, M. B. Russo and "
        "T. J. Balkin, Journal of Sleep Research 12 (2003), 1-12"
    ),
    columns={
        "Reaction": "average reaction time (milliseconds)",
        "Days": "days of restricted sleep, from 0 to 9",
        "Subject": "subject",
    },
    rows=180,
)
