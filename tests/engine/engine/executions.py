"""Starting and describing executions."""

import datetime
import json
import threading
import uuid

from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.asl.eval.states import ExecutionData, StateData
from moto.stepfunctions.parser.backend import execution_worker
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from engine.clock import Clock


def install(clock: Clock) -> None:
    """Makes executions start and read as in the service."""
    _name_and_serialise_starts()
    _give_the_context_times_of(clock)
    _abort_at_once()
    _complete_descriptions()
    _list_times_of(clock)


def _name_and_serialise_starts() -> None:
    """An execution started without a name gets one, and of two starts under one name at the same moment the second sees the first."""
    original, lock = StepFunctionsParserBackend.start_execution, threading.Lock()

    def start_execution(self, state_machine_arn, name=None, execution_input=None, trace_header=None):
        with lock:
            return original(self, state_machine_arn, name or str(uuid.uuid4()), execution_input, trace_header)

    StepFunctionsParserBackend.start_execution = start_execution


def _give_the_context_times_of(clock: Clock) -> None:
    """$states.context.Execution.StartTime is text, not a Python object, and tells the world's time, as State.EnteredTime does:
    functions compare it with times that the world gives. Both are recorded at their own moment."""

    def execution_data(*, StartTime: datetime.datetime, **fields) -> ExecutionData:  # noqa: N803 (moto's keyword)
        return ExecutionData(StartTime=clock.now(), **fields)

    def state_data(*, EnteredTime: str, **fields) -> StateData:  # noqa: N803 (moto's keyword)
        return StateData(EnteredTime=clock.now(), **fields)

    execution_worker.ExecutionData = execution_data
    state.StateData = state_data


def _abort_at_once() -> None:
    """An execution that is stopped is ABORTED from then on, whatever a task of it that is still at work comes to."""
    set_error, stop = Environment.set_error, Execution.stop

    def set_error_unless_stopped(self, error) -> None:
        if not isinstance(self._program_state, ProgramStopped):
            set_error(self, error)

    def stop_at_once(self, stop_date, error, cause) -> None:
        stop(self, stop_date=stop_date, error=error, cause=cause)
        if self.exec_worker and isinstance(self.exec_worker.env.program_state(), ProgramStopped):
            self.exec_status, self.stop_date = ExecutionStatus.ABORTED, stop_date

    Environment.set_error = set_error_unless_stopped
    Execution.stop = stop_at_once


def _complete_descriptions() -> None:
    """DescribeExecution's output is JSON also when it is plain text, an execution that timed out has a stop date too, and the
    status never shows an end before the output or the error is there."""
    describe, end = StepFunctionResponse.describe_execution, BaseExecutionWorkerCommunication._reflect_execution_status
    ending = threading.Lock()

    def reflect_execution_status(self) -> None:
        with ending:
            end(self)

    def describe_execution(self) -> ActionResult:
        with ending:
            answer = describe(self)
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        if isinstance(execution, Execution):
            if isinstance(execution.output, str):
                answer.result["output"] = json.dumps(execution.output)
            if execution.stop_date is not None:
                answer.result["stopDate"] = execution.stop_date
        return answer

    BaseExecutionWorkerCommunication._reflect_execution_status = reflect_execution_status
    StepFunctionResponse.describe_execution = describe_execution


def _list_times_of(clock: Clock) -> None:
    """ListExecutions tells the world's times, as the context object does: start-rollout compares them with times that the world gives."""
    list_executions = StepFunctionResponse.list_executions

    def with_times_of_the_world(self) -> ActionResult:
        answer = list_executions(self)
        for execution in answer.result["executions"]:
            for field in ("startDate", "stopDate"):
                if isinstance(execution.get(field), datetime.datetime):
                    execution[field] = clock.at(execution[field].timestamp())
        return answer

    StepFunctionResponse.list_executions = with_times_of_the_world
