// Layer norm over the H numbers of a row, forwards and backwards.
#pragma once

#include "simd.h"

namespace recuerdo {
namespace RECUERDO_ISA {

template <class Real>
struct Moments {
    Real mean, scale;  // scale = 1 / sqrt(variance + eps)
};

template <class Real>
static Moments<Real> moments(const Real* row, long H) {
    Vec<Real> total{};
    along<Real>(H, [&](long j, auto io) { total += io(row + j); });
    Real mean = sum<Real>(total) / H;
    Vec<Real> squares{}, left{};  // what the rounding of the mean leaves is taken off it in the second pass
    along<Real>(H, [&](long j, auto io) {
        Vec<Real> d = io.only(io(row + j) - mean);
        squares += d * d;
        left += d;
    });
    Real off = sum<Real>(left) / H, variance = sum<Real>(squares) / H - off * off;
    return {mean + off, (Real)(1 / __builtin_sqrt((double)variance + 1e-5))};
}

template <class Real>
static Real normalise(Real* row, long H) {
    Moments<Real> m = moments<Real>(row, H);
    along<Real>(H, [&](long j, auto io) { io.put(row + j, (io(row + j) - m.mean) * m.scale); });
    return m.scale;
}

// d: gradient by the normalised row -> gradient by the row before it, in place
template <class Real>
static void normalise_backward(Real* d, const Real* normed, Real scale, long H) {
    Vec<Real> plain{}, along_normed{};
    along<Real>(H, [&](long j, auto io) {
        Vec<Real> v = io(d + j);
        plain += v;
        along_normed += v * io(normed + j);
    });
    Real mean = sum<Real>(plain) / H, slope = sum<Real>(along_normed) / H;
    along<Real>(H, [&](long j, auto io) {
        io.put(d + j, scale * (io(d + j) - mean - io(normed + j) * slope));
    });
}

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
