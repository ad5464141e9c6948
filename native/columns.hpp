// Columns that lie apart, written side by side as the rows of one array. Compiled once per instruction set.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "vectors.hpp"

namespace chainrule {
namespace ISA {

// x[i][j] = column j's entry i, by squares of vectors: a row gets whole vectors, a column is read in pieces of STRIP
// entries, which stay in the first cache beside their neighbors'.
template <class T> void rows_of(const std::uintptr_t* columns, std::int64_t width, std::int64_t rows, T* x) {
    constexpr std::int64_t W = Vectors<T>::W, STRIP = 1024;
    const auto column = [&](std::int64_t j) { return reinterpret_cast<const T*>(columns[j]); };
    for (std::int64_t first = 0; first < rows; first += STRIP) {
        const std::int64_t last = std::min(rows, first + STRIP), whole = last - (last - first) % W;
        std::int64_t j = 0;
        for (; j + W <= width; j += W)
            for (std::int64_t i = first; i < whole; i += W) {
                typename Vectors<T>::Vector square[W];
                for (std::int64_t k = 0; k < W; ++k) square[k] = Vectors<T>::load(column(j + k) + i);
                Vectors<T>::template transpose<W / 2>(square);
                for (std::int64_t k = 0; k < W; ++k) std::memcpy(x + (i + k) * width + j, &square[k], sizeof square[k]);
            }
        for (std::int64_t k = 0; k < width; ++k)
            for (std::int64_t i = k < j ? whole : first; i < last; ++i) x[i * width + k] = column(k)[i];
    }
}

void side_by_side(const std::vector<std::uintptr_t>& columns, std::int64_t rows, std::uintptr_t x, bool wide) {
    const auto width = static_cast<std::int64_t>(columns.size());
    if (wide) rows_of(columns.data(), width, rows, reinterpret_cast<double*>(x));
    else rows_of(columns.data(), width, rows, reinterpret_cast<float*>(x));
}

}  // namespace ISA
}  // namespace chainrule
