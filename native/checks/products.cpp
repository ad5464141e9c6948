// Prints the bits of some matrix products, to be compared between processors with fused multiply-adds.
#define ISA here
#include <cstdio>

#include "gemm.hpp"

namespace {

using namespace chainrule::here;

template <class T> void products(const char* name) {
    const std::int64_t shapes[][3] = {{1, 70, 30}, {10, 33, 64}, {128, 50, 784}, {50, 9, 17}, {97, 260, 401}};
    std::uint64_t hash = 1469598103934665603ULL;  // FNV-1a
    typename Product<T>::Room room;
    for (const auto& [m, n, k] : shapes)
        for (int way = 0; way < 4; ++way) {
            std::vector<T> a(static_cast<std::size_t>(m * k)), b(static_cast<std::size_t>(k * n)), c(static_cast<std::size_t>(m * n));
            for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<T>(static_cast<int>(i * 7919 % 1009) - 504) / T(97);
            for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<T>(static_cast<int>(i * 6007 % 997) - 498) / T(89);
            const bool ta = way & 1, tb = way & 2;
            Product<T>::run(m, n, k, T(0.7), {a.data(), ta ? k : m, ta}, {b.data(), tb ? n : k, tb}, c.data(), m, room);
            for (T x : c) {
                unsigned char bytes[sizeof(T)];
                std::memcpy(bytes, &x, sizeof x);
                for (unsigned char byte : bytes) hash = (hash ^ byte) * 1099511628211ULL;
            }
        }
    std::printf("%s products: bits %016llx\n", name, static_cast<unsigned long long>(hash));
}

}  // namespace

int main() {
    products<float>("float32");
    products<double>("float64");
}
