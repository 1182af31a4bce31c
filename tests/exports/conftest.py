"""Fixtures of the reports, which exports use too."""

from tests.reports.conftest import booked_scene, meena, own_app, scene

__all__ = ["booked_scene", "meena", "own_app", "scene"]
