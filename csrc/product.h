// The matrix product of a few rows with a packed matrix, register-blocked: out[r][m] += sum over k of a[r][k] * B[k][m].
//
// A row's sum runs over k in the same order whatever the block of rows is, so that no result depends on the batch.
#pragma once

#include "simd.h"

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
    long panels() const { return (M + width - 1) / width; }
    long columns(long p) const {
        long left = padded(M) - p * width;
        return left < width ? left : width;
    }

    // B[k][m] = from[k * by_k + m * by_m]; panels first, last
    void pack(const Real* from, long by_k, long by_m, long first, long last) const {
        for (long p = first; p < last; ++p) {
            long m0 = p * width, W = columns(p), filled = M - m0 < W ? M - m0 : W;
            Real* to = data + m0 * K;
            if (by_m == 1) {
                for (long k = 0; k < K; ++k) {
                    for (long m = 0; m < filled; ++m) to[k * W + m] = from[k * by_k + m0 + m];
                    for (long m = filled; m < W; ++m) to[k * W + m] = 0;
                }
            } else {
                for (long k0 = 0; k0 < K; k0 += 16) {
                    long k1 = k0 + 16 < K ? k0 + 16 : K;
                    for (long m = 0; m < filled; ++m) {
                        const Real* row = from + (m0 + m) * by_m;
                        for (long k = k0; k < k1; ++k) to[k * W + m] = row[k * by_k];
                    }
                }
                for (long k = 0; k < K; ++k)
                    for (long m = filled; m < W; ++m) to[k * W + m] = 0;
            }
        }
    }
};

template <class Real, int R, int V>
RECUERDO_INLINE void tile(const Real* const* a, const Real* b, long k0, long k1, Real* const* out, long at, long left) {
    constexpr long L = lanes<Real>;
    Vec<Real> acc[R][V];
    Real edge[R][V * L];  // the last panel's outputs may end inside a vector
    bool whole = left >= V * L;
    const Real* row[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
        row[r] = a[r];
        const Real* from = out[r] + at;
        if (!whole) {
            for (long m = 0; m < V * L; ++m) edge[r][m] = m < left ? from[m] : 0;
            from = edge[r];
        }
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) acc[r][v] = load(from + v * L);
    }
    b += k0 * V * L;
    for (long k = k0; k < k1; ++k, b += V * L) {
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
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
        Real* to = whole ? out[r] + at : edge[r];
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) store(to + v * L, acc[r][v]);
        if (!whole) memcpy(out[r] + at, edge[r], left * sizeof(Real));
    }
}

template <class Real, int R, int V>
static __attribute__((noinline)) void tiles(
    const Real* const* a, const Real* b, long k0, long k1, Real* const* out, long at, long left) {
    tile<Real, R, V>(a, b, k0, k1, out, at, left);
}

template <class Real, int V>
static void rows_of(
    int R, const Real* const* a, const Real* b, long k0, long k1, Real* const* out, long at, long left) {
    switch (R) {
        case 1: return tiles<Real, 1, V>(a, b, k0, k1, out, at, left);
        case 2: return tiles<Real, 2, V>(a, b, k0, k1, out, at, left);
        case 3: return tiles<Real, 3, V>(a, b, k0, k1, out, at, left);
#if RECUERDO_ROWS > 3
        case 4: return tiles<Real, 4, V>(a, b, k0, k1, out, at, left);
#endif
#if RECUERDO_ROWS > 4
        case 5: return tiles<Real, 5, V>(a, b, k0, k1, out, at, left);
        case 6: return tiles<Real, 6, V>(a, b, k0, k1, out, at, left);
#endif
    }
}

// out[r][0..M] += a[r][0..K] B for each of the rows.
template <class Real>
static void product(const Packed<Real>& B, const Real* const* a, Real* const* out, long rows) {
    if (rows == 0) return;
    long groups = (rows + RECUERDO_ROWS - 1) / RECUERDO_ROWS;
    for (long p = 0; p < B.panels(); ++p) {
        long at = p * B.width, W = B.columns(p);
        const Real* panel = B.data + at * B.K;
        for (long k0 = 0; k0 < B.K; k0 += BLOCK) {
            long k1 = k0 + BLOCK < B.K ? k0 + BLOCK : B.K;
            for (long g = 0; g < groups; ++g) {
                long r0 = rows * g / groups, R = rows * (g + 1) / groups - r0;
                switch (W / lanes<Real>) {
                    case 1: rows_of<Real, 1>(R, a + r0, panel, k0, k1, out + r0, at, B.M - at); break;
                    case 2: rows_of<Real, 2>(R, a + r0, panel, k0, k1, out + r0, at, B.M - at); break;
#if RECUERDO_PANEL > 2
                    case 3: rows_of<Real, 3>(R, a + r0, panel, k0, k1, out + r0, at, B.M - at); break;
                    case 4: rows_of<Real, 4>(R, a + r0, panel, k0, k1, out + r0, at, B.M - at); break;
#endif
                }
            }
        }
    }
}

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
