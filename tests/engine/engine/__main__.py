"""Serves moto on a free loopback port until standard input closes.

usage: python -m engine --front-door PORT [--speed FACTOR]

Prints one line, {"port": N}, to standard output once it accepts connections.
"""

import argparse
import json
import logging
import os
import sys


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="engine")
    parser.add_argument(
        "--front-door", type=int, required=True, metavar="PORT", help="loopback port that Task states' calls go to"
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, metavar="FACTOR", help="seconds of a state machine's time in a real second"
    )
    return parser.parse_args()


def main() -> None:
    options = arguments()
    os.environ["MOTO_PORT"] = str(options.front_door)  # moto reads it when it is imported

    from moto.core.config import default_user_config
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    from engine import definitions, dynamodb, executions, integrations, lifeline, queries, requests, waits
    from engine.clock import Clock

    default_user_config.setdefault("stepfunctions", {})["execute_state_machine"] = True
    definitions.install()
    integrations.install(options.front_door)
    clock = Clock(options.speed)
    queries.install(clock)
    executions.install(clock)
    requests.install()
    waits.install(options.speed)
    dynamodb.install()

    # One line a request, and one for each error a state machine handles as it should: noise at this rate.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)

    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    lifeline.hold(clock)
    print(json.dumps({"port": server.server_port}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
