"""Tests of the harvest: no network but this machine's own, and a clock that is not the day's."""
