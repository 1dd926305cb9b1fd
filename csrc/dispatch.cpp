#include "dispatch.h"

#include <atomic>
#include <cstdlib>
#include <new>
#include <stdexcept>

#include "pool.h"

namespace recuerdo {
namespace {

constexpr long MOST = 64;         // parts: `sums` has a row for each
constexpr double TOO_SMALL = 1e6;  // operations that one thread finishes before another has woken up

std::vector<const Path*> here() {
    std::vector<const Path*> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        found.push_back(&avx512_path);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&avx2_path);
#endif
    found.push_back(&portable_path);
    return found;
}

std::atomic<const Path*>& chosen() {
    static std::atomic<const Path*> path{here().front()};
    return path;
}

// A thread's memory for its calls. It is kept, because the system hands out new pages slowly.
class Memory {
  public:
    ~Memory() { std::free(data_); }
    char* of(size_t bytes) {
        if (bytes > size_) {
            std::free(data_);
            size_ = 0;
            bytes = (bytes + 4095) / 4096 * 4096;
            data_ = static_cast<char*>(std::aligned_alloc(64, bytes));
            if (!data_) throw std::bad_alloc();
            size_ = bytes;
        }
        return data_;
    }

  private:
    char* data_ = nullptr;
    size_t size_ = 0;
};

template <class Real>
struct Call {
    const Task<Real>& task;
    const Kernels<Real>& kernels;
    bool backward;
};

template <class Real>
void pack(void* with, long part) {
    auto& call = *static_cast<Call<Real>*>(with);
    call.kernels.pack(call.task, call.backward, part);
}

template <class Real>
void walk(void* with, long part) {
    auto& call = *static_cast<Call<Real>*>(with);
    call.backward ? call.kernels.backward(call.task, part) : call.kernels.forward(call.task, part);
}

template <class Real>
void weights(void* with, long part) {
    auto& call = *static_cast<Call<Real>*>(with);
    call.kernels.weights(call.task, part);
}

}  // namespace

template <>
const Kernels<float>& kernels() {
    return *chosen().load()->single;
}

template <>
const Kernels<double>& kernels() {
    return *chosen().load()->twice;
}

std::vector<std::string> paths() {
    std::vector<std::string> names;
    for (const Path* path : here()) names.push_back(path->name);
    return names;
}

std::string path() { return chosen().load()->name; }

void use_path(const std::string& name) {
    std::string names;
    for (const Path* path : here()) {
        if (path->name == name) {
            chosen().store(path);
            return;
        }
        names += (names.empty() ? "" : ", ") + std::string(path->name);
    }
    throw std::invalid_argument("This processor has no instruction path '" + name + "'; it has: " + names + ".");
}

template <class Real>
void run(Task<Real>& task, bool backward, long threads) {
    const Kernels<Real>& kernels = recuerdo::kernels<Real>();
    double rows = double(task.T) * task.N * task.blocks() * task.H;
    double operations = rows * (2.0 * ((task.x ? task.D : 0) + (task.cell == INDRNN ? 0 : task.H)) + 30);
    task.parts = operations < TOO_SMALL || threads < 1 ? 1 : threads;
    if (task.parts > task.N) task.parts = task.N > 0 ? task.N : 1;
    if (task.parts > MOST) task.parts = MOST;
    kernels.plan(task, backward);
    thread_local Memory memory;
    task.packed = memory.of(task.packed_bytes + task.parts * task.scratch_bytes);
    task.scratch = task.packed + task.packed_bytes;
    Call<Real> call{task, kernels, backward};
    share_out(task.parts, pack<Real>, &call);
    share_out(task.parts, walk<Real>, &call);
    if (backward) share_out(task.parts, weights<Real>, &call);
}

template <class Real>
void activate(int kind, Real* values, long count) {
    kernels<Real>().activate(kind, values, count);
}

template void run(Task<float>&, bool, long);
template void run(Task<double>&, bool, long);
template void activate(int, float*, long);
template void activate(int, double*, long);

}  // namespace recuerdo
