"""Estimate distance and travel time between two pincodes: great circle × 1.3, at 18 km/h, plus ten minutes."""

import math
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

EARTH_KM = 6371.0088
DETOUR_FACTOR = 1.3
SPEED_KM_PER_HOUR = 18
OVERHEAD_SECONDS = 10 * 60
DEFAULT_DISTANCE_KM = 10.0  # for a pincode without coordinates
DISTANCE_STEP_KM = 0.5
MIN_ARRIVAL_WINDOW = timedelta(minutes=15)
ARRIVAL_TOLERANCE = 0.25  # of the travel time, to each side


class Location(NamedTuple):
    """A pincode and the coordinates of its post office in degrees, None when unknown.

    A tuple is hashed and compared without Python's help: a page asks for a thousand travel times.
    """

    pincode: str
    latitude: float | None
    longitude: float | None


class ArrivalWindow(NamedTuple):
    """When a professional on the way is expected."""

    since: datetime
    until: datetime

    @classmethod
    def around(cls, expected: datetime, half: timedelta) -> "ArrivalWindow":
        """The window in whole minutes that contains `half` before and after `expected`."""
        since, until = expected - half, expected + half
        return cls(since.replace(second=0, microsecond=0), _round_up_minute(until))


def arrival_window(departed_at: datetime, a: Location, b: Location, earliest: datetime) -> ArrivalWindow:
    """Return when who left `a` reaches `b`, but not before `earliest`: ± 25 %, at least 15 minutes wide."""
    travel = timedelta(seconds=travel_seconds(a, b))
    half = max(travel * ARRIVAL_TOLERANCE, MIN_ARRIVAL_WINDOW / 2)
    expected = max(departed_at + travel, earliest + half)
    return ArrivalWindow.around(expected, half)


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


def _round_up_minute(moment: datetime) -> datetime:
    whole = moment.replace(second=0, microsecond=0)
    return whole if whole == moment else whole + timedelta(minutes=1)


def round_up_km(km: float) -> float:
    """Round up to half kilometres, so that an address cannot be found by measuring."""
    return max(DISTANCE_STEP_KM, math.ceil(km / DISTANCE_STEP_KM) * DISTANCE_STEP_KM)
