// Elementary functions written so that compilers vectorize loops over them: no branches, no tables, no calls.
// Accuracy: at most 2 ulp in float32 (nearly all 2^32 numbers were tried) and in float64; denormals, infinities, NaN and the
// sign of zero as IEEE 754 asks. tests/test_native_math.py samples all exponents.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace chainrule {

template <class T> struct Bits;
template <> struct Bits<float> {
    using U = std::uint32_t;
    using I = std::int32_t;
    static constexpr int mantissa = 23, bias = 127;
    static constexpr float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    static constexpr float ln2_hi = 0.693359375f, ln2_lo = -2.12194440e-4f;
    static constexpr float exp_low = -104.5f, exp_high = 89.5f;
};
template <> struct Bits<double> {
    using U = std::uint64_t;
    using I = std::int64_t;
    static constexpr int mantissa = 52, bias = 1023;
    static constexpr double magic = 6755399441055744.0;
    static constexpr double ln2_hi = 6.93147180369123816490e-01, ln2_lo = 1.90821492927058770002e-10;
    static constexpr double exp_low = -746.5, exp_high = 710.5;
};

template <class T> inline typename Bits<T>::U to_bits(T x) {
    typename Bits<T>::U u;
    std::memcpy(&u, &x, sizeof x);
    return u;
}
template <class T> inline T from_bits(typename Bits<T>::U u) {
    T x;
    std::memcpy(&x, &u, sizeof x);
    return x;
}

// 2^n for an integer n held in the low bits of (n + magic), |n| within the normal range.
template <class T> inline T power_of_two(typename Bits<T>::I n) {
    return from_bits<T>(static_cast<typename Bits<T>::U>(n + Bits<T>::bias) << Bits<T>::mantissa);
}

// (e^r - 1 - r) / r² for |r| <= ln2/2.
template <class T> inline T exp_core(T r) {
    if constexpr (sizeof(T) == 4) {
        T p = T(1.9875691500e-4);
        p = p * r + T(1.3981999507e-3);
        p = p * r + T(8.3334519073e-3);
        p = p * r + T(4.1665795894e-2);
        p = p * r + T(1.6666665459e-1);
        p = p * r + T(5.0000001201e-1);
        return p;
    } else {
        T p = T(1.0 / 6227020800.0);
        p = p * r + T(1.0 / 479001600.0);
        p = p * r + T(1.0 / 39916800.0);
        p = p * r + T(1.0 / 3628800.0);
        p = p * r + T(1.0 / 362880.0);
        p = p * r + T(1.0 / 40320.0);
        p = p * r + T(1.0 / 5040.0);
        p = p * r + T(1.0 / 720.0);
        p = p * r + T(1.0 / 120.0);
        p = p * r + T(1.0 / 24.0);
        p = p * r + T(1.0 / 6.0);
        p = p * r + T(0.5);
        return p;
    }
}

// A number and what rounding it left out.
template <class T> struct Pair {
    T high, low;
};

// x = n ln2 + r
template <class T> struct Reduced {
    Pair<T> r;
    typename Bits<T>::I n;
};

template <class T> inline Reduced<T> reduce(T x) {
    using B = Bits<T>;
    const T t = x * T(1.44269504088896340736) + B::magic;
    const T n = t - B::magic;
    const auto i = static_cast<typename B::I>(to_bits(t)) - static_cast<typename B::I>(to_bits(T(B::magic)));
    const T h = x - n * B::ln2_hi, l = n * B::ln2_lo;
    const T r = h - l;
    return {{r, (h - r) - l}, i};
}

template <class T> inline T clamp_exponent(T x, T low) {
    const T c = x < low ? low : x;
    return c > Bits<T>::exp_high ? Bits<T>::exp_high : c;
}

// e^x in two parts; NaN is left to the callers.
template <class T> inline Pair<T> exp_pair(T x) {
    const auto a = reduce(clamp_exponent(x, Bits<T>::exp_low));
    const T r = a.r.high;
    const T p = exp_core(r) * (r * r) + r;
    const T y = p + T(1);
    const T l = p - (y - T(1));
    const auto half = a.n >> 1;  // two factors, so that neither overflows and denormals come out
    const T s = power_of_two<T>(half), u = power_of_two<T>(a.n - half);
    return {(y * s) * u, (l * s) * u};
}

template <class T> inline T exp_(T x) {
    const T y = exp_pair(x).high;
    return x != x ? x : y;
}

template <class T> inline T expm1_(T x) {
    const auto a = reduce(clamp_exponent(x, sizeof(T) == 4 ? T(-20) : T(-40)));
    const T r = a.r.high;
    const T q = exp_core(r) * (r * r);
    const T p = r + q;
    const T l = (q - (p - r)) + a.r.low;
    const auto half = a.n >> 1;
    const T s = power_of_two<T>(half), u = power_of_two<T>(a.n - half);
    // 2^n (e^r - 1) + (2^n - 1); for large n both parts overflow together, as e^x does
    const T y = a.n > 60 ? ((p + T(1)) * s) * u : ((p * s) * u + (s * u - T(1))) + (l * s) * u;
    return x == T(0) || x != x ? x : y;  // -0 stays -0
}

template <class T> inline T log_(T x) {
    using B = Bits<T>;
    constexpr T least = std::numeric_limits<T>::min();
    const bool tiny = x < least;
    const T scaled = tiny ? x * (sizeof(T) == 4 ? T(8388608) : T(4503599627370496)) : x;
    const auto u = to_bits(scaled);
    const auto root = to_bits(T(0.70710678118654752440));
    const auto shifted = u - root;  // exponent such that the mantissa lies in [sqrt(1/2), sqrt 2)
    const auto e = static_cast<typename B::I>(shifted) >> B::mantissa;
    const T m = from_bits<T>(u - (static_cast<typename B::U>(e) << B::mantissa));
    // exact conversion of the small integer e to T by the magic number
    const T k = from_bits<T>(to_bits(T(B::magic)) + static_cast<typename B::U>(e)) - B::magic - (tiny ? T(B::mantissa) : T(0));
    const T f = m - T(1);
    const T s = f / (T(2) + f);
    const T z = s * s;
    T p;
    if constexpr (sizeof(T) == 4) {
        p = T(0.24279078841);
        p = p * z + T(0.28498786688);
        p = p * z + T(0.40000972152);
        p = p * z + T(0.66666662693);
    } else {
        p = T(2.0 / 23);
        p = p * z + T(2.0 / 21);
        p = p * z + T(2.0 / 19);
        p = p * z + T(2.0 / 17);
        p = p * z + T(2.0 / 15);
        p = p * z + T(2.0 / 13);
        p = p * z + T(2.0 / 11);
        p = p * z + T(2.0 / 9);
        p = p * z + T(2.0 / 7);
        p = p * z + T(2.0 / 5);
        p = p * z + T(2.0 / 3);
    }
    const T h = T(0.5) * f * f;
    T y = k * B::ln2_hi + (f - (h - (s * (h + z * p) + k * B::ln2_lo)));
    y = x == std::numeric_limits<T>::infinity() ? x : y;
    y = x == T(0) ? -std::numeric_limits<T>::infinity() : y;
    y = x < T(0) ? std::numeric_limits<T>::quiet_NaN() : y;
    return x != x ? x : y;
}

// ln(1 + x + low) for a low far below the last digit of x
template <class T> inline T log1p_pair(T x, T low) {
    const T u = T(1) + x;
    const T c = ((x - (u - T(1))) + low) / u;  // what rounding 1 + x lost
    const T y = log_(u);
    const T z = u == T(1) ? x : y + c;
    return u == std::numeric_limits<T>::infinity() || u <= T(0) ? y : z;
}

template <class T> inline T log1p_(T x) { return log1p_pair(x, T(0)); }

// Near 0 the start of Lambert's continued fraction x / (1 + x² / (3 + x² / (5 + …))), as x - x³ p(x²) / q(x²); from
// ½ ln 3 on, where tanh is above one half, 1 - 2 / (e^2x + 1). One division serves both.
template <class T> inline T tanh_(T x) {
    const T limit = sizeof(T) == 4 ? T(10) : T(20);
    const T a = x < T(0) ? -x : x;
    const T b = a > limit ? limit : a;
    const T z = b * b;
    T p, q;
    if constexpr (sizeof(T) == 4) {
        p = T(14) * z + T(315);
        q = (T(15) * z + T(420)) * z + T(945);
    } else {
        p = ((z + T(594)) * z + T(45045)) * z + T(675675);
        q = (((z + T(630)) * z + T(51975)) * z + T(945945)) * z + T(2027025);
    }
    const bool near = b < T(0.55);
    const T above = near ? b * z * p : T(2);
    const T below = near ? q : exp_(T(2) * b) + T(1);
    const T y = (near ? b : T(1)) - above / below;
    const T s = x < T(0) ? -y : y;
    return x == T(0) || x != x ? x : s;
}

// e^-|x| never overflows, and the left tail goes down through the denormals. What rounding 1 + e lost is put back: to
// first order where e is small, where it counts.
template <class T> inline T sigmoid_(T x) {
    const bool left = x < T(0);
    const T e = exp_(left ? x : -x);
    const T d = T(1) + e;
    const T lost = e - (d - T(1));
    const T y = (left ? e : T(1)) / d;
    return y - y * lost;
}

template <class T> inline T softplus_(T x) {
    const auto e = exp_pair(x < T(0) ? x : -x);
    const T y = (x > T(0) ? x : T(0)) + log1p_pair(e.high, e.low);
    return x != x ? x : y;
}

}  // namespace chainrule
