"""Replaces a function of moto wherever moto's modules hold it."""

import sys
from collections.abc import Callable


def rebind(original: Callable, replacement: Callable) -> None:
    """Puts `replacement` in place of `original` in every loaded module of moto: they import functions by name."""
    for name, module in list(sys.modules.items()):
        if name.startswith("moto."):
            for attribute, value in list(vars(module).items()):
                if value is original:
                    setattr(module, attribute, replacement)
