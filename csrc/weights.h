// Gradients by the weights and biases: sums over all samples and steps of (gradient by a pre-activation) x (what it saw).
//
// Each part owns some rows of every result and runs over all samples and steps in one order, so that the sums depend on
// neither the number of threads nor who was first.
#pragma once

#include "walk.h"

namespace recuerdo {
namespace RECUERDO_ISA {

constexpr long DEPTH = 128;  // samples and steps that are packed at a time, and summed before they join the total
constexpr long TILES = 32;   // register blocks of rows whose packed gradients stay in the second cache

// out[r][0..V lanes] += sum over i of a[i][r] * b[i][0..V lanes], for RECUERDO_ROWS rows
template <class Real, int V>
static __attribute__((noinline)) void outer(const Real* a, const Real* b, long count, Real* out, long stride) {
    constexpr long L = lanes<Real>;
    constexpr int R = RECUERDO_ROWS;
    Vec<Real> acc[R][V] = {};
    for (long i = 0; i < count; ++i, a += R, b += V * L) {
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

enum From { PRE, INPUT, PRODUCT };
enum Saw { NOTHING, STATE, RESET_STATE };

// Rows of gradients that saw the same: M numbers of each row of a slice's d_pre, d_input or d_product, against x, a state,
// and 1 for the bias.
template <class Real>
struct Piece {
    From from;
    long at, M;
    bool x;
    Saw state;
    Real *d_W, *d_U, *d_bias, *d_bias_too;
    // of this part: rows, columns as they lie in memory, and the sums so far
    long first = 0, last = 0, stride = 0;
    Real* total = nullptr;
};

template <class Real>
struct Weights : Walk<Real> {
    using Base = Walk<Real>;
    using Base::G, Base::gated_hidden, Base::GH, Base::H, Base::normed, Base::t;
    static constexpr long R = RECUERDO_ROWS;
    static constexpr long width = RECUERDO_PANEL * lanes<Real>;
    Slice<Real> slice;
    Piece<Real> pieces[6];
    int count = 0;
    long part;
    size_t bytes;
    const Real **d_rows, **x_rows, **h_rows;
    Real *none, *packed_d, *packed_seen;

    Weights(const Task<Real>& task, long which, Arena arena) : Base(task, which), slice(task), part(which) {
        choose_pieces();
        long most_columns = (t.D + H + 1 + width - 1) / width * width;
        d_rows = arena.take<const Real*>(DEPTH);
        x_rows = arena.take<const Real*>(DEPTH);
        h_rows = arena.take<const Real*>(DEPTH);
        none = arena.take<Real>(H > t.D ? H : t.D);
        packed_d = arena.take<Real>(TILES * R * DEPTH);
        packed_seen = arena.take<Real>(most_columns * DEPTH);
        for (int p = 0; p < count; ++p) {
            Piece<Real>& piece = pieces[p];
            long tiles = (piece.M + R - 1) / R, most = (tiles + t.parts - 1) / t.parts * R;
            piece.first = tiles * part / t.parts * R;
            piece.last = tiles * (part + 1) / t.parts * R;
            piece.stride = (columns(piece) + lanes<Real> - 1) / lanes<Real> * lanes<Real>;
            piece.total = arena.take<Real>(most * piece.stride);
        }
        bytes = arena.used;
    }

    long inputs(const Piece<Real>& piece) const { return piece.x ? t.D : 0; }
    long states(const Piece<Real>& piece) const { return piece.state != NOTHING ? H : 0; }
    long columns(const Piece<Real>& piece) const { return inputs(piece) + states(piece) + 1; }

    void add(Piece<Real> piece) {
        bool wanted = piece.d_bias || piece.d_bias_too;
        piece.x = piece.x && piece.d_W;
        if (!piece.d_U) piece.state = NOTHING;
        if (wanted || piece.x || piece.state != NOTHING) pieces[count++] = piece;
    }

    void choose_pieces() {
        long HD = H * t.D, HH = H * H;
        auto at = [](Real* to, long by) { return to ? to + by : nullptr; };
        Real *W = t.d_W, *U = t.d_U, *b = t.d_bias_ih, *c = t.d_bias_hh;
        Real* none = nullptr;
        if (t.cell == INDRNN) U = nullptr;  // the walk gathers the diagonal
        Real *U_here = normed ? nullptr : U, *all_of_W = W;
        if (t.norm_ih) W = nullptr;
        if (t.cell == GRU) {  // d_pre: n by its input half, r, z, n by its hidden half
            add({PRE, H, 2 * H, true, STATE, W, U_here, b, c});
            add({PRE, 0, H, true, NOTHING, at(W, 2 * HD), none, at(b, 2 * H), none});
            add({PRE, 3 * H, H, false, STATE, none, at(U_here, 2 * HH), none, at(c, 2 * H)});
            if (normed) add({PRODUCT, 0, GH, false, STATE, none, U, none, none});
        } else if (t.cell == GRU_RESET_BEFORE) {
            add({PRE, 0, 2 * H, true, STATE, W, U_here, b, c});
            add({PRE, 2 * H, H, true, RESET_STATE, at(W, 2 * HD), at(U_here, 2 * HH), at(b, 2 * H), at(c, 2 * H)});
            if (normed) {
                add({PRODUCT, 0, 2 * H, false, STATE, none, U, none, none});
                add({PRODUCT, 2 * H, H, false, RESET_STATE, none, at(U, 2 * HH), none, none});
            }
        } else {
            add({PRE, 0, GH, true, STATE, W, U_here, b, c});
            if (normed) add({PRODUCT, 0, GH, false, STATE, none, U, none, none});
        }
        if (t.norm_ih) add({INPUT, 0, GH, true, NOTHING, all_of_W, none, none, none});
    }

    const Real* gradient(const Piece<Real>& piece, long step, long n) const {
        long slot = slice.slot(step, n);
        if (piece.from == PRE) return slice.d_pre + slot * slice.d_row() + piece.at;
        return (piece.from == INPUT ? slice.d_input : slice.d_product) + slot * GH + piece.at;
    }

    const Real* state_before(long step, long time, long n, Saw saw) const {
        if (saw == RESET_STATE) return slice.seen_reset + slice.slot(step, n) * H;
        if (t.mask) return slice.seen + slice.slot(step, n) * H;
        return this->before(step, time, n, t.out, t.h0, t.restart_h, none);
    }

    void start() const {
        clear(none, (H > t.D ? H : t.D) * sizeof(Real));
        for (int p = 0; p < count; ++p)
            clear(pieces[p].total, (pieces[p].last - pieces[p].first) * pieces[p].stride * sizeof(Real));
    }

    // adds what the steps of a slice give
    void sum(long begin, long end) const {
        for (int p = 0; p < count; ++p)
            if (pieces[p].last > pieces[p].first) sum_of(pieces[p], begin, end);
    }

    // The rows of a piece may end beyond its last, where zeros are packed.
    void sum_of(const Piece<Real>& piece, long begin, long end) const {
        long D = inputs(piece), S = states(piece), depth = 0;
        auto flush = [&] {
            if (depth == 0) return;
            pack_seen(D, S, depth, piece.stride);
            for (long m = piece.first; m < piece.last; m += TILES * R) {
                long until = m + TILES * R < piece.last ? m + TILES * R : piece.last;
                pack_gradients(m, until, piece.M, depth);
                multiply(piece.total + (m - piece.first) * piece.stride, until - m, depth, piece.stride);
            }
            depth = 0;
        };
        for (long step = begin; step < end; ++step) {
            long time = this->time(step);
            for (long n = 0; n < t.N; ++n) {
                if (!this->inside(time, n)) continue;
                d_rows[depth] = gradient(piece, step, n);
                if (D) x_rows[depth] = t.x + time * t.x_by_t + n * t.x_by_n;
                if (S) h_rows[depth] = state_before(step, time, n, piece.state);
                if (++depth == DEPTH) flush();
            }
        }
        flush();
    }

    // panels of columns, each [i][column]: x, the state, 1, zeros
    void pack_seen(long D, long S, long depth, long stride) const {
        for (long at = 0; at < stride; at += width) {
            long W = stride - at < width ? stride - at : width;
            Real* panel = packed_seen + at * DEPTH;
            for (long i = 0; i < depth; ++i, panel += W) {
                long column = at, end = at + W;
                if (column < D) {
                    long until = end < D ? end : D;
                    copy(panel, x_rows[i] + column, until - column);
                    column = until;
                }
                if (column < end && column < D + S) {
                    long until = end < D + S ? end : D + S;
                    copy(panel + column - at, h_rows[i] + column - D, until - column);
                    column = until;
                }
                for (; column < end; ++column) panel[column - at] = column == D + S ? 1 : 0;
            }
        }
    }

    // tiles of R gradients, each [i][r]
    void pack_gradients(long m, long end, long M, long depth) const {
        for (Real* to = packed_d; m < end; m += R, to += R * DEPTH) {
            if (m + R <= M) {
                for (long i = 0; i < depth; ++i) memcpy(to + i * R, d_rows[i] + m, R * sizeof(Real));
            } else {
                for (long i = 0; i < depth; ++i)
                    for (long r = 0; r < R; ++r) to[i * R + r] = m + r < M ? d_rows[i][m + r] : 0;
            }
        }
    }

    void multiply(Real* total, long rows, long depth, long stride) const {
        for (long at = 0; at < stride; at += width) {
            long V = (stride - at < width ? stride - at : width) / lanes<Real>;
            const Real* seen = packed_seen + at * DEPTH;
            for (long r = 0; r < rows; r += R) {
                const Real* d = packed_d + r * DEPTH;
                Real* to = total + r * stride + at;
                switch (V) {
                    case 1: outer<Real, 1>(d, seen, depth, to, stride); break;
                    case 2: outer<Real, 2>(d, seen, depth, to, stride); break;
#if RECUERDO_PANEL > 2
                    case 3: outer<Real, 3>(d, seen, depth, to, stride); break;
                    case 4: outer<Real, 4>(d, seen, depth, to, stride); break;
#endif
                }
            }
        }
    }

    void finish() const {
        for (int p = 0; p < count; ++p) {
            const Piece<Real>& piece = pieces[p];
            long D = inputs(piece), S = states(piece), last = piece.last < piece.M ? piece.last : piece.M;
            for (long m = piece.first; m < last; ++m) {
                const Real* row = piece.total + (m - piece.first) * piece.stride;
                if (D) copy(piece.d_W + m * D, row, D);
                if (S) copy(piece.d_U + m * S, row + D, S);
                if (piece.d_bias) piece.d_bias[m] = row[D + S];
                if (piece.d_bias_too) piece.d_bias_too[m] = row[D + S];
            }
        }
    }
};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
