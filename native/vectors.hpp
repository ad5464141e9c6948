// Vectors of an instruction set: loading, storing a part, multiply-adds, exchanging lanes. Compiled once per instruction set.
#pragma once
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace chainrule {
namespace ISA {

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64;
#elif defined(__AVX2__)
constexpr int VECTOR_BYTES = 32;
#else
constexpr int VECTOR_BYTES = 16;
#endif
template <class T> struct Vectors {
    static constexpr int W = VECTOR_BYTES / static_cast<int>(sizeof(T));
    typedef T Vector __attribute__((vector_size(VECTOR_BYTES)));

    static Vector load(const T* p) {
        Vector v;
        std::memcpy(&v, p, sizeof v);
        return v;
    }

    static Vector fma(Vector a, Vector b, Vector c) {
#if defined(__AVX512F__)
        if constexpr (sizeof(T) == 4) return reinterpret_cast<Vector>(_mm512_fmadd_ps(__m512(a), __m512(b), __m512(c)));
        else return reinterpret_cast<Vector>(_mm512_fmadd_pd(__m512d(a), __m512d(b), __m512d(c)));
#elif defined(__FMA__)
        if constexpr (sizeof(T) == 4) return reinterpret_cast<Vector>(_mm256_fmadd_ps(__m256(a), __m256(b), __m256(c)));
        else return reinterpret_cast<Vector>(_mm256_fmadd_pd(__m256d(a), __m256d(b), __m256d(c)));
#elif defined(__aarch64__)
        if constexpr (sizeof(T) == 4)
            return reinterpret_cast<Vector>(vfmaq_f32(float32x4_t(c), float32x4_t(a), float32x4_t(b)));
        else return reinterpret_cast<Vector>(vfmaq_f64(float64x2_t(c), float64x2_t(a), float64x2_t(b)));
#else
        return a * b + c;
#endif
    }

    static void store_part(Vector y, T* to, std::int64_t count, bool add) {
#if defined(__AVX512F__)
        const auto mask = (1u << count) - 1;
        if constexpr (sizeof(T) == 4) {
            if (add) y += reinterpret_cast<Vector>(_mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), to));
            _mm512_mask_storeu_ps(to, static_cast<__mmask16>(mask), __m512(y));
        } else {
            if (add) y += reinterpret_cast<Vector>(_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), to));
            _mm512_mask_storeu_pd(to, static_cast<__mmask8>(mask), __m512d(y));
        }
#else
        T part[W];
        std::memcpy(part, &y, sizeof y);
        for (std::int64_t i = 0; i < count; ++i) to[i] = add ? to[i] + part[i] : part[i];
#endif
    }

    // A square of vectors, halves exchanged (Eklundh 1972).
    template <int H> static void transpose(Vector* x) {
        if constexpr (H > 0) {
#pragma GCC unroll 16
            for (int i = 0; i < W; ++i)
                if (!(i & H)) {
                    const Vector p = x[i], q = x[i + H];
                    x[i] = exchanged<H, false>(p, q, std::make_integer_sequence<int, W>());
                    x[i + H] = exchanged<H, true>(p, q, std::make_integer_sequence<int, W>());
                }
            transpose<H / 2>(x);
        }
    }

    template <int H, bool upper, int... l> static Vector exchanged(Vector p, Vector q, std::integer_sequence<int, l...>) {
        if constexpr (upper) return shuffled<((l & H) ? W + l : l + H)...>(p, q);
        else return shuffled<((l & H) ? W + l - H : l)...>(p, q);
    }

    // Lanes of p (0 to W - 1) and q (from W on).
    template <int... lane> static Vector shuffled(Vector p, Vector q) {
#if defined(__clang__) || __GNUC__ >= 12
        return __builtin_shufflevector(p, q, lane...);
#else
        typedef std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t> I;
        typedef I Lanes __attribute__((vector_size(VECTOR_BYTES)));
        return __builtin_shuffle(p, q, Lanes{lane...});
#endif
    }
};

}  // namespace ISA
}  // namespace chainrule
