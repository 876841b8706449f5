"""The calls that Task states make, through the front door.

moto makes a new client for every call; names every error of Lambda itself "Exception" where a Task's resource is a function's ARN;
does not rename the fields of SDK integrations (a state machine writes ApplicationName where the API of CodeDeploy has
applicationName); and knows the error prefix of two services only.
"""

import functools
import threading
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import quote

import boto3
import botocore.session
import urllib3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import OperationModel
from moto.stepfunctions.parser.api import HistoryEventType, LambdaFunctionFailedEventDetails, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_aws_sdk as aws_sdk
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import StateTaskLambda
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for

from engine.rebinding import rebind

# Prefixes of error names ("CodeDeploy.DeploymentLimitExceededException"): the service's name as the Java SDK spells it.
SERVICE_ERROR_NAMES = {
    "autoscaling": "AutoScaling",
    "codedeploy": "CodeDeploy",
    "ec2": "Ec2",
    "eventbridge": "EventBridge",
    "lambda": "Lambda",
    "ssm": "Ssm",
}

CONCURRENT_CONNECTIONS = 512


def install(front_door: int) -> None:
    """Sends every call to the loopback port `front_door` and speaks the field and error names of SDK integrations."""
    rebind(boto_client_for, _clients_of(front_door))
    _invoke_functions_directly(front_door)
    _name_lambda_errors()
    aws_sdk._SERVICE_ERROR_NAMES.update(SERVICE_ERROR_NAMES)
    aws_sdk.StateTaskServiceAwsSdk._normalise_parameters = _to_service_names
    aws_sdk.StateTaskServiceAwsSdk._normalise_response = _to_state_machine_names


def _clients_of(front_door: int):
    # Making a client takes longer than most calls; a client may be shared by threads, a session may not.
    session, lock, clients = boto3.session.Session(), threading.Lock(), {}

    def client_for(region: str, service: str, state_credentials: Any = None):
        with lock:
            if (service, region) not in clients:
                clients[service, region] = session.client(
                    service,
                    region_name=region,
                    endpoint_url=f"http://127.0.0.1:{front_door}",
                    aws_access_key_id="engine",
                    aws_secret_access_key="engine",
                    config=Config(
                        parameter_validation=False,
                        proxies={},  # none leads to this machine
                        retries={"total_max_attempts": 1},  # retries are the state machine's
                        read_timeout=None,  # so are time-outs
                        max_pool_connections=CONCURRENT_CONNECTIONS,
                    ),
                )
            return clients[service, region]

    return client_for


def _invoke_functions_directly(front_door: int) -> None:
    """Functions are most of a state machine's calls, and botocore takes longer over one than the function does."""
    # The front door knows a caller by its signature, and checks none.
    headers = {"authorization": "AWS4-HMAC-SHA256 Credential=engine/20260101/us-east-1/lambda/aws4_request"}
    pool = urllib3.HTTPConnectionPool(
        "127.0.0.1", front_door, maxsize=CONCURRENT_CONNECTIONS, timeout=None, retries=False, headers=headers
    )

    def invoke(parameters: dict, region: str, state_credentials: Any) -> dict:
        path = f"/2015-03-31/functions/{quote(parameters['FunctionName'], safe='')}/invocations"
        try:
            answer = pool.request("POST", path, body=parameters.get("Payload", b"{}"))
        except urllib3.exceptions.HTTPError as error:
            raise BotoCoreError() from error
        metadata = {
            "RequestId": answer.headers["x-amzn-requestid"],
            "HTTPStatusCode": answer.status,
            "HTTPHeaders": dict(answer.headers),
        }
        if answer.status != 200:
            error = {"Code": answer.headers.get("x-amzn-errortype", "Unknown"), "Message": answer.json()["Message"]}
            raise ClientError({"Error": error, "ResponseMetadata": metadata}, "Invoke")
        return {
            "StatusCode": answer.status,
            "ExecutedVersion": answer.headers.get("x-amz-executed-version"),
            "FunctionError": answer.headers.get("x-amz-function-error"),
            "Payload": lambda_eval_utils._from_payload(BytesIO(answer.data)),
            "ResponseMetadata": metadata,
        }

    lambda_eval_utils._invoke_lambda_function = invoke


def _name_lambda_errors() -> None:
    """What Lambda answers instead of a function is Lambda.<code>, and no answer at all is Lambda.SdkClientException
    (Step Functions developer guide, "Handle transient Lambda service exceptions")."""
    for task in (StateTaskLambda, StateTaskServiceLambda):
        task._from_error = _with_lambda_error_names(task._from_error)


def _with_lambda_error_names(from_error: Callable) -> Callable:
    def named(self, env: Environment, ex: Exception) -> FailureEvent:
        if isinstance(ex, ClientError):
            name, cause = f"Lambda.{ex.response['Error']['Code']}", ex.response["Error"]["Message"]
        elif isinstance(ex, BotoCoreError):
            name, cause = "Lambda.SdkClientException", str(ex.__cause__ or ex)
        else:
            return from_error(self, env=env, ex=ex)
        if isinstance(self, StateTaskLambda):
            kind = HistoryEventType.LambdaFunctionFailed
            details = EventDetails(
                lambdaFunctionFailedEventDetails=LambdaFunctionFailedEventDetails(error=name, cause=cause)
            )
        else:
            kind = HistoryEventType.TaskFailed
            details = EventDetails(
                taskFailedEventDetails=TaskFailedEventDetails(
                    error=name, cause=cause, resource=self._get_sfn_resource(), resourceType=self._get_sfn_resource_type()
                )
            )
        return FailureEvent(env=env, error_name=CustomErrorName(name), event_type=kind, event_details=details)

    return named


@functools.cache
def _operations(service: str) -> dict[str, OperationModel]:
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def _operation(task: aws_sdk.StateTaskServiceAwsSdk, service: str | None, action: str | None) -> OperationModel | None:
    return _operations(task._get_boto_service_name(service)).get(task._get_boto_service_action(action))


def _to_service_names(
    self: aws_sdk.StateTaskServiceAwsSdk,
    parameters: dict,
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    operation = _operation(self, boto_service_name, service_action_name)
    if operation is not None and operation.input_shape is not None:
        self._to_boto_request(parameters, operation.input_shape)


def _to_state_machine_names(
    self: aws_sdk.StateTaskServiceAwsSdk,
    response: Any,
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    operation = _operation(self, boto_service_name, service_action_name)
    if operation is not None and operation.output_shape is not None:
        self._from_boto_response(response, operation.output_shape)
