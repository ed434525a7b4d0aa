"""The service's HTTP: from bytes to a request, and from an answer or an error to bytes.

middleware.py     three headers, one log line, one count and an answer for each request
waiting_room.py   how many requests may wait
drain.py          stopping without losing a request
route.py          routes without what FastAPI adds and they do not use
callers.py        who calls, and whether they may
request_ids.py    the id of a request
body.py           a request's body
parameters.py     a request's query and headers
problems.py       the shape of every error
operations.py     `/`, `/health`, `/readyz`, `/livez` and `/metrics`
tracing.py        spans for OpenTelemetry
openapi.py        the interface as a document
"""
