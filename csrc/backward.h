// The walk back through time, for the samples of one part: gradients by the pre-activations, from which those by the weights
// and by x follow as single large products.
#pragma once

#include "walk.h"

namespace recuerdo {
namespace RECUERDO_ISA {

constexpr long FLUSH = 32;  // steps whose sums are gathered before they join the total: rounding grows with the root

template <class Real>
struct Backward : Walk<Real> {
    using Base = Walk<Real>;
    using Base::first, Base::G, Base::gated_hidden, Base::GH, Base::H, Base::last, Base::normed, Base::R, Base::t;
    Matrices<Real> B;
    size_t bytes;
    const Real **a, **h_old, **seen;
    Real **out, *dh, *dc, *back, *d_reset, *none, *gathered, *spare;
    Rows<Real> rows;
    long *active, SUMS, part;
    bool apart;  // the product's gradient cannot be added to dh at once

    Backward(const Task<Real>& task, long which) : Base(task, which), B(task, true), part(which) {
        long most = (t.N + t.parts - 1) / t.parts;
        bool before = t.cell == GRU_RESET_BEFORE;
        apart = t.mask || before;
        SUMS = GH + 2 * H;
        Arena arena{t.scratch ? t.scratch + which * t.scratch_bytes : nullptr};
        a = arena.take<const Real*>(most);
        h_old = arena.take<const Real*>(most);
        seen = arena.take<const Real*>(most);
        out = arena.take<Real*>(most);
        active = arena.take<long>(most);
        dh = arena.take<Real>(most * H);
        dc = arena.take<Real>(t.cell == LSTM ? most * H : 0);
        back = arena.take<Real>(apart ? most * H : 0);
        d_reset = arena.take<Real>(before ? most * H : 0);
        none = arena.take<Real>(H);
        spare = arena.take<Real>(t.mask && !t.seen ? most * H : 0);
        gathered = arena.take<Real>(SUMS);
        rows = {arena.take<Real>(H), arena.take<Real>(H)};
        bytes = arena.used;
    }

    Real* dh_of(long n) const { return dh + (n - first) * H; }
    Real* dc_of(long n) const { return dc + (n - first) * H; }
    long d_blocks() const { return gated_hidden ? 4 : G; }
    Real* d_pre(long time, long n) const { return t.d_pre + this->row(time, n) * d_blocks() * H; }
    Real* d_hidden_half(long time, long n) const { return d_pre(time, n) + (gated_hidden ? H : 0); }
    const Real* gates(long time, long n) const { return t.gates + this->row(time, n) * GH; }
    const Real* traced(long time, long n) const {
        return t.d_gates ? t.d_gates + this->row(time, n) * GH : nullptr;
    }

    const Real* before(long step, long time, long n, const Real* all, const Real* start, const Real* restart) const {
        if (this->restarts(time, n)) return restart ? restart + n * H : none;
        if (step == 0 || !this->inside(this->time(step - 1), n)) return start + n * H;
        return all + this->row(this->time(step - 1), n) * H;
    }

    void add(Real* to, const Real* what) const {
        along<Real>(H, [&](long j, auto io) { io.put(to + j, io(to + j) + io(what + j)); });
    }

    void add_masked(Real* to, const Real* what, const Real* mask) const {
        along<Real>(H, [&](long j, auto io) { io.put(to + j, io(to + j) + io(what + j) * io(mask + j)); });
    }

    long begin(long step, long time) const {
        long count = 0;
        for (long n = first; n < last; ++n) {
            long row = this->row(time, n);
            if (!this->inside(time, n)) {
                clear(d_pre(time, n), d_blocks() * H * sizeof(Real));
                if (t.d_product) clear(t.d_product + row * GH, GH * sizeof(Real));
                if (t.seen) clear(t.seen + row * H, H * sizeof(Real));
                if (t.seen_reset) clear(t.seen_reset + row * H, H * sizeof(Real));
                continue;
            }
            if (t.d_out) add(dh_of(n), t.d_out + row * H);
            if (t.d_c) add(dc_of(n), t.d_c + row * H);
            const Real* h = h_old[count] = seen[count] = before(step, time, n, t.out, t.h0, t.restart_h);
            Real* to = t.seen ? t.seen + row * H : spare + count * H;
            if (t.mask) {
                const Real* mask = t.mask + n * H;
                along<Real>(H, [&](long j, auto io) { io.put(to + j, io(h + j) * io(mask + j)); });
                seen[count] = to;
            } else if (t.seen) {
                copy(to, h, H);
            }
            active[count++] = n;
        }
        return count;
    }

    void point(long step, long time, long k) const {
        long n = active[k];
        const Real *g = gates(time, n), *dg = traced(time, n), *h = h_old[k];
        Real *d = dh_of(n), *dp = d_pre(time, n);
        Zone<Real> zone = this->zone(0, time, n);
        switch (t.cell) {
            case FRNN:
            case INDRNN:
                switch (t.activation) {
                    case TANH: elman_backward<Real, TANH>(g, d, dp, H, zone); break;
                    case RELU: elman_backward<Real, RELU>(g, d, dp, H, zone); break;
                    case LINEAR: elman_backward<Real, LINEAR>(g, d, dp, H, zone); break;
                    case SIGMOID: elman_backward<Real, SIGMOID>(g, d, dp, H, zone); break;
                }
                if (t.cell == INDRNN) diagonal(k, n, d, dp);
                break;
            case LSTM:
                lstm_backward(g, before(step, time, n, t.c, t.c0, t.restart_c), d, dc_of(n), dp, dg, H, this->norm_c(),
                              zone, this->zone(1, time, n), rows, gathered + GH, gathered + GH + H);
                break;
            case GRU: gru_backward(g, (const Real*)t.hidden + this->row(time, n) * H, h, d, dp, dg, H, zone); break;
            case GRU_RESET_BEFORE: gru_before_backward(g, h, d, dp, dg, H, zone); break;
        }
    }

    void diagonal(long k, long n, Real* d, const Real* dp) const {
        const Real* mask = t.mask ? t.mask + n * H : nullptr;
        along<Real>(H, [&](long j, auto io) {
            Vec<Real> by = io(dp + j), through = by * io(t.U + j);
            io.put(gathered + j, io(gathered + j) + by * io(seen[k] + j));
            io.put(d + j, io(d + j) + (mask ? through * io(mask + j) : through));
        });
    }

    // gradient by the product of U, from that by its normed blocks
    void unnorm(long time, long n, long from, long to) const {
        long row = this->row(time, n);
        for (long b = from; b < to; ++b) {
            const Real *d = d_hidden_half(time, n) + b * H, *q = t.normed + row * GH + b * H, *gain = t.norm_hh + b * H;
            Real *to_product = t.d_product + row * GH + b * H, *total = gathered + b * H;
            along<Real>(H, [&](long j, auto io) {
                io.put(total + j, io(total + j) + io(d + j) * io(q + j));
                io.put(to_product + j, io(d + j) * io(gain + j));
            });
            normalise_backward(to_product, q, t.norm_scale[row * G + b], H);
        }
    }

    // d h_old += mask * (blocks of the gradient, from `block` on, times U)
    void through(const Packed<Real>& U, long time, long block, long blocks, long count, Real* into) const {
        for (long k = 0; k < count; ++k) {
            long n = active[k];
            if (normed) unnorm(time, n, block, block + blocks);
            a[k] = (normed ? t.d_product + this->row(time, n) * GH : d_hidden_half(time, n)) + block * H;
            out[k] = into ? into + k * H : dh_of(n);
        }
        product(U, a, out, count);
    }

    void flush() const {
        Real* total = t.sums + part * SUMS;
        for (long j = 0; j < SUMS; ++j) total[j] += gathered[j], gathered[j] = 0;
    }

    void run() const {
        clear(none, H * sizeof(Real));
        clear(gathered, SUMS * sizeof(Real));
        for (long n = first; n < last; ++n) {
            t.d_h_last ? copy(dh_of(n), t.d_h_last + n * H, H) : clear(dh_of(n), H * sizeof(Real));
            if (t.cell == LSTM) t.d_c_last ? copy(dc_of(n), t.d_c_last + n * H, H) : clear(dc_of(n), H * sizeof(Real));
        }
        for (long step = t.T - 1; step >= 0; --step) {
            long time = this->time(step);
            long count = begin(step, time);
            for (long k = 0; k < count; ++k) point(step, time, k);
            if (t.cell == GRU_RESET_BEFORE) {
                reset_before(time, count);
            } else if (t.cell != INDRNN) {
                if (apart) clear(back, count * H * sizeof(Real));
                through(B.all, time, 0, G, count, apart ? back : nullptr);
                if (apart)
                    for (long k = 0; k < count; ++k) add_masked(dh_of(active[k]), back + k * H, t.mask + active[k] * H);
            }
            if (t.reset) restart(time, count);
            if (t.sums && (step % FLUSH == 0)) flush();
        }
        for (long n = first; n < last; ++n) {
            copy(t.d_h0 + n * H, (const Real*)dh_of(n), H);
            if (t.d_c0) copy(t.d_c0 + n * H, (const Real*)dc_of(n), H);
        }
    }

    void reset_before(long time, long count) const {
        clear(d_reset, count * H * sizeof(Real));
        through(B.rest, time, 2, 1, count, d_reset);
        for (long k = 0; k < count; ++k) {
            long n = active[k];
            const Real* g = gates(time, n);
            gru_before_reset_backward(g, seen[k], (const Real*)d_reset + k * H, back + k * H, d_pre(time, n),
                                      traced(time, n), H);
            Real* kept = t.seen_reset + this->row(time, n) * H;
            along<Real>(H, [&](long j, auto io) { io.put(kept + j, io(g + j) * io(seen[k] + j)); });
        }
        through(B.all, time, 0, 2, count, back);
        for (long k = 0; k < count; ++k) {
            long n = active[k];
            t.mask ? add_masked(dh_of(n), back + k * H, t.mask + n * H) : add(dh_of(n), back + k * H);
        }
    }

    void restart(long time, long count) const {
        for (long k = 0; k < count; ++k) {
            long n = active[k];
            if (!this->restarts(time, n)) continue;
            if (t.d_restart_h) add(t.d_restart_h + n * H, dh_of(n));
            clear(dh_of(n), H * sizeof(Real));
            if (t.cell != LSTM) continue;
            if (t.d_restart_c) add(t.d_restart_c + n * H, dc_of(n));
            clear(dc_of(n), H * sizeof(Real));
        }
    }
};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
