"""How a person reaches a running keeper: a Unix socket per journal folder, one JSON line each way.

The socket's folder is the user's own (0700). Requests are a verb and an argument; `status`,
`orders`, `positions` and `risk` are answered at once, everything else enters the log as an
OperatorCommand like any other event, with the user and process that asked as the system knows them.
"""
