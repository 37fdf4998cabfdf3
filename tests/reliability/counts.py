"""What the tests of reliability did, in figures: the summary shows them."""

from __future__ import annotations

from collections import Counter

DONE: Counter[str] = Counter()
