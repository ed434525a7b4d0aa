"""AWS's library: clients for one account and region, and its exceptions as one sentence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from churn.errors import ChurnError

ATTEMPTS = 3
MOST_SAID = 200  # characters of what a library says of an answer


def open_aws_session() -> boto3.Session:
    """Open a session; account and region come from AWS_PROFILE, AWS_REGION or a role, as in AWS's own tools."""
    # AWS's other tools know AWS_REGION, this library only AWS_DEFAULT_REGION.
    return boto3.Session(region_name=os.environ.get("AWS_REGION") or None)


def open_aws_client(service: str, *, connect_s: float = 2, read_s: float = 5) -> Any:
    """Open a client of one of AWS's services; it gives up after three attempts."""
    config = Config(
        retries={"max_attempts": ATTEMPTS, "mode": "standard"}, connect_timeout=connect_s, read_timeout=read_s
    )
    return open_aws_session().client(service, config=config)


@contextmanager
def translate_aws_errors(what: str, kind: type[ChurnError], *, check: str) -> Iterator[None]:
    """Raise `kind` in place of AWS's exceptions: what could not be done, why, and what to check if AWS refused.

    An answer of another form than AWS's, by a proxy for example, may raise anything where it is parsed or read.
    """
    try:
        yield
    except ChurnError:
        raise
    except ClientError as error:
        answer = error.response.get("Error")
        code, message = (answer.get("Code"), answer.get("Message")) if isinstance(answer, dict) else (None, None)
        raise kind(
            f"could not {what}: AWS says {code or 'nothing'}: {message or ''}",
            instead=f"check {check}; what is needed is made by deploy/terraform",
        ) from error
    except BotoCoreError as error:
        raise kind(
            f"could not {what}: {error}", instead="log in to AWS and set AWS_REGION; docs/runbook.md says how"
        ) from error
    except Exception as error:
        said = str(error).partition("\n")[0][:MOST_SAID]
        raise kind(
            f"could not {what}: the answer is none of AWS: {type(error).__name__}: {said}",
            instead="see whether AWS_ENDPOINT_URL or a proxy stands between; try again",
        ) from error
