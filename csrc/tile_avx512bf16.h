// Tiles in the vectors of AVX512-BF16: 16 registers hold the sums of one, a row each.
//
// VDPBF16PS differs from AMX (tile_emulated.h) in the order of its sums: the odd product of a pair joins the sum first, and then
// the even one, without sums of a tile's own in between. Rounding and subnormal numbers are the same.
#pragma once

#include <immintrin.h>

#include "bf16.h"

namespace recuerdo {
namespace RECUERDO_ISA {

struct Tiles {
    static constexpr int A = 1, B = 1;
    struct Use {
        Use() {}
        ~Use() {}
    };

    const Bf16 *a, *b;
    __m512 sums[TILE_ROWS];

    template <int i, int j>
    __attribute__((always_inline)) void clear() {
#pragma GCC unroll 16
        for (long r = 0; r < TILE_ROWS; ++r) sums[r] = _mm512_setzero_ps();
    }
    template <int i, int j>
    __attribute__((always_inline)) void load(const float* from) {
#pragma GCC unroll 16
        for (long r = 0; r < TILE_ROWS; ++r) sums[r] = _mm512_loadu_ps(from + r * TILE_ROWS);
    }
    template <int i>
    __attribute__((always_inline)) void load_a(const Bf16* from) {
        a = from;
    }
    template <int j>
    __attribute__((always_inline)) void load_b(const Bf16* from) {
        b = from;
    }
    template <int i, int j>
    __attribute__((always_inline)) void dot() {
        for (long k = 0; k < TILE_K; k += 2) {
            __m512bh pairs = (__m512bh)_mm512_loadu_si512(b + k * TILE_ROWS);
#pragma GCC unroll 16
            for (long r = 0; r < TILE_ROWS; ++r) {
                int32_t pair;
                memcpy(&pair, a + r * TILE_K + k, sizeof pair);
                sums[r] = _mm512_dpbf16_ps(sums[r], (__m512bh)_mm512_set1_epi32(pair), pairs);
            }
        }
    }
    template <int i, int j>
    __attribute__((always_inline)) void store(float* to) {
#pragma GCC unroll 16
        for (long r = 0; r < TILE_ROWS; ++r) _mm512_storeu_ps(to + r * TILE_ROWS, sums[r]);
    }
};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
