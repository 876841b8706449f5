"""Starting and describing executions."""

import datetime
import json
import threading
import uuid

from moto.core.responses import ActionResult
from moto.stepfunctions.parser.asl.eval.states import ExecutionData
from moto.stepfunctions.parser.backend import execution_worker
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse


def install() -> None:
    """Makes executions start and read as in the service."""
    _name_and_serialise_starts()
    _give_the_context_iso_8601_times()
    _complete_descriptions()


def _name_and_serialise_starts() -> None:
    """An execution started without a name gets one, and of two starts under one name at the same moment the second sees the first."""
    original, lock = StepFunctionsParserBackend.start_execution, threading.Lock()

    def start_execution(self, state_machine_arn, name=None, execution_input=None, trace_header=None):
        with lock:
            return original(self, state_machine_arn, name or str(uuid.uuid4()), execution_input, trace_header)

    StepFunctionsParserBackend.start_execution = start_execution


def _give_the_context_iso_8601_times() -> None:
    """$states.context.Execution.StartTime is text such as 2026-01-31T09:00:00.000Z, not a Python object."""

    def execution_data(*, StartTime: datetime.datetime, **fields) -> ExecutionData:  # noqa: N803 (moto's keyword)
        utc = StartTime.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return ExecutionData(StartTime=utc.isoformat(timespec="milliseconds") + "Z", **fields)

    execution_worker.ExecutionData = execution_data


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
