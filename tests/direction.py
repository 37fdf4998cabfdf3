"""The direction of several papers, worked out in NumPy alone."""

from __future__ import annotations

import numpy as np


def direction_of(others: np.ndarray, liked: np.ndarray, unliked: np.ndarray | None = None) -> np.ndarray:
    """(dim,): from (n, dim) papers in general towards (m, dim) liked ones, as their covariance (shrunk) scales it."""
    others, liked = others.astype(np.float64), liked.astype(np.float64)
    dim = others.shape[1]
    covariance = np.cov(others.T, bias=True)
    shrunk = covariance / 3 + 2 / 3 * np.trace(covariance) / dim * np.eye(dim)
    towards = liked.mean(axis=0) - others.mean(axis=0)
    if unliked is not None:
        towards = towards - 0.5 * (unliked.astype(np.float64).mean(axis=0) - others.mean(axis=0))
    found = np.linalg.solve(shrunk, towards)
    return np.asarray(found / np.linalg.norm(found))
