// The pointwise half of each cell's step and of its derivative, for one row: one sample's H units at one step.
//
// In the pre-activations of a row the cell's blocks follow each other, H numbers each; gates replace them. A gradient that
// reaches a traced gate is added to what comes from the state.
#pragma once

#include "norm.h"

namespace recuerdo {
namespace RECUERDO_ISA {

// Zoneout: the share of the old state that stays, one number for each unit or one for all.
template <class Real>
struct Zone {
    const Real* mask;
    Real share;
    bool on;
    template <class IO>
    Vec<Real> operator()(long j, IO io) const {
        return mask ? io(mask + j) : all<Real>(share);
    }
    template <class IO>
    Vec<Real> blend(long j, IO io, Vec<Real> fresh, const Real* old) const {
        if (!on) return fresh;
        Vec<Real> kept = (*this)(j, io);
        return kept * io(old + j) + ((Real)1 - kept) * fresh;
    }
};

// The scratch rows of one thread, H numbers each.
template <class Real>
struct Rows {
    Real *first, *second;
};

enum Activation { TANH, RELU, LINEAR, SIGMOID };

template <class Real>
RECUERDO_INLINE Vec<Real> activate(int kind, Vec<Real> x) {
    switch (kind) {
        case TANH: return tanh<Real>(x);
        case RELU: return relu<Real>(x);
        case SIGMOID: return sigmoid<Real>(x);
    }
    return x;
}

// the derivative of an activation, from its value y
template <class Real>
RECUERDO_INLINE Vec<Real> slope(int kind, Vec<Real> y) {
    switch (kind) {
        case TANH: return (Real)1 - y * y;
        case RELU: return choose<Real>(y > 0, all<Real>(1), Vec<Real>{});
        case SIGMOID: return y * ((Real)1 - y);
    }
    return all<Real>(1);
}

template <class Real>
static void sigmoids(Real* values, long count) {
    along<Real>(count, [&](long j, auto io) { io.put(values + j, sigmoid<Real>(io(values + j))); });
}

template <class Real>
static void tanhs(Real* values, long count) {
    along<Real>(count, [&](long j, auto io) { io.put(values + j, tanh<Real>(io(values + j))); });
}

template <class Real, int kind>
static void elman_forward(Real* pre, const Real* old, Real* h, long H, Zone<Real> zone) {
    along<Real>(H, [&](long j, auto io) {
        Vec<Real> y = activate<Real>(kind, io(pre + j));
        io.put(pre + j, y);
        io.put(h + j, zone.blend(j, io, y, old));
    });
}

// dh becomes what of it goes straight to the old state
template <class Real, int kind>
static void elman_backward(const Real* y, Real* dh, Real* dpre, long H, Zone<Real> zone) {
    along<Real>(H, [&](long j, auto io) {
        Vec<Real> d = io(dh + j), kept{};
        if (zone.on) kept = zone(j, io);
        io.put(dh + j, kept * d);
        io.put(dpre + j, ((Real)1 - kept) * d * slope<Real>(kind, io(y + j)));
    });
}

template <class Real>
struct NormC {
    const Real *gain, *shift;  // gain null: no norm; shift null: none
};

template <class Real>
static void lstm_forward(Real* g, const Real* h_old, const Real* c_old, Real* h, Real* c, long H, NormC<Real> norm,
                         Zone<Real> zone_h, Zone<Real> zone_c, Rows<Real> rows) {
    // One activation at a time: the passes are short, and the processor runs several vectors of one at once.
    sigmoids(g, 2 * H);
    tanhs(g + 2 * H, H);
    sigmoids(g + 3 * H, H);
    bool plain = !norm.gain && !zone_h.on;
    Real* cell = plain ? c : rows.first;
    along<Real>(H, [&](long j, auto io) {
        io.put(cell + j, io(g + H + j) * io(c_old + j) + io(g + j) * io(g + 2 * H + j));
    });
    if (plain) {
        along<Real>(H, [&](long j, auto io) { io.put(h + j, io(g + 3 * H + j) * tanh<Real>(io(cell + j))); });
        return;
    }
    Moments<Real> m{0, 1};
    if (norm.gain) m = moments<Real>(cell, H);
    along<Real>(H, [&](long j, auto io) {
        Vec<Real> seen = io(cell + j);
        if (norm.gain) seen = (seen - m.mean) * m.scale * io(norm.gain + j);
        if (norm.shift) seen += io(norm.shift + j);
        io.put(h + j, zone_h.blend(j, io, io(g + 3 * H + j) * tanh<Real>(seen), h_old));
        io.put(c + j, zone_c.blend(j, io, io(cell + j), c_old));
    });
}

// dh, dc: gradients by the new state; they become those by the old one that do not go through the product.
// traced: gradients by the four gates, or null. dgain, dshift: sums to add to, where there is a norm.
template <class Real>
static void lstm_backward(const Real* g, const Real* c_old, Real* dh, Real* dc, Real* dpre, const Real* traced, long H,
                          NormC<Real> norm, Zone<Real> zone_h, Zone<Real> zone_c, Rows<Real> rows, Real* dgain,
                          Real* dshift) {
    typedef Vec<Real> V;
    auto gates = [&](long j, auto io, V dh_new, V seen, V dcell, V kept_h, V kept_c, V dh_all, V dc_all) {
        V in = io(g + j), forget = io(g + H + j), fresh = io(g + 2 * H + j), out = io(g + 3 * H + j);
        V di = dcell * fresh, df = dcell * io(c_old + j), dg = dcell * in, dout = dh_new * seen;
        if (traced) {
            di += io(traced + j);
            df += io(traced + H + j);
            dg += io(traced + 2 * H + j);
            dout += io(traced + 3 * H + j);
        }
        io.put(dpre + j, di * in * ((Real)1 - in));
        io.put(dpre + H + j, df * forget * ((Real)1 - forget));
        io.put(dpre + 2 * H + j, dg * ((Real)1 - fresh * fresh));
        io.put(dpre + 3 * H + j, dout * out * ((Real)1 - out));
        io.put(dh + j, kept_h * dh_all);
        io.put(dc + j, dcell * forget + kept_c * dc_all);
    };
    if (!norm.gain) {
        Real* tanh_c = rows.first;
        along<Real>(H, [&](long j, auto io) {
            V cell = io(g + H + j) * io(c_old + j) + io(g + j) * io(g + 2 * H + j);
            io.put(tanh_c + j, tanh<Real>(cell));
        });
        along<Real>(H, [&](long j, auto io) {
            V dh_all = io(dh + j), dc_all = io(dc + j), kept_h{}, kept_c{};
            if (zone_h.on) kept_h = zone_h(j, io), kept_c = zone_c(j, io);
            V dh_new = ((Real)1 - kept_h) * dh_all, dc_new = ((Real)1 - kept_c) * dc_all;
            V seen = io(tanh_c + j);
            V dcell = dc_new + dh_new * io(g + 3 * H + j) * ((Real)1 - seen * seen);
            gates(j, io, dh_new, seen, dcell, kept_h, kept_c, dh_all, dc_all);
        });
        return;
    }
    Real *normed = rows.first, *back = rows.second;
    along<Real>(H, [&](long j, auto io) {
        io.put(normed + j, io(g + H + j) * io(c_old + j) + io(g + j) * io(g + 2 * H + j));
    });
    Real scale = normalise<Real>(normed, H);
    auto seen_at = [&](long j, auto io) {
        V seen = io(normed + j) * io(norm.gain + j);
        if (norm.shift) seen += io(norm.shift + j);
        return tanh<Real>(seen);
    };
    auto fresh_part = [&](long j, auto io, V dh_all) {
        return zone_h.on ? ((Real)1 - zone_h(j, io)) * dh_all : dh_all;
    };
    along<Real>(H, [&](long j, auto io) {
        V seen = seen_at(j, io);
        V d = fresh_part(j, io, io(dh + j)) * io(g + 3 * H + j) * ((Real)1 - seen * seen);
        io.put(dgain + j, io(dgain + j) + d * io(normed + j));
        if (norm.shift) io.put(dshift + j, io(dshift + j) + d);
        io.put(back + j, d * io(norm.gain + j));
    });
    normalise_backward<Real>(back, normed, scale, H);
    along<Real>(H, [&](long j, auto io) {
        V dh_all = io(dh + j), dc_all = io(dc + j), kept_h{}, kept_c{};
        if (zone_h.on) kept_h = zone_h(j, io), kept_c = zone_c(j, io);
        V dcell = ((Real)1 - kept_c) * dc_all + io(back + j);
        gates(j, io, ((Real)1 - kept_h) * dh_all, seen_at(j, io), dcell, kept_h, kept_c, dh_all, dc_all);
    });
}

// hidden: U_n h + b of the candidate, which the reset gate scales
template <class Real>
static void gru_forward(Real* g, const Real* hidden, const Real* old, Real* h, long H, Zone<Real> zone) {
    sigmoids(g, 2 * H);
    along<Real>(H, [&](long j, auto io) {
        Vec<Real> z = io(g + H + j), n = tanh<Real>(io(g + 2 * H + j) + io(g + j) * io(hidden + j));
        io.put(g + 2 * H + j, n);
        io.put(h + j, zone.blend(j, io, ((Real)1 - z) * n + z * io(old + j), old));
    });
}

// dpre: four blocks, the candidate's input half, then r, z and the candidate's hidden half: blocks 0-2 are the gradient by
// W x, blocks 1-3 the one by U h.
template <class Real>
static void gru_backward(const Real* g, const Real* hidden, const Real* old, Real* dh, Real* dpre, const Real* traced,
                         long H, Zone<Real> zone) {
    along<Real>(H, [&](long j, auto io) {
        Vec<Real> r = io(g + j), z = io(g + H + j), n = io(g + 2 * H + j), d = io(dh + j), kept{};
        if (zone.on) kept = zone(j, io);
        Vec<Real> d_new = ((Real)1 - kept) * d;
        Vec<Real> dz = d_new * (io(old + j) - n), dn = d_new * ((Real)1 - z);
        if (traced) dz += io(traced + H + j), dn += io(traced + 2 * H + j);
        Vec<Real> dn_pre = dn * ((Real)1 - n * n);
        Vec<Real> dr = dn_pre * io(hidden + j);
        if (traced) dr += io(traced + j);
        io.put(dpre + j, dn_pre);
        io.put(dpre + H + j, dr * r * ((Real)1 - r));
        io.put(dpre + 2 * H + j, dz * z * ((Real)1 - z));
        io.put(dpre + 3 * H + j, dn_pre * r);
        io.put(dh + j, d_new * z + kept * d);
    });
}

// The other form, first half: gates r and z, and r * h for the candidate's product. seen: h as the product sees it.
template <class Real>
static void gru_before_reset(Real* g, const Real* seen, Real* reset, long H) {
    sigmoids(g, 2 * H);
    along<Real>(H, [&](long j, auto io) { io.put(reset + j, io(g + j) * io(seen + j)); });
}

template <class Real>
static void gru_before_forward(Real* g, const Real* old, Real* h, long H, Zone<Real> zone) {
    along<Real>(H, [&](long j, auto io) {
        Vec<Real> z = io(g + H + j), n = tanh<Real>(io(g + 2 * H + j));
        io.put(g + 2 * H + j, n);
        io.put(h + j, zone.blend(j, io, ((Real)1 - z) * n + z * io(old + j), old));
    });
}

template <class Real>
static void gru_before_backward(const Real* g, const Real* old, Real* dh, Real* dpre, const Real* traced, long H,
                                Zone<Real> zone) {
    along<Real>(H, [&](long j, auto io) {
        Vec<Real> z = io(g + H + j), n = io(g + 2 * H + j), d = io(dh + j), kept{};
        if (zone.on) kept = zone(j, io);
        Vec<Real> d_new = ((Real)1 - kept) * d;
        Vec<Real> dz = d_new * (io(old + j) - n), dn = d_new * ((Real)1 - z);
        if (traced) dz += io(traced + H + j), dn += io(traced + 2 * H + j);
        io.put(dpre + H + j, dz * z * ((Real)1 - z));
        io.put(dpre + 2 * H + j, dn * ((Real)1 - n * n));
        io.put(dh + j, d_new * z + kept * d);
    });
}

// dreset: gradient by r * h. It reaches the reset gate, and h as the product sees it, which goes to dseen.
template <class Real>
static void gru_before_reset_backward(const Real* g, const Real* seen, const Real* dreset, Real* dseen, Real* dpre,
                                      const Real* traced, long H) {
    along<Real>(H, [&](long j, auto io) {
        Vec<Real> r = io(g + j), d = io(dreset + j), dr = d * io(seen + j);
        if (traced) dr += io(traced + j);
        io.put(dpre + j, dr * r * ((Real)1 - r));
        io.put(dseen + j, d * r);
    });
}

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
