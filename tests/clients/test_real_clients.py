"""Clients and proxies that offer another protocol are answered in HTTP/1.1, with the body they sent."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.foreign import require, run
from support.processes import free_port, wait_until

from churn.businesses import find_contract

pytestmark = pytest.mark.xdist_group("clients")

SUBSCRIBER = json.dumps(find_contract("streamflow").example())
# Java's client offers h2c unless it is told otherwise. The body comes at once, or in chunks of unknown length.
JAVA = """
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.*;
import java.net.http.HttpRequest.BodyPublishers;

public class Ask {
    public static void main(String[] arguments) throws Exception {
        byte[] body = arguments[1].getBytes("UTF-8");
        HttpClient client = HttpClient.newHttpClient();
        for (var publisher : new HttpRequest.BodyPublisher[] {
                BodyPublishers.ofByteArray(body), BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body))}) {
            var request = HttpRequest.newBuilder(URI.create(arguments[0] + "/predict"))
                .header("Content-Type", "application/json").POST(publisher).build();
            var response = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(response.statusCode() + " " + response.version() + " " + response.body().length());
        }
    }
}
"""
NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {address};
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }}
  }}
}}
"""


@pytest.fixture(scope="module")
def nginx(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an nginx that passes on what its callers offer."""
    program, folder, port = require("nginx", "nginx"), tmp_path_factory.mktemp("nginx"), free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, address=address))
    with subprocess.Popen([program, "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until((folder / "pid").exists, "nginx runs")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def curl(address: str, *options: str) -> tuple[str, dict[str, object]]:
    """The status and the answer that curl gets."""
    said = run(
        require("curl", "curl"), "--silent", "--write-out", "\\n%{http_version} %{http_code}", *options,
        "--header", "Content-Type: application/json", "--data-binary", SUBSCRIBER, f"{address}/predict",
    )  # fmt: skip
    body, _, status = said.rpartition("\n")
    return status, json.loads(body)


@pytest.mark.parametrize(
    "offer",
    [
        ["--http2"],
        ["--header", "Connection: Upgrade", "--header", "Upgrade: websocket"],
        ["--header", "Connection: Upgrade", "--header", "Upgrade: TLS/1.2"],
        ["--http2", "--header", "Transfer-Encoding: chunked"],
        ["--http1.0"],
    ],
    ids=["h2c", "websocket", "TLS", "h2c in chunks", "HTTP/1.0"],
)
@pytest.mark.parametrize("way", ["address", "nginx"])
def test_curl_is_answered_whatever_it_offers(way: str, offer: list[str], request: pytest.FixtureRequest) -> None:
    status, answer = curl(request.getfixturevalue(way), *offer)
    assert status in {"1.1 200", "1 200", "1.0 200"}
    assert answer["prediction_id"]


@pytest.mark.parametrize("way", ["address", "nginx"])
def test_javas_own_client_is_answered(way: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    java = require("java", "default-jdk-headless")
    (tmp_path / "Ask.java").write_text(JAVA)
    lines = run(java, tmp_path / "Ask.java", request.getfixturevalue(way), SUBSCRIBER).splitlines()
    assert [line.rpartition(" ")[0] for line in lines] == ["200 HTTP_1_1"] * 2
