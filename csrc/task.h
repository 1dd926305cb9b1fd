// What one call computes: one layer in one direction over a batch of sequences. Data only, shared by every instruction set.
//
// Letters: T steps, N samples, D features, H units, G blocks of a cell. Unless it says otherwise a buffer is contiguous, and
// a null pointer means that there is no such thing.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace recuerdo {

class Team;

enum Cell { FRNN, INDRNN, LSTM, GRU, GRU_RESET_BEFORE };

template <class Real>
struct Task {
    int cell, activation;
    long T, N, D, H;
    long parts;     // the samples are split into so many ranges, each of which is walked by one thread
    bool by_units;  // forwards: not the samples but the units are split, for the products; the parts meet at every step
    bool odd;       // whether an odd number of steps came before this walk: see Forward::panels
    bool reverse;
    bool bf16;  // the products are in bfloat16, all else in float32

    // given
    const Real* x;              // (T, N, D) with the strides below
    long x_by_t, x_by_n;
    const Real *W, *U;          // (G*H, D), (G*H, H) or (G*H) on the diagonal, where a stepper may be without
    const Real *bias_ih, *bias_hh, *norm_ih, *norm_hh;  // (G*H); the norms: gains of a layer norm on W x and on U h
    const Real *norm_c, *norm_c_bias;         // (H)
    const Real *h0, *c0, *restart_h, *restart_c, *mask;  // (N, H)
    const Real* zoneout;        // (S, T, N, H)
    double zone_share;          // the share that stays where there is no tensor; 0 for none
    const int64_t* lengths;     // (N)
    const uint8_t* reset;       // (T, N): the state restarts right before this step of the walk

    // forward; what is null is not kept
    Real *gates;                // (T, N, G, H); of FRNN and IndRNN only with zoneout: else they are `out`
    Real *hidden;               // (T, N, H): U_n h + b of a GRU whose reset gate acts after the product
    Real *normed_x, *norm_x_scale;  // (T, N, G, H), (T, N, G): W x after its layer norm, before the gain
    Real *normed, *norm_scale;      // the same of U h
    Real *out, *c;              // (T, N, H)
    Real *h_last, *c_last;      // (N, H)

    // backward
    const Real *d_out, *d_c, *d_gates;     // gradients by out, c and gates
    const Real *d_h_last, *d_c_last;
    Real *d_x;                  // (T, N, D)
    Real *d_W, *d_U, *d_bias_ih, *d_bias_hh;
    Real *d_h0, *d_c0, *d_restart_h, *d_restart_c;  // (N, H); the last two are added to
    Real *d_norm_ih, *d_norm_hh, *d_norm_c, *d_norm_c_bias;

    // memory of the call itself: common to all parts, and one range of scratch for each
    char *common, *scratch;
    size_t common_bytes, scratch_bytes;
    Team* team;                 // whose size is `parts`

    long blocks() const { return cell == LSTM ? 4 : cell == GRU || cell == GRU_RESET_BEFORE ? 3 : 1; }
};

// The cross-entropy of M rows h W^T + b over V classes, and its gradients.
template <class Real>
struct SoftmaxTask {
    long M, K, V;
    long parts;
    bool bf16;  // the products are in bfloat16, all else in float32

    const Real *h, *W, *bias;   // (M, K), (V, K), (V)
    const int64_t* target;      // (M): the class that was right, below 0 where the row does not count
    const Real* share;          // (M): gradients are of the sum of share times loss; null where none is wanted
    Real* given;                // (M, V): h W^T that was computed elsewhere, in place of h and W; null where it was not
    Real *sum, *shift;          // (M): the loss is log(sum) + shift
    Real *d_h, *d_W, *d_bias;   // null where no gradient is wanted

    char *common, *scratch;
    size_t common_bytes, scratch_bytes;
    Team* team;
};

// One instruction set's code for one type of number.
template <class Real>
struct Kernels {
    void (*plan)(Task<Real>&, bool backward);  // fills in how many bytes the call needs
    void (*pack)(const Task<Real>&, bool backward, long part);
    void (*forward)(const Task<Real>&, long part);
    void (*backward)(const Task<Real>&, long part);  // the parts meet in it
    void (*plan_softmax)(SoftmaxTask<Real>&);
    void (*pack_softmax)(const SoftmaxTask<Real>&, long part);
    void (*softmax)(const SoftmaxTask<Real>&, long part);  // the parts meet in it
    void (*activate)(int kind, Real* values, long count);  // for tests
};

struct Path {
    const char* name;
    const Kernels<float>* single;
    const Kernels<double>* twice;
};

extern const Path avx512_path, avx2_path, portable_path;
extern const Path amx_path, avx512bf16_path, emulated_path;  // products in bfloat16; single alone

}  // namespace recuerdo
