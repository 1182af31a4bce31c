"""How addresses and areas are written, wherever place and pincode stand together."""


def format_address(line: str, place: str, pincode: str) -> str:
    """12 Beach Road, Adyar, Chennai 600020: an area or pincode that the line names itself is not written twice."""
    named = {part.strip().casefold() for part in line.replace("\n", ",").split(",")}
    last = line.rpartition(",")[2].strip()
    if last.endswith(pincode):
        named.add(last.removesuffix(pincode).strip(" -").casefold())
        line = line.removesuffix(pincode).rstrip(" ,-") if last != pincode else line.rpartition(",")[0].rstrip()
    missing = [part for part in place.split(", ") if part and part.casefold() not in named]
    return ", ".join([line, *missing]) + (f" {pincode}" if place else f", {pincode}")


def with_details(line: str, floor: str, landmark: str) -> str:
    """12 Beach Road, 2nd floor, opposite the temple: the line with what is known beside it."""
    return ", ".join(part for part in (line, floor, landmark) if part)


def format_area(place: str, pincode: str) -> str:
    """New Delhi 110001."""
    return f"{place} {pincode}".strip()
