// The Python module: tasks, and the loop over the steps of an epoch. The GIL is released while numbers are computed.
#include <nanobind/nanobind.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "task.hpp"

namespace nb = nanobind;

namespace chainrule {
namespace isa_base { std::unique_ptr<Task> make(const Description&); }
#if defined(__x86_64__)
namespace isa_v3 { std::unique_ptr<Task> make(const Description&); }
namespace isa_v4 { std::unique_ptr<Task> make(const Description&); }
#endif

namespace {

struct Choice {
    const char* name;
    Maker make;
};

std::vector<Choice> choices() {
    std::vector<Choice> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw"))
        found.push_back({"avx512", isa_v4::make});
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back({"avx2", isa_v3::make});
    found.push_back({"sse", isa_base::make});
#else
    found.push_back({"portable", isa_base::make});
#endif
    return found;
}

class Handle {
public:
    Handle(bool wide, std::vector<std::uintptr_t> pointers, std::vector<std::int64_t> rows, std::vector<std::int64_t> cols,
           std::vector<std::int64_t> memory, std::vector<bool> integers, std::vector<std::int64_t> inputs,
           std::vector<std::int64_t> code,
           std::vector<double> constants, const std::string& isa) {
        Description d{wide, std::move(pointers), std::move(rows), std::move(cols), std::move(memory), std::move(integers), std::move(inputs),
                      std::move(code), std::move(constants)};
        for (const auto& c : choices())
            if (isa.empty() || isa == c.name) {
                task_ = c.make(d);
                return;
            }
        throw std::invalid_argument("this machine has no instruction set " + isa);
    }

    void set_inputs(const std::vector<std::uintptr_t>& data) {
        for (std::size_t i = 0; i < data.size(); ++i) task_->set_input(i, reinterpret_cast<void*>(data[i]));
    }

    int run() {
        nb::gil_scoped_release release;
        return task_->run(*pool_);
    }

    // Threads that share the pieces of each instruction; the results do not depend on their number.
    void set_pool(std::shared_ptr<Pool> pool) { pool_ = std::move(pool); }
    Pool& pool() { return *pool_; }

    Task& task() { return *task_; }

private:
    std::unique_ptr<Task> task_;
    std::shared_ptr<Pool> pool_ = std::make_shared<Pool>(1);
};

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

bool finite(const void* x, std::size_t n, bool wide) {
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

double number(std::uintptr_t p, bool wide) {
    return wide ? *reinterpret_cast<double*>(p) : static_cast<double>(*reinterpret_cast<float*>(p));
}

void put(std::uintptr_t p, bool wide, double v) {
    if (wide) *reinterpret_cast<double*>(p) = v;
    else *reinterpret_cast<float*>(p) = static_cast<float>(v);
}

// Steps of one batch size: gather, gradient, guard, update; returns when `budget` seconds have passed or they are done.
// status 0: went well; 1: a value that is not finite, before the update; 2: a label out of range; 3: a step so large
// that its update may overflow. After 1 and 3 the state is what it was before the step.
nb::tuple steps(Handle& gradient, Handle& update, bool wide, const std::vector<nb::tuple>& sources,
                std::uintptr_t order, std::int64_t batch, std::int64_t count, std::uintptr_t rates, std::uintptr_t rate,
                std::uintptr_t updates, std::uintptr_t counter, std::uintptr_t cost, std::uintptr_t grad,
                std::int64_t parameters, const std::vector<nb::tuple>& kept, std::uintptr_t weights, double budget, double sum,
                double total) {
    std::vector<Source> from;
    for (const auto& s : sources)
        from.push_back({reinterpret_cast<const char*>(nb::cast<std::uintptr_t>(s[0])),
                        reinterpret_cast<char*>(nb::cast<std::uintptr_t>(s[1])), nb::cast<std::int64_t>(s[2]),
                        nb::cast<std::int64_t>(s[3]), nb::cast<std::int64_t>(s[4]), nb::cast<std::size_t>(s[5]),
                        nb::cast<std::size_t>(s[6])});
    std::vector<std::pair<char*, std::vector<char>>> state;
    for (const auto& k : kept)
        state.emplace_back(reinterpret_cast<char*>(nb::cast<std::uintptr_t>(k[0])),
                           std::vector<char>(nb::cast<std::size_t>(k[1])));
    const auto* rows = reinterpret_cast<const std::int64_t*>(order);
    const auto* eta = reinterpret_cast<const double*>(rates);
    auto* step = reinterpret_cast<std::int64_t*>(counter);
    std::int64_t done = 0;
    int status = 0;
    {
        nb::gil_scoped_release release;
        const auto start = std::chrono::steady_clock::now();
        while (done < count) {
            const std::int64_t* const now = rows + done * batch;
            const std::int64_t left = (count - done) * batch;  // rows still to come, these included
            for (const auto& s : from) {
                // Rows lie scattered: they are asked for some time before they are copied.
                const std::int64_t ahead = std::min(batch, 1 + 16384 / static_cast<std::int64_t>(s.bytes()));
                const auto copy = [&](std::int64_t i) {
                    if (i + ahead < left) s.prefetch(now[i + ahead]);
                    s.copy(i, now[i]);
                };
                if (s.bytes() * batch < 131072) {
                    for (std::int64_t i = 0; i < batch; ++i) copy(i);
                } else {
                    gradient.pool().each((batch + 15) / 16, [&](std::int64_t p, int) {
                        for (std::int64_t i = p * 16; i < std::min(batch, (p + 1) * 16); ++i) copy(i);
                    });
                }
            }
            gradient.task().ahead.set(nullptr, 0, 0, nullptr, 0);
            for (const auto& s : from)
                if (left > batch && s.together() && s.bytes() * batch >= 131072) {
                    gradient.task().ahead.set(s.from, s.row, s.width * static_cast<std::int64_t>(s.item), now + batch, batch);
                    break;
                }
            for (auto& k : state) std::memcpy(k.second.data(), k.first, k.second.size());
            if (gradient.task().run(gradient.pool())) {
                status = 2;
                break;
            }
            const double J = number(cost, wide);
            const double square = gradient.task().squares(reinterpret_cast<const void*>(grad), parameters);
            if (!std::isfinite(J) || (!std::isfinite(square) && !finite(reinterpret_cast<void*>(grad), parameters, wide)))
                status = 1;
            else if (!(eta[done] <= 10 && eta[done] * eta[done] * square < 1e30))
                status = 3;
            if (status) {
                for (auto& k : state) std::memcpy(k.first, k.second.data(), k.second.size());
                break;
            }
            double weight = static_cast<double>(batch);
            if (weights) {
                weight = 0;
                for (std::int64_t i = 0; i < batch; ++i) weight += number(weights + i * (wide ? 8 : 4), wide);
            }
            put(rate, wide, eta[done]);
            put(updates, wide, number(updates, wide) + 1);
            update.task().run(gradient.pool());
            sum += J * weight;
            total += weight;
            ++*step;
            ++done;
            if (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() > budget) break;
        }
    }
    return nb::make_tuple(done, status, sum, total);
}

}  // namespace
}  // namespace chainrule

NB_MODULE(_native, m) {
    using namespace chainrule;
    m.doc() = "Native executor of chainrule programs; used through chainrule.execute.";
    nb::class_<Handle>(m, "Task")
        .def(nb::init<bool, std::vector<std::uintptr_t>, std::vector<std::int64_t>, std::vector<std::int64_t>,
                      std::vector<std::int64_t>, std::vector<bool>, std::vector<std::int64_t>,
                      std::vector<std::int64_t>, std::vector<double>, const std::string&>())
        .def("set_inputs", &Handle::set_inputs)
        .def("set_pool", &Handle::set_pool)
        .def("run", &Handle::run)
        .def("compiled", [](Handle& h) { return h.task().compiled(); });
    nb::class_<Pool>(m, "Pool").def(nb::init<int>()).def("threads", &Pool::threads);
    m.def("steps", &steps);
    m.def("instruction_sets", [] {
        std::vector<std::string> names;
        for (const auto& c : choices()) names.push_back(c.name);
        return names;
    });
}
