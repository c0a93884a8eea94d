"""Pastes: casks nested in batches, two assays of each cask."""

from momentalg.datasets.dataset import Dataset

DATASET = Dataset(
    name="Pastes",
    description="Strength of a chemical paste, two assays of each of three casks from each of ten batches.",
    citation=(
        "O. L. Davies and P. L. Goldsmith (eds), Statistical Methods in Research and Production, 4th edition, "
        "Oliver and Boyd, Edinburgh, 1972, section 6.5"
    ),
    columns={
        "strength": "strength of the paste",
        "batch": "delivery batch",
        "cask": "cask within the batch: a, b or c in every batch",
        "sample": "batch and cask together, distinct over the whole data",
    },
    rows=60,
)
