// The matrix product of a few rows with a packed matrix, register-blocked: out[r][m] += sum over k of a[r][k] * B[k][m].
//
// A row's sum runs over k in the same order whatever the block of rows is, so that no result depends on the batch.
#pragma once

#include "arena.h"

// How many rows and how many vectors of outputs are summed in registers at once.
#ifndef RECUERDO_ROWS
#define RECUERDO_ROWS 6
#endif
#ifndef RECUERDO_PANEL
#define RECUERDO_PANEL 2
#endif

namespace recuerdo {
namespace RECUERDO_ISA {

constexpr long BLOCK = 256;  // steps of k between two visits to `out`: a panel of so many stays in the first cache

// B of K x M as panels of RECUERDO_PANEL vectors of outputs, each [k][output]; the last one is padded with zeros.
template <class Real>
struct Packed {
    Real* data;
    long K, M;
    static constexpr long width = RECUERDO_PANEL * lanes<Real>;
    static long padded(long M) { return (M + lanes<Real> - 1) / lanes<Real> * lanes<Real>; }
    static size_t numbers(long K, long M) { return (size_t)padded(M) * K; }
    static Packed in(Arena& arena, long K, long M) { return {arena.take<Real>(numbers(K, M)), K, M}; }
    void take_room(Arena&, long) {}  // rows are multiplied where they lie
    long panels() const { return (M + width - 1) / width; }
    long columns(long p) const {
        long left = padded(M) - p * width;
        return left < width ? left : width;
    }

    // B[at + k][m] = from[k * by_k + m * by_m] for k below count, in the panels from first to last
    void pack(const Real* from, long at, long count, long by_k, long by_m, long first, long last) const {
        for (long p = first; p < last; ++p) {
            long m0 = p * width, W = columns(p), filled = M - m0 < W ? M - m0 : W;
            Real* to = data + m0 * K + at * W;
            for (long k0 = 0; k0 < count; k0 += 16) {  // so that the lines of both stay in the cache, whichever is turned
                long k1 = k0 + 16 < count ? k0 + 16 : count;
                if (by_m == 1) {
                    for (long k = k0; k < k1; ++k) memcpy(to + k * W, from + k * by_k + m0, filled * sizeof(Real));
                } else {
                    for (long m = 0; m < filled; ++m)
                        for (long k = k0; k < k1; ++k) to[k * W + m] = from[k * by_k + (m0 + m) * by_m];
                }
                for (long k = k0; k < k1 && filled < W; ++k)
                    for (long m = filled; m < W; ++m) to[k * W + m] = 0;
            }
        }
    }
};

// What a product reads of its rows: `second` follows `first` along k, so that W x and U h are one sum.
template <class Real>
struct Sources {
    const Real* const* first;
    long first_K;
    const Real* const* second;
    long second_K;
};

// One register block. n0 and n1 numbers of two rows of sources, times b, on top of `start` or, without one, of `out`.
template <class Real, int R, int V>
static __attribute__((noinline)) void tile(const Real* const* a0, long n0, const Real* const* a1, long n1, const Real* b,
                                           const Real* start, Real* const* out, long left) {
    constexpr long L = lanes<Real>;
    Vec<Real> acc[R][V];
    Real edge[R][V * L];  // the last panel's outputs may end inside a vector
    bool whole = left >= V * L;
    const Real *row0[R], *row1[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
        row0[r] = n0 ? a0[r] : nullptr;
        row1[r] = n1 ? a1[r] : nullptr;
        const Real* from = start ? start : out[r];
        if (!whole) {
            for (long m = 0; m < V * L; ++m) edge[r][m] = m < left ? from[m] : 0;
            from = edge[r];
        }
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) acc[r][v] = load(from + v * L);
    }
    auto add = [&](const Real* const* row, long n) __attribute__((always_inline)) {
        for (long k = 0; k < n; ++k, b += V * L) {
            Vec<Real> B[V];
#pragma GCC unroll 8
            for (int v = 0; v < V; ++v) B[v] = load(b + v * L);
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) {
                Vec<Real> A = all<Real>(row[r][k]);
#pragma GCC unroll 8
                for (int v = 0; v < V; ++v) acc[r][v] += A * B[v];
            }
        }
    };
    add(row0, n0);
    add(row1, n1);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
        Real* to = whole ? out[r] : edge[r];
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) store(to + v * L, acc[r][v]);
        if (!whole) memcpy(out[r], edge[r], left * sizeof(Real));
    }
}

template <class Real>
using Tile = void (*)(const Real* const*, long, const Real* const*, long, const Real*, const Real*, Real* const*, long);

template <class Real, int V>
static Tile<Real> tile_of(long R) {
    switch (R) {
        case 1: return tile<Real, 1, V>;
        case 2: return tile<Real, 2, V>;
        case 3: return tile<Real, 3, V>;
#if RECUERDO_ROWS > 3
        case 4: return tile<Real, 4, V>;
        case 5: return tile<Real, 5, V>;
        case 6: return tile<Real, 6, V>;
#endif
    }
    return nullptr;
}

template <class Real>
static Tile<Real> tile_of(long R, long V) {
    switch (V) {
        case 1: return tile_of<Real, 1>(R);
        case 2: return tile_of<Real, 2>(R);
#if RECUERDO_PANEL > 2
        case 3: return tile_of<Real, 3>(R);
        case 4: return tile_of<Real, 4>(R);
#endif
    }
    return nullptr;
}

// Some panels of a matrix, from the first to before the last, or the other way round.
struct Panels {
    long first, last;
    bool from_behind;
    template <class Matrix>
    static Panels all(const Matrix& B) {
        return {0, B.panels(), false};
    }
};

// out[r][0..M] = start[0..M] + (a[r][0..K] B) for each of the rows, in those of the M columns that the panels hold; without a
// start, out[r] itself.
template <class Real>
static void product(const Packed<Real>& B, Sources<Real> a, Real* const* out, long rows, const Real* start, Panels panels) {
    if (rows == 0) return;
    long groups = (rows + RECUERDO_ROWS - 1) / RECUERDO_ROWS, K0 = a.first_K;
    long blocks = (B.K + BLOCK / 2) / BLOCK;
    if (blocks < 1) blocks = 1;
    for (long turn = panels.first; turn < panels.last; ++turn) {
        long p = panels.from_behind ? panels.first + panels.last - 1 - turn : turn;
        long at = p * B.width, W = B.columns(p);
        const Real* panel = B.data + at * B.K;
        for (long block = 0; block < blocks; ++block) {
            long k0 = B.K * block / blocks, k1 = B.K * (block + 1) / blocks;
            long from0 = k0 < K0 ? k0 : K0, to0 = k1 < K0 ? k1 : K0;
            long from1 = k0 - from0, to1 = k1 - to0;  // the second source begins where the first ends
            for (long g = 0; g < groups; ++g) {
                long r0 = rows * g / groups, R = rows * (g + 1) / groups - r0;
                const Real *first[RECUERDO_ROWS], *second[RECUERDO_ROWS];
                Real* to[RECUERDO_ROWS];
                for (long r = 0; r < R; ++r) {
                    first[r] = to0 > from0 ? a.first[r0 + r] + from0 : nullptr;
                    second[r] = to1 > from1 ? a.second[r0 + r] + from1 : nullptr;
                    to[r] = out[r0 + r] + at;
                }
                tile_of<Real>(R, W / lanes<Real>)(first, to0 - from0, second, to1 - from1, panel + k0 * W,
                                                  start && block == 0 ? start + at : nullptr, to, B.M - at);
            }
        }
    }
}

template <class Real>
static void product(const Packed<Real>& B, const Real* const* a, Real* const* out, long rows, const Real* start) {
    product(B, Sources<Real>{a, B.K, nullptr, 0}, out, rows, start, Panels::all(B));
}

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
