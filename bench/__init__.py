"""Repeatable measurements: `python -m bench pages|slots|race|live|weight|search` (docs/performance.md)."""
