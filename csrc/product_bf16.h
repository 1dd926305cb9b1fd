// Products of rows with a packed matrix as in product.h, in bfloat16 with sums in float32. A file that includes this also
// defines RECUERDO_TILES, the header with the instructions.
//
// A row's sum runs over whole tiles of k from the first to the last, whatever rows and columns share the block with it, and the
// zeros that fill up the last tile leave it as it is: no result depends on the batch.
#pragma once

#include "product.h"
#include RECUERDO_TILES

namespace recuerdo {
namespace RECUERDO_ISA {

// sums[i][j] = A[i] B[j] over `depth` tiles of k, on top of what `sums` holds if `onto`. Operands follow one another depth tiles
// apart, sums by_i numbers and one tile apart.
template <int A, int B>
static __attribute__((noinline)) void block(const Bf16* a, const Bf16* b, long depth, float* sums, long by_i, bool onto) {
    Tiles tiles;
    const Bf16 *a1 = a + depth * TILE_NUMBERS, *b1 = b + depth * TILE_NUMBERS;
    if (onto) {
        tiles.template load<0, 0>(sums);
        if constexpr (B > 1) tiles.template load<0, 1>(sums + TILE_SUMS);
        if constexpr (A > 1) tiles.template load<1, 0>(sums + by_i);
        if constexpr (A > 1 && B > 1) tiles.template load<1, 1>(sums + by_i + TILE_SUMS);
    } else {
        tiles.template clear<0, 0>();
        if constexpr (B > 1) tiles.template clear<0, 1>();
        if constexpr (A > 1) tiles.template clear<1, 0>();
        if constexpr (A > 1 && B > 1) tiles.template clear<1, 1>();
    }
    for (long k = 0; k < depth * TILE_NUMBERS; k += TILE_NUMBERS) {
        tiles.template load_a<0>(a + k);
        tiles.template load_b<0>(b + k);
        tiles.template dot<0, 0>();
        if constexpr (B > 1) {
            tiles.template load_b<1>(b1 + k);
            tiles.template dot<0, 1>();
        }
        if constexpr (A > 1) {
            tiles.template load_a<1>(a1 + k);
            tiles.template dot<1, 0>();
            if constexpr (B > 1) tiles.template dot<1, 1>();
        }
    }
    tiles.template store<0, 0>(sums);
    if constexpr (B > 1) tiles.template store<0, 1>(sums + TILE_SUMS);
    if constexpr (A > 1) tiles.template store<1, 0>(sums + by_i);
    if constexpr (A > 1 && B > 1) tiles.template store<1, 1>(sums + by_i + TILE_SUMS);
}

// The same for as many operands as there are, in blocks; after each one `done(i, j, A, B)`.
template <class Done>
RECUERDO_INLINE void blocks(const Bf16* a, long A, const Bf16* b, long B, long depth, float* sums, long by_i, long by_j, bool onto,
                            Done&& done) {
    for (long j = 0; j < B; j += Tiles::B) {
        int some_b = B - j < Tiles::B ? 1 : Tiles::B;
        for (long i = 0; i < A; i += Tiles::A) {
            int some_a = A - i < Tiles::A ? 1 : Tiles::A;
            auto part = some_a > 1 ? (some_b > 1 ? block<Tiles::A, Tiles::B> : block<Tiles::A, 1>)
                                   : (some_b > 1 ? block<1, Tiles::B> : block<1, 1>);
            float* to = onto ? sums + i * by_i + j * by_j : sums;
            part(a + i * depth * TILE_NUMBERS, b + j * depth * TILE_NUMBERS, depth, to, by_i, onto);
            done(i, j, some_a, some_b);
        }
    }
}

// B of K x M as right operands: for each 16 columns its tiles of k. The last ones are filled up with zeros.
struct PackedBf16 {
    Bf16* data;
    long K, M;
    Bf16* room;  // of the thread that multiplies, for the rows it brings

    static size_t numbers(long K, long M) {
        return (size_t)tiles_of(M, TILE_ROWS) * tiles_of(K, TILE_K) * TILE_NUMBERS;
    }
    static size_t room_for(long rows, long K) { return numbers(K, rows); }
    static PackedBf16 in(Arena& arena, long K, long M) { return {arena.take<Bf16>(numbers(K, M)), K, M, nullptr}; }
    void take_room(Arena& arena, long rows) { room = arena.take<Bf16>(room_for(rows, K)); }
    long panels() const { return tiles_of(M, TILE_ROWS); }
    long depth() const { return tiles_of(K, TILE_K); }

    // B[at + k][m] = from[k * by_k + m * by_m] for k below count, in the panels from first to last. One of by_k and by_m is 1.
    // The calls for one matrix come in the order of k, because the second of two that share a tile completes it.
    void pack(const float* from, long at, long count, long by_k, long by_m, long first, long last) const {
        if (count == 0) return;
        long k0 = at / TILE_K, k1 = tiles_of(at + count, TILE_K);
        if (by_m == 1) {  // along the rows of `from`, whichever way they run
            for (long k = k0; k < k1; ++k)
                for (long p = first; p < last; ++p) pack_across(from, at, count, by_k, p, k);
        } else {
            for (long p = first; p < last; ++p)
                for (long k = k0; k < k1; ++k) pack_along(from, at, count, by_m, p, k);
        }
    }

  private:
    long columns(long p) const { return M - p * TILE_ROWS < TILE_ROWS ? M - p * TILE_ROWS : TILE_ROWS; }

    void pack_across(const float* from, long at, long count, long by_k, long p, long tile) const {
        long k0 = tile * TILE_K, begin = k0 < at ? at : k0, end = k0 + TILE_K < at + count ? k0 + TILE_K : at + count;
        Block<TILE_K, TILE_ROWS> some;
        some.clear();
        for (long k = begin; k < end; ++k) some.put(k - k0, from + (k - at) * by_k + p * TILE_ROWS, 0, columns(p));
        finish(p, tile, k0 < at, [&](Bf16* to) { interleave_rows(some, to); });
    }

    void pack_along(const float* from, long at, long count, long by_m, long p, long tile) const {
        long k0 = tile * TILE_K, begin = k0 < at ? at : k0, end = k0 + TILE_K < at + count ? k0 + TILE_K : at + count;
        Block<TILE_ROWS, TILE_K> some;
        some.clear();
        for (long m = 0; m < columns(p); ++m)
            some.put(m, from + (p * TILE_ROWS + m) * by_m + begin - at, begin - k0, end - begin);
        Bf16 turned[TILE_NUMBERS];
        narrow_rows(some, turned);
        finish(p, tile, k0 < at, [&](Bf16* to) { transpose(turned, to); });
    }

    template <class Write>
    void finish(long p, long tile, bool begun, Write&& write) const {
        Bf16* to = data + (p * depth() + tile) * TILE_NUMBERS;
        if (!begun) return write(to);
        Bf16 rest[TILE_NUMBERS];
        write(rest);
        for (long n = 0; n < TILE_NUMBERS; ++n) to[n] |= rest[n];
    }
};

// Numbers `at` to at + count of a row along k, in a left operand that begins with this row at `to`.
RECUERDO_INLINE void pack_run(const float* from, long at, long count, Bf16* to) {
    for (long k = at, end = at + count; k < end;) {
        Bf16* here = to + k / TILE_K * TILE_NUMBERS + k % TILE_K;
        long room = TILE_K - k % TILE_K, n = room < end - k ? room : end - k;
        n == TILE_K ? round_to_bf16(from, here, TILE_K) : round_to_bf16(from, here, n);
        k += n, from += n;
    }
}

// Rows as left operands: of each 16 of them the tiles of k. What the last tiles hold beyond the last row is of no account.
static inline void pack_rows(Sources<float> a, long rows, Bf16* to) {
    long K = a.first_K + a.second_K, depth = tiles_of(K, TILE_K);
    for (long r = 0; r < rows; ++r) {
        Bf16* row = to + r / TILE_ROWS * depth * TILE_NUMBERS + r % TILE_ROWS * TILE_K;
        if (a.first_K) pack_run(a.first[r], 0, a.first_K, row);
        if (a.second_K) pack_run(a.second[r], a.first_K, a.second_K, row);
        if (long used = K % TILE_K)
            memset(row + (depth - 1) * TILE_NUMBERS + used, 0, (TILE_K - used) * sizeof(Bf16));
    }
}

// out[r][0..M] = start[0..M] + (a[r][0..K] B) for each of the rows, in those of the M columns that the panels hold; without a
// start, out[r] itself.
static inline void product(const PackedBf16& B, Sources<float> a, float* const* out, long rows, const float* start, Panels panels) {
    long groups = tiles_of(rows, TILE_ROWS);
    pack_rows(a, rows, B.room);
    alignas(64) float sums[Tiles::A * Tiles::B * TILE_SUMS];
    constexpr long by_i = Tiles::B * TILE_SUMS;
    auto put = [&](long g, long p, int A, int P) {
        long m0 = p * TILE_ROWS, left = B.M - m0;
        for (long r = 0; r < A * TILE_ROWS && g * TILE_ROWS + r < rows; ++r) {
            const float* sum = sums + r / TILE_ROWS * by_i + r % TILE_ROWS * TILE_ROWS;
            float* to = out[g * TILE_ROWS + r] + m0;
            const float* base = start ? start + m0 : to;
            for (long m = 0; m < P * TILE_ROWS && m < left; m += TILE_ROWS, sum += TILE_SUMS)
                along<float>(left - m < TILE_ROWS ? left - m : TILE_ROWS,
                             [&](long j, auto io) { io.put(to + m + j, io(base + m + j) + io(sum + j)); });
        }
    };
    auto multiply = [&](long first, long count) {
        blocks(B.room, groups, B.data + first * B.depth() * TILE_NUMBERS, count, B.depth(), sums, by_i, TILE_SUMS, false,
               [&](long g, long p, int A, int P) { put(g, first + p, A, P); });
    };
    long all = panels.last - panels.first, at_once = panels.from_behind ? Tiles::B : all;
    for (long left = all; left > 0; left -= at_once)
        multiply(panels.first + (left > at_once ? left - at_once : 0), left < at_once ? left : at_once);
}

static inline void product(const PackedBf16& B, const float* const* a, float* const* out, long rows, const float* start) {
    product(B, Sources<float>{a, B.K, nullptr, 0}, out, rows, start, Panels::all(B));
}

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
