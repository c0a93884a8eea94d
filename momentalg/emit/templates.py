"""Where the templates are: inside an installed package, or beside it in a checkout.

A wheel carries templates/ as momentalg/_templates. An editable install does not make that folder, and there
the folder of the checkout is used.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from momentalg.errors import MomentalgError


def template_root() -> Path:
    """The folder that holds numpy/, latex/, html/ and the other sets of templates.

    Raises `MomentalgError` when the installation lacks it.
    """
    package = Path(str(files("momentalg")))
    installed, checkout = package / "_templates", package.parent / "templates"
    for folder in (installed, checkout):
        if folder.is_dir():
            return folder
    raise MomentalgError(f"the templates are missing: neither {installed} nor {checkout} exists; reinstall momentalg")
