"""Dyestuff: the classical balanced one-way layout."""

from momentalg.datasets.dataset import Dataset

DATASET = Dataset(
    name="Dyestuff",
    description="Yield of dyestuff from five preparations of each of six batches of an intermediate product.",
    citation=(
        "O. L. Davies and P. L. Goldsmith (eds), Statistical Methods in Research and Production, 4th edition, "
        "Oliver and Boyd, Edinburgh, 1972, section 6.4"
    ),
    columns={"Batch": "batch of the intermediate product", "Yield": "yield of dyestuff (grams of standard colour)"},
    rows=30,
)
