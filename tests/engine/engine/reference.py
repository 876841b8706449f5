"""JSONata as the reference implementation evaluates it, where jsonata-python 0.7.1 does not.

Step Functions supports JSONata 2.0.6, whose reference implementation is jsonata-js (Step Functions developer guide, "Transforming
data with JSONata in Step Functions").
"""

import decimal
import json
import math
import operator
from typing import Any

from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.parser import Parser
from jsonata.signature import Signature
from jsonata.utils import Utils

SIGNIFICANT_DIGITS = 15
"""How many digits of a number $string keeps."""

MOST_DIGITS_BEFORE_THE_POINT = 21
MOST_ZEROS_AFTER_THE_POINT = 5
"""Beyond these JavaScript writes a number with an exponent (ECMA-262, "Number::toString")."""


def install() -> None:
    """Makes jsonata-python evaluate as the reference implementation does."""
    _tell_null_from_nothing()
    Functions._string = staticmethod(text)
    Jsonata.evaluate_numeric_expression = _arithmetic


def _tell_null_from_nothing() -> None:
    """A function takes null for an argument, as in $count(null), and not for an argument that is missing."""
    original = Signature.get_symbol

    def get_symbol(self: Signature, value: Any) -> str:
        return "l" if value is Utils.NULL_VALUE else original(self, value)

    Signature.get_symbol = get_symbol


def text(value: Any, prettify: bool) -> str:
    """What $string makes of a value that is no text: JSON as JavaScript writes it."""
    if isinstance(value, float) and not math.isfinite(value):
        raise JException("D3001", -1, value)
    if isinstance(value, (Jsonata.JFunction, Parser.Symbol)):
        return ""
    return _json(value, "\n" if prettify else "")


def _json(value: Any, line: str) -> str:
    """The JSON text of a value. `line` starts each line of it, when it is to have lines."""
    if value is None or value is Utils.NULL_VALUE:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number(value)
    inner = f"{line}  " if line else ""
    if isinstance(value, dict):
        colon = ": " if line else ":"
        items = [f"{json.dumps(name, ensure_ascii=False)}{colon}{_json(item, inner)}" for name, item in value.items()]
        return _enclosed("{", items, "}", line, inner)
    if isinstance(value, (list, tuple, range)):
        return _enclosed("[", [_json(item, inner) for item in value], "]", line, inner)
    return json.dumps(value if isinstance(value, str) else "", ensure_ascii=False)  # a function is an empty text


def _enclosed(opening: str, items: list[str], closing: str, line: str, inner: str) -> str:
    if not items:
        return opening + closing
    return f"{opening}{inner}{f',{inner}'.join(items)}{line}{closing}"


def number(value: float) -> str:
    """A number as JavaScript writes it, rounded as $string does: 1e-7, 100000000000000000000."""
    if not Utils.is_numeric(value):
        return "null"
    sign, digits, exponent = decimal.Decimal(f"{value:.{SIGNIFICANT_DIGITS}g}").normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + exponent
    if text == "0":
        return "0"
    if len(text) <= point <= MOST_DIGITS_BEFORE_THE_POINT:
        text = text.ljust(point, "0")
    elif 0 < point <= MOST_DIGITS_BEFORE_THE_POINT:
        text = f"{text[:point]}.{text[point:]}"
    elif -MOST_ZEROS_AFTER_THE_POINT <= point <= 0:
        text = f"0.{'0' * -point}{text}"
    else:
        text = f"{text[0]}.{text[1:]}".rstrip(".") + f"e{point - 1:+d}"
    return f"-{text}" if sign else text


def _divide(dividend: float, divisor: float) -> float:
    if divisor != 0:
        return dividend / divisor
    if dividend == 0 or math.isnan(dividend):
        return math.nan
    return math.copysign(math.inf, dividend) * math.copysign(1, divisor)


def _remainder(dividend: float, divisor: float) -> float:
    return math.fmod(dividend, divisor) if divisor != 0 else math.nan


OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": _divide, "%": _remainder}


def _arithmetic(self: Jsonata, lhs: Any, rhs: Any, op: str) -> float | None:
    """A division by zero is no error, but a number that is not finite, which goes no further than a comparison; and a remainder keeps
    its fraction."""
    for side, code in ((lhs, "T2001"), (rhs, "T2002")):
        if side is not None and not Utils.is_numeric(side):
            raise JException(code, -1, op, side)
    if lhs is None or rhs is None:
        return None
    result = OPERATORS[op](float(lhs), float(rhs))
    return Utils.convert_number(result) if math.isfinite(result) else result
