// Sums, largest entries and the soft-max of columns. Compiled once per instruction set; the order of every sum is the same
// for each, so are the bits.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "math.hpp"
#include "vectors.hpp"

namespace chainrule {
namespace ISA {

template <class T> struct Sums : Vectors<T> {
    using typename Vectors<T>::Vector;
    using Vectors<T>::W;
    using Vectors<T>::load;
    using Vectors<T>::store_part;

    static T larger(T a, T b) { return b > a ? b : (a != a ? a : (b != b ? b : a)); }

    static T largest(const T* x, std::int64_t n) {
        T y = x[0];
        for (std::int64_t i = 1; i < n; ++i) y = larger(y, x[i]);
        return y;
    }

    // Sixteen partial sums, then halves of long vectors: exact enough for float32 and the same for every machine.
    static T sum(const T* x, std::int64_t n) {
        if (n > 4096) {
            const auto half = (n / 2) & ~std::int64_t(15);
            return sum(x, half) + sum(x + half, n - half);
        }
        if (n < 16) {
            T total = 0;
            for (std::int64_t i = 0; i < n; ++i) total += x[i];
            return total;
        }
        T part[16] = {};
        std::int64_t i = 0;
        for (; i + 16 <= n; i += 16)
            for (int k = 0; k < 16; ++k) part[k] += x[i + k];
        for (int k = 0; i < n; ++i, ++k) part[k] += x[i];
        for (int w = 8; w; w /= 2)
            for (int k = 0; k < w; ++k) part[k] += part[k + w];
        return part[0];
    }

    // Σ x², infinite or NaN where an entry is (or where the squares overflow).
    static double squares(const T* x, std::int64_t n) {
        T part[64] = {};
        std::int64_t i = 0;
        for (; i + 64 <= n; i += 64)
            for (int k = 0; k < 64; ++k) part[k] += x[i + k] * x[i + k];
        for (; i < n; ++i) part[0] += x[i] * x[i];
        for (int w = 32; w; w /= 2)
            for (int k = 0; k < w; ++k) part[k] += part[k + w];
        return static_cast<double>(part[0]);
    }

    // y_i = Σ_j x_ij of an n × m matrix for the rows from..to, column after column.
    static void over_columns(const T* x, std::int64_t n, std::int64_t m, std::int64_t from, std::int64_t to, T* y) {
        if (m == 0) {
            std::fill(y + from, y + to, T(0));
            return;
        }
        std::int64_t i = from;
        for (; i + 4 * W <= to; i += 4 * W) strip<4>(x + i, n, m, y + i);
        for (; i + W <= to; i += W) strip<1>(x + i, n, m, y + i);
        if (i == to) return;
        // The last rows fill no vector: it may be read as a whole where the matrix does not end before it does.
        const std::int64_t rest = to - i, whole = std::max<std::int64_t>(0, m - (W - rest + n - 1) / n);
        T last[W] = {};
        Vector total = {};
        for (std::int64_t j = 0; j < m; ++j) {
            const T* from_column = x + i + j * n;
            if (j >= whole) from_column = std::copy(from_column, from_column + rest, last) - rest;
            const Vector column = load(from_column);
            total = j ? total + column : column;
        }
        store_part(total, y + i, rest, false);
    }

    // The soft-max of `count` columns of n <= 16 entries, the largest entry of each, and the sum of exp(entry - largest):
    // up to W columns side by side, so that none waits for its last entry. `inside`: a whole vector may be read behind them.
    static void short_columns(const T* x, std::int64_t n, std::int64_t count, bool inside, T* soft, T* top, T* total) {
        T padded[16 * W + W] = {};
        if (count < W || !inside) x = std::copy(x, x + n * count, padded) - n * count;
        Vector e[16 + W];
        std::int64_t q = 0;
        do {
            Vector* const rows = e + q;
#pragma GCC unroll 16
            for (int c = 0; c < W; ++c) rows[c] = load(x + c * n + q);
            Vectors<T>::template transpose<W / 2>(rows);
        } while ((q += W) < n);
        Vector most = e[0], all = {};
        for (std::int64_t i = 1; i < n; ++i) most = larger(most, e[i]);
        alignas(64) T power[16 * W];
        for (std::int64_t i = 0; i < n; ++i) {
            e[i] -= most;
            std::memcpy(power + i * W, e + i, VECTOR_BYTES);
        }
        for (std::int64_t i = 0; i < n * W; ++i) power[i] = exp_(power[i]);
        for (std::int64_t i = 0; i < n; ++i) all += e[i] = load(power + i * W);
        store_part(most, top, std::min<std::int64_t>(W, count), false);
        store_part(all, total, std::min<std::int64_t>(W, count), false);
        const Vector share = T(1) / all;
        for (std::int64_t i = 0; i < n; ++i) e[i] *= share;
        for (q = 0; q < n; q += W) Vectors<T>::template transpose<W / 2>(e + q);
        // What a whole vector writes beyond its column, the next columns' write over.
        for (std::int64_t c = 0; c < count; ++c)
            for (q = 0; q < n; q += W) {
                T* const to = soft + c * n + q;
                if (q + W <= (count - c) * n) std::memcpy(to, &e[q + c], VECTOR_BYTES);
                else store_part(e[q + c], to, std::min<std::int64_t>(W, n - q), false);
            }
    }

private:
    static Vector larger(Vector a, Vector b) { return b > a ? b : (a != a ? a : (b != b ? b : a)); }

    template <int V> static void strip(const T* x, std::int64_t n, std::int64_t m, T* y) {
        Vector total[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) total[v] = load(x + v * W);
        for (std::int64_t j = 1; j < m; ++j)
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v) total[v] += load(x + j * n + v * W);
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) std::memcpy(y + v * W, &total[v], VECTOR_BYTES);
    }
};

}  // namespace ISA
}  // namespace chainrule
