"""Addresses on which apps listen."""

import ipaddress


def format_url(host: str, port: int) -> str:
    """Return the URL of an address, such as `http://127.0.0.1:8000`."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
