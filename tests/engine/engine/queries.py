"""JSONata expressions, evaluated by jsonata-python.

moto writes every variable in scope into the text of the expression, for an evaluator that it does not bring along. Here the text is
parsed once and the values are bound to it. An expression that fails, or that returns nothing, is a States.QueryEvaluationError
that Retry and Catch can match (Step Functions developer guide, "Transforming data with JSONata").
"""

import functools
import hashlib
import json
import math
import random
import re
import uuid
from typing import Any, NamedTuple

import jsonata
from jsonata.utils import Utils
from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.jsonata.jsonata import extract_jsonata_variable_references

from engine import reference
from engine.clock import Clock

LARGEST_EXACT_INTEGER = 2**53


def install(clock: Clock) -> None:
    """Makes moto evaluate expressions with this module; $now() is the world's time."""
    reference.install()
    FUNCTIONS["now"] = clock.now
    StringJSONata._eval_body = _eval_body


def _eval_body(self: StringJSONata, env: Environment) -> None:
    try:
        result = evaluate(self.expression, _variables(env))
    except Exception as error:
        _fail(env, f"The JSONata expression '{self.expression}' failed: {error}")
    if result is None:
        _fail(env, f"The JSONata expression '{self.expression}' returned nothing (undefined).")
    try:
        env.stack.append(_to_json(result))
    except TypeError:
        _fail(env, f"The JSONata expression '{self.expression}' returned an unsupported result type.")


def _variables(env: Environment) -> dict[str, Any]:
    """Everything an expression may name: $states and the variables of this scope and the ones around it."""
    # Before there is a result or an error, asking for it gives nothing, not null.
    states = {
        key: value
        for key, value in env.states._states_data.items()
        if value is not None or key not in ("result", "errorOutput")
    }
    return {"states": states, **env.variable_store._outer_scope, **env.variable_store._inner_scope}


def _fail(env: Environment, cause: str) -> None:
    """Records the failed evaluation in the execution's history and fails the state."""
    error_name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    event = FailureEvent(
        env=env,
        error_name=error_name,
        event_type=HistoryEventType.EvaluationFailed,
        event_details=EventDetails(
            evaluationFailedEventDetails=EvaluationFailedEventDetails(cause=cause, error=error_name.error_name)
        ),
    )
    env.event_manager.add_event(
        context=env.event_history_context, event_type=event.event_type, event_details=event.event_details
    )
    raise FailureEventException(failure_event=event)


def evaluate(expression: str, variables: dict[str, Any]) -> Any:
    """The value of `expression` in jsonata-python's own types: None is "nothing", Utils.NULL_VALUE is null."""
    program, names, fields = _parsed(expression)
    bound = {name: value for name, value in variables.items() if name in names}
    if fields is not None:
        bound["states"] = {name: value for name, value in bound["states"].items() if name in fields}
    return program.evaluate(None, {name: _from_json(value) for name, value in bound.items()})


class Expression(NamedTuple):
    """A parsed expression and what its text names. Nothing else is bound to it: a rollout's variables are mostly its plan,
    which few expressions name."""

    program: jsonata.Jsonata
    names: frozenset[str]
    """Whatever stands behind a $, be it in a string."""
    fields: frozenset[str] | None
    """The fields of $states; None when the text does not tell."""


@functools.lru_cache(maxsize=4096)
def _parsed(expression: str) -> Expression:
    extract_jsonata_variable_references(expression)  # refuses $ and $$, as the service does
    program = jsonata.Jsonata(expression)
    program.set_output_convert_nulls(False)
    for name, function in FUNCTIONS.items():
        program.register_lambda(name, function)
    names = re.findall(r"\$(\w+)", expression)
    fields = re.findall(r"\$states\.(\w+)", expression)
    all_named = 0 < len(fields) == names.count("states")
    return Expression(program, frozenset(names), frozenset(fields) if all_named else None)


def _from_json(value: Any) -> Any:
    """A copy of a JSON value as jsonata-python wants it: null is an object of its own, a time is text."""
    if value is None:
        return Utils.NULL_VALUE
    if isinstance(value, dict):
        return {key: _from_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    if isinstance(value, (str, bool, int, float)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _to_json(value: Any) -> Any:
    """A plain JSON value; TypeError if there is none, as for a function or a number that is not finite. Numbers without a fraction are
    integers, as in JavaScript."""
    if value is None or value is Utils.NULL_VALUE:
        return None
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [_to_json(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_EXACT_INTEGER:
        return int(value)
    if isinstance(value, (str, bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise TypeError(type(value).__name__)


# The functions that Step Functions adds to JSONata ("JSONata functions provided by Step Functions" in its developer guide).


def _partition(array: Any, size: float) -> list[list]:
    array = array if isinstance(array, list) else [array]
    return [array[start : start + int(size)] for start in range(0, len(array), int(size))]


def _range(first: float, last: float, step: float) -> list[float]:
    return [first + index * step for index in range(math.floor((last - first) / step) + 1)]


def _hash(text: Any, algorithm: str = "SHA-1") -> str:
    return hashlib.new(algorithm.replace("-", "").lower(), str(text).encode()).hexdigest()


def _random(seed: float | None = None) -> float:
    return random.random() if seed is None else random.Random(seed).random()


FUNCTIONS = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "random": _random,
    "uuid": lambda: str(uuid.uuid4()),
    "parse": lambda text: _from_json(json.loads(text)),
}
