// Gradients by the weights and biases: sums over all samples and steps of (gradient by a pre-activation) x (what it saw).
//
// Each part owns some rows of every result and runs over all samples and steps in one order, so that the sums depend on
// neither the number of threads nor who was first.
#pragma once

#include "walk.h"

namespace recuerdo {
namespace RECUERDO_ISA {

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
    // of this part: rows, and the sums so far
    long first = 0, last = 0;
    Real* total = nullptr;
};

template <class Real>
struct Weights : Walk<Real> {
    using Base = Walk<Real>;
    using Base::G, Base::GH, Base::H, Base::normed, Base::t;
    static constexpr long R = Sums<Real>::R, DEPTH = Sums<Real>::DEPTH;
    Slice<Real> slice;
    Sums<Real> sums;
    Piece<Real> pieces[6];
    int count = 0;
    long part;
    size_t bytes;
    const Real **d_rows, **x_rows, **h_rows, **reset_rows;
    long* slots;
    Real* none;

    Weights(const Task<Real>& task, long which, Arena arena)
        : Base(task, which), slice(task), sums(arena, task.D + task.H), part(which) {
        choose_pieces();
        d_rows = arena.take<const Real*>(DEPTH);
        x_rows = arena.take<const Real*>(DEPTH);
        h_rows = arena.take<const Real*>(DEPTH);
        reset_rows = arena.take<const Real*>(DEPTH);
        slots = arena.take<long>(DEPTH);
        none = arena.take<Real>(H > t.D ? H : t.D);
        for (int p = 0; p < count; ++p) {
            Piece<Real>& piece = pieces[p];
            long tiles = (piece.M + R - 1) / R, most = (tiles + t.parts - 1) / t.parts * R;
            piece.first = tiles * part / t.parts * R;
            piece.last = tiles * (part + 1) / t.parts * R;
            piece.total = arena.take<Real>(Sums<Real>::numbers(most, inputs(piece) + states(piece)));
        }
        bytes = arena.used;
    }

    long inputs(const Piece<Real>& piece) const { return piece.x ? t.D : 0; }
    long states(const Piece<Real>& piece) const { return piece.state != NOTHING ? H : 0; }

    size_t numbers(const Piece<Real>& piece) const {
        return Sums<Real>::numbers(piece.last - piece.first, inputs(piece) + states(piece));
    }

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

    // where a row of a piece's gradients lies
    const Real* gradient(const Piece<Real>& piece, long slot) const {
        if (piece.from == PRE) return slice.d_pre + slot * slice.d_row() + piece.at;
        return (piece.from == INPUT ? slice.d_input : slice.d_product) + slot * GH + piece.at;
    }

    const Real* state_before(long step, long time, long n) const {
        if (t.mask) return slice.seen + slice.slot(step, n) * H;
        return this->before(step, time, n, t.out, t.h0, t.restart_h, none);
    }

    void start() const {
        clear(none, (H > t.D ? H : t.D) * sizeof(Real));
        for (int p = 0; p < count; ++p)
            clear(pieces[p].total, numbers(pieces[p]) * sizeof(Real));
    }

    // adds what the steps of a slice give
    void sum(long begin, long end) const {
        if (count == 0) return;  // no weight has a gradient
        long depth = 0;
        for (long step = begin; step < end; ++step) {
            long time = this->time(step);
            for (long n = 0; n < t.N; ++n) {
                if (!this->inside(time, n)) continue;
                slots[depth] = slice.slot(step, n);
                x_rows[depth] = t.x + time * t.x_by_t + n * t.x_by_n;
                h_rows[depth] = state_before(step, time, n);
                if (++depth == DEPTH) depth = add_rows(depth);
            }
        }
        if (depth > 0) add_rows(depth);
    }

    long add_rows(long depth) const {
        for (int p = 0; p < count; ++p) {
            const Piece<Real>& piece = pieces[p];
            if (piece.last == piece.first) continue;
            bool reset = piece.state == RESET_STATE;
            for (long i = 0; i < depth; ++i) d_rows[i] = gradient(piece, slots[i]);
            for (long i = 0; reset && i < depth; ++i) reset_rows[i] = slice.seen_reset + slots[i] * H;
            Sources<Real> seen{reset ? reset_rows : h_rows, states(piece), x_rows, inputs(piece)};  // whole vectors of states
            sums.add(d_rows, piece.first, piece.last, piece.M, seen, depth, piece.total);
        }
        return 0;
    }

    void finish() const {
        for (int p = 0; p < count; ++p) {
            const Piece<Real>& piece = pieces[p];
            long D = inputs(piece), S = states(piece), last = piece.last < piece.M ? piece.last : piece.M;
            for (long m = piece.first; m < last; ++m) {
                long row = m - piece.first, rows = piece.last - piece.first;
                if (D) Sums<Real>::copy_row(piece.total, D + S, row, S, D, piece.d_W + m * D);
                if (S) Sums<Real>::copy_row(piece.total, D + S, row, 0, S, piece.d_U + m * S);
                Real alone = Sums<Real>::sum(piece.total, rows, D + S, row);
                if (piece.d_bias) piece.d_bias[m] = alone;
                if (piece.d_bias_too) piece.d_bias_too[m] = alone;
            }
        }
    }
};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
