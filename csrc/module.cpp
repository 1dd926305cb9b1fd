// The Python module recuerdo.kernels._native. Tensors cross as the addresses of their first numbers, 0 for none, so that one
// build serves every version of torch; ops.py sees to it that they are contiguous, of one type, and alive.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <optional>
#include <stdexcept>

#include "blocks.h"
#include "dispatch.h"
#include "pool.h"
#include "stepper.h"

namespace nb = nanobind;

namespace {

using namespace recuerdo;

template <class Pointer>
void set(Pointer& field, nb::handle value) {
    field = reinterpret_cast<Pointer>(nb::cast<uintptr_t>(value));
}

// Fill in a task by the names of its fields; an unknown name is an error, so that nothing given is ignored.
#define NUMBER(field) \
    if (!std::strcmp(name, #field)) { task.field = nb::cast<decltype(task.field)>(value); continue; }
#define ADDRESS(field) \
    if (!std::strcmp(name, #field)) { set(task.field, value); continue; }

[[noreturn]] void no_field(const char* name) {
    throw std::invalid_argument(std::string("There is no field '") + name + "' in a task.");
}

template <class Real>
Task<Real> task_of(nb::dict fields) {
    Task<Real> task{};
    for (auto [key, value] : fields) {
        const char* name = nb::cast<const char*>(key);
        NUMBER(cell) NUMBER(activation) NUMBER(T) NUMBER(N) NUMBER(D) NUMBER(H) NUMBER(reverse) NUMBER(bf16) NUMBER(x_by_t)
        NUMBER(x_by_n) NUMBER(zone_share)
        ADDRESS(x) ADDRESS(W) ADDRESS(U) ADDRESS(bias_ih) ADDRESS(bias_hh) ADDRESS(norm_ih) ADDRESS(norm_hh) ADDRESS(norm_c)
        ADDRESS(norm_c_bias) ADDRESS(h0) ADDRESS(c0) ADDRESS(restart_h) ADDRESS(restart_c) ADDRESS(mask)
        ADDRESS(zoneout) ADDRESS(lengths) ADDRESS(reset) ADDRESS(gates) ADDRESS(hidden) ADDRESS(normed_x) ADDRESS(norm_x_scale) ADDRESS(normed)
        ADDRESS(norm_scale) ADDRESS(out) ADDRESS(c) ADDRESS(h_last) ADDRESS(c_last) ADDRESS(d_out) ADDRESS(d_c)
        ADDRESS(d_gates) ADDRESS(d_h_last) ADDRESS(d_c_last) ADDRESS(d_x) ADDRESS(d_W) ADDRESS(d_U)
        ADDRESS(d_bias_ih) ADDRESS(d_bias_hh) ADDRESS(d_h0) ADDRESS(d_c0) ADDRESS(d_restart_h) ADDRESS(d_restart_c)
        ADDRESS(d_norm_ih) ADDRESS(d_norm_hh) ADDRESS(d_norm_c) ADDRESS(d_norm_c_bias)
        no_field(name);
    }
    return task;
}

template <class Real>
SoftmaxTask<Real> softmax_of(nb::dict fields) {
    SoftmaxTask<Real> task{};
    for (auto [key, value] : fields) {
        const char* name = nb::cast<const char*>(key);
        NUMBER(M) NUMBER(K) NUMBER(V) NUMBER(bf16)
        ADDRESS(h) ADDRESS(W) ADDRESS(bias) ADDRESS(target) ADDRESS(share) ADDRESS(given) ADDRESS(sum) ADDRESS(shift) ADDRESS(d_h) ADDRESS(d_W)
        ADDRESS(d_bias)
        no_field(name);
    }
    return task;
}
#undef NUMBER
#undef ADDRESS

[[noreturn]] void out_of_memory(const char* what) {
    PyErr_Format(PyExc_MemoryError,
                 "The native core found no memory for %s: take a smaller batch or shorter sequences, or train with checkpoint_every=.",
                 what);
    throw nb::python_error();
}

void* take_or_say(size_t bytes) {
    try {
        return take_block(bytes);
    } catch (const std::bad_alloc&) {
        out_of_memory((std::to_string(bytes) + " bytes of states and gates").c_str());
    }
}

template <class Run>
void without_the_lock(Run&& run) {
    try {
        nb::gil_scoped_release released;
        run();
    } catch (const std::bad_alloc&) {
        out_of_memory("what it needs besides the tensors");
    }
}

template <class Real>
void run_one(nb::dict fields, bool backward, long threads) {
    Task<Real> task = task_of<Real>(fields);
    without_the_lock([&] { recuerdo::run(task, backward, threads); });
}

template <class Real>
void run_softmax(nb::dict fields, long threads) {
    SoftmaxTask<Real> task = softmax_of<Real>(fields);
    without_the_lock([&] { recuerdo::run(task, threads); });
}

// The numbers of an array, read or written in place: no copy, and no call into the library that it belongs to.
template <class Real>
class Numbers {
  public:
    Numbers(nb::handle array, long count, bool written) {
        int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (written ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(array.ptr(), &view_, flags)) throw nb::python_error();
        const char* kind = std::is_same_v<Real, float> ? "f" : "d";
        if (view_.len != count * (long)sizeof(Real) || std::strcmp(view_.format, kind)) {
            PyBuffer_Release(&view_);
            throw std::invalid_argument("another shape or type");
        }
    }
    ~Numbers() { PyBuffer_Release(&view_); }
    Numbers(const Numbers&) = delete;
    Numbers& operator=(const Numbers&) = delete;
    Real* data() const { return static_cast<Real*>(view_.buf); }

  private:
    Py_buffer view_;
};

template <class Real>
void bind_stepper(nb::module_& m, const char* name) {
    using Steps = Stepper<Real>;
    nb::class_<Steps>(m, name, "A stack of layers that goes one step at a time.")
        .def(nb::init<long, long>(), nb::arg("streams"), nb::arg("threads"))
        .def("add", [](Steps& self, nb::dict fields, bool residual) { self.add(task_of<Real>(fields), residual); },
             nb::arg("fields"), nb::arg("residual"), "Add a layer on top; its weights are copied.")
        .def("step",
             [](Steps& self, nb::handle x, nb::handle y) {
                 Numbers<Real> in(x, self.streams() * self.features(), false);
                 Numbers<Real> out(y, self.streams() * self.units(), true);
                 self.step(in.data(), out.data());
             },
             nb::arg("x"), nb::arg("y"), "Take a step from x, (streams, D), and write the output to y, (streams, H).")
        .def("exchange",
             [](Steps& self, long layer, long which, nb::handle array, bool put) {
                 long count = self.streams() * self.units_of(layer);
                 Numbers<Real> numbers(array, count, !put);
                 Real* state = self.state(layer, which);
                 std::memcpy(put ? state : numbers.data(), put ? numbers.data() : state, count * sizeof(Real));
             },
             nb::arg("layer"), nb::arg("which"), nb::arg("array"), nb::arg("put"),
             "Copy a state, (streams, H), from an array (put) or to it.");
}

}  // namespace

NB_MODULE(_native, m) {
    prepare_for_forks();
    keep_over_forks();
    nb::set_leak_warnings(false);  // a stepper that a program still holds when Python ends is no fault
    m.doc() = "The recurrences in C++, by the addresses of their tensors. Only recuerdo.kernels.ops calls it.";
    m.def(
        "run",
        [](bool twice, bool backward, long threads, nb::dict fields) {
            twice ? run_one<double>(fields, backward, threads) : run_one<float>(fields, backward, threads);
        },
        nb::arg("double"), nb::arg("backward"), nb::arg("threads"), nb::arg("fields"),
        "Run one layer in one direction, forwards or backwards, in float32 or float64.");
    m.def(
        "softmax",
        [](bool twice, long threads, nb::dict fields) {
            twice ? run_softmax<double>(fields, threads) : run_softmax<float>(fields, threads);
        },
        nb::arg("double"), nb::arg("threads"), nb::arg("fields"),
        "Compute the cross-entropy of rows against classes, and its gradients, in float32 or float64.");
    m.def(
        "activate",
        [](bool twice, int kind, uintptr_t values, long count) {
            twice ? activate(kind, reinterpret_cast<double*>(values), count)
                  : activate(kind, reinterpret_cast<float*>(values), count);
        },
        nb::arg("double"), nb::arg("kind"), nb::arg("values"), nb::arg("count"),
        "Apply tanh, relu, the identity or sigmoid (0 to 3) in place: for tests of their accuracy.");
    m.def(
        "empty",
        [](bool twice, const std::vector<size_t>& shape) {
            size_t count = twice ? sizeof(double) : sizeof(float);
            bool small = true;
            for (size_t each : shape) small = !__builtin_mul_overflow(count, each, &count) && small;
            void* block = small ? take_or_say(count) : nullptr;
            if (!block) throw std::invalid_argument("A tensor of that shape has more bytes than can be counted.");
            nb::capsule owner(block, [](void* held) noexcept { give_block(held); });
            return nb::ndarray<nb::pytorch>(block, shape.size(), shape.data(), owner, nullptr,
                                            twice ? nb::dtype<double>() : nb::dtype<float>());
        },
        nb::arg("double"), nb::arg("shape"), "Return a tensor of what is left over in memory that is kept for the next.");
    m.def("openmp_was_used", &openmp_was_used, "Whether the core has run on threads of torch's OpenMP.");
    m.def("idle_bytes", &idle_bytes, "Bytes that are kept for the next call.");
    m.def("release_idle", &release_idle, "Give the memory that is kept for the next call back to the system.");
    bind_stepper<float>(m, "SingleStepper");
    bind_stepper<double>(m, "DoubleStepper");
    m.def("paths", &paths, "The instruction sets that this processor can run, the fastest first.");
    m.def("path", &path, "The instruction set in use.");
    m.def("use_path", &use_path, nb::arg("name"), "Use another instruction set: for tests.");
    m.def("bf16_paths", &bf16_paths, "The instruction sets for products in bfloat16 that this processor can run, the fastest first.");
    m.def("bf16_path", &bf16_path, "The one in use, or None.");
    m.def(
        "use_bf16_path", [](const std::optional<std::string>& name) { use_bf16_path(name ? name->c_str() : nullptr); },
        nb::arg("name").none(), "Use another one, the slow \"emulated\", or None: for tests.");
    m.def("no_bf16", &no_bf16, "Why this processor can run none, in words; empty if it can.");
}
