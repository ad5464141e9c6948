// Matrix products, compiled once per instruction set into its namespace. Matrices are stored by columns.
//
// C = alpha · op(A) op(B), m × n over an inner size k. Every entry of C is the sum over k in order, by fused multiply-adds,
// cut at multiples of a length that depends on k alone: its bits do not depend on how C is cut, on the number of threads,
// or on the width of the vectors.
//
// Blocks as in Goto and van de Geijn (2008): a slab of B stays in the first cache, a block of A in the second, and a tile
// of C in registers. An operand that lies well already is read where it is; others are copied ("packed") first.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "task.hpp"
#include "vectors.hpp"

namespace chainrule {
namespace ISA {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr bool MANY_REGISTERS = true;  // 3 × 8 sums, 3 vectors of A and one number of B: 28 of 32 registers
#else
constexpr bool MANY_REGISTERS = false;  // 3 × 4 + 4 of 16
#endif
constexpr int TILE_COLUMNS = MANY_REGISTERS ? 8 : 4;
constexpr int TILE_VECTORS = 3;

template <class T> struct Product : Vectors<T> {
    using typename Vectors<T>::Vector;
    using Vectors<T>::W;
    using Vectors<T>::load;
    using Vectors<T>::fma;
    using Vectors<T>::store_part;
    static constexpr std::int64_t MR = TILE_VECTORS * W, NR = TILE_COLUMNS;
    static constexpr std::int64_t KC = 1536 / static_cast<std::int64_t>(sizeof(T));  // NR × KC numbers: 12 kB
    static constexpr std::int64_t MC = 512 * 1024 / (KC * static_cast<std::int64_t>(sizeof(T))) / MR * MR;  // 512 kB of A
    static constexpr std::int64_t NC = 2048;

    struct Matrix {
        const T* data;
        std::int64_t stride;  // from column to column
        bool transposed;
        const T* at(std::int64_t row, std::int64_t column) const {
            return data + (transposed ? row * stride + column : row + column * stride);
        }
    };

    // Room for packed operands, one per thread, kept from call to call.
    struct Room {
        std::vector<T> a, b;
        Ahead* ahead = nullptr;
        static T* of(std::vector<T>& v, std::int64_t size) {
            if (static_cast<std::int64_t>(v.size()) < size + 64 / static_cast<std::int64_t>(sizeof(T)))
                v.resize(static_cast<std::size_t>(size) + 64 / sizeof(T));
            const auto address = reinterpret_cast<std::uintptr_t>(v.data());
            return reinterpret_cast<T*>((address + 63) / 64 * 64);
        }
    };

    // The length at whose multiples sums over k are cut; an even number of parts, so that two threads may share them.
    static std::int64_t part(std::int64_t k) {
        const std::int64_t parts = k <= KC ? 1 : 2 * ((k + 2 * KC - 1) / (2 * KC));
        return (k + parts - 1) / parts;
    }

    static void run(std::int64_t m, std::int64_t n, std::int64_t k, T alpha, Matrix a, Matrix b, T* c, std::int64_t ldc,
                    Room& room) {
        if (m == 1 && ldc == 1 && n > 1) {  // a row is a column of the transposed product
            a.transposed = !a.transposed;
            b.transposed = !b.transposed;
            run(n, 1, k, alpha, b, a, c, n, room);
            return;
        }
        const std::int64_t depth = part(k);
        // Read in place what lies close together or is read by few tiles. With few registers for addresses, packed
        // operands pay sooner.
        constexpr std::int64_t size = sizeof(T);
        const bool keep_a = !a.transposed && a.stride * size <= 1024 && (MANY_REGISTERS || n <= 2 * NR);
        const bool keep_b = m <= W || (MANY_REGISTERS ? m <= 4 * MR && b.stride * size % 4096 != 0 : m <= 2 * MR);
        for (std::int64_t j0 = 0; j0 < n; j0 += NC) {
            const std::int64_t columns = std::min(NC, n - j0);
            for (std::int64_t k0 = 0; k0 < k; k0 += depth) {
                const std::int64_t inner = std::min(depth, k - k0);
                const T* packed_b = keep_b ? nullptr : pack_b(b, k0, inner, j0, columns, room);
                for (std::int64_t i0 = 0; i0 < m; i0 += MC) {
                    const std::int64_t rows = std::min(MC, m - i0);
                    const T* packed_a = keep_a ? nullptr : pack_a(a, i0, rows, k0, inner, room);
                    const T* rest = keep_a && rows % W ? pack_rest(a, i0, rows, k0, inner, room) : nullptr;
                    for (std::int64_t j = 0; j < columns; j += NR) {
                        const std::int64_t width = std::min(NR, columns - j);
                        const T* from_b = keep_b ? b.at(k0, j0 + j) : packed_b + j * inner;
                        for (std::int64_t i = 0; i < rows; i += MR) {
                            if (room.ahead) room.ahead->some();
                            const std::int64_t height = std::min(MR, rows - i);
                            T* to = c + (i0 + i) + (j0 + j) * ldc;
                            if (keep_a) {
                                const std::int64_t whole = height / W * W;
                                if (whole)
                                    tile(inner, a.at(i0 + i, k0), a.stride, from_b, b, keep_b, width, to, ldc, alpha, k0 > 0,
                                         whole);
                                if (whole < height)
                                    tile(inner, rest, W, from_b, b, keep_b, width, to + whole, ldc, alpha, k0 > 0,
                                         height - whole);
                            } else {
                                const std::int64_t step = (height + W - 1) / W * W;
                                tile(inner, packed_a + i * inner, step, from_b, b, keep_b, width, to, ldc, alpha, k0 > 0,
                                     height);
                            }
                        }
                    }
                }
            }
        }
    }

private:
    // V vectors by N columns of C. `by_row`: numbers of B for one k lie side by side; else each column does.
    template <int V, int N, bool by_row>
    static void kernel(std::int64_t k, const T* a, std::int64_t a_step, const T* b, std::int64_t b_step, T* c,
                       std::int64_t ldc, T alpha, bool add, std::int64_t rows) {
        Vector sum[N][V] = {};
        for (std::int64_t p = 0; p < k; ++p) {
            Vector x[V];
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v) x[v] = load(a + v * W);
#pragma GCC unroll 8
            for (int j = 0; j < N; ++j) {
                const Vector y = (by_row ? b[j] : b[j * b_step]) - Vector{};
#pragma GCC unroll 4
                for (int v = 0; v < V; ++v) sum[j][v] = fma(x[v], y, sum[j][v]);
            }
            a += a_step;
            b += by_row ? b_step : 1;
        }
        const Vector factor = alpha - Vector{};
        if (rows == V * W) {
#pragma GCC unroll 8
            for (int j = 0; j < N; ++j)
#pragma GCC unroll 4
                for (int v = 0; v < V; ++v) {
                    T* to = c + j * ldc + v * W;
                    Vector y = factor * sum[j][v];
                    if (add) y += load(to);
                    std::memcpy(to, &y, sizeof y);
                }
        } else {
#pragma GCC unroll 8
            for (int j = 0; j < N; ++j)
#pragma GCC unroll 4
                for (int v = 0; v < V; ++v)
                    if (const std::int64_t left = rows - v * W; left > 0)
                        store_part(factor * sum[j][v], c + j * ldc + v * W, std::min<std::int64_t>(W, left), add);
        }
    }

    using Kernel = void (*)(std::int64_t, const T*, std::int64_t, const T*, std::int64_t, T*, std::int64_t, T, bool,
                            std::int64_t);

    template <bool by_row> static Kernel choose(std::int64_t vectors, std::int64_t columns) {
        static constexpr Kernel table[TILE_VECTORS][8] = {
            {kernel<1, 1, by_row>, kernel<1, 2, by_row>, kernel<1, 3, by_row>, kernel<1, 4, by_row>, kernel<1, 5, by_row>,
             kernel<1, 6, by_row>, kernel<1, 7, by_row>, kernel<1, 8, by_row>},
            {kernel<2, 1, by_row>, kernel<2, 2, by_row>, kernel<2, 3, by_row>, kernel<2, 4, by_row>, kernel<2, 5, by_row>,
             kernel<2, 6, by_row>, kernel<2, 7, by_row>, kernel<2, 8, by_row>},
            {kernel<3, 1, by_row>, kernel<3, 2, by_row>, kernel<3, 3, by_row>, kernel<3, 4, by_row>, kernel<3, 5, by_row>,
             kernel<3, 6, by_row>, kernel<3, 7, by_row>, kernel<3, 8, by_row>}};
        return table[vectors - 1][columns - 1];
    }

    static void tile(std::int64_t k, const T* a, std::int64_t a_step, const T* b, const Matrix& matrix, bool in_place,
                     std::int64_t columns, T* c, std::int64_t ldc, T alpha, bool add, std::int64_t rows) {
        const std::int64_t vectors = (rows + W - 1) / W;
        if (!in_place) choose<true>(vectors, columns)(k, a, a_step, b, columns, c, ldc, alpha, add, rows);
        else if (matrix.transposed) choose<true>(vectors, columns)(k, a, a_step, b, matrix.stride, c, ldc, alpha, add, rows);
        else choose<false>(vectors, columns)(k, a, a_step, b, matrix.stride, c, ldc, alpha, add, rows);
    }

    // Slabs of MR rows (the last: as many whole vectors as it needs), for each k the rows side by side. What stands in rows
    // beyond the last is never stored.
    static const T* pack_a(const Matrix& a, std::int64_t i0, std::int64_t rows, std::int64_t k0, std::int64_t inner,
                           Room& room) {
        T* to = Room::of(room.a, (rows + W - 1) / W * W * inner);
        for (std::int64_t i = 0; i < rows; i += MR) {
            const std::int64_t height = std::min(MR, rows - i), step = (height + W - 1) / W * W;
            T* slab = to + i * inner;
            if (a.transposed)
                for (std::int64_t v = 0; v < step; v += W)
                    pack_transposed(a, i0 + i + v, std::min<std::int64_t>(W, height - v), k0, inner, slab + v, step);
            else pack_rows(a.at(i0 + i, k0), a.stride, height, inner, slab);
        }
        return to;
    }

    // The last rows of a block that fill no whole vector.
    static const T* pack_rest(const Matrix& a, std::int64_t i0, std::int64_t rows, std::int64_t k0, std::int64_t inner,
                              Room& room) {
        T* to = Room::of(room.a, W * inner);
        pack_rows(a.at(i0 + rows / W * W, k0), a.stride, rows % W, inner, to);
        return to;
    }

    static void pack_rows(const T* from, std::int64_t stride, std::int64_t rows, std::int64_t inner, T* to) {
        const std::int64_t step = (rows + W - 1) / W * W;
        // a whole last vector may be read where it ends before the matrix does
        std::int64_t whole = rows == step ? inner : std::max<std::int64_t>(0, inner - (step - rows + stride - 1) / stride);
        for (std::int64_t p = 0; p < whole; ++p, from += stride, to += step)
            for (std::int64_t v = 0; v < step; v += W) std::memcpy(to + v, from + v, VECTOR_BYTES);
        for (std::int64_t p = whole; p < inner; ++p, from += stride, to += step) {
            std::copy(from, from + rows, to);
            std::fill(to + rows, to + step, T(0));
        }
    }

    static void pack_transposed(const Matrix& a, std::int64_t i, std::int64_t rows, std::int64_t k0, std::int64_t inner,
                                T* to, std::int64_t step) {
        const T* from = a.at(i, k0);
        std::int64_t p = 0;
        if (rows == W)
            for (; p + W <= inner; p += W) {
                Vector x[W];
#pragma GCC unroll 16
                for (int r = 0; r < W; ++r) x[r] = load(from + r * a.stride + p);
                Vectors<T>::template transpose<W / 2>(x);
#pragma GCC unroll 16
                for (int r = 0; r < W; ++r) std::memcpy(to + (p + r) * step, &x[r], VECTOR_BYTES);
            }
        for (; p < inner; ++p)
            for (std::int64_t r = 0; r < W; ++r) to[p * step + r] = r < rows ? from[r * a.stride + p] : T(0);
    }

    // Slabs of NR columns (the last may be narrower), for each k the columns side by side.
    static const T* pack_b(const Matrix& b, std::int64_t k0, std::int64_t inner, std::int64_t j0, std::int64_t columns,
                           Room& room) {
        T* to = Room::of(room.b, inner * columns);
        for (std::int64_t j = 0; j < columns; j += NR) {
            const std::int64_t width = std::min(NR, columns - j);
            T* slab = to + j * inner;
            const T* from = b.at(k0, j0 + j);
            if (b.transposed && j + 4 * NR <= columns) {  // whole cache lines
                for (std::int64_t p = 0; p < inner; ++p)
                    for (int s = 0; s < 4; ++s)
                        std::memcpy(slab + (s * inner + p) * NR, from + p * b.stride + s * NR, NR * sizeof(T));
                j += 3 * NR;
            } else if (b.transposed) {
                for (std::int64_t p = 0; p < inner; ++p)
                    std::copy(from + p * b.stride, from + p * b.stride + width, slab + p * width);
            } else {
                std::int64_t p = 0;
                if (width == NR && W >= TILE_COLUMNS)
                    for (; p + W <= inner; p += W) interleave(from + p, b.stride, slab + p * NR);
                for (; p < inner; ++p)
                    for (std::int64_t q = 0; q < width; ++q) slab[p * width + q] = from[p + q * b.stride];
            }
        }
        return to;
    }

    // NR columns of W numbers, one number of each in turn.
    static void interleave(const T* from, std::int64_t stride, T* to) {
        Vector x[NR], y[NR];
#pragma GCC unroll 8
        for (int j = 0; j < NR; ++j) x[j] = load(from + j * stride);
#pragma GCC unroll 4
        for (int half = NR / 2, s = 0; half; half /= 2, ++s) {
#pragma GCC unroll 8
            for (int j = 0; j < NR / 2; ++j) {
                y[2 * j] = zipped<false>(x[j], x[j + NR / 2], std::make_integer_sequence<int, W>());
                y[2 * j + 1] = zipped<true>(x[j], x[j + NR / 2], std::make_integer_sequence<int, W>());
            }
#pragma GCC unroll 8
            for (int j = 0; j < NR; ++j) x[j] = y[j];
        }
#pragma GCC unroll 8
        for (int j = 0; j < NR; ++j) std::memcpy(to + j * W, &x[j], VECTOR_BYTES);
    }

    template <bool upper, int... l> static Vector zipped(Vector p, Vector q, std::integer_sequence<int, l...>) {
        return Vectors<T>::template shuffled<(l / 2 + (upper ? W / 2 : 0) + (l % 2 ? W : 0))...>(p, q);
    }
};

}  // namespace ISA
}  // namespace chainrule
