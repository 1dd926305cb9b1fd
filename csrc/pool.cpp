#include "pool.h"

#include <pthread.h>

#include <atomic>
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

struct Job {
    Work work;
    void* with;
    long parts;
    std::atomic<long> next{0}, left{0};
};

class Pool {
  public:
    void share_out(long parts, Work work, void* with) {
        std::unique_lock<std::mutex> mine(taken_, std::try_to_lock);
        if (parts <= 1 || !mine.owns_lock()) {
            for (long part = 0; part < parts; ++part) work(with, part);
            return;
        }
        grow(parts - 1);
        Job job{work, with, parts};
        job.left.store(parts);
        {
            std::lock_guard<std::mutex> lock(mutex_);
            job_ = &job;
            round_.fetch_add(1);
        }
        if (asleep_.load() > 0) wake_.notify_all();
        take_parts(job);
        for (int spin = 0; job.left.load(std::memory_order_acquire) > 0; ++spin)
            spin < SPINS ? breathe() : std::this_thread::yield();
        {
            std::lock_guard<std::mutex> lock(mutex_);  // no worker may still look at the job when it goes out of scope
            job_ = nullptr;
        }
        for (int spin = 0; looking_.load(std::memory_order_acquire) > 0; ++spin)
            spin < SPINS ? breathe() : std::this_thread::yield();
    }

  private:
    void grow(long workers) {
        for (; threads_ < workers; ++threads_) {
            try {
                std::thread([this, seen = round_.load()] { serve(seen); }).detach();
            } catch (const std::system_error&) {
                return;  // the system gives no more threads: those that there are share the parts
            }
        }
    }

    static void take_parts(Job& job) {
        for (long part; (part = job.next.fetch_add(1)) < job.parts;) {
            job.work(job.with, part);
            job.left.fetch_sub(1, std::memory_order_release);
        }
    }

    void serve(unsigned long seen) {
        for (;;) {
            for (int spin = 0; spin < SPINS && round_.load(std::memory_order_relaxed) == seen; ++spin) breathe();
            Job* job;
            {
                std::unique_lock<std::mutex> lock(mutex_);
                asleep_.fetch_add(1);
                wake_.wait(lock, [&] { return round_.load() != seen; });
                asleep_.fetch_sub(1);
                seen = round_.load();
                job = job_;
                if (job) looking_.fetch_add(1);
            }
            if (!job) continue;  // the others were faster
            take_parts(*job);
            looking_.fetch_sub(1, std::memory_order_release);
        }
    }

    std::mutex taken_, mutex_;
    std::condition_variable wake_;
    std::atomic<unsigned long> round_{0};
    std::atomic<int> asleep_{0}, looking_{0};
    long threads_ = 0;
    Job* job_ = nullptr;
};

Pool* pool = nullptr;

// Threads do not survive a fork, and a lock may be held by one of them: the child begins anew, and leaves the old pool alone.
void begin_anew() { pool = new Pool; }

Pool& the_pool() {
    static const bool ready = [] {
        begin_anew();
        pthread_atfork(nullptr, nullptr, begin_anew);
        return true;
    }();
    (void)ready;
    return *pool;
}

}  // namespace

void share_out(long parts, Work work, void* with) { the_pool().share_out(parts, work, with); }

}  // namespace recuerdo
