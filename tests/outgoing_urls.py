"""Hypothesis strategies for URLs of an IPv4 address in every way that a resolver or browser may read it."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address

from hypothesis import strategies as st

PRIVATE_NETWORKS = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "0.0.0.0/8")
DOTS = ".。．｡"
EVERY_ADDRESS = st.integers(0, 2**32 - 1)
FULL_WIDTH = str.maketrans("0123456789abcdefx", "０１２３４５６７８９ａｂｃｄｅｆｘ")


@st.composite
def private_ipv4(draw) -> IPv4Address:
    network = IPv4Network(draw(st.sampled_from(PRIVATE_NETWORKS)))
    return network[draw(st.integers(0, network.num_addresses - 1))]


def a_number(draw, value: int) -> str:
    form = draw(st.sampled_from(("{:d}", "0{:o}", "000{:o}", "0x{:x}", "0X{:X}", "0x000{:x}")))
    return form.format(value)


@st.composite
def ipv4_hosts(draw, addresses=EVERY_ADDRESS) -> str:
    """One to four parts, each decimal, octal or hexadecimal, with any digits and dots."""
    value = int(draw(addresses))
    count = draw(st.integers(1, 4))
    first = [(value >> (24 - 8 * place)) & 255 for place in range(count - 1)]
    parts = [a_number(draw, number) for number in (*first, value & (2 ** (8 * (5 - count)) - 1))]
    parts = [part.translate(FULL_WIDTH) if draw(st.booleans()) else part for part in parts]
    host = parts[0] + "".join(draw(st.sampled_from(DOTS)) + part for part in parts[1:])
    return host + draw(st.sampled_from(("", "", *DOTS)))


@st.composite
def ipv6_hosts(draw, addresses=EVERY_ADDRESS) -> str:
    """The IPv4 address within IPv6: mapped, compatible, behind NAT64, 6to4."""
    value = int(draw(addresses))
    base, shift = draw(st.sampled_from((("::ffff:0:0", 0), ("::", 0), ("64:ff9b::", 0), ("2002::", 80))))
    address = IPv6Address(int(IPv6Address(base)) | (value << shift))
    return f"[{draw(st.sampled_from((address.compressed, address.exploded, address.exploded.upper())))}]"


@st.composite
def urls_of(draw, hosts) -> str:
    scheme, port, rest = (draw(st.sampled_from(options)) for options in (("https", "HTTPS"), ("", ":443"), ("/x", "")))
    return f"{scheme}://{draw(hosts)}{port}{rest}"
