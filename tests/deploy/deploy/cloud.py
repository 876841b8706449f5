"""A local CloudFormation, and the services it deploys to: ministack, as a process of this test."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3

REGION = "us-east-1"
ADDRESS = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 10


class Cloud:
    """Runs while its block runs, and ends with it, whatever ends the block."""

    def __init__(self, folder: Path, kinds: list[str]):
        """`kinds` are the resource types that it is to have."""
        self.folder = folder
        self.region = REGION
        self.kinds = kinds
        self.port = _free_port()
        self.endpoint = f"http://{ADDRESS}:{self.port}"
        self.log = folder / "cloud.log"

    def __enter__(self) -> "Cloud":
        # SIGTERM ends the test as Ctrl-C does, so that the block's end is reached.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
        environment = {
            **self.environment(),
            "BIND_HOST": ADDRESS,
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": ADDRESS,
            "TMPDIR": str(self.folder),
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.emulator", *self.kinds],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is this test's to handle, and what ministack starts ends with it.
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for sent in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sent)
            except ProcessLookupError:
                break
            try:
                self.process.wait(STOP_SECONDS)
                break
            except subprocess.TimeoutExpired:
                continue

    def environment(self) -> dict[str, str]:
        """For whatever talks to the cloud: the AWS CLI's variables, and no account of the user's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **kept,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.2",
        }

    def client(self, service: str):
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"ministack ended at once; see {self.log}")
            with socket.socket() as connection:
                if connection.connect_ex((ADDRESS, self.port)) == 0:
                    return
            time.sleep(0.1)
        raise TimeoutError(f"ministack does not listen after {START_SECONDS} s; see {self.log}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]
