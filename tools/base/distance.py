"""How far what was recognised is from what is there."""

from collections.abc import Sequence


def distance(a: Sequence[str], b: Sequence[str]) -> int:
    """How many characters, or words, have to be changed, left out or put in (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]
