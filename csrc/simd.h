// One vector type for every instruction set, and the activations on it.
//
// A file that includes this defines RECUERDO_ISA, the namespace that everything lands in, and RECUERDO_BYTES, the width of a
// vector. No header of the standard library's templates is included here: code that was compiled for a newer processor must
// not be merged by the linker into what runs on an older one.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RECUERDO_INLINE static inline __attribute__((always_inline))

namespace recuerdo {
namespace RECUERDO_ISA {

template <class Real>
struct Simd;

template <>
struct Simd<float> {
    typedef float Vec __attribute__((vector_size(RECUERDO_BYTES)));
    typedef float Loose __attribute__((vector_size(RECUERDO_BYTES), aligned(4), may_alias));
    typedef int32_t Bits __attribute__((vector_size(RECUERDO_BYTES)));
    typedef int32_t Word;
    static constexpr int mantissa = 23;
    static constexpr Word one = 0x3f800000;
    static constexpr float magic = 12582912.0f;       // 1.5 * 2^23: adding it rounds to a whole number
    static constexpr float least = -87.3365f;         // below, exp leaves the normal numbers
    static constexpr float ln2_high = 0.693359375f;   // few enough bits that its products are exact
    static constexpr float ln2_low = -2.12194440e-4f;
};

template <>
struct Simd<double> {
    typedef double Vec __attribute__((vector_size(RECUERDO_BYTES)));
    typedef double Loose __attribute__((vector_size(RECUERDO_BYTES), aligned(8), may_alias));
    typedef int64_t Bits __attribute__((vector_size(RECUERDO_BYTES)));
    typedef int64_t Word;
    static constexpr int mantissa = 52;
    static constexpr Word one = 0x3ff0000000000000;
    static constexpr double magic = 6755399441055744.0;
    static constexpr double least = -708.3964;
    static constexpr double ln2_high = 6.93145751953125e-1;
    static constexpr double ln2_low = 1.42860682030941723212e-6;
};

template <class Real>
using Vec = typename Simd<Real>::Vec;

template <class Real>
constexpr long lanes = RECUERDO_BYTES / (long)sizeof(Real);

template <class Real>
RECUERDO_INLINE Vec<Real> load(const Real* from) {
    return *(const typename Simd<Real>::Loose*)from;
}

template <class Real>
RECUERDO_INLINE void store(Real* to, Vec<Real> v) {
    *(typename Simd<Real>::Loose*)to = v;
}

template <class Real>
RECUERDO_INLINE Vec<Real> all(Real value) {
    return value - Vec<Real>{};
}

template <class Real>
RECUERDO_INLINE Vec<Real> choose(typename Simd<Real>::Bits where, Vec<Real> yes, Vec<Real> no) {
    typedef typename Simd<Real>::Bits Bits;
    return (Vec<Real>)((where & (Bits)yes) | (~where & (Bits)no));
}

template <class Real>
RECUERDO_INLINE Real sum(Vec<Real> v) {
    Real total = 0;
    for (long k = 0; k < lanes<Real>; ++k) total += v[k];
    return total;
}

// How a pass over a row of H numbers reads and writes: whole vectors, and at the end what is left of one.
template <class Real>
struct Whole {
    static constexpr bool part = false;
    Vec<Real> operator()(const Real* from) const { return load(from); }
    void put(Real* to, Vec<Real> v) const { store(to, v); }
    Vec<Real> only(Vec<Real> v) const { return v; }
};

template <class Real>
struct Part {
    static constexpr bool part = true;
    long count;
    Vec<Real> operator()(const Real* from) const {
        Vec<Real> v{};
        for (long k = 0; k < count; ++k) v[k] = from[k];
        return v;
    }
    void put(Real* to, Vec<Real> v) const {
        for (long k = 0; k < count; ++k) to[k] = v[k];
    }
    Vec<Real> only(Vec<Real> v) const {  // zero in the lanes beyond the row, for sums
        for (long k = count; k < lanes<Real>; ++k) v[k] = 0;
        return v;
    }
};

template <class Real, class Body>
RECUERDO_INLINE void along(long H, Body&& body) {
    long j = 0;
    for (; j + lanes<Real> <= H; j += lanes<Real>) body(j, Whole<Real>{});
    if (j < H) body(j, Part<Real>{H - j});
}

// e^y - 1 = 2^n * (e^r - 1) + (2^n - 1) with y = n ln 2 + r and |r| <= ln 2 / 2, for y from least to 0.
template <class Real>
struct Powers {
    Vec<Real> scale, rest;  // 2^n, e^r - 1
};

RECUERDO_INLINE Vec<float> expm1_near_zero(Vec<float> r) {
    Vec<float> p = 1.9875691500e-4f * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return p * (r * r) + r;
}

RECUERDO_INLINE Vec<double> expm1_near_zero(Vec<double> r) {
    Vec<double> p = 1.0 / 6227020800 * r + 1.0 / 479001600;  // Taylor: |r|^14 / 14! is below 2^-56
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    return p * (r * r) + r;
}

template <class Real>
RECUERDO_INLINE Powers<Real> powers(Vec<Real> y) {
    typedef Simd<Real> S;
    Vec<Real> shifted = y * (Real)1.44269504088896340736 + S::magic;
    Vec<Real> n = shifted - S::magic;
    Vec<Real> r = y - n * S::ln2_high;
    r = r - n * S::ln2_low;
    typename S::Bits whole = (typename S::Bits)shifted;  // the low bits of `shifted` hold n
    Vec<Real> scale = (Vec<Real>)((whole << S::mantissa) + S::one);
    return {scale, expm1_near_zero(r)};
}

template <class Real>
RECUERDO_INLINE Vec<Real> magnitude(Vec<Real> x) {
    typedef typename Simd<Real>::Bits Bits;
    return (Vec<Real>)((Bits)x & ~(Bits)all<Real>((Real)-0.0));
}

// 1 / (1 + e^-x), from e^-|x| so that nothing overflows. Beyond the normal numbers it is 0 or 1. NaN stays NaN.
template <class Real>
RECUERDO_INLINE Vec<Real> sigmoid(Vec<Real> x) {
    typedef Simd<Real> S;
    Vec<Real> y = -magnitude<Real>(x);
    typename S::Bits beyond = y < S::least;
    Powers<Real> p = powers<Real>(choose<Real>(beyond, all<Real>(S::least), y));
    Vec<Real> e = p.scale + p.scale * p.rest;
    e = choose<Real>(beyond, Vec<Real>{}, e);
    return choose<Real>(x >= 0, all<Real>(1), e) / ((Real)1 + e);
}

// -(e^-2|x| - 1) / (2 + (e^-2|x| - 1)) with the sign of x: exact to a few ulp near 0 as well. NaN stays NaN.
template <class Real>
RECUERDO_INLINE Vec<Real> tanh(Vec<Real> x) {
    typedef Simd<Real> S;
    typedef typename S::Bits Bits;
    Vec<Real> y = (Real)-2 * magnitude<Real>(x);
    Powers<Real> p = powers<Real>(choose<Real>(y < (Real)-44, all<Real>((Real)-44), y));
    Vec<Real> less = p.scale * p.rest + (p.scale - (Real)1);
    Vec<Real> size = -less / ((Real)2 + less);
    Bits sign = (Bits)x & (Bits)all<Real>((Real)-0.0);
    return (Vec<Real>)((Bits)size | sign);
}

template <class Real>
RECUERDO_INLINE Vec<Real> relu(Vec<Real> x) {
    return choose<Real>(x < 0, Vec<Real>{}, x);  // NaN is not below 0, and stays
}

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
