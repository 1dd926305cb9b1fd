// The walk back through time, for the samples of one part: gradients by the pre-activations, by x and by the first state.
#pragma once

#include "walk.h"

namespace recuerdo {
namespace RECUERDO_ISA {

constexpr long FLUSH = 32;  // steps whose sums are gathered before they join the total: rounding grows with the root

template <class Real>
struct Backward : Walk<Real> {
    using Base = Walk<Real>;
    using Base::first, Base::G, Base::gated_hidden, Base::GH, Base::H, Base::last, Base::normed, Base::R, Base::t;
    Slice<Real> slice;
    size_t bytes;
    const Real **a, **a_too, **h_old, **seen;
    Real **out, *dh, *dc, *back, *d_reset, *none, *gathered;
    Rows<Real> rows;
    long* active;
    bool apart;  // the product's gradient cannot be added to dh at once

    Backward(const Task<Real>& task, long part, Arena arena) : Base(task, part), slice(task) {
        long most = (t.N + t.parts - 1) / t.parts, many = most * (t.d_x || t.norm_ih ? slice.steps : 1);
        bool before = t.cell == GRU_RESET_BEFORE;
        apart = t.mask || before;
        a = arena.take<const Real*>(many);
        a_too = arena.take<const Real*>(many);
        h_old = arena.take<const Real*>(most);
        seen = arena.take<const Real*>(most);
        out = arena.take<Real*>(many);
        active = arena.take<long>(most);
        dh = arena.take<Real>(most * H);
        dc = arena.take<Real>(t.cell == LSTM ? most * H : 0);
        back = arena.take<Real>(apart ? most * H : 0);
        d_reset = arena.take<Real>(before ? most * H : 0);
        none = arena.take<Real>(H > t.D ? H : t.D);
        gathered = arena.take<Real>(most * slice.gathered);
        rows = {arena.take<Real>(H), arena.take<Real>(H)};
        slice.B.take_room(arena, many, most);
        bytes = arena.used;
    }

    Real* dh_of(long n) const { return dh + (n - first) * H; }
    Real* dc_of(long n) const { return dc + (n - first) * H; }
    Real* sums_of(long n) const { return gathered + (n - first) * slice.gathered; }
    Real* d_pre(long step, long n) const {
        return slice.d_pre + slice.slot(step, n) * slice.d_row();
    }
    Real* d_hidden_half(long step, long n) const { return d_pre(step, n) + (gated_hidden ? H : 0); }
    const Real* gates(long time, long n) const { return (t.gates ? t.gates : t.out) + this->row(time, n) * GH; }
    const Real* traced(long time, long n) const {
        return t.d_gates ? t.d_gates + this->row(time, n) * GH : nullptr;
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
                if (t.d_x) clear(t.d_x + row * t.D, t.D * sizeof(Real));
                continue;
            }
            if (t.d_out) add(dh_of(n), t.d_out + row * H);
            if (t.d_c) add(dc_of(n), t.d_c + row * H);
            const Real* h = h_old[count] = seen[count] = this->before(step, time, n, t.out, t.h0, t.restart_h, none);
            if (t.mask) {
                Real* to = slice.seen + slice.slot(step, n) * H;
                const Real* mask = t.mask + n * H;
                along<Real>(H, [&](long j, auto io) { io.put(to + j, io(h + j) * io(mask + j)); });
                seen[count] = to;
            }
            active[count++] = n;
        }
        return count;
    }

    void point(long step, long time, long k) const {
        long n = active[k];
        const Real *g = gates(time, n), *dg = traced(time, n), *h = h_old[k];
        Real *d = dh_of(n), *dp = d_pre(step, n);
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
                lstm_backward(g, this->before(step, time, n, t.c, t.c0, t.restart_c, none), d, dc_of(n), dp, dg, H, this->norm_c(),
                              zone, this->zone(1, time, n), rows, norm_c_sums(n), norm_c_sums(n) + H);
                break;
            case GRU: gru_backward(g, (const Real*)t.hidden + this->row(time, n) * H, h, d, dp, dg, H, zone); break;
            case GRU_RESET_BEFORE: gru_before_backward(g, h, d, dp, dg, H, zone); break;
        }
    }

    Real* norm_c_sums(long n) const { return sums_of(n) + (normed ? GH : 0); }

    void diagonal(long k, long n, Real* d, const Real* dp) const {
        const Real* mask = t.mask ? t.mask + n * H : nullptr;
        Real* total = sums_of(n);
        along<Real>(H, [&](long j, auto io) {
            Vec<Real> by = io(dp + j), through = by * io(t.U + j);
            io.put(total + j, io(total + j) + by * io(seen[k] + j));
            io.put(d + j, io(d + j) + (mask ? through * io(mask + j) : through));
        });
    }

    // gradient by the product of U, from that by its normed blocks
    void unnorm(long step, long n, long from, long to) const {
        long row = this->row(this->time(step), n);
        for (long b = from; b < to; ++b) {
            const Real *d = d_hidden_half(step, n) + b * H, *q = t.normed + row * GH + b * H, *gain = t.norm_hh + b * H;
            Real *to_product = slice.d_product + slice.slot(step, n) * GH + b * H, *total = sums_of(n) + b * H;
            along<Real>(H, [&](long j, auto io) {
                io.put(total + j, io(total + j) + io(d + j) * io(q + j));
                io.put(to_product + j, io(d + j) * io(gain + j));
            });
            normalise_backward(to_product, q, t.norm_scale[row * G + b], H);
        }
    }

    // gradient by W x, from that by its normed blocks
    void unnorm_input(long step, long n) const {
        long row = this->row(this->time(step), n);
        Real *to = slice.d_input + slice.slot(step, n) * GH, *total = sums_of(n) + slice.gathered - GH;
        for (long b = 0; b < G; ++b) {
            const Real *d = d_pre(step, n) + (gated_hidden ? (b + 1) % 3 : b) * H;
            const Real *q = t.normed_x + row * GH + b * H, *gain = t.norm_ih + b * H;
            along<Real>(H, [&](long j, auto io) {
                io.put(total + b * H + j, io(total + b * H + j) + io(d + j) * io(q + j));
                io.put(to + b * H + j, io(d + j) * io(gain + j));
            });
            normalise_backward(to + b * H, q, t.norm_x_scale[row * G + b], H);
        }
    }

    // `into`, or d h_old, += blocks of the gradient, from `block` on, times U
    void through(const Matrix<Real>& U, long step, long block, long blocks, long count, Real* into) const {
        for (long k = 0; k < count; ++k) {
            long n = active[k];
            if (normed) unnorm(step, n, block, block + blocks);
            a[k] = (normed ? slice.d_product + slice.slot(step, n) * GH : d_hidden_half(step, n)) + block * H;
            out[k] = into ? into + k * H : dh_of(n);
        }
        product(U, a, out, count, (const Real*)nullptr);
    }

    // d x = (gradient by W x + b) W, for all the steps of a slice in one product
    void to_x(long begin, long end) const {
        bool turned = gated_hidden && !t.norm_ih;  // a GRU's blocks r and z follow that of n by its input half
        long count = 0;
        for (long step = begin; step < end; ++step) {
            long time = this->time(step);
            for (long n = first; n < last; ++n) {
                if (!this->inside(time, n)) continue;
                if (t.norm_ih) unnorm_input(step, n);
                a_too[count] = t.norm_ih ? slice.d_input + slice.slot(step, n) * GH : d_pre(step, n);
                a[count] = a_too[count] + (turned ? H : 0);
                out[count++] = t.d_x ? t.d_x + this->row(time, n) * t.D : nullptr;
            }
        }
        if (!t.d_x) return;
        long K = turned ? 2 * H : GH;
        product(slice.B.input, Sources<Real>{a, K, a_too, GH - K}, out, count, (const Real*)none,
                Panels::all(slice.B.input));
    }

    void flush() const {
        Real* total = slice.sums + first * slice.gathered;
        for (long j = 0; j < R * slice.gathered; ++j) total[j] += gathered[j], gathered[j] = 0;
    }

    void start() const {
        clear(none, (H > t.D ? H : t.D) * sizeof(Real));
        clear(gathered, R * slice.gathered * sizeof(Real));
        clear(slice.sums + first * slice.gathered, R * slice.gathered * sizeof(Real));
        for (long n = first; n < last; ++n) {
            t.d_h_last ? copy(dh_of(n), t.d_h_last + n * H, H) : clear(dh_of(n), H * sizeof(Real));
            if (t.cell == LSTM) t.d_c_last ? copy(dc_of(n), t.d_c_last + n * H, H) : clear(dc_of(n), H * sizeof(Real));
        }
    }

    // back from the step before `end` to `begin`
    void walk(long begin, long end) const {
        for (long step = end - 1; step >= begin; --step) {
            long time = this->time(step);
            long count = this->begin(step, time);
            for (long k = 0; k < count; ++k) point(step, time, k);
            if (t.cell == GRU_RESET_BEFORE) {
                reset_before(step, time, count);
            } else if (t.cell != INDRNN) {
                if (apart) clear(back, count * H * sizeof(Real));
                through(slice.B.all, step, 0, G, count, apart ? back : nullptr);
                if (apart)
                    for (long k = 0; k < count; ++k) add_masked(dh_of(active[k]), back + k * H, t.mask + active[k] * H);
            }
            if (t.reset) restart(time, count);
            if (slice.gathered && step % FLUSH == 0) flush();
        }
        if (t.d_x || t.norm_ih) to_x(begin, end);
        if (slice.gathered) flush();
    }

    void finish() const {
        for (long n = first; n < last; ++n) {
            copy(t.d_h0 + n * H, (const Real*)dh_of(n), H);
            if (t.d_c0) copy(t.d_c0 + n * H, (const Real*)dc_of(n), H);
        }
    }

    void reset_before(long step, long time, long count) const {
        clear(d_reset, count * H * sizeof(Real));
        through(slice.B.rest, step, 2, 1, count, d_reset);
        for (long k = 0; k < count; ++k) {
            long n = active[k];
            const Real* g = gates(time, n);
            gru_before_reset_backward(g, seen[k], (const Real*)d_reset + k * H, back + k * H, d_pre(step, n),
                                      traced(time, n), H);
            Real* kept = slice.seen_reset + slice.slot(step, n) * H;
            along<Real>(H, [&](long j, auto io) { io.put(kept + j, io(g + j) * io(seen[k] + j)); });
        }
        through(slice.B.all, step, 0, 2, count, back);
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
