"""Tools to test what is built on exectrail: adapters, and programs that use the API.

Enters: a program. Leaves: what it reported, as values and as a tree of text, the same in every run.
May import: everything of the write half.
"""

from exectrail.testing.fakes import FakeClock, FakeIds
from exectrail.testing.recording import Recording, recording

__all__ = ["FakeClock", "FakeIds", "Recording", "recording"]
