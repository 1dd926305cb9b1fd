// Tiles in plain vectors: what TDPBF16PS of AMX computes, on any processor.
//
// Of a tile's k the even and the odd products are summed apart, each from zero and in the order of k; their total joins the sum:
//     even = sum over p of a[r][2p] * b[2p][m];  odd = sum over p of a[r][2p + 1] * b[2p + 1][m];  s[r][m] += even + odd
// Every step rounds once, to nearest even, and a result below the normal numbers is zero. Without a fused multiply-add the
// product is rounded apart; it has 16 bits, so that nothing is lost unless it leaves the normal numbers itself.
#pragma once

#include "bf16.h"

namespace recuerdo {
namespace RECUERDO_ISA {

RECUERDO_INLINE Vec<float> flush(Vec<float> x) {
    Words subnormal = (Words)((Simd<float>::Bits)((Words)x & 0x7fffffff) < 0x00800000);
    return (Vec<float>)((Words)x & ~(subnormal & 0x7fffffff));
}

struct Tiles {
    static constexpr int A = 2, B = 2;  // tiles of left operands and of right ones that are held at once
    struct Use {
        Use() {}
        ~Use() {}
    };

    const Bf16 *a[A], *b[B];
    float sums[A][B][TILE_SUMS];

    template <int i, int j>
    __attribute__((always_inline)) void clear() {
        memset(sums[i][j], 0, sizeof sums[i][j]);
    }
    template <int i, int j>
    __attribute__((always_inline)) void load(const float* from) {
        memcpy(sums[i][j], from, sizeof sums[i][j]);
    }
    template <int i>
    __attribute__((always_inline)) void load_a(const Bf16* from) {
        a[i] = from;
    }
    template <int j>
    __attribute__((always_inline)) void load_b(const Bf16* from) {
        b[j] = from;
    }
    template <int i, int j>
    __attribute__((always_inline)) void dot() {
        for (long r = 0; r < TILE_ROWS; ++r)
            for (long m = 0; m < TILE_ROWS; m += lanes<float>) {
                Vec<float> even{}, odd{};
                for (long k = 0; k < TILE_K; k += 2) {
                    Words pairs = *(const LooseWords*)(b[j] + k * TILE_ROWS + 2 * m), low{}, high{};
                    low += (uint32_t)a[i][r * TILE_K + k] << 16;
                    high += (uint32_t)a[i][r * TILE_K + k + 1] << 16;
                    even = flush(even + (Vec<float>)low * (Vec<float>)(pairs << 16));
                    odd = flush(odd + (Vec<float>)high * (Vec<float>)(pairs & UPPER));
                }
                float* sum = sums[i][j] + r * TILE_ROWS + m;
                RECUERDO_ISA::store(sum, flush(flush(RECUERDO_ISA::load(sum)) + flush(even + odd)));
            }
    }
    template <int i, int j>
    __attribute__((always_inline)) void store(float* to) {
        memcpy(to, sums[i][j], sizeof sums[i][j]);
    }
};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
