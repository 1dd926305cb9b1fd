// A small persistent pool of threads that work side by side on one call.
#pragma once

#include <atomic>

namespace recuerdo {

using Work = void (*)(void* with, long part);

// To be called once before the first fork. A forked process goes on with a pool of its own, whatever ran before.
void prepare_for_forks();

// Whether a call has used torch's OpenMP. GCC's library does not let a process that was forked after that have threads again:
// there, torch is told to use one.
bool openmp_was_used();

// The threads of one call, the caller among them: those of torch's OpenMP where it has one, else of a pool of our own.
//
// Idle threads of OpenMP spin for some milliseconds before they sleep. Other threads would have to share the processors with
// them whenever a product of torch has just ended, which is always: so the same threads do both.
//
// Safe from several threads at once, and in a forked process.
class Team {
  public:
    explicit Team(long wanted);
    ~Team();
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    long size() const { return size_; }

    // Calls work(with, part) for every part below size(), all at the same time, and returns true when all are done.
    // Meanwhile numbers below the smallest normal one count as 0.
    // Returns false, and has called nothing, if there were fewer threads than that; then size() is 1.
    bool run(Work work, void* with);

    // Within the work: returns when every part has come here.
    void meet();

  private:
    static void part(void* team, long number);
    static void enter(void* team);

    void* pool_ = nullptr;
    long size_;
    Work work_ = nullptr;
    void* with_ = nullptr;
    std::atomic<bool> refused_{false};
    std::atomic<unsigned long> meeting_{0};
    std::atomic<long> arrived_{0};
};

}  // namespace recuerdo
