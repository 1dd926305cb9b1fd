#include "pool.h"

#include <dlfcn.h>
#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace recuerdo {
namespace {

constexpr int SPINS = 4000;  // some 50 us: the next layer's work comes that soon, and sleeping longer costs nobody a processor

inline void breathe() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Inside its scope numbers below the smallest normal one count as 0. A gradient that vanishes over many steps passes through
// them, and processors take up to a hundred times as long over each.
class FlushingToZero {
  public:
#if defined(__x86_64__) || defined(__i386__)
    FlushingToZero() : before_(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(before_ | 0x8040); }  // results | operands
    ~FlushingToZero() { __builtin_ia32_ldmxcsr(before_); }

  private:
    unsigned before_;
#elif defined(__aarch64__)
    FlushingToZero() {
        asm volatile("mrs %0, fpcr" : "=r"(before_));
        asm volatile("msr fpcr, %0" : : "r"(before_ | (1ul << 24)));
    }
    ~FlushingToZero() { asm volatile("msr fpcr, %0" : : "r"(before_)); }

  private:
    unsigned long before_;
#else
    FlushingToZero() {}
#endif
};

template <class Condition>
void wait_until(Condition met) {
    for (int spin = 0; !met(); ++spin) spin < SPINS ? breathe() : std::this_thread::yield();
}

class Pool {
  public:
    // Returns how many threads the caller may use; more than one: the pool is the caller's until it lets go.
    long take(long wanted) {
        if (wanted <= 1 || !taken_.try_lock()) return 1;
        for (; threads_ < wanted - 1; ++threads_) {
            try {
                std::thread([this, part = threads_ + 1, seen = round_.load()] { serve(part, seen); }).detach();
            } catch (const std::system_error&) {
                break;  // the system gives no more threads
            }
        }
        long size = threads_ + 1 < wanted ? threads_ + 1 : wanted;
        if (size == 1) taken_.unlock();
        return size;
    }
    void let_go() { taken_.unlock(); }

    void run(long parts, Work work, void* with) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            work_ = work;
            with_ = with;
            parts_ = parts;
            left_.store(parts - 1);
            round_.fetch_add(1);
        }
        if (asleep_.load() > 0) wake_.notify_all();
        work(with, 0);
        wait_until([&] { return left_.load(std::memory_order_acquire) == 0; });
    }

  private:
    // A worker has its own part, so that no two parts that are to meet wait for one thread.
    void serve(long part, unsigned long seen) {
        for (;;) {
            for (int spin = 0; spin < SPINS && round_.load(std::memory_order_relaxed) == seen; ++spin) breathe();
            Work work;
            void* with;
            {
                std::unique_lock<std::mutex> lock(mutex_);
                asleep_.fetch_add(1);
                wake_.wait(lock, [&] { return round_.load() != seen; });
                asleep_.fetch_sub(1);
                seen = round_.load();
                if (part >= parts_) continue;
                work = work_;
                with = with_;
            }
            work(with, part);
            left_.fetch_sub(1, std::memory_order_release);
        }
    }

    std::mutex taken_, mutex_;
    std::condition_variable wake_;
    std::atomic<unsigned long> round_{0};
    std::atomic<int> asleep_{0};
    std::atomic<long> left_{0};
    long threads_ = 0, parts_ = 0;
    Work work_ = nullptr;
    void* with_ = nullptr;
};

// The OpenMP that torch was built with, by the entry points that GCC's compiled code calls. They are asked of torch's own
// library, since a process may hold several.
struct OpenMP {
    void (*parallel)(void (*)(void*), void*, unsigned, unsigned) = nullptr;
    int (*threads)() = nullptr;
    int (*which)() = nullptr;

    explicit OpenMP(void* torch) {
        if (!torch) return;
        void* entry = dlsym(torch, "GOMP_parallel");
        threads = reinterpret_cast<int (*)()>(dlsym(torch, "omp_get_num_threads"));
        which = reinterpret_cast<int (*)()>(dlsym(torch, "omp_get_thread_num"));
        if (threads && which) parallel = reinterpret_cast<decltype(parallel)>(entry);
    }
};

Pool* pool = nullptr;
bool forked = false;
std::atomic<bool> used{false};

// Threads do not survive a fork, and a lock may be held by one of them: the child begins anew, and leaves the old pool alone.
// Nor does it use OpenMP, which GCC's library does not let it after a fork.
void begin_anew() {
    pool = new Pool;
    forked = true;
}

void be_ready() {
    static const bool ready = [] {
        pool = new Pool;
        pthread_atfork(nullptr, nullptr, begin_anew);
        return true;
    }();
    (void)ready;
}

Pool& the_pool() {
    be_ready();
    return *pool;
}

const OpenMP& openmp() {
    static const OpenMP found(dlopen("libtorch_cpu.so", RTLD_LAZY | RTLD_NOLOAD));
    static const OpenMP none(nullptr);
    be_ready();
    return forked ? none : found;
}

}  // namespace

void prepare_for_forks() { be_ready(); }

bool openmp_was_used() { return used.load(std::memory_order_relaxed); }

Team::Team(long wanted) : size_(wanted < 1 ? 1 : wanted) {
    if (size_ == 1 || openmp().parallel) return;
    size_ = the_pool().take(size_);
    if (size_ > 1) pool_ = &the_pool();
}

Team::~Team() {
    if (pool_) static_cast<Pool*>(pool_)->let_go();
}

bool Team::run(Work work, void* with) {
    work_ = work;
    with_ = with;
    if (size_ == 1) {
        part(this, 0);
    } else if (pool_) {
        static_cast<Pool*>(pool_)->run(size_, &part, this);
    } else {
        used.store(true, std::memory_order_relaxed);
        openmp().parallel(&enter, this, static_cast<unsigned>(size_), 0);
        if (refused_.load()) size_ = 1;
        return size_ > 1;
    }
    return true;
}

void Team::part(void* team, long number) {
    auto& self = *static_cast<Team*>(team);
    FlushingToZero flushing;
    self.work_(self.with_, number);
}

// What a thread of OpenMP runs. Inside another parallel region, or under a limit, there are fewer than were asked for.
void Team::enter(void* team) {
    auto& self = *static_cast<Team*>(team);
    if (openmp().threads() == self.size_)
        part(team, openmp().which());
    else
        self.refused_.store(true);
}

void Team::meet() {
    if (size_ == 1) return;
    unsigned long meeting = meeting_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
        arrived_.store(0, std::memory_order_relaxed);
        meeting_.store(meeting + 1, std::memory_order_release);
    } else {
        wait_until([&] { return meeting_.load(std::memory_order_acquire) != meeting; });
    }
}

}  // namespace recuerdo
