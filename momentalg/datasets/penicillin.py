"""Penicillin: two crossed factors, balanced, one observation in each cell."""

from momentalg.datasets.dataset import Dataset

DATASET = Dataset(
    name="Penicillin",
    description="Diameters of growth inhibition on 24 plates, each with all six samples of penicillin.",
    citation=(
        "O. L. Davies and P. L. Goldsmith (eds), Statistical Methods in Research and Production, 4th edition, "
        "Oliver and Boyd, Edinburgh, 1972, section 6.6"
    ),
    columns={
        "diameter": "diameter of the zone of growth inhibition (millimetres)",
        "plate": "assay plate",
        "sample": "penicillin sample",
    },
    rows=144,
)
