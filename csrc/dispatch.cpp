#include "dispatch.h"

#include <atomic>
#include <stdexcept>

#include "blocks.h"
#include "pool.h"

namespace recuerdo {
namespace {

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

struct Block {
    explicit Block(size_t bytes) : data(static_cast<char*>(take_block(bytes))) {}
    ~Block() { give_block(data); }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    char* data;
};

template <class Real>
struct Call {
    const Task<Real>& task;
    const Kernels<Real>& kernels;
    bool backward;
};

template <class Real>
void work(void* with, long part) {
    auto& call = *static_cast<Call<Real>*>(with);
    call.kernels.pack(call.task, call.backward, part);
    call.task.team->meet();
    call.backward ? call.kernels.backward(call.task, part) : call.kernels.forward(call.task, part);
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
    double operations = rows * (2.0 * (task.D + (task.cell == INDRNN ? 0 : task.H)) + 30);
    long wanted = operations < TOO_SMALL ? 1 : threads < task.N ? threads : task.N;
    Team team(wanted);
    task.team = &team;
    auto attempt = [&] {
        task.parts = team.size();
        kernels.plan(task, backward);
        Block memory(task.common_bytes + task.parts * task.scratch_bytes);
        task.common = memory.data;
        task.scratch = task.common + task.common_bytes;
        Call<Real> call{task, kernels, backward};
        return team.run(work<Real>, &call);
    };
    if (!attempt()) attempt();
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
