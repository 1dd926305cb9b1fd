// The walk over time, for the samples of one part; or of all samples for the units of one part, where they are few.
//
// By units every part multiplies for its own columns, and does what follows for whole samples that are its own: what one of
// them writes the others see when they have met.
#pragma once

#include "pool.h"
#include "walk.h"

namespace recuerdo {
namespace RECUERDO_ISA {

constexpr long ROWS_AT_ONCE = 24;  // few samples: take the input products of some steps together, to use W well

template <class Real>
struct Forward : Walk<Real> {
    using Base = Walk<Real>;
    using Base::first, Base::G, Base::gated_hidden, Base::GH, Base::H, Base::last, Base::normed, Base::R, Base::t;
    Matrices<Real> B;
    long part, own_first, own_last;  // samples
    long chunk;
    size_t bytes;
    const Real **a, **x, **h_old, **c_old;
    Real **out, *bias, *gates, *hidden, *q, *seen, *reset, *cells, *none;
    Rows<Real> rows;
    long* active;

    Forward(const Task<Real>& task, long which)
        : Base(task, which), B(task, false), part(which), own_first(t.N * part / t.parts), own_last(t.N * (part + 1) / t.parts) {
        long most = t.by_units ? t.N : (t.N + t.parts - 1) / t.parts;
        chunk = most < ROWS_AT_ONCE ? (ROWS_AT_ONCE + most - 1) / (most > 0 ? most : 1) : 1;
        if (B.fused) chunk = 1;
        if (chunk > t.T) chunk = t.T > 0 ? t.T : 1;
        Arena arena{t.scratch ? t.scratch + part * t.scratch_bytes : nullptr};
        a = arena.take<const Real*>(most * chunk);
        x = arena.take<const Real*>(most);
        out = arena.take<Real*>(most * chunk);
        h_old = in_common(arena.take<const Real*>(most));
        c_old = arena.take<const Real*>(most);
        active = arena.take<long>(most);
        bias = arena.take<Real>(GH);
        gates = in_common(arena.take<Real>(t.gates ? 0 : most * chunk * GH));
        hidden = in_common(arena.take<Real>(gated_hidden && !t.hidden ? most * H : 0));
        q = in_common(arena.take<Real>(normed && !t.normed ? most * GH : 0));
        seen = arena.take<Real>(t.mask ? most * H : 0);
        reset = in_common(arena.take<Real>(t.cell == GRU_RESET_BEFORE ? most * H : 0));
        cells = arena.take<Real>(t.c || t.cell != LSTM ? 0 : 2 * most * H);
        none = arena.take<Real>(GH);
        rows = {arena.take<Real>(H), arena.take<Real>(H)};
        B.take_room(arena, most * chunk, most);
        bytes = arena.used;
    }

    // By units the first part's memory is everybody's, for what all of them are to see.
    template <class Item>
    Item* in_common(Item* piece) const {
        return t.by_units && t.scratch ? (Item*)((char*)piece - part * t.scratch_bytes) : piece;
    }
    void meet() const {
        if (t.by_units) t.team->meet();
    }
    bool own(long n) const { return n >= own_first && n < own_last; }

    // Those of this part, with every step the other way round: so they begin where the last step ended, which is what the
    // caches hold of a matrix that is larger than they are.
    Panels panels(const Matrix<Real>& B, long step) const {
        long P = B.panels();
        return {t.by_units ? P * part / t.parts : 0, t.by_units ? P * (part + 1) / t.parts : P, step % 2 != t.odd};
    }
    void multiply(const Matrix<Real>& B, const Real* const* a, Real* const* out, long rows, const Real* start, long step) const {
        product(B, Sources<Real>{a, B.K, nullptr, 0}, out, rows, start, panels(B, step));
    }

    Real* gates_of(long step, long n) const {
        if (t.gates) return t.gates + this->row(this->time(step), n) * GH;
        return gates + (step % chunk * R + n - first) * GH;
    }
    Real* hidden_of(long time, long n) const {
        return t.hidden ? t.hidden + this->row(time, n) * H : hidden + (n - first) * H;
    }
    Real* q_of(long time, long n) const { return t.normed ? t.normed + this->row(time, n) * GH : q + (n - first) * GH; }
    Real* c_of(long step, long time, long n) const {
        return t.c ? t.c + this->row(time, n) * H : cells + (step % 2 * R + n - first) * H;
    }

    // b_ih, and b_hh wherever it is simply added to W x
    void add_biases() const {
        clear(bias, GH * sizeof(Real));
        long shared = normed ? 0 : gated_hidden ? 2 * H : GH;
        for (long j = 0; j < GH; ++j) {
            if (t.bias_ih) bias[j] += t.bias_ih[j];
            if (t.bias_hh && j < shared) bias[j] += t.bias_hh[j];
        }
    }

    void input_products(long step) const {
        long count = 0;
        for (long s = step; s < step + chunk && s < t.T; ++s) {
            long time = this->time(s);
            for (long n = first; n < last; ++n) {
                if (!this->inside(time, n)) continue;
                a[count] = t.x + time * t.x_by_t + n * t.x_by_n;
                out[count++] = t.normed_x ? t.normed_x + this->row(time, n) * GH : gates_of(s, n);
            }
        }
        multiply(B.input, a, out, count, t.norm_ih ? (const Real*)none : (const Real*)bias, step);
        meet();
        if (!t.norm_ih) return;
        for (long s = step; s < step + chunk && s < t.T; ++s)
            for (long n = own_first; n < own_last; ++n)
                if (this->inside(this->time(s), n)) norm_input(s, n);
        meet();
    }

    // layer norm of W x block by block, gain and biases
    void norm_input(long step, long n) const {
        long row = this->row(this->time(step), n);
        Real *g = gates_of(step, n), *q = t.normed_x ? t.normed_x + row * GH : g;
        for (long b = 0; b < G; ++b) {
            Real scale = normalise(q + b * H, H);
            if (t.norm_x_scale) t.norm_x_scale[row * G + b] = scale;
        }
        along<Real>(GH, [&](long j, auto io) { io.put(g + j, io(q + j) * io(t.norm_ih + j) + io(bias + j)); });
    }

    // W x + U h + b of all blocks in one sum; of a GRU's candidate W x + b, with U h still to come
    void fused_products(long step, long time, long count) const {
        for (long k = 0; k < count; ++k) {
            x[k] = t.x + time * t.x_by_t + active[k] * t.x_by_n;
            out[k] = gates_of(step, active[k]);
        }
        product(B.all, Sources<Real>{x, t.D, a, H}, out, count, (const Real*)bias, panels(B.all, step));
        if (!B.input.M) return;
        for (long k = 0; k < count; ++k) out[k] += 2 * H;
        multiply(B.input, x, out, count, (const Real*)bias + 2 * H, step);
    }

    // U h of the blocks from `block` on, for the samples that are active; where no layer norm comes after, W x is in the sum
    void state_products(const Matrix<Real>& U, long time, long step, long block, long count) const {
        bool apart = gated_hidden && block == 2;
        for (long k = 0; k < count; ++k) {
            long n = active[k];
            out[k] = normed ? q_of(time, n) + block * H : apart ? hidden_of(time, n) : gates_of(step, n) + block * H;
        }
        const Real* alone = apart && t.bias_hh ? t.bias_hh + 2 * H : none;
        multiply(U, a, out, count, normed ? (const Real*)none : apart ? alone : (const Real*)nullptr, step);
    }

    // layer norm, gain and bias of the product's blocks, which are then added to W x
    void norm_blocks(long time, long step, long n, long from, long to) const {
        for (long b = from; b < to; ++b) {
            Real* block = q_of(time, n) + b * H;
            Real scale = normalise(block, H);
            if (t.norm_scale) t.norm_scale[this->row(time, n) * G + b] = scale;
            const Real *gain = t.norm_hh + b * H, *shift = t.bias_hh ? t.bias_hh + b * H : nullptr;
            bool apart = gated_hidden && b == 2;
            Real* sum = apart ? hidden_of(time, n) : gates_of(step, n) + b * H;
            along<Real>(H, [&](long j, auto io) {
                Vec<Real> v = io(block + j) * io(gain + j);
                if (shift) v += io(shift + j);
                if (!apart) v += io(sum + j);
                io.put(sum + j, v);
            });
        }
    }

    void see(long count) const {
        for (long k = 0; k < count; ++k) {
            a[k] = h_old[active[k] - first];
            if (!t.mask) continue;
            Real* to = seen + k * H;
            const Real *h = a[k], *mask = t.mask + active[k] * H;
            along<Real>(H, [&](long j, auto io) { io.put(to + j, io(h + j) * io(mask + j)); });
            a[k] = to;
        }
    }

    void point(long step, long time, long k) const {
        long n = active[k];
        Real *g = gates_of(step, n), *h = t.out + this->row(time, n) * H;
        const Real *h_before = h_old[n - first], *c_before = c_old[n - first];
        Zone<Real> zone = this->zone(0, time, n);
        if (normed && t.cell != GRU_RESET_BEFORE) norm_blocks(time, step, n, 0, G);
        switch (t.cell) {
            case INDRNN:
                if (t.U) along<Real>(H, [&](long j, auto io) { io.put(g + j, io(g + j) + io(t.U + j) * io(a[k] + j)); });
                [[fallthrough]];
            case FRNN:
                switch (t.activation) {
                    case TANH: elman_forward<Real, TANH>(g, h_before, h, H, zone); break;
                    case RELU: elman_forward<Real, RELU>(g, h_before, h, H, zone); break;
                    case LINEAR: elman_forward<Real, LINEAR>(g, h_before, h, H, zone); break;
                    case SIGMOID: elman_forward<Real, SIGMOID>(g, h_before, h, H, zone); break;
                }
                break;
            case LSTM: {
                Real* c = c_of(step, time, n);
                lstm_forward(g, h_before, c_before, h, c, H, this->norm_c(), zone, this->zone(1, time, n), rows);
                c_old[n - first] = c;
                break;
            }
            case GRU: gru_forward(g, (const Real*)hidden_of(time, n), h_before, h, H, zone); break;
            case GRU_RESET_BEFORE: gru_before_forward(g, h_before, h, H, zone); break;
        }
        h_old[n - first] = h;
    }

    long begin(long step, long time) const {
        long count = 0;
        for (long n = first; n < last; ++n) {
            if (!this->inside(time, n)) {
                if (!own(n)) continue;
                long row = this->row(time, n);
                clear(t.out + row * H, H * sizeof(Real));
                if (t.gates) clear(gates_of(step, n), GH * sizeof(Real));
                if (t.c) clear(t.c + row * H, H * sizeof(Real));
                if (t.hidden) clear(t.hidden + row * H, H * sizeof(Real));
                if (t.normed_x) clear(t.normed_x + row * GH, GH * sizeof(Real));
                if (t.norm_x_scale) clear(t.norm_x_scale + row * G, G * sizeof(Real));
                if (t.normed) clear(t.normed + row * GH, GH * sizeof(Real));
                if (t.norm_scale) clear(t.norm_scale + row * G, G * sizeof(Real));
                continue;
            }
            if (own(n) && this->restarts(time, n)) {
                h_old[n - first] = t.restart_h ? t.restart_h + n * H : none;
                c_old[n - first] = t.restart_c ? t.restart_c + n * H : none;
            }
            active[count++] = n;
        }
        if (t.reset) meet();
        return count;
    }

    void run() const {
        add_biases();
        clear(none, GH * sizeof(Real));
        for (long n = own_first; n < own_last; ++n) {
            h_old[n - first] = t.h0 + n * H;
            c_old[n - first] = t.c0 ? t.c0 + n * H : none;
        }
        meet();
        for (long step = 0; step < t.T; ++step) {
            long time = this->time(step);
            if (!B.fused && step % chunk == 0) input_products(step);
            long count = begin(step, time);
            see(count);
            if (B.fused) {
                fused_products(step, time, count);
            } else if (t.cell != INDRNN) {
                state_products(B.all, time, step, 0, count);
            }
            if (t.cell == GRU)
                state_products(B.rest, time, step, 2, count);
            else if (t.cell == GRU_RESET_BEFORE)
                reset_before(step, time, count);
            meet();
            for (long k = 0; k < count; ++k)
                if (own(active[k])) point(step, time, k);
            meet();
        }
        for (long n = own_first; n < own_last; ++n) {
            copy(t.h_last + n * H, h_old[n - first], H);
            if (t.c_last) copy(t.c_last + n * H, c_old[n - first], H);
        }
    }

    void reset_before(long step, long time, long count) const {
        meet();
        for (long k = 0; k < count; ++k) {
            long n = active[k];
            if (own(n)) {
                if (normed) norm_blocks(time, step, n, 0, 2);
                gru_before_reset(gates_of(step, n), a[k], reset + k * H, H);
            }
            a[k] = reset + k * H;
        }
        meet();
        state_products(B.rest, time, step, 2, count);
        if (!normed) return;
        meet();
        for (long k = 0; k < count; ++k)
            if (own(active[k])) norm_blocks(time, step, active[k], 2, 3);
    }
};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
