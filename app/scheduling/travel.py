"""How far and how long between two places: great-circle × 1.3, 18 km/h and ten minutes."""

import math
from dataclasses import dataclass
from functools import lru_cache

EARTH_KM = 6371.0088
DETOUR = 1.3
KM_PER_HOUR = 18
START_AND_PARK_S = 10 * 60
UNKNOWN_KM = 10.0  # where a pincode has no coordinates: a ride across half the town


@dataclass(frozen=True, slots=True)
class Point:
    """A pincode and where its post office stands, in degrees; the place may be unknown."""

    pincode: str
    latitude: float | None
    longitude: float | None


def distance_km(a: Point, b: Point) -> float | None:
    """Kilometres by road, roughly; 0 within one pincode, None where a place is unknown."""
    if a.pincode == b.pincode:
        return 0.0
    if a.latitude is None or a.longitude is None or b.latitude is None or b.longitude is None:
        return None
    north, south = math.radians(a.latitude), math.radians(b.latitude)
    half = (
        math.sin((south - north) / 2) ** 2
        + math.cos(north) * math.cos(south) * math.sin(math.radians(b.longitude - a.longitude) / 2) ** 2
    )
    return DETOUR * 2 * EARTH_KM * math.asin(math.sqrt(half))


@lru_cache(maxsize=65_536)
def travel_seconds(a: Point, b: Point) -> int:
    """Whole seconds from door to door, rounded up."""
    km = distance_km(a, b)
    return START_AND_PARK_S + math.ceil((UNKNOWN_KM if km is None else km) / KM_PER_HOUR * 3600)
