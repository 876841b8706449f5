"""The time that a state machine waits, in real time.

What a state machine waits for happens in a world whose clock may run faster than the wall's. Wait states, the intervals between
retries and the time limit of the whole state machine are scaled with it; the time limit of a single Task is not, because
a function runs in real time.
"""

import time
import types

from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.environment import Environment


def install(speed: float) -> None:
    """Makes `speed` seconds of the state machine last one real second."""
    scale = 1 / speed

    def wait(self: WaitFunction, env: Environment, wait_seconds: float) -> None:
        end = time.monotonic() + wait_seconds * scale
        while env.is_running() and (left := end - time.monotonic()) > 0:
            env.program_state_event.wait(left)

    original = Program.__init__

    def program(self: Program, *args, **kwargs) -> None:
        original(self, *args, **kwargs)
        if self.timeout_seconds is not None:
            self.timeout_seconds.timeout_seconds *= scale

    WaitFunction._wait_interval = wait
    retrier_decl.time = types.SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * scale))
    Program.__init__ = program
