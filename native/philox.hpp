// Counters to random words. Compiled once per instruction set.
#pragma once
#include <algorithm>
#include <cstdint>

namespace chainrule {
namespace ISA {

struct Philox {
    static std::uint64_t high(std::uint64_t a, std::uint64_t b, std::uint64_t& low) {
        const unsigned __int128 p = static_cast<unsigned __int128>(a) * b;
        low = static_cast<std::uint64_t>(p);
        return static_cast<std::uint64_t>(p >> 64);
    }
    // Philox 4 x 64 with ten rounds (Salmon et al. 2011), as NumPy's generator of that name, for MANY counters that
    // follow each other: the rounds of one wait for their products, those of several do not.
    static constexpr int MANY = 4;
    static void blocks(std::uint64_t first, std::uint64_t step, std::uint64_t k0, std::uint64_t k1, std::uint64_t c[MANY][4]) {
        for (int b = 0; b < MANY; ++b) {
            c[b][0] = first + static_cast<std::uint64_t>(b);
            c[b][1] = step;
            c[b][2] = c[b][3] = 0;
        }
        for (int round = 0; round < 10; ++round) {
            for (int b = 0; b < MANY; ++b) {
                std::uint64_t low0, low1;
                const std::uint64_t high0 = high(0xD2E7470EE14C6C93ULL, c[b][0], low0);
                const std::uint64_t high1 = high(0xCA5A826395121157ULL, c[b][2], low1);
                const std::uint64_t n[4] = {high1 ^ c[b][1] ^ k0, low1, high0 ^ c[b][3] ^ k1, low0};
                std::copy(n, n + 4, c[b]);
            }
            k0 += 0x9E3779B97F4A7C15ULL;
            k1 += 0xBB67AE8584CAA73BULL;
        }
    }
};

}  // namespace ISA
}  // namespace chainrule
