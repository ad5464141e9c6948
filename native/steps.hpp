// Training steps in a row: gather, gradient, guard, update; epoch after epoch, without a word from Python between them.
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "task.hpp"

namespace chainrule {

// One array that a batch is gathered from, of any strides, where it lies (it may be a mapped file).
struct Source {
    const char* from;
    char* into;
    std::int64_t width, row, column;  // entries per sample; strides in bytes
    std::size_t item, into_item;

    bool together() const { return column == static_cast<std::int64_t>(item) || width == 1; }
    std::size_t bytes() const { return static_cast<std::size_t>(width) * into_item; }

    void copy(std::int64_t to, std::int64_t sample) const {
        const char* s = from + sample * row;
        char* d = into + static_cast<std::size_t>(to) * bytes();
        if (item == into_item && together()) {
            same(s, d, bytes());
        } else if (item == into_item && item == 4) {
            each<float, float>(s, d);
        } else if (item == into_item) {
            each<double, double>(s, d);
        } else if (item == 8) {
            each<double, float>(s, d);
        } else {
            each<float, double>(s, d);
        }
    }

    // Few bytes: a call would take longer than copying them.
    static void same(const char* s, char* d, std::size_t count) {
        if (count == 4) {
            std::memcpy(d, s, 4);
        } else if (count == 8) {
            std::memcpy(d, s, 8);
        } else if (count % 32 == 0 && count <= 1024) {
            for (std::size_t b = 0; b < count; b += 32) std::memcpy(d + b, s + b, 32);
        } else {
            std::memcpy(d, s, count);
        }
    }

    // Whole samples that lie together; of others only the first entry.
    void prefetch(std::int64_t sample) const {
        const char* s = from + sample * row;
        const std::int64_t length = together() ? width * column : 1;
        for (std::int64_t b = 0; b < length; b += 64) __builtin_prefetch(s + b, 0, 3);
    }

    template <class From, class To> void each(const char* s, char* d) const {
        To* to = reinterpret_cast<To*>(d);
        for (std::int64_t j = 0; j < width; ++j) to[j] = static_cast<To>(*reinterpret_cast<const From*>(s + j * column));
    }
};

inline bool finite(const void* x, std::size_t n, bool wide) {
    double total = 0;
    if (wide) {
        const double* p = static_cast<const double*>(x);
        double part[8] = {};
        std::size_t i = 0;
        for (; i + 8 <= n; i += 8)
            for (int k = 0; k < 8; ++k) part[k] += p[i + k] * 0.0;
        for (; i < n; ++i) part[0] += p[i] * 0.0;
        for (double v : part) total += v;
    } else {
        const float* p = static_cast<const float*>(x);
        float part[16] = {};
        std::size_t i = 0;
        for (; i + 16 <= n; i += 16)
            for (int k = 0; k < 16; ++k) part[k] += p[i + k] * 0.0f;
        for (; i < n; ++i) part[0] += p[i] * 0.0f;
        for (float v : part) total += v;
    }
    return total == 0;
}

inline double number(std::uintptr_t p, bool wide) {
    return wide ? *reinterpret_cast<double*>(p) : static_cast<double>(*reinterpret_cast<float*>(p));
}

inline void put(std::uintptr_t p, bool wide, double v) {
    if (wide) *reinterpret_cast<double*>(p) = v;
    else *reinterpret_cast<float*>(p) = static_cast<float>(v);
}

// The steps of one batch size: what they gather, compute and update, described once.
class Row {
public:
    // Numbers of the task's type (`counter` is an integer); `weights`, of the samples in a batch, may be missing.
    struct Places {
        std::uintptr_t rate, updates, counter, cost, grad, weights;
    };
    enum Status { DONE, FAILED, LABEL, LARGE };

    Row(Task& gradient, Task& update, bool wide, std::int64_t batch, std::vector<Source> sources, Places at,
        std::int64_t parameters, const std::vector<std::pair<std::uintptr_t, std::size_t>>& kept)
        : gradient_(gradient), update_(update), wide_(wide), batch_(batch), sources_(std::move(sources)), at_(at),
          parameters_(parameters) {
        for (const auto& k : kept) kept_.emplace_back(reinterpret_cast<char*>(k.first), std::vector<char>(k.second));
    }

    std::int64_t batch() const { return batch_; }

    // Batches are gathered into the arrays of their own that the gradient's inputs have.
    void ready() {
        for (std::size_t i = 0; i < sources_.size(); ++i) gradient_.set_input(i, sources_[i].into);
    }

    // One step with learning rate `eta` on the samples `now`; of `left` that lie there in order the later ones come next.
    // The cost and the batch's weight are added to the sums. Unless DONE, the state is what it was before the step.
    Status step(const std::int64_t* now, std::int64_t left, double eta, Pool& pool, double& sum, double& total) {
        gather(now, left, pool);
        for (auto& k : kept_) std::memcpy(k.second.data(), k.first, k.second.size());
        if (gradient_.run(pool)) return LABEL;
        const double J = number(at_.cost, wide_);
        const double square = gradient_.squares(reinterpret_cast<const void*>(at_.grad), parameters_);
        Status status = DONE;
        if (!std::isfinite(J) || (!std::isfinite(square) && !finite(reinterpret_cast<void*>(at_.grad), parameters_, wide_)))
            status = FAILED;
        else if (!(eta <= 10 && eta * eta * square < 1e30))
            status = LARGE;
        if (status) {
            for (auto& k : kept_) std::memcpy(k.first, k.second.data(), k.second.size());
            return status;
        }
        double weight = static_cast<double>(batch_);
        if (at_.weights) {
            weight = 0;
            for (std::int64_t i = 0; i < batch_; ++i) weight += number(at_.weights + i * (wide_ ? 8 : 4), wide_);
        }
        put(at_.rate, wide_, eta);
        put(at_.updates, wide_, number(at_.updates, wide_) + 1);
        update_.run(pool);
        sum += J * weight;
        total += weight;
        ++*reinterpret_cast<std::int64_t*>(at_.counter);
        return DONE;
    }

private:
    void gather(const std::int64_t* now, std::int64_t left, Pool& pool) {
        for (const auto& s : sources_) {
            // Rows lie scattered: they are asked for some time before they are copied.
            const std::int64_t ahead = std::min(batch_, 1 + 16384 / static_cast<std::int64_t>(s.bytes()));
            const auto copy = [&](std::int64_t i) {
                if (i + ahead < left) s.prefetch(now[i + ahead]);
                s.copy(i, now[i]);
            };
            if (s.bytes() * batch_ < 131072) {
                for (std::int64_t i = 0; i < batch_; ++i) copy(i);
            } else {
                pool.each((batch_ + 15) / 16, [&](std::int64_t p, int) {
                    for (std::int64_t i = p * 16; i < std::min(batch_, (p + 1) * 16); ++i) copy(i);
                });
            }
        }
        gradient_.ahead.set(nullptr, 0, 0, nullptr, 0);
        for (const auto& s : sources_)
            if (left > batch_ && s.together() && s.bytes() * batch_ >= 131072) {
                gradient_.ahead.set(s.from, s.row, s.width * static_cast<std::int64_t>(s.item), now + batch_,
                                    std::min(batch_, left - batch_));
                break;
            }
    }

    Task& gradient_;
    Task& update_;
    bool wide_;
    std::int64_t batch_;
    std::vector<Source> sources_;
    Places at_;
    std::int64_t parameters_;
    std::vector<std::pair<char*, std::vector<char>>> kept_;
};

// Sums of an epoch: Σ cost · weight, Σ weight, and the seconds from the beginning of the call to its end.
struct Epoch {
    double sum, total, seconds;
};

struct Walk {
    std::int64_t done = 0;  // steps
    Row::Status status = Row::DONE;
    std::vector<Epoch> ended;  // epochs that a later step follows
    double sum = 0, total = 0;  // of the epoch that the last step lies in
};

// `count` steps, one per rate, of epochs of `full` steps of `row` and, if there is one, one of `rest`. The first is step
// `place` of its epoch; `order` holds the samples of all, step after step. Ends early after `budget` seconds, or where
// a step is not DONE.
inline Walk walk(Row& row, Row* rest, std::int64_t full, std::int64_t place, const std::int64_t* order, const double* rates,
                 std::int64_t count, double budget, double sum, double total, Pool& pool) {
    const auto start = std::chrono::steady_clock::now();
    const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
    const std::int64_t whole = full + (rest ? 1 : 0);
    const std::int64_t epoch = full * row.batch() + (rest ? rest->batch() : 0);  // samples
    const auto samples = [&](std::int64_t steps) {  // in so many steps from the beginning of an epoch
        const std::int64_t within = steps % whole;
        return steps / whole * epoch + within * row.batch();
    };
    std::int64_t left = samples(place + count) - samples(place);
    Walk w;
    w.sum = sum;
    w.total = total;
    row.ready();
    if (rest) rest->ready();
    while (w.done < count) {
        if (place == whole) {
            w.ended.push_back({w.sum, w.total, seconds()});
            w.sum = w.total = 0;
            place = 0;
        }
        Row& now = place < full ? row : *rest;
        w.status = now.step(order, left, rates[w.done], pool, w.sum, w.total);
        if (w.status) break;
        order += now.batch();
        left -= now.batch();
        ++place;
        ++w.done;
        if (seconds() > budget) break;
    }
    return w;
}

}  // namespace chainrule
