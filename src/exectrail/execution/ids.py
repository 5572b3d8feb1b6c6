"""The ids of executions."""

from exectrail.conventions.ids import uuid7

__all__ = ["uuid7"]
