"""Measurements that anybody can repeat: `python -m bench pages|slots|race|live|weight|search` (docs/performance.md)."""
