// The products in bfloat16 as one instruction set computes them, behind functions that `bf16_products.cpp` can call.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace recuerdo {

struct Bf16Path {
    const char* name;
    bool paired;  // sums in the order of AVX512-BF16, else in that of AMX
    bool fused;   // a product and a sum are rounded once even where the product leaves the normal numbers
    void (*round)(const float* from, uint16_t* to, long count);
    size_t (*numbers)(long K, long M);
    void (*pack)(uint16_t* to, long K, long M, const float* from, long at, long count, long by_k, long by_m, long first, long last);
    // rows of two sources with K0 and K - K0 numbers; `room` takes numbers(K, rows)
    void (*product)(const uint16_t* packed, long K, long M, uint16_t* room, const float* const* first, long K0,
                    const float* const* second, float* const* out, long rows, const float* start);
    void (*pack_gradients)(const float* const* d, long count, long m0, long m1, long M, uint16_t* to);
    void (*pack_seen)(const float* const* first, long C0, const float* const* second, long C1, long count, uint16_t* to);
    void (*outer)(const uint16_t* d, long rows, const uint16_t* seen, long columns, long depth, float* total);
    void (*copy_sums)(const float* total, long columns, long m, long c, long count, float* to);
};

extern const Bf16Path bf16_portable, bf16_avx2, bf16_avx512bf16, bf16_amx;

}  // namespace recuerdo

#ifdef RECUERDO_TILES
#include "../outer_bf16.h"

namespace recuerdo {
namespace RECUERDO_ISA {

static void round_all(const float* from, uint16_t* to, long count) { round_to_bf16(from, to, count); }

static void pack_all(uint16_t* to, long K, long M, const float* from, long at, long count, long by_k, long by_m, long first,
                     long last) {
    PackedBf16{to, K, M, nullptr}.pack(from, at, count, by_k, by_m, first, last);
}

static void multiply(const uint16_t* packed, long K, long M, uint16_t* room, const float* const* first, long K0,
                     const float* const* second, float* const* out, long rows, const float* start) {
    Tiles::Use use;
    bool from_behind = rows % 2 == 1;  // so that rows together meet a row alone that went the other way
    product(PackedBf16{(Bf16*)packed, K, M, room}, Sources<float>{first, K0, second, K - K0}, out, rows, start,
            Panels{0, (M + TILE_ROWS - 1) / TILE_ROWS, from_behind});
}

static void pack_all_seen(const float* const* first, long C0, const float* const* second, long C1, long count, uint16_t* to) {
    pack_seen(Sources<float>{first, C0, second, C1}, count, to);
}

static void multiply_outer(const uint16_t* d, long rows, const uint16_t* seen, long columns, long depth, float* total) {
    Tiles::Use use;
    outer(d, rows, seen, columns, depth, total);
}

static constexpr Bf16Path path(const char* name, bool paired, bool fused) {
    return {name,     paired,         fused,         round_all,      PackedBf16::numbers, pack_all,
            multiply, pack_gradients, pack_all_seen, multiply_outer, copy_sums};
}

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
#endif
