#include "blocks.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

namespace recuerdo {
namespace {

constexpr size_t ALIGNED = 64, PAGE = 64 << 10, LARGE_PAGE = 2 << 20;
constexpr size_t MOST_IDLE = (size_t)1 << 30;  // bytes: what a step of a large layer with layer norm writes
constexpr unsigned long PATIENCE = 256;          // takes after which a block that nobody wanted goes back to the system

// What lies in front of a block.
struct alignas(ALIGNED) Head {
    size_t bytes;  // with the head
    unsigned long since;
};

class Idle {
  public:
    Head* take(size_t bytes) {
        std::lock_guard<std::mutex> lock(mutex_);
        if (++turn_ % PATIENCE == 0) forget([&](const Head& head) { return turn_ - head.since > PATIENCE; });
        auto found = blocks_.lower_bound(bytes);
        if (found != blocks_.end() && found->first <= bytes + bytes / 4) {
            Head* head = found->second;
            bytes_ -= head->bytes;
            blocks_.erase(found);
            return head;
        }
        return nullptr;
    }

    void give(Head* head) {
        std::lock_guard<std::mutex> lock(mutex_);
        head->since = turn_;
        try {
            blocks_.emplace(head->bytes, head);
        } catch (const std::bad_alloc&) {
            std::free(head);
            return;
        }
        bytes_ += head->bytes;
        while (bytes_ > MOST_IDLE) {
            unsigned long oldest = turn_;
            for (auto& [bytes, each] : blocks_) oldest = each->since < oldest ? each->since : oldest;
            forget([&](const Head& each) { return each.since == oldest; });
        }
    }

    size_t bytes() {
        std::lock_guard<std::mutex> lock(mutex_);
        return bytes_;
    }

    void release() {
        std::lock_guard<std::mutex> lock(mutex_);
        forget([](const Head&) { return true; });
    }

  private:
    template <class Which>
    void forget(Which which) {
        for (auto each = blocks_.begin(); each != blocks_.end();) {
            if (!which(*each->second)) {
                ++each;
                continue;
            }
            bytes_ -= each->first;
            std::free(each->second);
            each = blocks_.erase(each);
        }
    }

    std::mutex mutex_;
    std::multimap<size_t, Head*> blocks_;
    size_t bytes_ = 0;
    unsigned long turn_ = 0;
};

Idle* idle = nullptr;  // never destroyed: a tensor may live longer than anything here

// The lock may be held by a thread that does not survive a fork: the child begins with none idle.
void begin_anew() { idle = new Idle; }

Idle& the_idle() {
    static const bool ready = [] {
        begin_anew();
        pthread_atfork(nullptr, nullptr, begin_anew);
        return true;
    }();
    (void)ready;
    return *idle;
}

}  // namespace

void* take_block(size_t bytes) {
    bytes += sizeof(Head);
    size_t page = bytes < 8 * LARGE_PAGE ? PAGE : LARGE_PAGE;  // so that no more than an eighth is beyond what was asked for
    bytes = (bytes + page - 1) / page * page;
    Head* head = the_idle().take(bytes);
    if (!head) {
        void* data = std::aligned_alloc(page == PAGE ? ALIGNED : LARGE_PAGE, bytes);
        if (!data) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
        if (page == LARGE_PAGE) madvise(data, bytes, MADV_HUGEPAGE);  // a wish: fewer pages to hand out and to look up
#endif
        head = new (data) Head{bytes, 0};
    }
    return head + 1;
}

void give_block(void* block) { the_idle().give(static_cast<Head*>(block) - 1); }

void keep_over_forks() { the_idle(); }

size_t idle_bytes() { return the_idle().bytes(); }

void release_idle() { the_idle().release(); }

}  // namespace recuerdo
