"""How fast moto answers a request."""

import functools
from typing import Any

from botocore.model import Shape
from moto.backends import list_of_moto_modules
from moto.core.serialize import ResponseSerializer
from werkzeug.serving import ThreadedWSGIServer

from engine.rebinding import rebind

WAITING_CONNECTIONS = 1024


def install() -> None:
    """Makes moto look up once what does not change, and nothing that cannot be there, and keeps no connection waiting for a second."""
    _list_services_once()
    _look_for_no_other_names()
    # A connection beyond these is tried again after a second, which is many of a fast world's.
    ThreadedWSGIServer.request_queue_size = WAITING_CONNECTIONS


def _list_services_once() -> None:
    """moto lists its own folders to find the service of every request."""

    @functools.cache
    def modules() -> list[str]:
        return list(list_of_moto_modules())

    rebind(list_of_moto_modules, modules)


def _look_for_no_other_names() -> None:
    """For each member that an answer lacks moto tries every name that the member may have in its own objects. A dictionary that
    has nothing but members under their own names has none under another: an event of a history, which has one of 40 kinds of
    details, or a value of DynamoDB, which has one of ten types."""
    original = ResponseSerializer.get_value

    def get_value(self: ResponseSerializer, value: Any, key: str, shape: Shape) -> Any:
        if type(value) is dict and key not in value and value.keys() <= shape.parent.members.keys():
            return None
        return original(self, value, key, shape)

    ResponseSerializer.get_value = get_value
