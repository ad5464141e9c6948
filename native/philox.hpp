// Counters to random words. Compiled once per instruction set.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "vectors.hpp"

namespace chainrule {
namespace ISA {

// Philox 4 x 64 with ten rounds (Salmon et al. 2011), as NumPy's generator of that name, for MANY counters that follow each
// other: the rounds of one wait for their products, those of several do not.
struct Philox {
    static constexpr std::uint64_t FACTOR0 = 0xD2E7470EE14C6C93ULL, FACTOR1 = 0xCA5A826395121157ULL;
    static constexpr std::uint64_t KEY0 = 0x9E3779B97F4A7C15ULL, KEY1 = 0xBB67AE8584CAA73BULL;  // added after each round

#if defined(__AVX512DQ__)
    using Words = Vectors<std::uint64_t>;
    using Vector = Words::Vector;
    static constexpr int MANY = Words::W;

    // The product of the low halves of the lanes.
    static Vector low_halves(Vector x, Vector y) {
        return reinterpret_cast<Vector>(_mm512_maskz_mul_epu32(0xFF, reinterpret_cast<__m512i>(x), reinterpret_cast<__m512i>(y)));
    }

    // The high half of x · factor, from products of 32-bit halves.
    static Vector high(Vector x, std::uint64_t factor) {
        const Vector f = factor - Vector{}, f_high = f >> 32, x_high = x >> 32;
        const Vector middle = low_halves(x_high, f) + (low_halves(x, f) >> 32);
        const Vector other = low_halves(x, f_high) + (middle & 0xFFFFFFFF);
        return low_halves(x_high, f_high) + (middle >> 32) + (other >> 32);
    }

    static void blocks(std::uint64_t first, std::uint64_t step, std::uint64_t k0, std::uint64_t k1, std::uint64_t c[MANY][4]) {
        Vector x[4] = {first + Vector{0, 1, 2, 3, 4, 5, 6, 7}, step - Vector{}, {}, {}};
        for (int round = 0; round < 10; ++round) {
            const Vector high0 = high(x[0], FACTOR0), high1 = high(x[2], FACTOR1), low0 = x[0] * FACTOR0, low1 = x[2] * FACTOR1;
            x[0] = high1 ^ x[1] ^ k0;
            x[2] = high0 ^ x[3] ^ k1;
            x[1] = low1;
            x[3] = low0;
            k0 += KEY0;
            k1 += KEY1;
        }
        // From the words of eight counters side by side to the four words of each: pairs of words, then pairs of pairs.
        const Vector even01 = Words::shuffled<0, 8, 2, 10, 4, 12, 6, 14>(x[0], x[1]);  // of counters 0, 2, 4, 6
        const Vector even23 = Words::shuffled<0, 8, 2, 10, 4, 12, 6, 14>(x[2], x[3]);
        const Vector odd01 = Words::shuffled<1, 9, 3, 11, 5, 13, 7, 15>(x[0], x[1]);  // of counters 1, 3, 5, 7
        const Vector odd23 = Words::shuffled<1, 9, 3, 11, 5, 13, 7, 15>(x[2], x[3]);
        const Vector even[2] = {Words::shuffled<0, 1, 8, 9, 2, 3, 10, 11>(even01, even23),
                                Words::shuffled<4, 5, 12, 13, 6, 7, 14, 15>(even01, even23)};
        const Vector odd[2] = {Words::shuffled<0, 1, 8, 9, 2, 3, 10, 11>(odd01, odd23),
                               Words::shuffled<4, 5, 12, 13, 6, 7, 14, 15>(odd01, odd23)};
        for (int half = 0; half < 2; ++half) {
            const Vector near = Words::shuffled<0, 1, 2, 3, 8, 9, 10, 11>(even[half], odd[half]);
            const Vector far = Words::shuffled<4, 5, 6, 7, 12, 13, 14, 15>(even[half], odd[half]);
            std::memcpy(c[4 * half], &near, sizeof near);
            std::memcpy(c[4 * half + 2], &far, sizeof far);
        }
    }
#else
    static constexpr int MANY = 4;

    static std::uint64_t high(std::uint64_t a, std::uint64_t b, std::uint64_t& low) {
        const unsigned __int128 p = static_cast<unsigned __int128>(a) * b;
        low = static_cast<std::uint64_t>(p);
        return static_cast<std::uint64_t>(p >> 64);
    }

    static void blocks(std::uint64_t first, std::uint64_t step, std::uint64_t k0, std::uint64_t k1, std::uint64_t c[MANY][4]) {
        for (int b = 0; b < MANY; ++b) {
            c[b][0] = first + static_cast<std::uint64_t>(b);
            c[b][1] = step;
            c[b][2] = c[b][3] = 0;
        }
        for (int round = 0; round < 10; ++round) {
            for (int b = 0; b < MANY; ++b) {
                std::uint64_t low0, low1;
                const std::uint64_t high0 = high(FACTOR0, c[b][0], low0);
                const std::uint64_t high1 = high(FACTOR1, c[b][2], low1);
                const std::uint64_t n[4] = {high1 ^ c[b][1] ^ k0, low1, high0 ^ c[b][3] ^ k1, low0};
                std::copy(n, n + 4, c[b]);
            }
            k0 += KEY0;
            k1 += KEY1;
        }
    }
#endif
};

}  // namespace ISA
}  // namespace chainrule
