"""RatPupWeight: litters of unequal size, in which the size itself matters."""

from momentalg.datasets.dataset import Dataset

DATASET = Dataset(
    name="RatPupWeight",
    description="Birth weights of rat pups in 27 litters of 2 to 18 pups; larger litters have lighter pups.",
    citation=(
        "J. C. Pinheiro and D. M. Bates, Mixed-Effects Models in S and S-PLUS, Springer, New York, 2000; "
        "first analysed by A. P. Dempster, M. R. Selwyn, C. M. Patel and A. J. Roth, "
        "Applied Statistics 33 (1984), 203-214"
    ),
    columns={
        "weight": "birth weight of the pup (grams)",
        "sex": "sex of the pup",
        "Litter": "litter",
        "Lsize": "number of pups in the litter",
        "Treatment": "dose given to the mother: Control, Low or High",
        "Ni": "number of pups of the litter in the data; equal to Lsize",
    },
    rows=322,
)
