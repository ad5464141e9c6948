// The elementary functions on any machine, without Python: at most 2 ulp from the C library's in a wider type over all
// exponents, special values as IEEE 754 asks, and a checksum of all bits, which must be the same on every machine.
#include <cmath>
#include <cstdio>
#include <limits>

#include "math.hpp"

namespace {

using namespace chainrule;

template <class W> W sigmoid_true(W x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
template <class W> W softplus_true(W x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); }

template <class T, class W> struct Function {
    const char* name;
    T (*ours)(T);
    W (*truth)(W);
};

// Distance in units of the last place of the truth, rounded to T.
template <class T, class W> double distance(T found, W truth) {
    const T rounded = static_cast<T>(truth);
    if (std::isnan(truth)) return std::isnan(found) ? 0 : HUGE_VAL;
    if (std::isinf(rounded) || std::isinf(found)) return found == rounded ? 0 : std::isinf(rounded) && std::isinf(found) ? HUGE_VAL : 1;
    const T size = std::fabs(rounded);
    const W unit = std::fmax(static_cast<W>(std::nextafter(size, std::numeric_limits<T>::infinity())) - static_cast<W>(size),
                             static_cast<W>(std::numeric_limits<T>::denorm_min()));
    return static_cast<double>(std::fabs(static_cast<W>(found) - truth) / unit);
}

template <class T, class W> bool judge(const char* type, long count) {
    using U = typename Bits<T>::U;
    const Function<T, W> functions[] = {
        {"exp", exp_<T>, [](W x) { return std::exp(x); }},       {"expm1", expm1_<T>, [](W x) { return std::expm1(x); }},
        {"log", log_<T>, [](W x) { return std::log(x); }},       {"log1p", log1p_<T>, [](W x) { return std::log1p(x); }},
        {"tanh", tanh_<T>, [](W x) { return std::tanh(x); }},    {"sigmoid", sigmoid_<T>, sigmoid_true<W>},
        {"softplus", softplus_<T>, softplus_true<W>},
    };
    const T special[] = {T(0), T(-0.0), std::numeric_limits<T>::infinity(), -std::numeric_limits<T>::infinity(),
                         std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::denorm_min(),
                         -std::numeric_limits<T>::denorm_min(), std::numeric_limits<T>::max(), std::numeric_limits<T>::lowest(),
                         std::numeric_limits<T>::min(), T(1), T(-1)};
    constexpr long specials = sizeof special / sizeof *special;
    const U stride = std::numeric_limits<U>::max() / static_cast<U>(count) | 1;  // odd: through all exponents and signs
    bool good = true;
    for (const auto& f : functions) {
        double worst = 0;
        std::uint64_t sum = 14695981039346656037ULL;  // FNV-1a over all results
        for (long i = 0; i < count + specials; ++i) {
            const T x = i < count ? from_bits<T>(static_cast<U>(i) * stride) : special[i - count];
            const T y = f.ours(x);
            worst = std::fmax(worst, distance<T, W>(y, f.truth(static_cast<W>(x))));
            sum = (sum ^ (y != y ? 1 : static_cast<std::uint64_t>(to_bits(y)))) * 1099511628211ULL;
        }
        good = good && worst <= 2;
        std::printf("%s %s: at most %.3f ulp, bits %016llx\n", type, f.name, worst, static_cast<unsigned long long>(sum));
    }
    return good;
}

}  // namespace

int main() {
    bool good = judge<float, double>("float32", 1 << 20);
    if (std::numeric_limits<long double>::digits > 53) good &= judge<double, long double>("float64", 1 << 17);
    return good ? 0 : 1;
}
