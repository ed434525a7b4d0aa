/* Looking explanations up in tables; tables.py says what they hold and where the formula comes from.

   Leaves are evaluated eight at a time in vectors that the compiler maps to whatever registers a processor has, without
   contracting a * b + c: so each processor does the same operations in the same order and gives the same bits. Nothing is
   allocated and no index is checked: Tables.require_sound has checked them all. */

#include <math.h>
#include <stdint.h>
#include <string.h>

enum {
    LANES = 8,
    MOST_FEATURES = 16, /* on a path */
    MOST_COLUMNS = 256, /* in a row */
    BLOCK = 32,         /* rows that go through a group's leaves while these are in the processor's cache */
};

typedef float floats __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint8_t bytes __attribute__((vector_size(LANES)));

typedef struct {
    const double *base;
    const float *thresholds;
    const int64_t *threshold_ends;
    const int64_t (*groups)[5];
    const int64_t *features;
    const uint8_t *passes;
    const float *numbers;
    const float *points;  /* [n - 1][MOST_FEATURES / 2], of the quadrature with n points */
    const float *weights; /* likewise */
    int64_t columns, group_count;
} tables;

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

INLINE int64_t first_threshold(const tables *t, int64_t feature) {
    return feature ? t->threshold_ends[feature - 1] : 0;
}

INLINE int64_t bin_count(const tables *t, int64_t feature) {
    return t->threshold_ends[feature] - first_threshold(t, feature) + 2;
}

/* 0 for a missing value, else 1 + how many of the thresholds lie at or below it. */
INLINE int32_t bin_of(float value, const float *thresholds, int64_t count) {
    if (isnan(value)) return 0;
    int64_t below = 0;
    while (count > 0) {
        int64_t half = (count + 1) / 2;
        if (thresholds[below + half - 1] <= value) below += half;
        count -= half;
    }
    return (int32_t)below + 1;
}

INLINE void add_cell(const tables *t, const int64_t group[5], const int32_t *bins, double *out) {
    const int64_t d = group[0], *asked = t->features + group[1];
    int64_t index = 0;
    for (int64_t j = 0; j < d; j++) index = index * bin_count(t, asked[j]) + bins[asked[j]];
    const float *cell = t->numbers + group[4] + index * d;
    for (int64_t j = 0; j < d; j++) out[asked[j]] += cell[j];
}

/* d is the group's number of features once more, where possible as a constant, so that the loops over it dissolve. */
INLINE void add_leaves(const tables *t, const int64_t group[5], const int32_t *bins, double *out, const int d) {
    const int64_t leaves = group[2], *asked = t->features + group[1];
    const float *values = t->numbers + group[4], *shares = values + leaves;
    const int points = (d + 1) / 2;
    const float *point = t->points + (points - 1) * (MOST_FEATURES / 2);
    const float *weight = t->weights + (points - 1) * (MOST_FEATURES / 2);
    const uint8_t *passes = t->passes + group[3], *met[MOST_FEATURES];
    floats sums[MOST_FEATURES];
    for (int j = 0; j < d; j++) {
        met[j] = passes + bins[asked[j]] * leaves;
        passes += bin_count(t, asked[j]) * leaves;
        sums[j] = (floats){0};
    }
    for (int64_t leaf = 0; leaf < leaves; leaf += LANES) {
        floats value, share[MOST_FEATURES], difference[MOST_FEATURES], integral[MOST_FEATURES];
        memcpy(&value, values + leaf, sizeof value);
        UNROLL for (int j = 0; j < d; j++) {
            bytes o;
            memcpy(&o, met[j] + leaf, sizeof o);
            memcpy(&share[j], shares + j * leaves + leaf, sizeof share[j]);
            difference[j] = __builtin_convertvector(__builtin_convertvector(o, ints), floats) - share[j];
            integral[j] = (floats){0};
        }
        UNROLL for (int q = 0; q < points; q++) {
            /* The product of all factors but one, without dividing by it, for it may be 0: those before it times those
               behind it. */
            floats factor[MOST_FEATURES], behind[MOST_FEATURES], before = value * weight[q];
            UNROLL for (int j = 0; j < d; j++) factor[j] = share[j] + difference[j] * point[q];
            behind[d - 1] = (floats){0} + 1;
            UNROLL for (int j = d - 2; j >= 0; j--) behind[j] = behind[j + 1] * factor[j + 1];
            UNROLL for (int j = 0; j < d; j++) {
                integral[j] += before * behind[j];
                before *= factor[j];
            }
        }
        UNROLL for (int j = 0; j < d; j++) sums[j] += difference[j] * integral[j];
    }
    for (int j = 0; j < d; j++) {
        double sum = 0;
        for (int lane = 0; lane < LANES; lane++) sum += sums[j][lane];
        out[asked[j]] += sum;
    }
}

/* Fills out (count, columns + 1) with contributions, then the base value; count <= BLOCK. */
INLINE void explain(const tables *t, const float *rows, int64_t count, double *out) {
    const int64_t columns = t->columns;
    int32_t bins[BLOCK * MOST_COLUMNS];
    for (int64_t row = 0; row < count; row++) {
        for (int64_t feature = 0; feature < columns; feature++) {
            const float *thresholds = t->thresholds + first_threshold(t, feature);
            bins[row * columns + feature] = bin_of(rows[row * columns + feature], thresholds, bin_count(t, feature) - 2);
            out[row * (columns + 1) + feature] = 0;
        }
        out[row * (columns + 1) + columns] = *t->base;
    }
    for (int64_t g = 0; g < t->group_count; g++) {
        const int64_t *group = t->groups[g];
#define EACH_ROW(add, ...)                                                                    \
    for (int64_t row = 0; row < count; row++)                                                 \
        add(t, group, bins + row * columns, out + row * (columns + 1) __VA_OPT__(, ) __VA_ARGS__)
        if (group[2] == 0) {
            EACH_ROW(add_cell);
            continue;
        }
        switch (group[0]) {
            case 1: EACH_ROW(add_leaves, 1); break;
            case 2: EACH_ROW(add_leaves, 2); break;
            case 3: EACH_ROW(add_leaves, 3); break;
            case 4: EACH_ROW(add_leaves, 4); break;
            case 5: EACH_ROW(add_leaves, 5); break;
            case 6: EACH_ROW(add_leaves, 6); break;
            case 7: EACH_ROW(add_leaves, 7); break;
            case 8: EACH_ROW(add_leaves, 8); break;
            default: EACH_ROW(add_leaves, (int)group[0]);
        }
    }
}

static void explain_block_portable(const tables *t, const float *rows, int64_t count, double *out) {
    explain(t, rows, count, out);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void explain_block_avx2(
    const tables *t, const float *rows, int64_t count, double *out) {
    explain(t, rows, count, out);
}
#endif

static void explain_block(const tables *t, const float *rows, int64_t count, double *out, int portable) {
#if defined(__x86_64__)
    if (!portable && __builtin_cpu_supports("avx2")) {
        explain_block_avx2(t, rows, count, out);
        return;
    }
#endif
    explain_block_portable(t, rows, count, out);
}
