// Point-wise code: lines of operations on entries, run block by block in the first cache. Compiled once per instruction set.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "compiled.hpp"
#include "math.hpp"
#include "pool.hpp"
#include "task.hpp"

namespace chainrule {
namespace ISA {

// Work is cut into pieces by its shape alone, never by the number of threads: the same bits for any number of them.
constexpr std::int64_t PIECE = 16384;  // entries of point-wise work in one piece
constexpr std::int64_t BLOCK = 1024;   // entries of point-wise code done at a time: a few registers fit the first cache

// The arrays of a program, columns contiguous.
template <class T> struct Buffers {
    std::vector<T*> data;
    std::vector<std::int64_t> rows, cols, memory;  // buffers that share memory share its number
    std::vector<char> integers;                    // labels and counters
    std::vector<T> constants;

    const std::int64_t* counters(std::int64_t b) const { return reinterpret_cast<const std::int64_t*>(data[b]); }
};

// Whole cache lines.
template <class T> class Memory {
public:
    void reserve(std::size_t count) {
        room_.assign(count + 64 / sizeof(T), T(0));
        start_ = (64 - reinterpret_cast<std::uintptr_t>(room_.data()) % 64) % 64 / sizeof(T);
    }
    T* data() { return room_.data() + start_; }

private:
    std::vector<T> room_;
    std::size_t start_ = 0;
};

struct Operand {
    Kind kind;
    std::int64_t index;
    int place = -1;  // of a column repeated for several columns, among those of its instruction
};

// How a line goes on with what another line made for it alone: one pass instead of two, rounded as in two.
enum Then { NOTHING, PLUS, MINUS, FROM, TIMES, OVER, UNDER };  // y + c, y - c, c - y, y · c, y / c, c / y

template <class T> struct Line {
    Op op;
    int count;             // operands; 0: computed by the line that uses it
    Operand operand[3];
    Then then = NOTHING;   // with the last operand
    T attribute[2];
    int reg;              // workspace register, or -1 if the value goes straight to a result
    std::int64_t result;  // buffer it is written to, or -1
    bool direct;
};

template <class T> class Map {
public:
    // From the integers at i, which is left behind them.
    Map(const std::vector<std::int64_t>& code, std::size_t& i, const Buffers<T>& b) : b_(b) {
        rows_ = code[i++];
        cols_ = code[i++];
        const auto lines = code[i++], results = code[i++];
        for (std::int64_t l = 0; l < lines; ++l) {
            Line<T> line{};
            line.op = static_cast<Op>(code[i++]);
            line.count = static_cast<int>(code[i++]);
            for (int o = 0; o < line.count; ++o) {
                line.operand[o].kind = static_cast<Kind>(code[i++]);
                line.operand[o].index = code[i++];
            }
            for (int o = 0; o < 2; ++o) {
                const auto c = code[i++];
                line.attribute[o] = c >= 0 ? b.constants[c] : T(0);
            }
            line.result = -1;
            lines_.push_back(line);
        }
        for (std::int64_t r = 0; r < results; ++r) {
            const auto line = code[i++];
            lines_[line].result = code[i++];
        }
        find_compiled();
        pair();
        allocate();
    }

    bool compiled() const { return pass_ != nullptr; }

    // Numbers of room that a thread needs: registers, expanded operands (at most three per line are alive at a time),
    // repeated columns.
    std::int64_t room() const { return (registers_ + 4 + columns_) * BLOCK; }

    void run(Pool& pool, std::vector<Memory<T>>& work) const {
        if (rows_ == 0 || cols_ == 0) return;
        if (pass_) {
            const std::int64_t count = rows_ * cols_;
            pool.each((count + PIECE - 1) / PIECE, [&](std::int64_t p, int) {
                whole(p * PIECE, std::min(PIECE, count - p * PIECE));
            });
        } else if (rows_ >= BLOCK) {  // pieces of one column
            const std::int64_t parts = (rows_ + PIECE - 1) / PIECE;
            pool.each(cols_ * parts, [&](std::int64_t p, int thread) {
                const std::int64_t j = p / parts, from = p % parts * PIECE, to = std::min(rows_, from + PIECE);
                for (std::int64_t i = from; i < to; i += BLOCK) piece(j, 1, i, std::min(BLOCK, to - i), work[thread].data());
            });
        } else {  // several whole columns
            const std::int64_t many = std::max<std::int64_t>(1, BLOCK / rows_), width = many * (PIECE / BLOCK);
            pool.each((cols_ + width - 1) / width, [&](std::int64_t p, int thread) {
                const std::int64_t to = std::min(cols_, (p + 1) * width);
                repeat_columns(std::min(many, to - p * width), work[thread].data());
                for (std::int64_t j = p * width; j < to; j += many) piece(j, std::min(many, to - j), 0, rows_, work[thread].data());
            });
        }
    }

private:
    const Buffers<T>& b_;
    std::int64_t rows_, cols_, registers_ = 0, columns_ = 0;
    std::vector<Line<T>> lines_;
    typename Compiled<T>::Pass pass_ = nullptr;
    std::vector<Operand> arrays_, numbers_;  // of the pass, in the order of their first use
    std::vector<std::int64_t> results_;

    // The pass that was compiled for just these lines, if every array has an entry for each of the result's.
    void find_compiled() {
        std::vector<Step> steps;
        for (const auto& line : lines_) {
            if (line.count < 1 || line.count > 2) return;
            Step step{line.op, {}, {}, line.result >= 0};
            for (int o = 0; o < line.count; ++o) {
                const auto& operand = line.operand[o];
                const bool entry = operand.kind == FULL;
                if (operand.kind < REGISTER && b_.integers[operand.index]) return;
                if (operand.kind == COLUMN || operand.kind == ROW) return;
                Ref& ref = o ? step.b : step.a;
                if (operand.kind == REGISTER) ref = R(static_cast<int>(operand.index));
                else ref = {entry ? ENTRY : NUMBER, slot(entry ? arrays_ : numbers_, operand)};
            }
            steps.push_back(step);
            if (step.stored) results_.push_back(line.result);
        }
        pass_ = Compiled<T>::find(steps);
    }

    static int slot(std::vector<Operand>& known, const Operand& o) {
        for (std::size_t k = 0; k < known.size(); ++k)
            if (known[k].kind == o.kind && known[k].index == o.index) return static_cast<int>(k);
        known.push_back(o);
        return static_cast<int>(known.size()) - 1;
    }

    void whole(std::int64_t start, std::int64_t count) const {
        const T* in[MOST];
        T* out[MOST];
        T number[MOST];
        for (std::size_t k = 0; k < arrays_.size(); ++k) in[k] = b_.data[arrays_[k].index] + start;
        for (std::size_t k = 0; k < results_.size(); ++k) out[k] = b_.data[results_[k]] + start;
        for (std::size_t k = 0; k < numbers_.size(); ++k)
            number[k] = numbers_[k].kind == CONSTANT ? b_.constants[numbers_[k].index] : b_.data[numbers_[k].index][0];
        pass_(in, number, out, count);
    }

    // A sum, difference, product or root that one later line alone uses is computed there.
    void pair() {
        const int n = static_cast<int>(lines_.size());
        std::vector<int> uses(n), user(n, -1);
        for (int l = 0; l < n; ++l)
            for (int o = 0; o < lines_[l].count; ++o)
                if (lines_[l].operand[o].kind == REGISTER) {
                    ++uses[lines_[l].operand[o].index];
                    user[lines_[l].operand[o].index] = l;
                }
        for (int l = 0; l < n; ++l) {
            auto& first = lines_[l];
            const bool simple = first.op == ADD || first.op == SUBTRACT || first.op == MULTIPLY || first.op == SQRT;
            if (!simple || first.result >= 0 || uses[l] != 1 || first.then != NOTHING) continue;
            if (first.count == 2 && scalar(first.operand[0]) && scalar(first.operand[1])) continue;
            auto& line = lines_[user[l]];
            if (line.count != 2 || line.then != NOTHING) continue;
            const bool left = line.operand[0].kind == REGISTER && line.operand[0].index == l;
            const Then then = line.op == ADD        ? PLUS
                              : line.op == SUBTRACT ? (left ? MINUS : FROM)
                              : line.op == MULTIPLY ? TIMES
                              : line.op == DIVIDE   ? (left ? OVER : UNDER)
                                                    : NOTHING;
            if (then == NOTHING) continue;
            const Operand other = line.operand[left ? 1 : 0];
            line.op = first.op;
            line.then = then;
            for (int o = 0; o < first.count; ++o) line.operand[o] = first.operand[o];
            line.operand[first.count] = other;
            line.count = first.count + 1;
            first.count = 0;
        }
    }

    static bool scalar(const Operand& o) { return o.kind == SCALAR || o.kind == CONSTANT; }

    // Registers by linear scan; a result goes straight to its buffer if no later line reads the memory it overwrites.
    void allocate() {
        const int n = static_cast<int>(lines_.size());
        std::vector<int> last(n);
        for (int l = 0; l < n; ++l) {
            last[l] = l;
            for (int o = 0; o < lines_[l].count; ++o)
                if (lines_[l].operand[o].kind == REGISTER) last[lines_[l].operand[o].index] = l;
        }
        std::vector<int> free;
        int used = 0;
        for (int l = 0; l < n; ++l) {
            auto& line = lines_[l];
            if (line.count == 0) continue;
            line.direct = line.result >= 0;
            for (int k = l + 1; k < n && line.direct; ++k)
                for (int o = 0; o < lines_[k].count; ++o) {
                    const auto& operand = lines_[k].operand[o];
                    const bool outside = operand.kind != REGISTER && operand.kind != CONSTANT;
                    if (outside && b_.memory[operand.index] == b_.memory[line.result]) line.direct = false;
                }
            if (line.direct) {
                line.reg = -1;
            } else if (!free.empty() && line.result < 0) {
                line.reg = free.back();
                free.pop_back();
            } else {
                line.reg = used++;
            }
            for (int o = 0; o < line.count; ++o)
                if (line.operand[o].kind == REGISTER) {
                    const auto from = line.operand[o].index;
                    bool again = false;
                    for (int q = 0; q < o; ++q)
                        again |= line.operand[q].kind == REGISTER && line.operand[q].index == from;
                    if (last[from] == l && !again && lines_[from].reg >= 0 && lines_[from].result < 0)
                        free.push_back(lines_[from].reg);
                }
        }
        registers_ = used;
        if (rows_ < BLOCK)
            for (auto& line : lines_)
                for (int o = 0; o < line.count; ++o)
                    if (line.operand[o].kind == COLUMN && !b_.integers[line.operand[o].index]) line.operand[o].place = columns_++;
    }

    void repeat_columns(std::int64_t many, T* work) const {
        T* const room = work + (registers_ + 4) * BLOCK;
        if (columns_ && many > 1)
            for (const auto& line : lines_)
                for (int o = 0; o < line.count; ++o)
                    if (const auto& operand = line.operand[o]; operand.place >= 0)
                    {
                        T* const to = room + operand.place * BLOCK;
                        const std::int64_t length = many * rows_;
                        std::copy(b_.data[operand.index], b_.data[operand.index] + rows_, to);
                        for (std::int64_t done = rows_; done < length; done *= 2)
                            std::copy(to, to + std::min(done, length - done), to + done);
                    }
    }

    // `count` columns from j on, rows i to i + height of each.
    void piece(std::int64_t j, std::int64_t count, std::int64_t i, std::int64_t height, T* const work) const {
        const std::int64_t start = j * rows_ + i, length = count * height;
        T* spare = work + registers_ * BLOCK;
        const T* const repeated = spare + 4 * BLOCK;
        for (auto& line : lines_) {
            if (line.count == 0) continue;
            const T* in[3] = {};
            bool scalar[3] = {};
            T number[3] = {};
            for (int o = 0; o < line.count; ++o) {
                const auto& operand = line.operand[o];
                T* room = spare + o * BLOCK;
                if (operand.kind < REGISTER && b_.integers[operand.index]) {
                    numbers(operand, room, rows_, j, count, i, height);
                    in[o] = room;
                    continue;
                }
                switch (operand.kind) {
                    case FULL: in[o] = b_.data[operand.index] + start; break;
                    case REGISTER: {
                        const auto& from = lines_[operand.index];
                        in[o] = from.direct ? b_.data[from.result] + start : work + from.reg * BLOCK;
                        break;
                    }
                    case CONSTANT: scalar[o] = true; number[o] = b_.constants[operand.index]; break;
                    case SCALAR: scalar[o] = true; number[o] = b_.data[operand.index][0]; break;
                    case COLUMN: in[o] = count == 1 ? b_.data[operand.index] + i : repeated + operand.place * BLOCK; break;
                    case ROW:
                        if (count == 1) {
                            scalar[o] = true;
                            number[o] = b_.data[operand.index][j];
                        } else {
                            for (std::int64_t c = 0; c < count; ++c)
                                std::fill(room + c * height, room + (c + 1) * height, b_.data[operand.index][j + c]);
                            in[o] = room;
                        }
                        break;
                }
            }
            T* out = line.direct ? b_.data[line.result] + start : work + line.reg * BLOCK;
            apply(line, in, scalar, number, out, length, spare);
        }
        for (auto& line : lines_)
            if (line.result >= 0 && !line.direct) {
                const T* from = work + line.reg * BLOCK;
                std::copy(from, from + length, b_.data[line.result] + start);
            }
    }

    // Labels or counters as numbers, repeated as the operand says.
    void numbers(const Operand& o, T* room, std::int64_t rows, std::int64_t j, std::int64_t count, std::int64_t i,
                 std::int64_t height) const {
        const auto* from = b_.counters(o.index);
        for (std::int64_t c = 0; c < count; ++c)
            for (std::int64_t k = 0; k < height; ++k) {
                const auto at = o.kind == FULL     ? (j + c) * rows + i + k
                                : o.kind == ROW    ? j + c
                                : o.kind == COLUMN ? i + k
                                                   : 0;
                room[c * height + k] = static_cast<T>(from[at]);
            }
    }

    template <class F> static void unary(const T* a, T* y, std::int64_t n, F f) {
        for (std::int64_t i = 0; i < n; ++i) y[i] = f(a[i]);
    }

    template <class F>
    static void binary(const T* const in[3], const bool scalar[3], const T number[3], T* y, std::int64_t n, F f) {
        const T *a = in[0], *b = in[1];
        if (scalar[0] && scalar[1]) {
            const T v = f(number[0], number[1]);
            for (std::int64_t i = 0; i < n; ++i) y[i] = v;
        } else if (scalar[0]) {
            const T v = number[0];
            for (std::int64_t i = 0; i < n; ++i) y[i] = f(v, b[i]);
        } else if (scalar[1]) {
            const T v = number[1];
            for (std::int64_t i = 0; i < n; ++i) y[i] = f(a[i], v);
        } else {
            for (std::int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
        }
    }

    // then(first(a, b), c), each operand a vector or a number.
    template <class First, class Next>
    static void two_steps(const T* const in[3], const bool scalar[3], const T number[3], T* y, std::int64_t n, First f, Next g) {
        const T *a = in[0], *b = in[1], *c = in[2];
        const T p = number[0], q = number[1], r = number[2];
        if (scalar[0] && scalar[1]) {
            const T s = f(p, q);
            for (std::int64_t i = 0; i < n; ++i) y[i] = g(s, scalar[2] ? r : c[i]);
        } else if (scalar[0]) {
            if (scalar[2])
                for (std::int64_t i = 0; i < n; ++i) y[i] = g(f(p, b[i]), r);
            else
                for (std::int64_t i = 0; i < n; ++i) y[i] = g(f(p, b[i]), c[i]);
        } else if (scalar[1]) {
            if (scalar[2])
                for (std::int64_t i = 0; i < n; ++i) y[i] = g(f(a[i], q), r);
            else
                for (std::int64_t i = 0; i < n; ++i) y[i] = g(f(a[i], q), c[i]);
        } else if (scalar[2]) {
            for (std::int64_t i = 0; i < n; ++i) y[i] = g(f(a[i], b[i]), r);
        } else {
            for (std::int64_t i = 0; i < n; ++i) y[i] = g(f(a[i], b[i]), c[i]);
        }
    }

    template <class First>
    static void then(Then next, const T* const in[3], const bool scalar[3], const T number[3], T* y, std::int64_t n, First f) {
        switch (next) {
            case PLUS: two_steps(in, scalar, number, y, n, f, [](T s, T c) { return s + c; }); break;
            case MINUS: two_steps(in, scalar, number, y, n, f, [](T s, T c) { return s - c; }); break;
            case FROM: two_steps(in, scalar, number, y, n, f, [](T s, T c) { return c - s; }); break;
            case TIMES: two_steps(in, scalar, number, y, n, f, [](T s, T c) { return s * c; }); break;
            case OVER: two_steps(in, scalar, number, y, n, f, [](T s, T c) { return s / c; }); break;
            case UNDER: two_steps(in, scalar, number, y, n, f, [](T s, T c) { return c / s; }); break;
            case NOTHING: break;
        }
    }

    static void apply(const Line<T>& line, const T* in[3], bool scalar[3], T number[3], T* y, std::int64_t n, T* spare) {
        if (line.then != NOTHING) {
            switch (line.op) {
                case ADD: then(line.then, in, scalar, number, y, n, [](T p, T q) { return p + q; }); break;
                case SUBTRACT: then(line.then, in, scalar, number, y, n, [](T p, T q) { return p - q; }); break;
                case MULTIPLY: then(line.then, in, scalar, number, y, n, [](T p, T q) { return p * q; }); break;
                default: {  // a root of one operand
                    if (scalar[0]) {
                        std::fill(spare, spare + n, number[0]);
                        in[0] = spare;
                    }
                    const T* const of[3] = {in[0], in[0], in[1]};
                    const bool fixed[3] = {false, false, scalar[1]};
                    const T values[3] = {T(0), T(0), number[1]};
                    then(line.then, of, fixed, values, y, n, [](T p, T) { return std::sqrt(p); });
                }
            }
            return;
        }
        if (line.count == 1 && scalar[0]) {
            std::fill(spare, spare + n, number[0]);
            in[0] = spare;
        }
        const T* a = in[0];
        const T lo = line.attribute[0], hi = line.attribute[1];
        auto two = [&](auto f) { binary(in, scalar, number, y, n, f); };
        switch (line.op) {
            case COPY: if (y != a) std::copy(a, a + n, y); break;
            case ADD: two([](T p, T q) { return p + q; }); break;
            case SUBTRACT: two([](T p, T q) { return p - q; }); break;
            case MULTIPLY: two([](T p, T q) { return p * q; }); break;
            case DIVIDE: two([](T p, T q) { return p / q; }); break;
            case MAXIMUM: two([](T p, T q) { return q > p || q != q ? q : p; }); break;
            case MINIMUM: two([](T p, T q) { return q < p || q != q ? q : p; }); break;
            case POWER:
                if (scalar[1] && number[1] == T(2)) unary(a, y, n, [](T p) { return p * p; });
                else if (scalar[1] && number[1] == T(3)) unary(a, y, n, [](T p) { return p * p * p; });
                else if (scalar[1] && number[1] == T(-1)) unary(a, y, n, [](T p) { return T(1) / p; });
                else two([](T p, T q) { return std::pow(p, q); });
                break;
            case NEGATE: unary(a, y, n, [](T p) { return -p; }); break;
            case EXP: unary(a, y, n, [](T p) { return exp_(p); }); break;
            case LOG: unary(a, y, n, [](T p) { return log_(p); }); break;
            case LOG1P: unary(a, y, n, [](T p) { return log1p_(p); }); break;
            case EXPM1: unary(a, y, n, [](T p) { return expm1_(p); }); break;
            case SQRT: unary(a, y, n, [](T p) { return std::sqrt(p); }); break;
            case SIN: unary(a, y, n, [](T p) { return std::sin(p); }); break;
            case COS: unary(a, y, n, [](T p) { return std::cos(p); }); break;
            case ERF: unary(a, y, n, [](T p) { return std::erf(p); }); break;
            case TANH: unary(a, y, n, [](T p) { return tanh_(p); }); break;
            case SIGMOID: unary(a, y, n, [](T p) { return sigmoid_(p); }); break;
            case SOFTPLUS: unary(a, y, n, [](T p) { return softplus_(p); }); break;
            case ABS: unary(a, y, n, [](T p) { return std::fabs(p); }); break;
            case SIGN: unary(a, y, n, [](T p) { return p > T(0) ? T(1) : p < T(0) ? T(-1) : p; }); break;
            case STEP: unary(a, y, n, [](T p) { return p > T(0) ? T(1) : T(0); }); break;
            case CLIP: unary(a, y, n, [lo, hi](T p) { return p < lo ? lo : p > hi ? hi : p; }); break;
            case WHERE:
                for (int o = 0; o < 3; ++o)
                    if (scalar[o]) {
                        std::fill(spare + o * BLOCK, spare + o * BLOCK + n, number[o]);
                        in[o] = spare + o * BLOCK;
                    }
                for (std::int64_t i = 0; i < n; ++i) y[i] = in[0][i] > T(0) ? in[1][i] : in[2][i];
                break;
        }
    }
};

}  // namespace ISA
}  // namespace chainrule
