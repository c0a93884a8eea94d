"""Dyestuff2: a balanced one-way layout whose moment estimate of the variance between batches is negative."""

from momentalg.datasets.dataset import Dataset

DATASET = Dataset(
    name="Dyestuff2",
    description="Simulated companion of Dyestuff, in which batches differ less than their observations explain.",
    citation=(
        "G. E. P. Box and G. C. Tiao, Bayesian Inference in Statistical Analysis, Addison-Wesley, Reading, 1973, "
        "section 5.1.2"
    ),
    columns={"Batch": "batch", "Yield": "simulated yield"},
    rows=30,
)
