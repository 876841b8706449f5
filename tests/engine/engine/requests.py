"""How fast moto answers a request."""

import functools

from moto.backends import list_of_moto_modules

from engine.rebinding import rebind


def install() -> None:
    """moto lists its own folders to find the service of every request; they do not change."""

    @functools.cache
    def modules() -> list[str]:
        return list(list_of_moto_modules())

    rebind(list_of_moto_modules, modules)
