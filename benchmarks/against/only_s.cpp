// The step of case S written by hand for its sizes alone: 64-32-10, 32 samples, ReLU, soft-max with cross-entropy, Adam.
// No instruction is read, no size is a variable, samples are read where they lie, and rounding is the compiler's choice.
// What this takes is a bound for programs that serve every network.
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace {

constexpr int IN = 64, HIDDEN = 32, OUT = 10, BATCH = 32;
constexpr int W1 = 0, B1 = IN * HIDDEN, W2 = B1 + HIDDEN, B2 = W2 + OUT * HIDDEN, COUNT = B2 + 16;  // W2 by rows; b2 padded
using V = __m512;

struct State {
    alignas(64) float weight[COUNT], m[COUNT], v[COUNT], slope[COUNT];
    alignas(64) float hidden[BATCH * HIDDEN], back[BATCH * HIDDEN], score[BATCH * 16], turned[HIDDEN * 16];
    double beta1 = 1, beta2 = 1;
} s;

V load(const float* p) { return _mm512_loadu_ps(p); }
V all(float x) { return _mm512_set1_ps(x); }

// e^x for x <= 0, to about 1 ulp.
V power(V x) {
    x = _mm512_max_ps(x, all(-87));
    const V n = _mm512_roundscale_ps(_mm512_mul_ps(x, all(1.44269504f)), 0);
    V r = _mm512_fnmadd_ps(n, all(0.693359375f), x);
    r = _mm512_fnmadd_ps(n, all(-2.12194440e-4f), r);
    V p = all(1.9875691500e-4f);
    for (float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
        p = _mm512_fmadd_ps(p, r, all(c));
    return _mm512_scalef_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), _mm512_add_ps(r, all(1))), n);
}

// A[1] = max(0, W[1] x + b[1]), eight samples at a time.
void forward1(const float* const* x) {
    const V zero = _mm512_setzero_ps();
    for (int j = 0; j < BATCH; j += 8) {
        V sum[8][2];
        for (int c = 0; c < 8; ++c)
            for (int r = 0; r < 2; ++r) sum[c][r] = load(s.weight + B1 + 16 * r);
        for (int k = 0; k < IN; ++k) {
            const V w0 = load(s.weight + W1 + k * HIDDEN), w1 = load(s.weight + W1 + k * HIDDEN + 16);
#pragma GCC unroll 8
            for (int c = 0; c < 8; ++c) {
                const V y = all(x[j + c][k]);
                sum[c][0] = _mm512_fmadd_ps(w0, y, sum[c][0]);
                sum[c][1] = _mm512_fmadd_ps(w1, y, sum[c][1]);
            }
        }
        for (int c = 0; c < 8; ++c)
            for (int r = 0; r < 2; ++r) _mm512_store_ps(s.hidden + (j + c) * HIDDEN + 16 * r, _mm512_max_ps(sum[c][r], zero));
    }
}

// dZ[2] = (soft-max(W[2] A[1] + b[2]) - Y) / m; the sum of the losses.
float output(const std::int64_t* label) {
    for (int h = 0; h < HIDDEN; ++h)  // W[2] by columns of 16, six of them empty
        for (int r = 0; r < OUT; ++r) s.turned[h * 16 + r] = s.weight[W2 + r * HIDDEN + h];
    constexpr __mmask16 USED = (1u << OUT) - 1;
    float total = 0;
    for (int j = 0; j < BATCH; j += 16) {
        V sum[16];
        for (int c = 0; c < 16; ++c) sum[c] = load(s.weight + B2);
        for (int h = 0; h < HIDDEN; ++h) {
            const V w = load(s.turned + h * 16);
#pragma GCC unroll 16
            for (int c = 0; c < 16; ++c) sum[c] = _mm512_fmadd_ps(w, all(s.hidden[(j + c) * HIDDEN + h]), sum[c]);
        }
        for (int c = 0; c < 16; ++c) {
            const float top = _mm512_mask_reduce_max_ps(USED, sum[c]);
            const V z = _mm512_sub_ps(sum[c], all(top)), e = _mm512_maskz_mov_ps(USED, power(z));
            const float sums = _mm512_reduce_add_ps(e);
            float* to = s.score + (j + c) * 16;
            _mm512_store_ps(to, z);
            total += std::log(sums) - to[label[j + c]];
            _mm512_store_ps(to, _mm512_mul_ps(e, all(1 / (sums * BATCH))));
            to[label[j + c]] -= 1.0f / BATCH;
        }
    }
    return total / BATCH;
}

// dZ[1] = W[2]ᵀ dZ[2] where A[1] > 0.
void backward1() {
    for (int j = 0; j < BATCH; j += 8) {
        V sum[8][2] = {};
        for (int r = 0; r < OUT; ++r) {
            const V w0 = load(s.weight + W2 + r * HIDDEN), w1 = load(s.weight + W2 + r * HIDDEN + 16);
#pragma GCC unroll 8
            for (int c = 0; c < 8; ++c) {
                const V y = all(s.score[(j + c) * 16 + r]);
                sum[c][0] = _mm512_fmadd_ps(w0, y, sum[c][0]);
                sum[c][1] = _mm512_fmadd_ps(w1, y, sum[c][1]);
            }
        }
        for (int c = 0; c < 8; ++c)
            for (int r = 0; r < 2; ++r) {
                const int at = (j + c) * HIDDEN + 16 * r;
                const __mmask16 on = _mm512_cmp_ps_mask(load(s.hidden + at), _mm512_setzero_ps(), _CMP_GT_OQ);
                _mm512_store_ps(s.back + at, _mm512_maskz_mov_ps(on, sum[c][r]));
            }
    }
}

void slopes(const float* const* x) {
    for (int k = 0; k < IN; k += 8) {  // dW[1]
        V sum[8][2] = {};
        for (int j = 0; j < BATCH; ++j) {
            const V d0 = load(s.back + j * HIDDEN), d1 = load(s.back + j * HIDDEN + 16);
#pragma GCC unroll 8
            for (int c = 0; c < 8; ++c) {
                const V y = all(x[j][k + c]);
                sum[c][0] = _mm512_fmadd_ps(d0, y, sum[c][0]);
                sum[c][1] = _mm512_fmadd_ps(d1, y, sum[c][1]);
            }
        }
        for (int c = 0; c < 8; ++c)
            for (int r = 0; r < 2; ++r) _mm512_store_ps(s.slope + W1 + (k + c) * HIDDEN + 16 * r, sum[c][r]);
    }
    V first[2] = {}, last = {}, sum[OUT][2] = {};  // db[1], db[2], dW[2] by rows
    for (int j = 0; j < BATCH; ++j) {
        const V a0 = load(s.hidden + j * HIDDEN), a1 = load(s.hidden + j * HIDDEN + 16);
        first[0] = _mm512_add_ps(first[0], load(s.back + j * HIDDEN));
        first[1] = _mm512_add_ps(first[1], load(s.back + j * HIDDEN + 16));
        last = _mm512_add_ps(last, load(s.score + j * 16));
#pragma GCC unroll 10
        for (int r = 0; r < OUT; ++r) {
            const V y = all(s.score[j * 16 + r]);
            sum[r][0] = _mm512_fmadd_ps(a0, y, sum[r][0]);
            sum[r][1] = _mm512_fmadd_ps(a1, y, sum[r][1]);
        }
    }
    for (int r = 0; r < 2; ++r) _mm512_store_ps(s.slope + B1 + 16 * r, first[r]);
    for (int r = 0; r < OUT; ++r)
        for (int h = 0; h < 2; ++h) _mm512_store_ps(s.slope + W2 + r * HIDDEN + 16 * h, sum[r][h]);
    _mm512_storeu_ps(s.slope + B2, last);
}

// Is every slope a number, and the rate not too large for them?
bool sound() {
    V sum = {};
    for (int i = 0; i < COUNT; i += 16) sum = _mm512_fmadd_ps(load(s.slope + i), load(s.slope + i), sum);
    return _mm512_reduce_add_ps(sum) < 1e30f;
}

void adam() {
    s.beta1 *= 0.9;
    s.beta2 *= 0.999;
    const V rate = all(static_cast<float>(1e-3 * std::sqrt(1 - s.beta2) / (1 - s.beta1)));
    for (int i = 0; i < COUNT; i += 16) {
        const V g = load(s.slope + i);
        const V m = _mm512_fmadd_ps(all(0.9f), load(s.m + i), _mm512_mul_ps(all(0.1f), g));
        const V v = _mm512_fmadd_ps(all(0.999f), load(s.v + i), _mm512_mul_ps(all(0.001f), _mm512_mul_ps(g, g)));
        const V step = _mm512_div_ps(_mm512_mul_ps(rate, m), _mm512_add_ps(_mm512_sqrt_ps(v), all(1e-8f)));
        _mm512_storeu_ps(s.m + i, m);
        _mm512_storeu_ps(s.v + i, v);
        _mm512_storeu_ps(s.weight + i, _mm512_sub_ps(load(s.weight + i), step));
    }
}

}  // namespace

extern "C" {

// Weights as n_{l-1} × n_l, row after row; biases and moments start at 0.
void start(const float* first, const float* second) {
    s = State();
    std::copy(first, first + IN * HIDDEN, s.weight + W1);
    for (int h = 0; h < HIDDEN; ++h)
        for (int r = 0; r < OUT; ++r) s.weight[W2 + r * HIDDEN + h] = second[h * OUT + r];
}

// The mean loss of `steps` steps on the samples `rows`, or -1 where a slope is no number.
double epoch(const float* X, const std::int64_t* y, const std::int64_t* rows, std::int64_t steps) {
    double loss = 0;
    for (std::int64_t t = 0; t < steps; ++t, rows += BATCH) {
        const float* x[BATCH];
        std::int64_t label[BATCH];
        for (int j = 0; j < BATCH; ++j) {
            x[j] = X + rows[j] * IN;
            label[j] = y[rows[j]];
            if (t + 1 < steps)
                for (int k = 0; k < IN; k += 16) __builtin_prefetch(X + rows[j + BATCH] * IN + k);
        }
        forward1(x);
        loss += output(label);
        backward1();
        slopes(x);
        if (!sound()) return -1;
        adam();
    }
    return loss / static_cast<double>(steps);
}
}
