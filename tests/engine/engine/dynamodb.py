"""DynamoDB, one request at a time.

moto's tables know no threads: a transaction copies its tables first, and when it is refused it puts the copies back, over whatever
others have written meanwhile. In the service a transaction is isolated from every other write of its items (DynamoDB developer guide,
"Isolation levels and conflict handling in DynamoDB").
"""

import threading

from moto.dynamodb.responses import DynamoHandler


def install() -> None:
    """Makes moto answer one request after the other."""
    answer, turn = DynamoHandler.call_action, threading.Lock()

    def call_action(self: DynamoHandler):
        with turn:
            return answer(self)

    DynamoHandler.call_action = call_action
