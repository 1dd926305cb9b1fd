// What the walks forwards and backwards share: matrices, memory, and where things stand at a step.
#pragma once

#include "cells.h"
#include "product.h"
#include "task.h"

namespace recuerdo {
namespace RECUERDO_ISA {

// Hands out aligned pieces of a buffer; from a null one it only counts.
struct Arena {
    char* base;
    size_t used = 0;
    template <class Item>
    Item* take(size_t count) {
        char* piece = base ? base + used : nullptr;
        used += (count * sizeof(Item) + 63) / 64 * 64;
        return (Item*)piece;
    }
};

// The matrices of a call. `rest` holds the candidate's block of a GRU, `all` the other blocks or all of them.
template <class Real>
struct Matrices {
    Packed<Real> input, all, rest;
    size_t bytes;
    long U_rows;  // rows of U in `all`

    Matrices(const Task<Real>& t, bool backward) {
        long G = t.blocks(), H = t.H;
        Arena arena{t.packed};
        auto of = [&](long K, long M) { return Packed<Real>{arena.take<Real>(Packed<Real>::numbers(K, M)), K, M}; };
        input = all = rest = Packed<Real>{nullptr, 0, 0};
        U_rows = t.cell == GRU_RESET_BEFORE || (t.cell == GRU && !backward) ? 2 * H : G * H;
        if (!backward && t.x) input = of(t.D, G * H);
        if (t.cell != INDRNN) {
            all = backward ? of(U_rows, H) : of(H, U_rows);
            if (U_rows < G * H) rest = of(H, H);
        }
        bytes = arena.used;
    }

    void pack(const Task<Real>& t, bool backward, long part) const {
        auto share = [&](const Packed<Real>& B, const Real* from, long by_k, long by_m) {
            long P = B.panels();
            B.pack(from, by_k, by_m, P * part / t.parts, P * (part + 1) / t.parts);
        };
        if (input.data) share(input, t.W, 1, t.D);
        if (t.cell == INDRNN) return;
        backward ? share(all, t.U, t.H, 1) : share(all, t.U, 1, t.H);
        if (rest.data) backward ? share(rest, t.U + 2 * t.H * t.H, t.H, 1) : share(rest, t.U + 2 * t.H * t.H, 1, t.H);
    }
};

template <class Real>
struct Walk {
    const Task<Real>& t;
    long first, last, R, G, H, GH;
    bool normed, gated_hidden;

    Walk(const Task<Real>& task, long part)
        : t(task), first(task.N * part / task.parts), last(task.N * (part + 1) / task.parts), R(last - first),
          G(task.blocks()), H(task.H), GH(G * H), normed(task.norm_hh && task.cell != INDRNN),
          gated_hidden(task.cell == GRU) {}

    long time(long step) const { return t.reverse ? t.T - 1 - step : step; }
    bool inside(long time, long n) const { return !t.lengths || time < t.lengths[n]; }
    bool restarts(long time, long n) const { return t.reset && t.reset[time * t.N + n]; }
    long row(long time, long n) const { return time * t.N + n; }

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
