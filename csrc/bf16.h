// bfloat16, the upper half of a float32, and the tiles of it that products take.
//
// A tile has 16 rows of 64 bytes, as one instruction of AMX takes them. Of a left operand a row holds 32 numbers along k, of a
// right one 16 columns of pairs (k, k + 1), of the sums 16 float32. Read as words of one pair each, the two kinds of operand are
// each other's transpose, so that either can be made of rows along k and of rows across it.
#pragma once

#include "simd.h"

#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

namespace recuerdo {
namespace RECUERDO_ISA {

typedef uint16_t Bf16;
typedef uint32_t Words __attribute__((vector_size(RECUERDO_BYTES)));
typedef uint32_t LooseWords __attribute__((vector_size(RECUERDO_BYTES), aligned(2), may_alias));
typedef uint16_t Halves __attribute__((vector_size(RECUERDO_BYTES / 2)));

constexpr long TILE_ROWS = 16;      // and the columns of a right operand and of the sums
constexpr long TILE_K = 32;
constexpr long TILE_NUMBERS = TILE_ROWS * TILE_K;   // bfloat16
constexpr long TILE_SUMS = TILE_ROWS * TILE_ROWS;   // float32
constexpr uint32_t UPPER = 0xffff0000;

constexpr long tiles_of(long count, long each) { return (count + each - 1) / each; }

// The nearest bfloat16, ties to even, in the upper half of each word. NaN becomes quiet, infinities stay, and subnormal numbers
// become zero as in VCVTNEPS2BF16: no product sees one, and what the instructions do with them never matters.
RECUERDO_INLINE Words rounded(Vec<float> x) {
    typedef Simd<float>::Bits Bits;
    Words u = (Words)x, up = u + 0x7fff + (u >> 16 & 1);
    Bits size = (Bits)(u & 0x7fffffff);
    Words nan = (Words)(size > 0x7f800000), subnormal = (Words)(size < 0x00800000);
    up = (nan & (u | 0x00400000)) | (~nan & up);
    return up & ~(subnormal & 0x7fffffff) & UPPER;
}

RECUERDO_INLINE Halves narrow(Vec<float> x) {
#ifdef __AVX512BF16__
    static_assert(RECUERDO_BYTES == 64, "one vector of float32 is one of this instruction's");
    return (Halves)_mm512_cvtneps_pbh((__m512)x);
#else
    return __builtin_convertvector(rounded(x) >> 16, Halves);
#endif
}

RECUERDO_INLINE void round_to_bf16(const float* from, Bf16* to, long count) {
    along<float>(count, [&](long j, auto io) {
        Halves v = narrow(io(from + j));
        long left = count - j < lanes<float> ? count - j : lanes<float>;
        memcpy(to + j, &v, left * sizeof(Bf16));
    });
}

// R rows of C numbers, wherever they lie; what was not put is zero.
template <long R, long C>
struct Block {
    const float* row[R];
    float zeros[C] = {};
    float copies[R * C];

    void clear() {
        for (long r = 0; r < R; ++r) row[r] = zeros;
    }
    void put(long r, const float* from, long at, long count) {
        if (count == C) {
            row[r] = from;
            return;
        }
        float* own = copies + r * C;
        if (row[r] != own) memset(own, 0, C * sizeof(float));
        row[r] = own;
        memcpy(own + at, from, count * sizeof(float));
    }
};

// A tile whose rows of words are the rows of the block: a left one of rows along k.
RECUERDO_INLINE void narrow_rows(const Block<TILE_ROWS, TILE_K>& block, Bf16* tile) {
    for (long r = 0; r < TILE_ROWS; ++r) round_to_bf16(block.row[r], tile + r * TILE_K, TILE_K);
}

// A tile whose words are pairs of rows of the block: a right one of rows across k.
RECUERDO_INLINE void interleave_rows(const Block<TILE_K, TILE_ROWS>& block, Bf16* tile) {
    for (long k = 0; k < TILE_K; k += 2)
        for (long m = 0; m < TILE_ROWS; m += lanes<float>) {
            Words low = rounded(load(block.row[k] + m)), high = rounded(load(block.row[k + 1] + m));
            *(LooseWords*)(tile + k * TILE_ROWS + 2 * m) = (low >> 16) | high;
        }
}

typedef uint32_t Four __attribute__((vector_size(16)));
typedef uint32_t LooseFour __attribute__((vector_size(16), aligned(2), may_alias));
#ifdef __clang__
#define RECUERDO_SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define RECUERDO_SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, Four{i, j, k, l})
#endif

// The transpose of a tile's 16 x 16 words.
RECUERDO_INLINE void transpose(const Bf16* from, Bf16* to) {
    for (long r = 0; r < TILE_ROWS; r += 4)
        for (long m = 0; m < TILE_ROWS; m += 4) {
            Four row[4];
            for (long k = 0; k < 4; ++k) row[k] = *(const LooseFour*)(from + (r + k) * TILE_K + 2 * m);
            Four a = RECUERDO_SHUFFLE(row[0], row[1], 0, 4, 1, 5), b = RECUERDO_SHUFFLE(row[2], row[3], 0, 4, 1, 5);
            Four c = RECUERDO_SHUFFLE(row[0], row[1], 2, 6, 3, 7), d = RECUERDO_SHUFFLE(row[2], row[3], 2, 6, 3, 7);
            *(LooseFour*)(to + m * TILE_K + 2 * r) = RECUERDO_SHUFFLE(a, b, 0, 1, 4, 5);
            *(LooseFour*)(to + (m + 1) * TILE_K + 2 * r) = RECUERDO_SHUFFLE(a, b, 2, 3, 6, 7);
            *(LooseFour*)(to + (m + 2) * TILE_K + 2 * r) = RECUERDO_SHUFFLE(c, d, 0, 1, 4, 5);
            *(LooseFour*)(to + (m + 3) * TILE_K + 2 * r) = RECUERDO_SHUFFLE(c, d, 2, 3, 6, 7);
        }
}
#undef RECUERDO_SHUFFLE

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
