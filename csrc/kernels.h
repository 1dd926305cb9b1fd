// One instruction set's table of functions; an isa_*.cpp file compiles it with its own flags.
#pragma once

#include "backward.h"
#include "forward.h"
#include "weights.h"

namespace recuerdo {
namespace RECUERDO_ISA {

template <class Real>
static void plan(Task<Real>& task, bool backward) {
    task.packed_bytes = Matrices<Real>(task, backward).bytes;
    if (backward) {
        size_t walk = Backward<Real>(task, 0).bytes, weights = Weights<Real>(task, 0).bytes;
        task.scratch_bytes = walk > weights ? walk : weights;
    } else {
        task.scratch_bytes = Forward<Real>(task, 0).bytes;
    }
}

template <class Real>
static void pack(const Task<Real>& task, bool backward, long part) {
    Matrices<Real>(task, backward).pack(task, backward, part);
}

template <class Real>
static void walk_forward(const Task<Real>& task, long part) {
    Forward<Real>(task, part).run();
}

template <class Real>
static void walk_backward(const Task<Real>& task, long part) {
    Backward<Real>(task, part).run();
}

template <class Real>
static void weights(const Task<Real>& task, long part) {
    Weights<Real>(task, part).run();
}

template <class Real>
static void activate_all(int kind, Real* values, long count) {
    along<Real>(count, [&](long j, auto io) { io.put(values + j, activate<Real>(kind, io(values + j))); });
}

template <class Real>
static const Kernels<Real> table = {plan<Real>,          pack<Real>,    walk_forward<Real>,
                                    walk_backward<Real>, weights<Real>, activate_all<Real>};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
