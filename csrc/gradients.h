// One part's share of a backward call: slice by slice, its samples' walk back through time, then its rows of the weights'
// gradients. No sum depends on how many parts there are.
#pragma once

#include "backward.h"
#include "pool.h"
#include "weights.h"

namespace recuerdo {
namespace RECUERDO_ISA {

template <class Real>
struct Gradients {
    const Task<Real>& t;
    long part;
    Arena arena;
    Backward<Real> back;
    Weights<Real> weights;
    size_t bytes;

    Gradients(const Task<Real>& task, long which)
        : t(task), part(which), arena{task.scratch ? task.scratch + which * task.scratch_bytes : nullptr},
          back(task, which, arena), weights(task, which, Arena{arena.base, back.bytes}), bytes(weights.bytes) {}

    void run() const {
        back.start();
        weights.start();
        long steps = back.slice.steps;
        for (long end = t.T; end > 0;) {
            long begin = (end - 1) / steps * steps;
            back.walk(begin, end);
            t.team->meet();
            weights.sum(begin, end);
            end = begin;
        }
        if (t.T == 0) t.team->meet();
        back.finish();
        weights.finish();
        add_up();
    }

    // what was gathered for each sample, over the samples: the columns of this part
    void add_up() const {
        long count = back.slice.gathered, H = t.H, GH = t.blocks() * H, at = 0;
        auto total = [&](Real* to, long numbers) {
            for (long j = numbers * part / t.parts; to && j < numbers * (part + 1) / t.parts; ++j) {
                Real sum = 0;
                for (long n = 0; n < t.N; ++n) sum += back.slice.sums[n * count + at + j];
                to[j] = sum;
            }
            at += numbers;
        };
        if (t.cell == INDRNN) total(t.d_U, GH);
        if (back.normed) total(t.d_norm_hh, GH);
        if (t.norm_c) {
            total(t.d_norm_c, H);
            total(t.d_norm_c_bias, H);
        }
        if (t.norm_ih) total(t.d_norm_ih, GH);
    }
};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
