// What the walks forwards and backwards share: matrices, memory, and where things stand at a step.
#pragma once

#include "cells.h"
#include "task.h"
#ifdef RECUERDO_TILES
#include "outer_bf16.h"
#else
#include "outer.h"
#endif

namespace recuerdo {
namespace RECUERDO_ISA {

constexpr long SLICE = 1 << 20;  // bytes: what is written stays in the second caches until it is read

#ifdef RECUERDO_TILES  // the header with the instructions for products in bfloat16, in which only float is computed
template <class Real>
using Matrix = PackedBf16;
template <class Real>
using Sums = OuterBf16;
using Ready = Tiles::Use;
constexpr long FEW = 0;  // W x + U h is one sum for any N and any number of parts: two would add up otherwise
#else
template <class Real>
using Matrix = Packed<Real>;
template <class Real>
using Sums = Outer<Real>;
struct Ready {  // held by a thread around its products
    Ready() {}
};
constexpr long FEW = 8;  // of fewer samples the input products are taken together for several steps, to use W well
#endif

// The matrices of a call, ready for `product`.
template <class Real>
struct Matrices {
    // Forwards: `all` holds W and U of every block, one below the other, so that W x + U h is one sum; where the two must
    // stay apart, U alone. A GRU's candidate needs them apart: its W is in `input`, its U in `rest`.
    // Backwards: `all` and `rest` are U the other way round, `input` is W.
    Matrix<Real> input, all, rest;
    size_t bytes;
    long U_rows;  // rows of U in `all`
    bool fused;   // W is in `all`

    Matrices(const Task<Real>& t, bool backward) {
        long G = t.blocks(), H = t.H;
        bool full = t.cell != INDRNN;
        Arena arena{t.common};
        auto of = [&](long K, long M) { return Matrix<Real>::in(arena, K, M); };
        input = all = rest = Matrix<Real>{};
        U_rows = t.cell == GRU_RESET_BEFORE || (t.cell == GRU && !backward) ? 2 * H : G * H;
        long together = t.by_units ? t.N : t.N / t.parts;
        fused = !backward && full && !t.norm_ih && !t.norm_hh && (together >= FEW || t.D <= FEW || t.T == 1);
        if (backward) {
            if (t.d_x) input = of(G * H, t.D);
        } else if (U_rows < G * H) {
            input = fused ? of(t.D, H) : of(t.D, G * H);
        } else if (!fused) {
            input = of(t.D, G * H);
        }
        if (full) {
            all = backward ? of(U_rows, H) : of(fused ? t.D + H : H, U_rows);
            if (U_rows < G * H) rest = of(H, H);
        }
        bytes = arena.used;
    }

    // what a thread's products need beside the matrices: for so many rows of inputs, and of states
    void take_room(Arena& arena, long inputs, long states) {
        input.take_room(arena, inputs);
        all.take_room(arena, states);
        rest.take_room(arena, states);
    }

    void pack(const Task<Real>& t, bool backward, long part) const {
        auto share = [&](const Matrix<Real>& B, const Real* from, long at, long count, long by_k, long by_m) {
            long P = B.panels();
            if (B.M) B.pack(from, at, count, by_k, by_m, P * part / t.parts, P * (part + 1) / t.parts);
        };
        long D = t.D, H = t.H;
        const Real* U_rest = rest.M ? t.U + 2 * H * H : nullptr;
        if (backward) {
            share(input, t.W, 0, input.K, D, 1);
            share(all, t.U, 0, all.K, H, 1);
            share(rest, U_rest, 0, rest.K, H, 1);
        } else {
            share(input, input.M == H && fused ? t.W + 2 * H * D : t.W, 0, D, 1, D);
            if (fused) share(all, t.W, 0, D, 1, D);
            share(all, t.U, fused ? D : 0, H, 1, H);
            share(rest, U_rest, 0, H, 1, H);
        }
    }
};

// Gradients of some steps at a time, common to all parts: what one walks back through, all then take to the weights.
// There are two such slices, so that the walk can go on to the next while the other is still read.
template <class Real>
struct Slice {
    const Task<Real>& t;
    long steps;
    Matrices<Real> B;
    Real *d_pre;                // (steps, N, G, H) by W x + b; (steps, N, 4, H) of a GRU, see gru_backward
    Real *d_input, *d_product;  // (steps, N, G, H) by W x and by U h, where a layer norm lies between
    Real *seen;                 // (steps, N, H): h as the product saw it, where a mask lies between
    Real *seen_reset;           // (steps, N, H): r * h as the product saw it
    Real* sums;                 // (N, gathered), of each sample: by norm_hh or the diagonal, norm_c, norm_c_bias, norm_ih
    long gathered;
    size_t bytes;

    explicit Slice(const Task<Real>& task) : t(task), steps(1), B(task, true) {
        long GH = t.blocks() * t.H, H = t.H;
        bool normed = t.norm_hh && t.cell != INDRNN;
        bool before = t.cell == GRU_RESET_BEFORE;
        long row = d_row() + (t.norm_ih ? GH : 0) + (normed ? GH : 0) + (t.mask ? H : 0) + (before ? H : 0);
        if (t.N > 0) steps = SLICE / (row * t.N * (long)sizeof(Real));
        if (steps > t.T) steps = t.T;
        if (steps < 1) steps = 1;
        Arena arena{t.common, B.bytes};
        auto of = [&](bool there, long numbers) { return arena.take<Real>(there ? 2 * steps * t.N * numbers : 0); };
        d_pre = of(true, d_row());
        d_input = of(t.norm_ih, GH);
        d_product = of(normed, GH);
        seen = of(t.mask, H);
        seen_reset = of(before, H);
        gathered = (t.cell == INDRNN || normed ? GH : 0) + (t.norm_c ? 2 * H : 0) + (t.norm_ih ? GH : 0);
        sums = arena.take<Real>(t.N * gathered);
        bytes = arena.used;
    }

    long d_row() const { return (t.cell == GRU ? 4 : t.blocks()) * t.H; }
    long slot(long step, long n) const { return step % (2 * steps) * t.N + n; }
};

template <class Real>
struct Walk {
    const Task<Real>& t;
    long first, last, R, G, H, GH;
    bool normed, gated_hidden;

    Walk(const Task<Real>& task, long part)
        : t(task), first(task.by_units ? 0 : task.N * part / task.parts),
          last(task.by_units ? task.N : task.N * (part + 1) / task.parts), R(last - first),
          G(task.blocks()), H(task.H), GH(G * H), normed(task.norm_hh && task.cell != INDRNN),
          gated_hidden(task.cell == GRU) {}

    long time(long step) const { return t.reverse ? t.T - 1 - step : step; }
    bool inside(long time, long n) const { return !t.lengths || time < t.lengths[n]; }
    bool restarts(long time, long n) const { return t.reset && t.reset[time * t.N + n]; }
    long row(long time, long n) const { return time * t.N + n; }

    // The state before a step, where `all` holds the states after every step: the one before the walk, or before a reset.
    const Real* before(long step, long time, long n, const Real* all, const Real* start, const Real* restart,
                       const Real* none) const {
        if (restarts(time, n)) return restart ? restart + n * H : none;
        if (step == 0 || !inside(this->time(step - 1), n)) return start + n * H;
        return all + row(this->time(step - 1), n) * H;
    }

    Zone<Real> zone(long state, long time, long n) const {
        bool on = t.zoneout || t.zone_share != 0;
        const Real* mask = t.zoneout ? t.zoneout + (state * t.T * t.N + row(time, n)) * H : nullptr;
        return {mask, (Real)t.zone_share, on};
    }
    NormC<Real> norm_c() const { return {t.norm_c, t.norm_c_bias}; }
};

RECUERDO_INLINE void clear(void* to, size_t bytes) { memset(to, 0, bytes); }

template <class Real>
RECUERDO_INLINE void copy(Real* to, const Real* from, long count) {
    memcpy(to, from, count * sizeof(Real));
}

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
