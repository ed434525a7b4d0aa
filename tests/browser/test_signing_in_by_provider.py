"""Signing in at a provider of another site, in a real browser: there, back, in, and out."""

from contextlib import closing
from pathlib import Path

import oidc_provider_mock
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from support.processes import free_port, team_pages

pytestmark = pytest.mark.xdist_group("browser")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_somebody_goes_to_the_provider_comes_back_signed_in_and_leaves(
    browser: Browser, tmp_path: Path, *, scripts: bool
) -> None:
    ann = oidc_provider_mock.User(sub="ann", claims={"email": "ann@example.com", "email_verified": True})
    with oidc_provider_mock.run_server_in_thread(user_claims=[ann]) as server:
        # To a browser, localhost and 127.0.0.1 are two sites: cookies go between them as in the world.
        own = {"OIDC_ISSUER": f"http://localhost:{server.server_port}", "OIDC_CLIENT_ID": "churn"}
        own |= {"OIDC_CLIENT_SECRET": "a secret", "OIDC_ALLOWED": "@example.com"}
        with (
            team_pages(tmp_path, SERVICE_URL=f"http://127.0.0.1:{free_port()}", **own) as address,
            closing(browser.new_context(java_script_enabled=scripts)) as context,
        ):
            page = context.new_page()
            page.goto(f"{address}/team/events")
            if scripts:
                assert Axe().run(page).violations_count == 0
            page.get_by_role("link", name="Sign in with your account").click()
            page.get_by_role("button", name="ann").first.click()
            expect(page.get_by_role("heading", name="Does the banner work?")).to_be_visible()
            assert page.url == f"{address}/team/events"
            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
