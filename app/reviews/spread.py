"""How ratings spread over one to five stars."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """How many gave one star, two, … five."""

    one: int = 0
    two: int = 0
    three: int = 0
    four: int = 0
    five: int = 0

    @property
    def count(self) -> int:
        return self.one + self.two + self.three + self.four + self.five

    @property
    def stars(self) -> int:
        """All stars given, added up."""
        return self.one + 2 * self.two + 3 * self.three + 4 * self.four + 5 * self.five

    @property
    def mean(self) -> float | None:
        return self.stars / self.count if self.count else None

    @property
    def by_stars(self) -> dict[int, int]:
        """How many gave that many stars, best first."""
        return {5: self.five, 4: self.four, 3: self.three, 2: self.two, 1: self.one}
