"""What can be wrong with the user's price file."""

from __future__ import annotations

from pathlib import Path


class PriceFileError(ValueError):
    """The user's price file cannot be used.

    Attributes:
        file: The file as it was given.
        entry: Which price of the file, for people; empty where the whole file is meant.
        problem: What is wrong.
        advice: What to do about it.
    """

    def __init__(self, file: Path, entry: str, problem: str, advice: str) -> None:
        place = f"{file}: {entry}" if entry else str(file)
        super().__init__(f"{place}: {problem}. {advice}")
        self.file = file
        self.entry = entry
        self.problem = problem
        self.advice = advice
