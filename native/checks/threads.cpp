// Data races of the executor, for the thread sanitizer: tasks over pools of several threads, and several such tasks at
// once over shared inputs. Exits with 1 if any bit depends on the threads.
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "pool.hpp"
#include "task.hpp"

namespace chainrule {
namespace isa_base { std::unique_ptr<Task> make(const Description&); }
}  // namespace chainrule

namespace {

using namespace chainrule;

constexpr std::int64_t N = 96, K = 160, M = 560;  // large enough that every kind of instruction is cut into pieces
enum Buffer { X, W, B, Z, A, TOP, SOFT, SUM, U, SEED, STEP, BACK, LONG, BUFFERS };

struct Job {
    std::vector<std::int64_t> rows{N, K, K, K, K, 1, K, K, K, 1, 1, N, 70000};
    std::vector<std::int64_t> cols{M, N, 1, M, M, M, M, 1, M, 1, 1, M, 1};
    std::vector<std::vector<float>> memory;
    std::vector<std::int64_t> seed{7}, step{3};
    std::unique_ptr<Task> task;

    explicit Job(const std::vector<float>& shared) {
        Description d{};
        d.rows = rows;
        d.cols = cols;
        for (int b = 0; b < BUFFERS; ++b) {
            memory.emplace_back(static_cast<std::size_t>(rows[b] * cols[b]));
            for (std::size_t i = 0; i < memory[b].size(); ++i)
                memory[b][i] = static_cast<float>(static_cast<int>(i * 37 + b * 11) % 41 - 20) / 40.0f;
            d.memory.push_back(b);
            d.integers.push_back(b == SEED || b == STEP);
        }
        for (int b = 0; b < BUFFERS; ++b) {
            const void* p = b == X ? shared.data() : memory[b].data();
            if (b == SEED) p = seed.data();
            if (b == STEP) p = step.data();
            d.pointers.push_back(reinterpret_cast<std::uintptr_t>(p));
        }
        d.inputs = {X};
        d.constants = {0.5};
        d.code = {
            MATMUL, 6, Z, W, X, 0, 0, -1,
            UNIFORM, 4, U, SEED, STEP, 5,
            // A = tanh(Z + b) * (U + 0.5)
            MAP, K, M, 4, 1,
            ADD, 2, FULL, Z, COLUMN, B, -1, -1,
            TANH, 1, REGISTER, 0, -1, -1,
            ADD, 2, FULL, U, CONSTANT, 0, -1, -1,
            MULTIPLY, 2, REGISTER, 1, REGISTER, 2, -1, -1,
            3, A,
            LSE, 4, TOP, A, 0, SOFT,
            REDUCE, 4, SUM, SOFT, 0, 1,
            MATMUL, 6, BACK, W, SOFT, 1, 0, 0,
            // one long column, as of an optimizer
            MAP, 70000, 1, 2, 1,
            EXP, 1, FULL, LONG, -1, -1,
            MULTIPLY, 2, REGISTER, 0, CONSTANT, 0, -1, -1,
            1, LONG,
        };
        task = isa_base::make(d);
    }

    // A few runs over a pool; the states that they leave.
    std::vector<std::vector<float>> run(int threads, int times) {
        Pool pool(threads);
        for (int t = 0; t < times; ++t) {
            ++step[0];
            task->run(pool);
        }
        return memory;
    }
};

bool same(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b) {
    for (std::size_t i = 0; i < a.size(); ++i)
        if (std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(float))) return false;
    return true;
}

}  // namespace

int main() {
    std::vector<float> shared(N * M);
    for (std::size_t i = 0; i < shared.size(); ++i) shared[i] = static_cast<float>(static_cast<int>(i) % 23 - 11) / 12.0f;
    const auto wanted = Job(shared).run(1, 3);
    bool good = true;
    for (int threads : {2, 3, 4}) good &= same(Job(shared).run(threads, 3), wanted);

    std::vector<std::vector<std::vector<float>>> found(3);  // networks side by side, each with two threads
    std::vector<std::thread> side;
    for (std::size_t k = 0; k < found.size(); ++k)
        side.emplace_back([&, k] { found[k] = Job(shared).run(2, 3); });
    for (auto& s : side) s.join();
    for (auto& f : found) good &= same(f, wanted);
    std::puts(good ? "no data race; the same bits for any number of threads" : "the bits depend on the threads");
    return good ? 0 : 1;
}
