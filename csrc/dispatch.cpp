#include "dispatch.h"

#include <atomic>
#include <stdexcept>

#include "blocks.h"
#include "pool.h"
#include "processor.h"

namespace recuerdo {

template <>
const Kernels<float>& kernels();
template <>
const Kernels<double>& kernels();

namespace {

constexpr double WORTH_MEETING = 2.5e5;  // weights that a step reads, from which on its threads gain by meeting
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

std::vector<const Path*> bf16_here() {
    std::vector<const Path*> found;
#if defined(RECUERDO_AMX)
    if (has_amx_bf16()) found.push_back(&amx_path);
#endif
#if defined(RECUERDO_AVX512BF16)
    if (has_avx512bf16()) found.push_back(&avx512bf16_path);
#endif
    return found;
}

std::atomic<const Path*>& chosen_bf16() {
    static std::atomic<const Path*> path{bf16_here().empty() ? nullptr : bf16_here().front()};
    return path;
}

std::vector<std::string> names_of(const std::vector<const Path*>& all) {
    std::vector<std::string> names;
    for (const Path* path : all) names.push_back(path->name);
    return names;
}

const Path* one_of(const std::vector<const Path*>& all, const std::string& name) {
    std::string names;
    for (const Path* path : all) {
        if (path->name == name) return path;
        names += (names.empty() ? "" : ", ") + std::string(path->name);
    }
    throw std::invalid_argument("This processor has no instruction path '" + name + "'; it has: " + names + ".");
}

struct Block {
    explicit Block(size_t bytes) : data(static_cast<char*>(take_block(bytes))) {}
    ~Block() { give_block(data); }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    char* data;
};

template <class Real>
struct Walks {
    const Kernels<Real>& kernels;
    bool backward;
    void plan(Task<Real>& task) const { kernels.plan(task, backward); }
    void pack(const Task<Real>& task, long part) const { kernels.pack(task, backward, part); }
    void work(const Task<Real>& task, long part) const {
        backward ? kernels.backward(task, part) : kernels.forward(task, part);
    }
};

template <class Real>
struct Softmaxes {
    const Kernels<Real>& kernels;
    void plan(SoftmaxTask<Real>& task) const { kernels.plan_softmax(task); }
    void pack(const SoftmaxTask<Real>& task, long part) const { kernels.pack_softmax(task, part); }
    void work(const SoftmaxTask<Real>& task, long part) const { kernels.softmax(task, part); }
};

template <class Task, class Code>
struct Call {
    const Task& task;
    const Code& code;
};

template <class Task, class Code>
void work(void* with, long part) {
    auto& call = *static_cast<Call<Task, Code>*>(with);
    call.code.pack(call.task, part);
    call.task.team->meet();
    call.code.work(call.task, part);
}

// Gives a task its memory, and as many threads as there are of those that are wanted.
template <class Task, class Code>
void run_by(Task& task, const Code& code, long wanted) {
    Team team(wanted);
    task.team = &team;
    auto attempt = [&] {
        task.parts = team.size();
        task.common = task.scratch = nullptr;
        code.plan(task);
        Block memory(task.common_bytes + task.parts * task.scratch_bytes);
        task.common = memory.data;
        task.scratch = task.common + task.common_bytes;
        Call<Task, Code> call{task, code};
        return team.run(work<Task, Code>, &call);
    };
    if (!attempt()) attempt();
}

template <class Real>
const Kernels<Real>& kernels_of(bool bf16);

template <>
const Kernels<float>& kernels_of(bool bf16) {
    if (!bf16) return kernels<float>();
    if (const Path* path = chosen_bf16().load()) return *path->single;
    throw std::invalid_argument("There is no path in use for products in bfloat16: " + no_bf16() + ".");
}

template <>
const Kernels<double>& kernels_of(bool bf16) {
    if (bf16) throw std::invalid_argument("Products in bfloat16 are of float32 numbers, and these are float64.");
    return kernels<double>();
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

std::vector<std::string> paths() { return names_of(here()); }

std::string path() { return chosen().load()->name; }

void use_path(const std::string& name) { chosen().store(one_of(here(), name)); }

std::vector<std::string> bf16_paths() { return names_of(bf16_here()); }

const char* bf16_path() {
    const Path* path = chosen_bf16().load();
    return path ? path->name : nullptr;
}

void use_bf16_path(const char* name) {
    std::vector<const Path*> all = bf16_here();
    all.push_back(&emulated_path);
    chosen_bf16().store(name ? one_of(all, name) : nullptr);
}

std::string no_bf16() {
    if (!bf16_here().empty()) return "";
    if (has_avx512bf16()) return "the compiler that built the core has no AVX512-BF16";
    return "this processor has neither AMX nor AVX512-BF16";
}

long threads_for_step(double weights, long threads) {
    if (weights < WORTH_MEETING) return 1;
    long most = long(weights / WORTH_MEETING * 4);
    return threads < most ? threads : most;
}

template <class Real>
static double operations(const Task<Real>& task) {
    double rows = double(task.T) * task.N * task.blocks() * task.H;
    return rows * (2.0 * (task.D + (task.cell == INDRNN ? 0 : task.H)) + 30);
}

// How many of the threads have a use: forwards for some samples each, or, where these are few, for some units each. On the way
// back the weights' rows are shared out as well, of which there are enough for everybody.
template <class Real>
static long share_out(Task<Real>& task, bool backward, long threads) {
    task.by_units = false;
    if (operations(task) < TOO_SMALL) return 1;
    if (backward || threads <= task.N) return threads;
    double weights = double(task.blocks()) * task.H * (task.D + task.H);
    long by_units = task.cell == INDRNN ? 1 : threads_for_step(weights, threads);
    task.by_units = by_units > task.N;
    return task.by_units ? by_units : task.N;
}

template <class Real>
void run(Task<Real>& task, bool backward, long threads) {
    const Kernels<Real>& kernels = kernels_of<Real>(task.bf16);
    run_by(task, Walks<Real>{kernels, backward}, share_out(task, backward, threads));
}

template <class Real>
void run(SoftmaxTask<Real>& task, long threads) {
    double operations = double(task.M) * task.V * (2.0 * task.K + 30);
    run_by(task, Softmaxes<Real>{kernels_of<Real>(task.bf16)}, operations < TOO_SMALL ? 1 : threads);
}

template <class Real>
void activate(int kind, Real* values, long count) {
    kernels<Real>().activate(kind, values, count);
}

template void run(Task<float>&, bool, long);
template void run(Task<double>&, bool, long);
template void run(SoftmaxTask<float>&, long);
template void run(SoftmaxTask<double>&, long);
template void activate(int, float*, long);
template void activate(int, double*, long);

}  // namespace recuerdo
