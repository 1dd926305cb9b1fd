// One instruction set's table of functions; an isa_*.cpp file compiles it with its own flags.
#pragma once

#include "forward.h"
#include "gradients.h"
#include "softmax.h"

namespace recuerdo {
namespace RECUERDO_ISA {

template <class Real>
static void plan(Task<Real>& task, bool backward) {
    task.common_bytes = backward ? Slice<Real>(task).bytes : Matrices<Real>(task, false).bytes;
    task.scratch_bytes = backward ? Gradients<Real>(task, 0).bytes : Forward<Real>(task, 0).bytes;
}

template <class Real>
static void pack(const Task<Real>& task, bool backward, long part) {
    Matrices<Real>(task, backward).pack(task, backward, part);
}

template <class Real>
static void walk_forward(const Task<Real>& task, long part) {
    Ready ready;
    Forward<Real>(task, part).run();
}

template <class Real>
static void walk_backward(const Task<Real>& task, long part) {
    Ready ready;
    Gradients<Real>(task, part).run();
}

template <class Real>
static void plan_softmax(SoftmaxTask<Real>& task) {
    Softmax<Real> counted(task, 0);
    task.common_bytes = counted.common_bytes;
    task.scratch_bytes = counted.bytes;
}

template <class Real>
static void pack_softmax(const SoftmaxTask<Real>& task, long part) {
    Softmax<Real>(task, part).pack();
}

template <class Real>
static void softmax(const SoftmaxTask<Real>& task, long part) {
    Ready ready;
    Softmax<Real>(task, part).run();
}

template <class Real>
static void activate_all(int kind, Real* values, long count) {
    along<Real>(count, [&](long j, auto io) { io.put(values + j, activate<Real>(kind, io(values + j))); });
}

template <class Real>
static const Kernels<Real> table = {plan<Real>, pack<Real>, walk_forward<Real>, walk_backward<Real>,
                                          plan_softmax<Real>, pack_softmax<Real>, softmax<Real>, activate_all<Real>};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
