// The Python module: tasks, and rows of training steps. The GIL is released while numbers are computed.
#include <nanobind/nanobind.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "steps.hpp"

namespace nb = nanobind;

namespace chainrule {
#define CHAINRULE_VARIANT(isa)                                                                            \
    namespace isa {                                                                                       \
    std::unique_ptr<Task> make(const Description&);                                                       \
    void side_by_side(const std::vector<std::uintptr_t>&, std::int64_t rows, std::uintptr_t x, bool wide); \
    }
CHAINRULE_VARIANT(isa_base)
#if defined(__x86_64__)
CHAINRULE_VARIANT(isa_v3)
CHAINRULE_VARIANT(isa_v4)
#endif

namespace {

struct Choice {
    const char* name;
    Maker make;
    Joiner side_by_side;
};

std::vector<Choice> choices() {
    std::vector<Choice> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw"))
        found.push_back({"avx512", isa_v4::make, isa_v4::side_by_side});
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back({"avx2", isa_v3::make, isa_v3::side_by_side});
    found.push_back({"sse", isa_base::make, isa_base::side_by_side});
#else
    found.push_back({"portable", isa_base::make, isa_base::side_by_side});
#endif
    return found;
}

// That of a name; the fastest for an empty one.
Choice chosen(const std::string& isa) {
    for (const auto& c : choices())
        if (isa.empty() || isa == c.name) return c;
    throw std::invalid_argument("this machine has no instruction set " + isa);
}

class Handle {
public:
    Handle(bool wide, std::vector<std::uintptr_t> pointers, std::vector<std::int64_t> rows, std::vector<std::int64_t> cols,
           std::vector<std::int64_t> memory, std::vector<bool> integers, std::vector<std::int64_t> inputs,
           std::vector<std::int64_t> code,
           std::vector<double> constants, const std::string& isa) {
        Description d{wide, std::move(pointers), std::move(rows), std::move(cols), std::move(memory), std::move(integers), std::move(inputs),
                      std::move(code), std::move(constants)};
        task_ = chosen(isa).make(d);
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

// Where the numbers of arrays lie; 0 for None. NumPy's own ways to ask take microseconds each.
std::vector<std::uintptr_t> addresses(const nb::list& arrays) {
    std::vector<std::uintptr_t> found;
    for (nb::handle a : arrays) {
        if (a.is_none()) {
            found.push_back(0);
            continue;
        }
        Py_buffer view;
        if (PyObject_GetBuffer(a.ptr(), &view, PyBUF_STRIDED_RO)) throw nb::python_error();
        found.push_back(reinterpret_cast<std::uintptr_t>(view.buf));
        PyBuffer_Release(&view);
    }
    return found;
}

// A row with the tasks it runs, which Python keeps alive.
class Steps {
public:
    Steps(Handle& gradient, Handle& update, bool wide, std::int64_t batch, const std::vector<nb::tuple>& sources,
          std::uintptr_t rate, std::uintptr_t updates, std::uintptr_t counter, std::uintptr_t cost, std::uintptr_t grad,
          std::int64_t parameters, const std::vector<nb::tuple>& kept, std::uintptr_t weights)
        : gradient_(gradient), row_(gradient.task(), update.task(), wide, batch, from(sources),
                                    {rate, updates, counter, cost, grad, weights}, parameters, ranges(kept)) {}

    nb::tuple run(Steps* rest, std::int64_t full, std::int64_t place, std::uintptr_t order, std::uintptr_t rates,
                  std::int64_t count, double budget, double sum, double total) {
        Walk w;
        {
            nb::gil_scoped_release release;
            w = walk(row_, rest ? &rest->row_ : nullptr, full, place, reinterpret_cast<const std::int64_t*>(order),
                     reinterpret_cast<const double*>(rates), count, budget, sum, total, gradient_.pool());
        }
        nb::list ended;
        for (const Epoch& e : w.ended) ended.append(nb::make_tuple(e.sum, e.total, e.seconds));
        return nb::make_tuple(w.done, static_cast<int>(w.status), ended, w.sum, w.total);
    }

private:
    static std::vector<Source> from(const std::vector<nb::tuple>& sources) {
        std::vector<Source> found;
        for (const auto& s : sources)
            found.push_back({reinterpret_cast<const char*>(nb::cast<std::uintptr_t>(s[0])),
                             reinterpret_cast<char*>(nb::cast<std::uintptr_t>(s[1])), nb::cast<std::int64_t>(s[2]),
                             nb::cast<std::int64_t>(s[3]), nb::cast<std::int64_t>(s[4]), nb::cast<std::size_t>(s[5]),
                             nb::cast<std::size_t>(s[6])});
        return found;
    }

    static std::vector<std::pair<std::uintptr_t, std::size_t>> ranges(const std::vector<nb::tuple>& kept) {
        std::vector<std::pair<std::uintptr_t, std::size_t>> found;
        for (const auto& k : kept) found.emplace_back(nb::cast<std::uintptr_t>(k[0]), nb::cast<std::size_t>(k[1]));
        return found;
    }

    Handle& gradient_;
    Row row_;
};

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
    nb::class_<Steps>(m, "Steps")
        .def(nb::init<Handle&, Handle&, bool, std::int64_t, const std::vector<nb::tuple>&, std::uintptr_t, std::uintptr_t,
                      std::uintptr_t, std::uintptr_t, std::uintptr_t, std::int64_t, const std::vector<nb::tuple>&,
                      std::uintptr_t>(),
             nb::keep_alive<1, 2>(), nb::keep_alive<1, 3>())
        .def("run", &Steps::run, nb::arg("rest").none(), nb::arg("full"), nb::arg("place"), nb::arg("order"), nb::arg("rates"),
             nb::arg("count"), nb::arg("budget"), nb::arg("sum"), nb::arg("total"));
    m.def("addresses", &addresses);
    m.def("side_by_side", [](const nb::list& columns, std::int64_t rows, std::uintptr_t x, bool wide, const std::string& isa) {
        const auto from = addresses(columns);
        nb::gil_scoped_release release;
        chosen(isa).side_by_side(from, rows, x, wide);
    });
    m.def("instruction_sets", [] {
        std::vector<std::string> names;
        for (const auto& c : choices()) names.push_back(c.name);
        return names;
    });
}
