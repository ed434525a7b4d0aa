"""The image's HEALTHCHECK: exit code 0 if the service answers /health with 200 within four seconds.

Imports nothing but the socket, so that asking costs a few milliseconds of the one CPU the service has.
"""

# ruff: noqa: INP001 - copied into the image as it is

import os
import socket
import sys

with socket.create_connection(("127.0.0.1", int(os.environ.get("PORT", "8000"))), timeout=4) as connection:
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    sys.exit(not connection.recv(16).startswith(b"HTTP/1.1 200"))
