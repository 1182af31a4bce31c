"""URLs that people and operators enter for us to send to: https only, and no host that is or may be read as our own."""

import re
import unicodedata
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
_NAT64 = IPv6Network("64:ff9b::/96")  # IPv4 behind NAT64, which only looks public
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# A host whose last label is a number is an IPv4 address to browsers and resolvers: 127.1, 0x7f.1, 2130706433.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
MAX_HOST_LENGTH = 253
# Top-level names of a machine's own or a private network (RFC 6761, 6762, 8375, 9476 and usual resolvers).
PRIVATE_NAMES = frozenset(
    {"localhost", "localdomain", "localhost6", "localdomain6", "ip6-localhost", "ip6-loopback", "local", "internal"}
    | {"intranet", "private", "corp", "home", "lan", "arpa", "invalid", "onion", "alt"}
)


class UnsafeAddress(Exception):
    """The URL is not https or does not lead to a public address."""


def check_url(url: str) -> None:
    """Check a URL without resolving its host; UnsafeAddress if it is not https or its address is not public."""
    split_url(url)


def split_url(url: str) -> tuple[str, int, str]:
    """Return host, port and request target. Raises UnsafeAddress."""
    try:
        parts = urlsplit(url)
        host, port = _ascii_host(parts.hostname or ""), parts.port or 443
    except ValueError as error:
        raise UnsafeAddress("not an address") from error
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # urlsplit drops tabs and line ends, so the whole URL is checked for them.
    if parts.scheme != "https" or not host or "@" in parts.netloc or not url.isprintable() or " " in url.strip(" "):
        raise UnsafeAddress("not an https address")
    _check_host(host, in_brackets="[" in parts.netloc)
    return host, port, target


def is_public(address: str) -> bool:
    """Return whether an IP address is public; IPv4 embedded in IPv6 is not."""
    try:
        ip: Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and (ip.ipv4_mapped or ip.sixtofour or ip.teredo or ip in _NAT64):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _ascii_host(host: str) -> str:
    """The host as it is resolved: full-width digits and dots, and names in other scripts, become ASCII."""
    return unicodedata.normalize("NFKC", host).lower().encode("idna").decode()


def _check_host(host: str, *, in_brackets: bool) -> None:
    labels = host.split(".")
    if in_brackets or _NUMBER.fullmatch(labels[-1]):
        # Only in full, as four decimal numbers or within brackets.
        if not is_public(host) or in_brackets != (":" in host):
            raise UnsafeAddress("not a public address")
    elif len(labels) < 2 or labels[-1] in PRIVATE_NAMES:
        raise UnsafeAddress("not a public name")
    elif len(host) > MAX_HOST_LENGTH or not all(map(_LABEL.fullmatch, labels)):
        raise UnsafeAddress("not a name")
