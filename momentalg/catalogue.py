"""Discovery of the one-file, one-constant collections: laws, statistics, distributions, backends.

A collection is a package in which every module defines the same constant. There is no list to edit:
adding a file adds an entry, removing it removes the entry.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any

from momentalg.errors import MomentalgError


@cache
def discover(package: str, constant: str) -> MappingProxyType[str, Any]:
    """Return the constants named `constant` of the modules of `package`, by their `name`, sorted.

    Raises `MomentalgError` when two of them claim the same name.
    """
    found: dict[str, Any] = {}
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        module: ModuleType = importlib.import_module(f"{package}.{info.name}")
        entry = getattr(module, constant, None)
        if entry is None:  # shared base classes live beside the entries
            continue
        if entry.name in found:
            raise MomentalgError(f"two entries of {package} are called {entry.name!r}; rename one of them")
        found[entry.name] = entry
    return MappingProxyType(dict(sorted(found.items())))
