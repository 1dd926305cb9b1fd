// Thousands of random calls of the core on buffers that end where they should, for the sanitizers: `make sanitize`.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "../dispatch.h"
#include "../stepper.h"

using namespace recuerdo;

namespace {

constexpr long LARGE = 500;  // units from which on threads share those of a step

template <class Real>
class Call {
  public:
    explicit Call(unsigned seed, bool bf16 = false) : random_(seed), bf16_(bf16) {}

    void run() {
        Task<Real> t = forward_task();
        bool keep = chance();
        keep ? kept(t) : (void)0;
        long threads = 1 + below(3);
        recuerdo::run(t, false, threads);
        if (!keep) return;
        backward_task(t);
        recuerdo::run(t, true, threads);
    }

    void step() {
        Stepper<Real> stepper(1 + below(5), 1 + below(3));
        long layers = 1 + below(3), D = 1 + below(9), H = below(10) ? 1 + below(20) : LARGE;
        for (long k = 0; k < layers; ++k) {
            Task<Real> t{};
            t.cell = below(5);
            t.D = k ? H : D;
            t.H = H;
            weights(t);
            if (t.cell == INDRNN && chance()) t.U = nullptr;
            stepper.add(t, k > 0);
        }
        std::unique_ptr<Real[]> y(new Real[stepper.streams() * H]);
        for (int n = 0; n < 5; ++n) stepper.step(numbers(stepper.streams() * D), y.get());
    }

  private:
    long below(long n) { return std::uniform_int_distribution<long>(0, n - 1)(random_); }
    bool chance() { return below(2); }

    Real* numbers(long count) {
        held_.emplace_back(new Real[count]);
        for (long k = 0; k < count; ++k) held_.back()[k] = std::normal_distribution<Real>()(random_);
        return held_.back().get();
    }
    Real* maybe(bool there, long count) { return there ? numbers(count) : nullptr; }

    void weights(Task<Real>& t) {
        long G = t.blocks(), GH = G * t.H;
        t.W = numbers(GH * t.D);
        t.U = numbers(t.cell == INDRNN ? GH : GH * t.H);
        t.bias_ih = maybe(chance(), GH);
        t.bias_hh = maybe(t.cell != INDRNN && chance(), GH);
        t.norm_ih = maybe(chance(), GH);
        t.norm_hh = maybe(t.cell != INDRNN && chance(), GH);
        t.norm_c = maybe(t.cell == LSTM && chance(), t.H);
        t.norm_c_bias = maybe(t.norm_c && chance(), t.H);
        t.zone_share = chance() ? 0.25 : 0;
        t.activation = below(4);
    }

    Task<Real> forward_task() {
        Task<Real> t{};
        t.bf16 = bf16_;
        t.cell = below(5);
        t.T = below(8);
        t.N = below(20);
        t.D = 1 + below(chance() ? 6 : 30);
        t.H = 1 + below(40);
        if (below(50) == 0) t.T = 1 + below(3), t.N = 1 + below(2), t.H = LARGE;
        t.reverse = chance();
        weights(t);
        rows_ = t.T * t.N;
        long states = t.cell == LSTM ? 2 : 1;
        t.x = numbers(rows_ * t.D);
        t.x_by_t = t.N * t.D;
        t.x_by_n = t.D;
        t.h0 = numbers(t.N * t.H);
        t.c0 = maybe(states > 1, t.N * t.H);
        t.mask = maybe(chance(), t.N * t.H);
        if (chance()) t.zoneout = numbers(states * rows_ * t.H), t.zone_share = 0;
        if (chance()) {
            lengths_.reset(new int64_t[t.N]);
            for (long n = 0; n < t.N; ++n) lengths_[n] = below(t.T + 1);
            t.lengths = lengths_.get();
        }
        if (chance()) {
            reset_.reset(new uint8_t[rows_]);
            for (long k = 0; k < rows_; ++k) reset_[k] = below(4) == 0;
            t.reset = reset_.get();
            t.restart_h = maybe(chance(), t.N * t.H);
            t.restart_c = maybe(t.restart_h && states > 1, t.N * t.H);
        }
        t.out = numbers(rows_ * t.H);
        t.h_last = numbers(t.N * t.H);
        t.c_last = maybe(states > 1, t.N * t.H);
        return t;
    }

    // what a gradient needs
    void kept(Task<Real>& t) {
        long GH = t.blocks() * t.H;
        bool zoned = t.zoneout || t.zone_share != 0;
        if (t.cell > INDRNN || zoned) t.gates = numbers(rows_ * GH);
        t.c = maybe(t.cell == LSTM, rows_ * t.H);
        t.hidden = maybe(t.cell == GRU, rows_ * t.H);
        t.normed_x = maybe(t.norm_ih, rows_ * GH);
        t.norm_x_scale = maybe(t.norm_ih, rows_ * t.blocks());
        t.normed = maybe(t.norm_hh, rows_ * GH);
        t.norm_scale = maybe(t.norm_hh, rows_ * t.blocks());
    }

    void backward_task(Task<Real>& t) {
        long GH = t.blocks() * t.H, states = t.N * t.H;
        t.d_out = maybe(chance(), rows_ * t.H);
        t.d_gates = maybe(chance(), rows_ * GH);
        t.d_c = maybe(t.cell == LSTM && chance(), rows_ * t.H);
        t.d_h_last = maybe(chance(), states);
        t.d_c_last = maybe(t.cell == LSTM && chance(), states);
        t.d_x = maybe(chance(), rows_ * t.D);
        t.d_W = maybe(chance(), GH * t.D);
        t.d_U = maybe(chance(), t.cell == INDRNN ? GH : GH * t.H);
        t.d_bias_ih = maybe(t.bias_ih && chance(), GH);
        t.d_bias_hh = maybe(t.bias_hh && chance(), GH);
        t.d_h0 = numbers(states);
        t.d_c0 = maybe(t.cell == LSTM, states);
        t.d_restart_h = maybe(t.restart_h, states);
        t.d_restart_c = maybe(t.restart_c, states);
        t.d_norm_ih = maybe(t.norm_ih && chance(), GH);
        t.d_norm_hh = maybe(t.norm_hh && chance(), GH);
        t.d_norm_c = maybe(t.norm_c && chance(), t.H);
        t.d_norm_c_bias = maybe(t.norm_c_bias && chance(), t.H);
    }

    std::mt19937 random_;
    bool bf16_;
    std::vector<std::unique_ptr<Real[]>> held_;
    std::unique_ptr<int64_t[]> lengths_;
    std::unique_ptr<uint8_t[]> reset_;
    long rows_ = 0;
};

void bf16_calls(unsigned from, unsigned count) {
    for (unsigned seed = from; seed < from + count; ++seed) Call<float>(seed, true).run();
}

void calls(unsigned from, unsigned count) {
    for (unsigned seed = from; seed < from + count; ++seed) {
        if (seed % 10 == 0) Call<float>(seed).step(), Call<double>(seed).step();
        seed % 2 ? Call<float>(seed).run() : Call<double>(seed).run();
    }
}

// two callers at once, as two threads of Python may be
void side_by_side(void (*some)(unsigned, unsigned), const std::string& name, unsigned from, unsigned count) {
    std::thread other(some, from, count / 2);
    some(from + count / 2, count - count / 2);
    other.join();
    std::printf("%s: %u calls\n", name.c_str(), count);
}

}  // namespace

int main(int argc, char** argv) {
    unsigned count = argc > 1 ? (unsigned)std::atoi(argv[1]) : 10000, from = 0;
    std::vector<std::string> all = paths(), bf16 = bf16_paths();
    bf16.push_back("emulated");
    unsigned share = count / (unsigned)(all.size() + bf16.size());
    for (const std::string& name : all) {
        use_path(name);
        side_by_side(calls, name, from++ * 1000000, share);
    }
    for (const std::string& name : bf16) {
        use_bf16_path(name.c_str());
        side_by_side(bf16_calls, name, from++ * 1000000, share);
    }
    return 0;
}
