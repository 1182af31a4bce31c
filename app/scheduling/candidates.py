"""Candidates for a job, with their working hours and busy times."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from app.scheduling.travel import Location

Stretch = tuple[int, int, int]  # weekday (Monday is 0), opens and closes in minutes after midnight
WorkingWeek = tuple[Stretch, ...]
TURNAROUND_DURATION = timedelta(minutes=10)  # between two jobs, besides the way


class BusyTime(NamedTuple):
    """A job or a reservation; `starts` and `ends` in epoch seconds, without travel."""

    booking_id: int
    starts: int
    ends: int
    location: Location
    is_committed: bool  # accepted or started: it cannot move to another candidate


@dataclass(slots=True)
class Candidate:
    """A professional and their time. `hours` are (weekday, opens, closes); `away` are (since, until) epoch seconds.

    `week` are the hours as they were stored when they were read.
    """

    id: int
    full_name: str
    experience_years: int
    home: Location
    hours: WorkingWeek
    services: frozenset[int]
    rating_sum: int
    review_count: int
    job_count: int
    distance_km: float | None
    away: list[tuple[int, int]] = field(default_factory=list)
    busy: list[BusyTime] = field(default_factory=list)
    week: str = "[]"

    @property
    def rating(self) -> float | None:
        return self.rating_sum / self.review_count if self.review_count else None


@dataclass(frozen=True, slots=True)
class RequestedSlot:
    """The time that a booking needs: a job of `minutes` at a place. `expires_at` is set for a hold."""

    booking_id: int
    customer_id: int
    service_id: int
    starts_at: datetime
    minutes: int
    location: Location
    expires_at: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether a professional may do a job, and each condition of it, for an explanation."""

    is_eligible: bool
    is_approved: bool
    has_valid_documents: bool
    is_blocked: bool
    is_approved_for_service: bool
    covers_pincode: bool


@dataclass(frozen=True, slots=True)
class AssessedCandidate:
    """A professional who offers a service, eligible or not; `place` is the name of their home pincode.

    `excluded_by`: who of the two, "customer" or "professional", excluded the other (W41).
    """

    candidate: Candidate
    place: str
    eligibility: Eligibility
    excluded_by: Sequence[str]


@dataclass(slots=True)
class ProfessionalSchedule:
    """A professional's own time; `may_work` is false while not approved, blocked or without valid documents.

    `documents_expired_on`: the first day without, None while they are valid.
    """

    candidate: Candidate
    may_work: bool
    trade: str
    home: str
    documents_expired_on: date | None


@dataclass(frozen=True, slots=True)
class ServiceArea:
    """A professional's service area; `km` is the distance of the farthest covered pincode, None when unknown."""

    trades: list[str]
    pincode_count: int
    km: float | None
