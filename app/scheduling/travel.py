"""Estimate distance and travel time between two pincodes: great circle × 1.3, at 18 km/h, plus ten minutes."""

import math
from functools import lru_cache
from typing import NamedTuple

EARTH_KM = 6371.0088
DETOUR_FACTOR = 1.3
SPEED_KM_PER_HOUR = 18
OVERHEAD_SECONDS = 10 * 60
DEFAULT_DISTANCE_KM = 10.0  # for a pincode without coordinates
DISTANCE_STEP_KM = 0.5


class Location(NamedTuple):
    """A pincode and the coordinates of its post office in degrees, None when unknown.

    A tuple is hashed and compared without Python's help: a page asks for a thousand travel times.
    """

    pincode: str
    latitude: float | None
    longitude: float | None


def distance_km(a: Location, b: Location) -> float | None:
    """Return approximate kilometres by road; 0 within one pincode, None when coordinates are missing."""
    if a.pincode == b.pincode:
        return 0.0
    if a.latitude is None or a.longitude is None or b.latitude is None or b.longitude is None:
        return None
    north, south = math.radians(a.latitude), math.radians(b.latitude)
    half = (
        math.sin((south - north) / 2) ** 2
        + math.cos(north) * math.cos(south) * math.sin(math.radians(b.longitude - a.longitude) / 2) ** 2
    )
    return DETOUR_FACTOR * 2 * EARTH_KM * math.asin(math.sqrt(half))


@lru_cache(maxsize=65_536)
def travel_seconds(a: Location, b: Location) -> int:
    """Return the travel time in whole seconds, rounded up."""
    km = distance_km(a, b)
    return OVERHEAD_SECONDS + math.ceil((DEFAULT_DISTANCE_KM if km is None else km) / SPEED_KM_PER_HOUR * 3600)


def round_up_km(km: float) -> float:
    """Round up to half kilometres, so that an address cannot be found by measuring."""
    return max(DISTANCE_STEP_KM, math.ceil(km / DISTANCE_STEP_KM) * DISTANCE_STEP_KM)
