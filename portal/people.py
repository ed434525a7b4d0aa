"""What machines may ask of one person: to export all that is kept of them, or to erase it."""

import sqlite3
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, StringConstraints, ValidationError
from starlette.concurrency import run_in_threadpool

from portal.database import StoreError
from portal.store import Store

MOST_LETTERS = 128  # as in X-Subscriber-Key


class _Person(BaseModel):
    key: Annotated[str, StringConstraints(min_length=1, max_length=MOST_LETTERS)]


def add_people(machines: APIRouter, store: Store) -> None:
    """Let machines export and erase a subscriber. The key comes in the body, so that no log has it."""

    async def read_key(request: Request) -> str:
        try:
            return _Person.model_validate_json(await request.body(), strict=True).key
        except ValidationError:
            detail = f'send JSON such as {{"key": "..."}}, with a key of 1 to {MOST_LETTERS} letters'
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None

    async def answer(act: Callable[[str], dict[str, Any]], key: str) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(act, key))
        except (sqlite3.OperationalError, StoreError):
            detail = "the portal's file is in use, and something may be left: ask again"
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, detail) from None

    @machines.post("/subscribers/export")
    async def export(request: Request) -> Response:
        return await answer(store.export_subscriber, await read_key(request))

    @machines.post("/subscribers/erase")
    async def erase(request: Request) -> Response:
        return await answer(store.erase_subscriber, await read_key(request))
