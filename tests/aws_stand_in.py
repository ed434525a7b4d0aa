"""AWS on this machine: moto, and in front of it what moto forgets and AWS would not."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import httpx
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
FORGOTTEN_OF_A_SERVICE = ("healthCheckGracePeriodSeconds", "availabilityZoneRebalancing", "enableECSManagedTags")

type Change = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Aws:
    """The stand-in: what to set to reach it, and clients that do."""

    environment: dict[str, str]

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=REGION,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )


@dataclass
class Memory:
    """What moto was told and does not say again."""

    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)

    def answer(self, request: Request, moto: Any) -> Response:
        target = request.headers.get("X-Amz-Target", "")
        if target == "AnyScaleFrontendService.ListTagsForResource":  # which moto does not have
            return Response(json.dumps({"Tags": {}}), content_type="application/x-amz-json-1.1")
        body = request.get_data()
        request.environ["wsgi.input"] = io.BytesIO(body)  # read, and given back
        response = Response.from_app(moto, request.environ)
        if target.startswith("AmazonEC2ContainerServiceV") and target.endswith("Service"):
            told = json.loads(body)
            name = told.get("serviceName") or told["service"].rpartition("/")[2]
            kept = self.services.setdefault(name, {})
            kept |= {key: told[key] for key in FORGOTTEN_OF_A_SERVICE if key in told}
        if target.startswith("AmazonEC2ContainerServiceV") and target.endswith(("Service", "Services")):
            answer = json.loads(response.get_data())
            for service in (*answer.get("services", ()), *([answer["service"]] if "service" in answer else ())):
                service |= self.services.get(service["serviceName"], {})
            response.set_data(json.dumps(answer))
        return response


@contextmanager
def aws_stand_in(change: Change = bytes) -> Iterator[Aws]:
    """An empty account.

    Args:
        change: what is done to each answer.
    """
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - slow to import
        DomainDispatcherApplication,
        create_backend_app,
    )

    moto, memory = DomainDispatcherApplication(create_backend_app), Memory()

    def stand_in(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        response = memory.answer(Request(environ), moto)
        response.set_data(change(response.get_data()))
        return response(environ, start_response)

    server = make_server("127.0.0.1", 0, stand_in, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.port}"
    httpx.post(f"{address}/moto-api/reset")
    yield Aws({"AWS_ENDPOINT_URL": address, "AWS_REGION": REGION, **KEYS})
    server.shutdown()
    server.server_close()
