"""Which addresses of the network count as one place."""

import ipaddress


def network(address: str) -> str:
    """An IPv4 address, or the /64 that one household has of IPv6."""
    try:
        told = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(told, ipaddress.IPv6Address):
        if told.ipv4_mapped:
            return str(told.ipv4_mapped)
        return str(ipaddress.ip_network((told, 64), strict=False))
    return str(told)
