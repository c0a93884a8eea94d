"""Greek letters by their LaTeX names, with the Unicode character of each."""

from __future__ import annotations

from types import MappingProxyType

GREEK = MappingProxyType(
    {
        **dict(zip("alpha beta gamma delta".split(), "αβγδ", strict=True)),
        **dict(zip("zeta eta theta iota kappa lambda mu".split(), "ζηθικλμ", strict=True)),
        **dict(zip("nu xi pi rho sigma tau upsilon".split(), "νξπρστυ", strict=True)),
        **dict(zip("chi psi omega".split(), "χψω", strict=True)),
        **dict(zip("epsilon varepsilon phi varphi vartheta".split(), "ϵεϕφϑ", strict=True)),
        **dict(zip("Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split(), "ΓΔΘΛΞΠΣΥΦΨΩ", strict=True)),
    }
)
"""Letter names as LaTeX has them; omicron and the capitals that look Latin are not letters of their own there."""
