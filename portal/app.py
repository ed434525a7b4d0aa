"""Everything wired in one place."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from portal.settings import PortalSettings, read_settings

STATIC = Path(__file__).parent / "static"


def create_app(settings: PortalSettings | None = None) -> FastAPI:
    """The portal: `uvicorn --factory portal.app:create_app`.

    Args:
        settings: by default those of the environment.
    """
    settings = settings or read_settings()
    app = FastAPI(title="StreamFlow portal", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=STATIC))
    return app
