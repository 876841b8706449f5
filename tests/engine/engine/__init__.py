"""Step Functions, DynamoDB and the rest of AWS that the stack does not bring itself: moto with a working state machine interpreter.

moto 5.2.5 carries an interpreter of the Amazon States Language, but without a JSONata evaluator and with a few differences from the
real service. Each module here repairs one subject, by replacing functions inside moto; that is why moto's version is pinned exactly.

    definitions   reading a definition
    queries       JSONata expressions
    integrations  the calls that Task states make
    executions    starting and describing executions
    dynamodb      requests that come at the same moment
    requests      how fast moto answers
    clock         the time of the world that executions run in
    waits         the time that Wait states and retries take
    lifeline      ends the process with the one that started it
"""
