// Sums of outer products, register-blocked: total[m][c] += sum over i of d[i][m] * seen[i][c], and the sums of d alone.
#pragma once

#include "product.h"

namespace recuerdo {
namespace RECUERDO_ISA {

constexpr long TILES = 32;   // register blocks of rows whose packed gradients stay in the second cache

// R gradients of a row: packed for the purpose, or where they lie.
template <class Real>
struct PackedRows {
    const Real* packed;
    const Real* operator()(long i) const { return packed + i * RECUERDO_ROWS; }
};

template <class Real>
struct RowsInPlace {
    const Real* const* d;
    long m;
    const Real* operator()(long i) const { return d[i] + m; }
};

// out[r][0..V lanes] += sum over i of row(i)[r] * b[i][0..V lanes], for RECUERDO_ROWS rows
template <class Real, int V, class Row>
static __attribute__((noinline)) void outer(Row row, const Real* b, long count, Real* out, long stride) {
    constexpr long L = lanes<Real>;
    constexpr int R = RECUERDO_ROWS;
    Vec<Real> acc[R][V] = {};
    for (long i = 0; i < count; ++i, b += V * L) {
        const Real* a = row(i);
        Vec<Real> B[V];
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) B[v] = load(b + v * L);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            Vec<Real> A = all<Real>(a[r]);
#pragma GCC unroll 8
            for (int v = 0; v < V; ++v) acc[r][v] += A * B[v];
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) store(out + r * stride + v * L, load(out + r * stride + v * L) + acc[r][v]);
}

template <class Real, class Row>
static void outer(long V, Row row, const Real* b, long count, Real* out, long stride) {
    switch (V) {
        case 1: outer<Real, 1>(row, b, count, out, stride); break;
        case 2: outer<Real, 2>(row, b, count, out, stride); break;
#if RECUERDO_PANEL > 2
        case 3: outer<Real, 3>(row, b, count, out, stride); break;
        case 4: outer<Real, 4>(row, b, count, out, stride); break;
#endif
    }
}

// A row of the total is C numbers, the sum of d behind them, and zeros up to a whole vector. Rows come R at a time, and the last
// ones may lie beyond M: zeros are packed there.
template <class Real>
struct Outer {
    static constexpr long R = RECUERDO_ROWS;
    static constexpr long DEPTH = 128;  // samples and steps that are packed at a time, and summed before they join the total
    static constexpr long width = RECUERDO_PANEL * lanes<Real>;
    static constexpr long FEW_PANELS = 4;  // so few products with a row's gradients do not pay for packing them
    Real *packed_d, *packed_seen;

    Outer(Arena& arena, long most_columns) {
        packed_d = arena.take<Real>(TILES * R * DEPTH);
        packed_seen = arena.take<Real>((most_columns + width) / width * width * DEPTH);
    }

    static long stride(long C) { return (C + lanes<Real>) / lanes<Real> * lanes<Real>; }
    static size_t numbers(long rows, long C) { return rows * stride(C); }

    // rows `first` to `last` of M, to which `total` belongs, from `depth` rows of d and of what they saw
    void add(const Real* const* d, long first, long last, long M, Sources<Real> seen, long depth, Real* total) const {
        long columns = stride(seen.first_K + seen.second_K);
        pack_seen(seen, depth, columns);
        if (columns <= FEW_PANELS * width) {
            for (long m = first; m < last; m += R) {
                Real* to = total + (m - first) * columns;
                if (m + R <= M) {
                    across(RowsInPlace<Real>{d, m}, to, depth, columns);
                } else {
                    pack_gradients(d, m, m + R, M, depth);
                    across(PackedRows<Real>{packed_d}, to, depth, columns);
                }
            }
            return;
        }
        for (long m = first; m < last; m += TILES * R) {
            long until = m + TILES * R < last ? m + TILES * R : last;
            pack_gradients(d, m, until, M, depth);
            multiply(total + (m - first) * columns, until - m, depth, columns);
        }
    }

    // numbers c to c + count of a row of the total
    static void copy_row(const Real* total, long C, long row, long c, long count, Real* to) {
        memcpy(to, total + row * stride(C) + c, count * sizeof(Real));
    }
    static Real sum(const Real* total, long, long C, long row) { return total[row * stride(C) + C]; }

  private:
    // panels of columns, each [i][column]: both sources, 1, zeros
    void pack_seen(Sources<Real> seen, long depth, long columns) const {
        long D = seen.first_K, C = D + seen.second_K;
        for (long at = 0; at < columns; at += width) {
            long W = columns - at < width ? columns - at : width;
            Real* panel = packed_seen + at * DEPTH;
            if (W == width && (at + width <= D || (at >= D && at + width <= C))) {  // of one source
                const Real* const* from = at < D ? seen.first : seen.second;
                for (long i = 0; i < depth; ++i) memcpy(panel + i * width, from[i] + at - (at < D ? 0 : D), width * sizeof(Real));
                continue;
            }
            for (long i = 0; i < depth; ++i, panel += W) {
                long column = at, end = at + W;
                if (column < D) {
                    long until = end < D ? end : D;
                    memcpy(panel, seen.first[i] + column, (until - column) * sizeof(Real));
                    column = until;
                }
                if (column < end && column < C) {
                    long until = end < C ? end : C;
                    memcpy(panel + column - at, seen.second[i] + column - D, (until - column) * sizeof(Real));
                    column = until;
                }
                for (; column < end; ++column) panel[column - at] = column == C ? 1 : 0;
            }
        }
    }

    // tiles of R gradients, each [i][r]
    void pack_gradients(const Real* const* d, long m, long end, long M, long depth) const {
        for (Real* to = packed_d; m < end; m += R, to += R * DEPTH) {
            if (m + R <= M) {
                for (long i = 0; i < depth; ++i) memcpy(to + i * R, d[i] + m, R * sizeof(Real));
            } else {
                for (long i = 0; i < depth; ++i)
                    for (long r = 0; r < R; ++r) to[i * R + r] = m + r < M ? d[i][m + r] : 0;
            }
        }
    }

    // one block of rows by all panels
    template <class Row>
    void across(Row row, Real* total, long depth, long columns) const {
        for (long at = 0; at < columns; at += width) 
            outer(vectors(at, columns), row, (const Real*)packed_seen + at * DEPTH, depth, total + at, columns);
    }

    void multiply(Real* total, long rows, long depth, long columns) const {
        for (long at = 0; at < columns; at += width)
            for (long r = 0; r < rows; r += R)
                outer(vectors(at, columns), PackedRows<Real>{packed_d + r * DEPTH}, (const Real*)packed_seen + at * DEPTH, depth,
                      total + r * columns + at, columns);
    }

    static long vectors(long at, long columns) { return (columns - at < width ? columns - at : width) / lanes<Real>; }
};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
