// Point-wise code that is known when the library is built: all its lines in one pass over memory, every value between them
// in a register. Python still sends each expression as lines; where they are those of a plan below, the plan's pass does
// them, with the same operations in the same order, so with the same bits. Compiled once per instruction set.
#pragma once
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "task.hpp"

namespace chainrule {
namespace ISA {

constexpr int MOST = 16;  // lines, and arrays, and numbers of a plan

// What a line reads: an entry of an array, a number, or an earlier line. Arrays and numbers are counted in the order in
// which the lines first name them.
enum Source_ { NONE, ENTRY, NUMBER, EARLIER };
struct Ref {
    Source_ source = NONE;
    int index = 0;
    constexpr bool operator==(const Ref&) const = default;
};
constexpr Ref X(int index) { return {ENTRY, index}; }
constexpr Ref N(int index) { return {NUMBER, index}; }
constexpr Ref R(int index) { return {EARLIER, index}; }

struct Step {
    Op op = COPY;
    Ref a, b;
    bool stored = false;  // in the next result
    constexpr bool operator==(const Step&) const = default;
};
constexpr bool OUT = true;

template <int n> struct Plan {
    static constexpr int SIZE = n;
    Step step[n];
};

// The optimizers of train.optimizers, as the planner orders their lines.
constexpr Plan<4> MOMENTUM = {{{MULTIPLY, N(0), X(0)},
                               {MULTIPLY, N(1), X(1)},
                               {SUBTRACT, R(0), R(1), OUT},
                               {ADD, X(2), R(2), OUT}}};
constexpr Plan<7> NESTEROV = {{{MULTIPLY, N(0), X(0), OUT},
                               {MULTIPLY, N(1), X(1)},
                               {MULTIPLY, N(2), R(0)},
                               {SUBTRACT, R(1), R(2)},
                               {ADD, X(2), R(3), OUT},
                               {MULTIPLY, N(3), X(1)},
                               {SUBTRACT, R(5), R(0), OUT}}};
constexpr Plan<9> RMSPROP = {{{MULTIPLY, N(0), X(0)},
                              {MULTIPLY, X(1), X(1)},
                              {MULTIPLY, N(1), R(1)},
                              {ADD, R(0), R(2), OUT},
                              {MULTIPLY, N(2), X(1)},
                              {SQRT, R(3), {}},
                              {ADD, R(5), N(3)},
                              {DIVIDE, R(4), R(6)},
                              {SUBTRACT, X(2), R(7), OUT}}};
constexpr Plan<7> ADAGRAD = {{{MULTIPLY, X(0), X(0)},
                              {ADD, X(1), R(0), OUT},
                              {MULTIPLY, N(0), X(0)},
                              {SQRT, R(1), {}},
                              {ADD, R(3), N(1)},
                              {DIVIDE, R(2), R(4)},
                              {SUBTRACT, X(2), R(5), OUT}}};
constexpr Plan<12> ADAM = {{{MULTIPLY, N(0), X(0)},
                            {MULTIPLY, N(1), X(1)},
                            {ADD, R(0), R(1), OUT},
                            {MULTIPLY, N(2), X(2)},
                            {MULTIPLY, X(1), X(1)},
                            {MULTIPLY, N(3), R(4)},
                            {ADD, R(3), R(5), OUT},
                            {MULTIPLY, N(4), R(2)},
                            {SQRT, R(6), {}},
                            {ADD, R(8), N(5)},
                            {DIVIDE, R(7), R(9)},
                            {SUBTRACT, X(3), R(10), OUT}}};
constexpr Plan<15> ADAMW = {{{MULTIPLY, N(0), X(0)},
                             {MULTIPLY, N(1), X(1)},
                             {ADD, R(0), R(1), OUT},
                             {MULTIPLY, N(2), X(2)},
                             {MULTIPLY, X(1), X(1)},
                             {MULTIPLY, N(3), R(4)},
                             {ADD, R(3), R(5), OUT},
                             {MULTIPLY, N(4), X(3)},
                             {MULTIPLY, R(7), X(4)},
                             {SUBTRACT, X(4), R(8)},
                             {MULTIPLY, N(5), R(2)},
                             {SQRT, R(6), {}},
                             {ADD, R(11), N(6)},
                             {DIVIDE, R(10), R(12)},
                             {SUBTRACT, R(9), R(13), OUT}}};

template <class T> struct Compiled {
    using Pass = void (*)(const T* const* in, const T* number, T* const* out, std::int64_t count);

    // The pass for these lines, or null.
    static Pass find([[maybe_unused]] const std::vector<Step>& steps) {
#if defined(__AVX2__) || defined(__aarch64__)  // elsewhere the lines go one by one: what they say is tested against that
        if (matches(ADAM, steps)) return pass<ADAM>;
        if (matches(ADAMW, steps)) return pass<ADAMW>;
        if (matches(MOMENTUM, steps)) return pass<MOMENTUM>;
        if (matches(NESTEROV, steps)) return pass<NESTEROV>;
        if (matches(RMSPROP, steps)) return pass<RMSPROP>;
        if (matches(ADAGRAD, steps)) return pass<ADAGRAD>;
#endif
        return nullptr;
    }

private:
    template <class P> static bool matches(const P& plan, const std::vector<Step>& steps) {
        if (steps.size() != P::SIZE) return false;
        for (int s = 0; s < P::SIZE; ++s)
            if (!(plan.step[s] == steps[s])) return false;
        return true;
    }

    template <Op op> static T value(T p, [[maybe_unused]] T q) {
        static_assert(op == ADD || op == SUBTRACT || op == MULTIPLY || op == DIVIDE || op == SQRT || op == NEGATE);
        if constexpr (op == ADD) return p + q;
        else if constexpr (op == SUBTRACT) return p - q;
        else if constexpr (op == MULTIPLY) return p * q;
        else if constexpr (op == DIVIDE) return p / q;
        else if constexpr (op == SQRT) return std::sqrt(p);
        else return -p;
    }

    template <auto plan, Ref ref> static T read(const T* x, const T* number, const T* line) {
        if constexpr (ref.source == ENTRY) return x[ref.index];
        else if constexpr (ref.source == NUMBER) return number[ref.index];
        else if constexpr (ref.source == EARLIER) return line[ref.index];
        else return T(0);
    }

    template <auto plan> static constexpr int counted(Source_ source) {
        int most = 0;
        for (const auto& s : plan.step)
            for (const Ref& r : {s.a, s.b})
                if (r.source == source && r.index + 1 > most) most = r.index + 1;
        return most;
    }

    template <auto plan> static constexpr int results_before(int line) {
        int count = 0;
        for (int s = 0; s < line; ++s) count += plan.step[s].stored;
        return count;
    }

    template <auto plan> static void pass(const T* const* in, const T* number, T* const* out, std::int64_t count) {
        run<plan>(in, number, out, count, std::make_index_sequence<plan.SIZE>(),
                  std::make_index_sequence<counted<plan>(ENTRY)>(), std::make_index_sequence<counted<plan>(NUMBER)>());
    }

    // An array is a result's own memory or none of it, so entries do not wait for each other.
    template <auto plan, std::size_t... s, std::size_t... x, std::size_t... k>
    static void run(const T* const* in, const T* number, T* const* out, std::int64_t count, std::index_sequence<s...>,
                    std::index_sequence<x...>, std::index_sequence<k...>) {
        const T* const from[] = {in[x]...};
        const T fixed[] = {number[k]...};
        T* const to[] = {(plan.step[s].stored ? out[results_before<plan>(s)] : nullptr)...};
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#else
#pragma GCC ivdep
#endif
        for (std::int64_t i = 0; i < count; ++i) {
            const T entry[] = {from[x][i]...};
            T line[plan.SIZE];
            ((line[s] = value<plan.step[s].op>(read<plan, plan.step[s].a>(entry, fixed, line),
                                               read<plan, plan.step[s].b>(entry, fixed, line))),
             ...);
            ((plan.step[s].stored ? void(to[s][i] = line[s]) : void()), ...);
        }
    }
};

}  // namespace ISA
}  // namespace chainrule
