# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The look-up in tables as machine code, made when the package is built: there as soon as a process starts."""

import numpy as np

from libc.stdint cimport int64_t, uint8_t


cdef extern from "kernel.h" nogil:
    enum:
        MOST_FEATURES
        MOST_COLUMNS
        LANES
        BLOCK

    ctypedef struct tables:
        const double *base
        const float *thresholds
        const int64_t *threshold_ends
        const int64_t (*groups)[5]
        const int64_t *features
        const uint8_t *passes
        const float *numbers
        const float *points
        const float *weights
        int64_t columns
        int64_t group_count

    void explain_block(const tables *t, const float *rows, int64_t count, double *out, int portable)


most_features = MOST_FEATURES  # on one path
most_columns = MOST_COLUMNS  # in a row
lanes = LANES  # leaves that are evaluated at a time


cdef class Kernel:
    """Explains by tables, from any number of threads at once.

    Args:
        base, thresholds, threshold_ends, groups, features, passes, numbers: the arrays of `Tables`, which may be mapped
            from memory of several processes. Their indices are believed.
        points, weights: float32 (most_features / 2, most_features / 2); row n - 1 of the quadrature with n points.
        portable: use only instructions that every processor of this kind has; the answer is the same, bit for bit.
    """

    cdef tables t
    cdef int portable
    cdef object held

    def __init__(
        self,
        const double[::1] base,
        const float[::1] thresholds,
        const int64_t[::1] threshold_ends,
        const int64_t[:, ::1] groups,
        const int64_t[::1] features,
        const uint8_t[::1] passes,
        const float[::1] numbers,
        const float[:, ::1] points,
        const float[:, ::1] weights,
        *,
        bint portable=False,
    ):
        self.held = (base, thresholds, threshold_ends, groups, features, passes, numbers, points, weights)
        self.portable = portable
        self.t.base, self.t.thresholds, self.t.threshold_ends = &base[0], &thresholds[0], &threshold_ends[0]
        self.t.groups, self.t.features = <const int64_t (*)[5]> &groups[0, 0], &features[0]
        self.t.passes, self.t.numbers = &passes[0], &numbers[0]
        self.t.points, self.t.weights = &points[0, 0], &weights[0, 0]
        self.t.columns, self.t.group_count = threshold_ends.shape[0], groups.shape[0]

    def explain(self, const float[:, ::1] rows):
        """Explains each row as if it were alone; other threads run meanwhile.

        Args:
            rows: C-contiguous float32 (n, features).

        Returns:
            (n, features + 1): contributions in log-odds, then the base value.

        Raises:
            ValueError: rows of another shape or type.
        """
        cdef int64_t columns = self.t.columns, count = rows.shape[0], first = 0
        if rows.shape[1] != columns:
            raise ValueError(f"rows have {rows.shape[1]} features, the tables {columns}")
        out = np.empty((count, columns + 1))
        cdef double[:, ::1] found = out
        with nogil:
            while first < count:
                explain_block(&self.t, &rows[first, 0], min(<int64_t> BLOCK, count - first), &found[first, 0], self.portable)
                first += BLOCK
        return out
