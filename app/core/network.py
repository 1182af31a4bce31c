"""Grouping of IP addresses by client."""

import ipaddress


def client_network(address: str) -> str:
    """Return the IPv4 address, or the /64 of an IPv6 address, which usually belongs to one household."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
