// What every instruction-set variant of the executor offers. Python validates all sizes and pointers before they come here.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pool.hpp"

namespace chainrule {

// Instructions and their operands as integers; execute/native.py writes this form.
enum Code : std::int64_t { MATMUL, MAP, REDUCE, LSE, ONE_HOT, PICK, GATHER, SCATTER, UNIFORM, TRANSPOSE, STORE };

// Point-wise operations, in the order of execute/native.py.
enum Op : std::int64_t {
    COPY, ADD, SUBTRACT, NEGATE, MULTIPLY, DIVIDE, POWER, EXP, LOG, LOG1P, EXPM1, SQRT, SIN, COS, ERF, TANH, ABS, SIGN,
    STEP, MAXIMUM, MINIMUM, WHERE, SIGMOID, SOFTPLUS, CLIP
};

// Operands of point-wise code.
enum Kind : std::int64_t { FULL, COLUMN, ROW, SCALAR, REGISTER, CONSTANT };

struct Description {
    bool wide;                              // float64
    std::vector<std::uintptr_t> pointers;   // of every buffer, columns contiguous
    std::vector<std::int64_t> rows, cols;
    std::vector<std::int64_t> memory;       // buffers that share memory share this number
    std::vector<bool> integers;             // buffers of labels and counters; labels may also be computed numbers
    std::vector<std::int64_t> inputs;       // buffers whose pointer changes
    std::vector<std::int64_t> code;
    std::vector<double> constants;
};

// Samples that the next batch will gather, brought near line by line while products are computed: memory is slow, and idle
// then.
class Ahead {
public:
    void set(const char* from, std::int64_t stride, std::int64_t bytes, const std::int64_t* rows, std::int64_t count) {
        from_ = from;
        stride_ = stride;
        bytes_ = bytes;
        row_ = rows;
        end_ = rows + count;
        at_ = 0;
    }
    void some() {
        for (int line = 0; line < LINES && row_ != end_; ++line) {
            __builtin_prefetch(from_ + *row_ * stride_ + at_, 0, 2);
            at_ += 64;
            if (at_ >= bytes_) {
                at_ = 0;
                ++row_;
            }
        }
    }

private:
    static constexpr int LINES = 16;
    const char* from_ = nullptr;
    std::int64_t stride_ = 0, bytes_ = 0, at_ = 0;
    const std::int64_t *row_ = nullptr, *end_ = nullptr;
};

class Task {
public:
    Ahead ahead;

    virtual ~Task() = default;
    virtual void set_input(std::size_t which, void* data) = 0;
    // 0, or 1 + the instruction that met a label out of range
    virtual int run(Pool& pool) = 0;
    // How many point-wise instructions are done by a pass that was compiled for them
    virtual int compiled() const = 0;
    // Σ x² of n numbers of the task's type
    virtual double squares(const void* x, std::int64_t n) const = 0;
};

using Maker = std::unique_ptr<Task> (*)(const Description&);

// Columns that lie apart, all of `rows` entries (float64 if wide), as the rows of the array at x.
using Joiner = void (*)(const std::vector<std::uintptr_t>& columns, std::int64_t rows, std::uintptr_t x, bool wide);

}  // namespace chainrule
