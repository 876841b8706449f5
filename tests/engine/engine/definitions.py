"""Reading a state machine's definition."""

import functools
import json

from antlr4 import ParserRuleContext
from moto.stepfunctions.parser.asl.antlt4utils.antlr4utils import from_string_literal
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

from engine.rebinding import rebind

PARSED_DEFINITIONS = 64


def install() -> None:
    """Makes moto read text as JSON text, and each definition once."""
    rebind(from_string_literal, _text)
    Preprocessor._inner_string_of = staticmethod(_text)
    _parse_each_definition_once()


def _text(parser_rule_context: ParserRuleContext) -> str | None:
    """The text that a string of the definition stands for: moto leaves the escapes of some strings in, and takes others for Python's."""
    token = parser_rule_context.getText()
    if token == "null":
        return None
    return json.loads(token) if token.startswith('"') else token


def _parse_each_definition_once() -> None:
    """moto parses the definition anew for each execution; a parsed program keeps no state of a run, so one serves all."""
    AmazonStateLanguageParser.parse = staticmethod(
        functools.lru_cache(maxsize=PARSED_DEFINITIONS)(AmazonStateLanguageParser.parse)
    )
