// Sums of outer products as in outer.h: the products in bfloat16, the sums in float32, and those of d alone in float32 throughout.
#pragma once

#include "product_bf16.h"

namespace recuerdo {
namespace RECUERDO_ISA {

// Rows i of gradients as left operands with i along k: of each 16 gradients from m0 to m1 the tiles of i. Zeros beyond M.
static inline void pack_gradients(const float* const* d, long count, long m0, long m1, long M, Bf16* to) {
    Block<TILE_K, TILE_ROWS> some;
    Bf16 pairs[TILE_NUMBERS];
    for (long m = m0; m < m1; m += TILE_ROWS)
        for (long i0 = 0; i0 < count; i0 += TILE_K, to += TILE_NUMBERS) {
            some.clear();
            long filled = M - m < TILE_ROWS ? M - m : TILE_ROWS;
            for (long i = i0; i < count && i < i0 + TILE_K; ++i) some.put(i - i0, d[i] + m, 0, filled);
            interleave_rows(some, pairs);
            transpose(pairs, to);
        }
}

// Rows i of what the weights saw as right operands with i along k: of each 16 columns the tiles of i.
static inline void pack_seen(Sources<float> seen, long count, Bf16* to) {
    Block<TILE_K, TILE_ROWS> some;
    long C0 = seen.first_K, C = C0 + seen.second_K;
    for (long c = 0; c < C; c += TILE_ROWS)
        for (long i0 = 0; i0 < count; i0 += TILE_K, to += TILE_NUMBERS) {
            some.clear();
            long end = c + TILE_ROWS < C ? c + TILE_ROWS : C, until = end < C0 ? end : C0, from = c < C0 ? C0 : c;
            for (long i = i0; i < count && i < i0 + TILE_K; ++i) {
                if (c < C0) some.put(i - i0, seen.first[i] + c, 0, until - c);
                if (from < end) some.put(i - i0, seen.second[i] + from - C0, from - c, end - from);
            }
            interleave_rows(some, to);
        }
}

// total[m][c] += sum over i of d[i][m] * seen[i][c], by tiles: of rows m, of columns c, and of i.
static inline void outer(const Bf16* d, long rows, const Bf16* seen, long columns, long depth, float* total) {
    blocks(d, rows, seen, columns, depth, total, columns * TILE_SUMS, TILE_SUMS, true, [](long, long, int, int) {});
}

// to[0..count] = total[m][c..c + count], out of the tiles that `outer` leaves
static inline void copy_sums(const float* total, long columns, long m, long c, long count, float* to) {
    const float* row = total + m / TILE_ROWS * columns * TILE_SUMS + m % TILE_ROWS * TILE_ROWS;
    for (long end = c + count; c < end;) {
        long in = c % TILE_ROWS, n = TILE_ROWS - in < end - c ? TILE_ROWS - in : end - c;
        memcpy(to, row + c / TILE_ROWS * TILE_SUMS + in, n * sizeof(float));
        to += n, c += n;
    }
}

// The total is whole tiles of sums, and behind them a sum of d for each row. Rows come R at a time, and the last ones may lie
// beyond M: zeros are packed there.
struct OuterBf16 {
    static constexpr long R = TILE_ROWS;
    static constexpr long DEPTH = 8 * TILE_K;  // samples and steps that are packed at a time
    static constexpr long ROWS = 8 * R;        // whose packed gradients stay in the second cache
    Bf16 *packed_d, *packed_seen;

    OuterBf16(Arena& arena, long most_columns) {
        packed_d = arena.take<Bf16>(ROWS * DEPTH);
        packed_seen = arena.take<Bf16>(tiles_of(most_columns, TILE_ROWS) * TILE_ROWS * DEPTH);
    }

    static size_t tiles(long rows, long C) { return rows / R * tiles_of(C, TILE_ROWS) * TILE_SUMS; }
    static size_t numbers(long rows, long C) { return tiles(rows, C) + rows; }

    // rows `first` to `last` of M, to which `total` belongs, from `depth` rows of d and of what they saw
    void add(const float* const* d, long first, long last, long M, Sources<float> seen, long depth, float* total) const {
        long C = seen.first_K + seen.second_K, columns = tiles_of(C, TILE_ROWS);
        float* alone = total + tiles(last - first, C);
        pack_seen(seen, depth, packed_seen);
        for (long m = first; m < last; m += ROWS) {
            long until = m + ROWS < last ? m + ROWS : last;
            add_alone(d, m, until < M ? until : M, depth, alone + m - first);
            if (C == 0) continue;
            pack_gradients(d, depth, m, until, M, packed_d);
            outer(packed_d, (until - m) / R, packed_seen, columns, tiles_of(depth, TILE_K), total + tiles(m - first, C));
        }
    }

    // numbers c to c + count of a row of the total
    static void copy_row(const float* total, long C, long row, long c, long count, float* to) {
        copy_sums(total, tiles_of(C, TILE_ROWS), row, c, count, to);
    }
    static float sum(const float* total, long rows, long C, long row) { return total[tiles(rows, C) + row]; }

  private:
    static void add_alone(const float* const* d, long from, long to, long depth, float* sums) {
        float some[ROWS] = {};
        for (long i = 0; i < depth; ++i)
            along<float>(to - from, [&](long j, auto io) { io.put(some + j, io(some + j) + io(d[i] + from + j)); });
        along<float>(to - from, [&](long j, auto io) { io.put(sums + j, io(sums + j) + io(some + j)); });
    }
};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
