// A few threads that share the pieces of one instruction. Which thread does a piece never changes its result.
#pragma once
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#define CHAINRULE_PAUSE() _mm_pause()
#else
#define CHAINRULE_PAUSE() std::this_thread::yield()
#endif

namespace chainrule {

class Pool {
public:
    explicit Pool(int threads) : next_(static_cast<std::size_t>(threads > 1 ? threads : 1)) {
        for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
    }

    ~Pool() {
        stop_.store(true);
        round_.fetch_add(1);
        round_.notify_all();
        for (auto& w : workers_) w.join();
    }

    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    int threads() const { return static_cast<int>(workers_.size()) + 1; }

    // f(piece, thread) for every piece below `pieces`; returns when all are done.
    template <class F> void each(std::int64_t pieces, F&& f) {
        if (workers_.empty() || pieces < 2) {
            for (std::int64_t p = 0; p < pieces; ++p) f(p, 0);
            return;
        }
        call_ = [](void* context, std::int64_t p, int t) { (*static_cast<std::remove_reference_t<F>*>(context))(p, t); };
        context_ = &f;
        pieces_ = pieces;
        for (int t = 0; t < threads(); ++t) next_[t].piece.store(first(t), std::memory_order_relaxed);
        busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
        round_.fetch_add(1, std::memory_order_release);
        round_.notify_all();
        share(0);
        for (int spins = 0; busy_.load(std::memory_order_acquire) > 0; ++spins) {
            if (spins < SPINS) {
                CHAINRULE_PAUSE();
            } else {
                const int b = busy_.load(std::memory_order_acquire);
                if (b > 0) busy_.wait(b);
            }
        }
    }

private:
    static constexpr int SPINS = 4000;  // about 50 µs, then the thread is parked: other processes may need the core
    std::vector<std::thread> workers_;
    std::atomic<std::uint64_t> round_{0};
    struct alignas(64) Next {
        std::atomic<std::int64_t> piece{0};
    };
    std::vector<Next> next_;  // one per thread
    std::atomic<int> busy_{0};
    std::atomic<bool> stop_{false};
    std::int64_t pieces_ = 0;
    void (*call_)(void*, std::int64_t, int) = nullptr;
    void* context_ = nullptr;

    std::int64_t first(int thread) const { return thread * pieces_ / threads(); }

    // Pieces side by side go to one thread, the same in each instruction: what it reads is then often what it wrote. Who
    // is done helps the others.
    void share(int thread) {
        for (int other = 0; other < threads(); ++other) {
            const int whose = (thread + other) % threads();
            for (const std::int64_t end = first(whose + 1);;) {
                const auto p = next_[whose].piece.fetch_add(1, std::memory_order_relaxed);
                if (p >= end) break;
                call_(context_, p, thread);
            }
        }
    }

    void work(int thread) {
        std::uint64_t seen = 0;
        for (;;) {
            for (int spins = 0; round_.load(std::memory_order_acquire) == seen && spins < SPINS; ++spins) CHAINRULE_PAUSE();
            round_.wait(seen, std::memory_order_acquire);
            seen = round_.load(std::memory_order_acquire);
            if (stop_.load()) return;
            share(thread);
            if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
        }
    }
};

}  // namespace chainrule
