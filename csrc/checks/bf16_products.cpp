// The products in bfloat16 of every instruction set that this processor has, at random shapes on buffers that end where they
// should, beside plain loops: bitwise beside the order of sums that the instructions have, and within rounding beside a sum in
// double precision. `make sanitize` runs it under the sanitizers.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "../processor.h"
#include "bf16_path.h"

using namespace recuerdo;

namespace {

uint32_t bits(float x) {
    uint32_t u;
    std::memcpy(&u, &x, sizeof u);
    return u;
}

float real(uint32_t u) {
    float x;
    std::memcpy(&x, &u, sizeof x);
    return x;
}

float widened(uint16_t half) { return real((uint32_t)half << 16); }

float flushed(float x) { return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x; }

// The nearest bfloat16 by its definition: of the two neighbours the nearer one, of two equally near the one that ends in 0.
uint16_t nearest(float x) {
    uint16_t below = bits(x) >> 16;
    if (std::isnan(x)) return below | 0x40;
    if (flushed(x) == 0) return below & 0x8000;
    if (std::isinf(x)) return below;
    double size = std::fabs((double)x), low = std::fabs((double)widened(below));
    uint16_t above = below + 1;
    double high = std::isinf(widened(above)) ? std::ldexp(1.0, 128) : std::fabs((double)widened(above));
    if (size - low != high - size) return size - low < high - size ? below : above;
    return below & 1 ? above : below;
}

bool same(float a, float b) { return bits(a) == bits(b) || (std::isnan(a) && std::isnan(b)); }

void require(bool holds, const Bf16Path& path, const char* what, unsigned seed, long row, long column, double got, double wanted) {
    if (holds) return;
    std::fprintf(stderr, "%s: %s at [%ld][%ld] is %.9g and should be %.9g (seed %u).\n", path.name, what, row, column, got, wanted,
                 seed);
    std::exit(1);
}

// One sum over k of a[k] * b[k], both rounded, on top of `sum`: as the instructions add it up, and in double precision.
struct Sum {
    float value;
    double exact, size;

    Sum(const Bf16Path& path, const std::vector<float>& a, const std::vector<float>& b, float start) {
        value = flushed(start), exact = start, size = std::fabs(start);
        long K = (long)a.size();
        auto at = [&](const std::vector<float>& v, long k) { return k < K ? widened(nearest(v[k])) : 0.0f; };
        for (long k0 = 0; k0 < K; k0 += 32) {
            float even = 0, odd = 0;
            for (long k = k0; k < k0 + 32; k += 2) {
                if (path.paired) {
                    value = flushed(std::fma(at(a, k + 1), at(b, k + 1), value));
                    value = flushed(std::fma(at(a, k), at(b, k), value));
                } else {
                    even = flushed(std::fma(at(a, k), at(b, k), even));
                    odd = flushed(std::fma(at(a, k + 1), at(b, k + 1), odd));
                }
            }
            if (!path.paired) value = flushed(value + flushed(even + odd));
        }
        for (long k = 0; k < K; ++k) {
            double product = (double)at(a, k) * at(b, k);
            exact += product;
            size += std::fabs(product);
        }
    }

    bool near(float got) const {
        if (!std::isfinite(exact)) return std::isnan(exact) ? std::isnan(got) : got == (float)exact;
        return std::fabs(got - exact) <= size * 40 * std::ldexp(1.0, -24) + std::ldexp(1.0, -118);
    }
};

// every upper half of a float32, with the lower halves at which rounding turns
void rounding(const Bf16Path& path) {
    const uint32_t lower[] = {0, 1, 0x4000, 0x7fff, 0x8000, 0x8001, 0xffff};
    std::vector<float> x;
    for (uint32_t upper = 0; upper < 0x10000; ++upper)
        for (uint32_t low : lower) x.push_back(real(upper << 16 | low));
    long count = (long)x.size() - 3;  // not a whole number of vectors
    std::vector<uint16_t> got(count);
    path.round(x.data(), got.data(), count);
    for (long k = 0; k < count; ++k)
        require(got[k] == nearest(x[k]), path, "a rounded number", 0, 0, k, widened(got[k]), widened(nearest(x[k])));
}

class Trial {
  public:
    Trial(const Bf16Path& path, unsigned seed) : path_(path), seed_(seed), random_(seed) {
        kind_ = below(8);
        if (kind_ == TINY && !path.fused) kind_ = 2;
    }

    void product() {
        long rows = below(41), K = below(chance() ? 6 : 140), M = 1 + below(chance() ? 20 : 80), K0 = chance() ? 0 : below(K + 1);
        std::unique_ptr<float[]> B = numbers(K * M), start = numbers(M);
        bool turned = chance(), started = chance();
        long by_k = turned ? 1 : M, by_m = turned ? K : 1;
        std::unique_ptr<uint16_t[]> packed = halves(path_.numbers(K, M));
        long panels = (M + 15) / 16, shared = below(panels + 1), split = below(K + 1);
        for (long part = 0; part < 2; ++part) {
            long first = part ? shared : 0, last = part ? panels : shared;
            path_.pack(packed.get(), K, M, B.get(), 0, split, by_k, by_m, first, last);
            path_.pack(packed.get(), K, M, B.get() + split * by_k, split, K - split, by_k, by_m, first, last);
        }
        std::vector<std::unique_ptr<float[]>> first, second, out;
        std::vector<const float*> firsts, seconds;
        std::vector<std::vector<float>> before;
        for (long r = 0; r < rows; ++r) {
            first.push_back(numbers(K0)), firsts.push_back(first.back().get());
            second.push_back(numbers(K - K0)), seconds.push_back(second.back().get());
            out.push_back(numbers(M)), before.emplace_back(out.back().get(), out.back().get() + M);
        }
        std::vector<float*> outs;
        for (auto& row : out) outs.push_back(row.get());
        auto multiply = [&](long r, long count, float* const* to) {
            std::unique_ptr<uint16_t[]> room = halves(path_.numbers(K, count));
            path_.product(packed.get(), K, M, room.get(), firsts.data() + r, K0, seconds.data() + r, to, count,
                          started ? start.get() : nullptr);
        };
        multiply(0, rows, outs.data());
        std::vector<float> a(K), b(K);
        for (long r = 0; r < rows; ++r) {
            std::copy_n(firsts[r], K0, a.begin());
            std::copy_n(seconds[r], K - K0, a.begin() + K0);
            std::vector<float> alone = before[r];
            float* to = alone.data();
            multiply(r, 1, &to);
            for (long m = 0; m < M; ++m) {
                for (long k = 0; k < K; ++k) b[k] = B[k * by_k + m * by_m];
                float base = started ? start[m] : before[r][m], got = outs[r][m];
                Sum sum(path_, a, b, 0);
                require(same(got, base + sum.value), path_, "a product", seed_, r, m, got, base + sum.value);
                require(same(got, alone[m]), path_, "a product in its batch", seed_, r, m, got, alone[m]);
                require(Sum(path_, a, b, base).near(got), path_, "a product, roughly,", seed_, r, m, got, base + sum.exact);
            }
        }
    }

    void outer() {
        long M = 1 + below(70), m0 = below((M + 15) / 16) * 16, m1 = m0 + (1 + below((M - m0 + 15) / 16)) * 16;
        long C0 = below(40), C1 = (C0 == 0) + below(40), C = C0 + C1, columns = (C + 15) / 16, chunks = 1 + below(3);
        std::vector<std::unique_ptr<float[]>> d, first, second;
        std::unique_ptr<float[]> total(new float[(m1 - m0) * columns * 16]);
        std::memset(total.get(), 0, (m1 - m0) * columns * 16 * sizeof(float));
        for (long chunk = 0; chunk < chunks; ++chunk) {
            long count = chunk + 1 < chunks ? 32 * (1 + below(3)) : 1 + below(100), depth = (count + 31) / 32;
            std::vector<const float*> ds, firsts, seconds;
            for (long i = 0; i < count; ++i) {
                d.push_back(numbers(M)), ds.push_back(d.back().get());
                first.push_back(numbers(C0)), firsts.push_back(first.back().get());
                second.push_back(numbers(C1)), seconds.push_back(second.back().get());
            }
            std::unique_ptr<uint16_t[]> left = halves((m1 - m0) * 32 * depth), right = halves(columns * 512 * depth);
            path_.pack_gradients(ds.data(), count, m0, m1, M, left.get());
            path_.pack_seen(firsts.data(), C0, seconds.data(), C1, count, right.get());
            path_.outer(left.get(), (m1 - m0) / 16, right.get(), columns, depth, total.get());
        }
        long count = (long)d.size();
        std::vector<float> a(count), b(count);
        for (long m = m0; m < m1 && m < M; ++m) {
            long from = below(C), until = from + below(C - from + 1);
            std::unique_ptr<float[]> some(new float[until - from]), row(new float[C]);
            path_.copy_sums(total.get(), columns, m - m0, 0, C, row.get());
            path_.copy_sums(total.get(), columns, m - m0, from, until - from, some.get());
            for (long c = 0; c < C; ++c) {
                for (long i = 0; i < count; ++i) {
                    a[i] = d[i][m];
                    b[i] = c < C0 ? first[i][c] : second[i][c - C0];
                }
                Sum sum(path_, a, b, 0);
                require(same(row[c], sum.value), path_, "a sum of gradients", seed_, m, c, row[c], sum.value);
                require(sum.near(row[c]), path_, "a sum of gradients, roughly,", seed_, m, c, row[c], sum.exact);
                if (c >= from && c < until) require(same(some[c - from], row[c]), path_, "a part of a row", seed_, m, c, 0, row[c]);
            }
        }
    }

  private:
    static constexpr int TINY = 0, WILD = 1;  // kinds of numbers: near the subnormal ones; with infinities and NaN

    long below(long n) { return std::uniform_int_distribution<long>(0, n - 1)(random_); }
    bool chance() { return below(2); }

    std::unique_ptr<float[]> numbers(long count) {
        std::unique_ptr<float[]> made(new float[count]);
        for (long k = 0; k < count; ++k) {
            float x = std::normal_distribution<float>()(random_);
            if (kind_ == TINY) x = std::ldexp(x, (int)-below(70));
            if (kind_ == WILD && below(200) == 0) x = x > 1 ? NAN : x > 0 ? INFINITY : -INFINITY;
            made[k] = below(20) ? x : 0;
        }
        return made;
    }

    // what was in the memory before must not matter
    std::unique_ptr<uint16_t[]> halves(size_t count) {
        std::unique_ptr<uint16_t[]> made(new uint16_t[count]);
        std::memset(made.get(), 0xff, count * sizeof(uint16_t));
        return made;
    }

    const Bf16Path& path_;
    unsigned seed_;
    std::mt19937 random_;
    long kind_;
};

void trials(const Bf16Path& path, unsigned from, unsigned count) {
    for (unsigned seed = from; seed < from + count; ++seed) {
        Trial(path, seed).product();
        Trial(path, seed).outer();
    }
}

}  // namespace

int main(int argc, char** argv) {
    unsigned count = argc > 1 ? (unsigned)std::atoi(argv[1]) : 200;
    struct {
        const Bf16Path& path;
        bool here;
    } all[] = {{bf16_portable, true},
               {bf16_avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
               {bf16_avx512bf16, has_avx512bf16()},
               {bf16_amx, has_amx_bf16()}};
    for (const auto& one : all) {
        if (!one.here) {
            std::printf("%s: not on this processor\n", one.path.name);
            continue;
        }
        rounding(one.path);
        std::thread other(trials, std::cref(one.path), 0, count / 2);  // two callers at once, as two threads of Python may be
        trials(one.path, count / 2, count - count / 2);
        other.join();
        std::printf("%s: %u trials\n", one.path.name, count);
    }
    return 0;
}
