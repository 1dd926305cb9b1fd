// The cross-entropy of softmax(h W^T + b) against the classes that were right, and its gradients in the same pass: the V logits
// of a row are made, used and forgotten, some rows at a time. Where the logits are given, they become the gradients by them.
//
// Rows are shared out for all that is theirs, and the rows of W for the gradients by them; every sum has an order of its own,
// so that no result depends on the number of threads, and a row's loss not on its neighbours.
#pragma once

#include "pool.h"
#include "walk.h"

namespace recuerdo {
namespace RECUERDO_ISA {

template <class Real>
struct Softmax {
    using Choice = SoftmaxTask<Real>;
    static constexpr long ROWS = 128;  // at a time: so many of W's numbers are read from memory for each of their logits
    const Choice& t;
    long part;
    Matrix<Real> out, back;   // W as h meets it, and as the gradients by the logits do: common to all parts
    long stride;              // between rows of logits, whole vectors
    Real* logits;             // (ROWS, stride), common to all parts
    size_t common_bytes, bytes;
    const Real **from, **seen;
    Real **to, *total;
    Sums<Real> sums;
    long first, last;         // the rows of W that are this part's to sum up

    Softmax(const Choice& task, long which) : Softmax(task, which, Arena{task.common}, Arena{scratch_of(task, which)}) {}

    // Called by every part before they meet.
    void pack() const {
        if (t.given) return;
        share(out, 1, t.K);
        if (t.d_h) share(back, t.K, 1);
    }

    void run() const {
        if (t.given) {
            for (long m = t.M * part / t.parts; m < t.M * (part + 1) / t.parts; ++m) {
                Real* z = t.given + m * t.V;
                if (t.bias) along<Real>(t.V, [&](long j, auto io) { io.put(z + j, io(z + j) + io(t.bias + j)); });
                settle(m, z, t.share);
            }
            return;
        }
        if (t.d_W) clear(total, Sums<Real>::numbers(last - first, t.K) * sizeof(Real));
        for (long begin = 0; begin < t.M; begin += ROWS) {
            long count = t.M - begin < ROWS ? t.M - begin : ROWS;
            rows(begin, count * part / t.parts, count * (part + 1) / t.parts);
            if (!t.d_W) continue;
            t.team->meet();
            gather(begin, count);
            t.team->meet();  // before the logits are written over
        }
        if (t.d_W) finish();
    }

  private:
    Softmax(const Choice& task, long which, Arena common, Arena own)
        : t(task), part(which), out(Matrix<Real>::in(common, t.K, t.given ? 0 : t.V)),
          back(Matrix<Real>::in(common, t.V, t.d_h ? t.K : 0)), stride((t.V + 63) / 64 * 64),
          logits(common.take<Real>(t.given ? 0 : ROWS * stride)), common_bytes(common.used), from(own.take<const Real*>(ROWS)),
          seen(own.take<const Real*>(ROWS)), to(own.take<Real*>(ROWS)), sums(own, t.d_W ? t.K : 0) {
        long tiles = (t.V + Sums<Real>::R - 1) / Sums<Real>::R;
        first = tiles * part / t.parts * Sums<Real>::R;
        last = tiles * (part + 1) / t.parts * Sums<Real>::R;
        total = own.take<Real>(t.d_W ? Sums<Real>::numbers((tiles + t.parts - 1) / t.parts * Sums<Real>::R, t.K) : 0);
        out.take_room(own, ROWS);
        back.take_room(own, t.d_h ? ROWS : 0);
        bytes = own.used;
    }

    static char* scratch_of(const Choice& task, long which) {
        return task.scratch ? task.scratch + which * task.scratch_bytes : nullptr;
    }

    void share(const Matrix<Real>& B, long by_k, long by_m) const {
        long P = B.panels();
        B.pack(t.W, 0, B.K, by_k, by_m, P * part / t.parts, P * (part + 1) / t.parts);
    }

    // logits, losses and, in place of the logits, the gradients by them; then the gradients by h
    void rows(long begin, long r0, long r1) const {
        for (long r = r0; r < r1; ++r) {
            from[r - r0] = t.h + (begin + r) * t.K;
            to[r - r0] = logits + r * stride;
            if (!t.bias) clear(to[r - r0], t.V * sizeof(Real));
        }
        product(out, from, to, r1 - r0, t.bias);
        for (long r = r0; r < r1; ++r) settle(begin + r, logits + r * stride, t.d_h || t.d_W);
        if (!t.d_h) return;
        for (long r = r0; r < r1; ++r) {
            from[r - r0] = logits + r * stride;
            to[r - r0] = t.d_h + (begin + r) * t.K;
            clear(to[r - r0], t.K * sizeof(Real));
        }
        product(back, from, to, r1 - r0, (const Real*)nullptr);
    }

    // One row: the sum of exp(z - the highest), that less the right one, and if wanted the gradients by z in place of it. A target
    // below 0 counts for nothing.
    void settle(long row, Real* z, bool wanted) const {
        typedef Simd<Real> S;
        long target = t.target[row];
        if (target < 0) {
            t.sum[row] = 1;
            t.shift[row] = 0;
            if (wanted) clear(z, t.V * sizeof(Real));
            return;
        }
        Vec<Real> highest = all<Real>(z[0]);
        along<Real>(t.V, [&](long j, auto io) {
            if constexpr (decltype(io)::part) {
                for (long k = j; k < t.V; ++k) highest[0] = z[k] > highest[0] ? z[k] : highest[0];
            } else {
                Vec<Real> here = io(z + j);
                highest = choose<Real>(here > highest, here, highest);
            }
        });
        Real most = highest[0];
        for (long k = 1; k < lanes<Real>; ++k) most = highest[k] > most ? highest[k] : most;
        Real right = z[target];
        Vec<Real> powers_of_e{};
        along<Real>(t.V, [&](long j, auto io) {
            Vec<Real> y = io(z + j) - most;
            typename S::Bits beyond = y < S::least;
            Powers<Real> p = powers<Real>(choose<Real>(beyond, all<Real>(S::least), y));
            Vec<Real> e = choose<Real>(beyond, Vec<Real>{}, p.scale + p.scale * p.rest);
            if (wanted) io.put(z + j, e);
            powers_of_e += io.only(e);
        });
        t.sum[row] = sum<Real>(powers_of_e);
        t.shift[row] = most - right;
        if (!wanted) return;
        Real share = t.share[row], scale = share / t.sum[row];
        along<Real>(t.V, [&](long j, auto io) { io.put(z + j, io(z + j) * scale); });
        z[target] -= share;
    }

    void gather(long begin, long count) const {
        if (last == first) return;
        for (long done = 0; done < count; done += Sums<Real>::DEPTH) {
            long depth = count - done < Sums<Real>::DEPTH ? count - done : Sums<Real>::DEPTH;
            for (long i = 0; i < depth; ++i) {
                from[i] = logits + (done + i) * stride;
                seen[i] = t.h + (begin + done + i) * t.K;
            }
            sums.add(from, first, last, t.V, Sources<Real>{seen, t.K, nullptr, 0}, depth, total);
        }
    }

    void finish() const {
        long end = last < t.V ? last : t.V;
        for (long v = first; v < end; ++v) {
            Sums<Real>::copy_row(total, t.K, v - first, 0, t.K, t.d_W + v * t.K);
            if (t.d_bias) t.d_bias[v] = Sums<Real>::sum(total, last - first, t.K, v - first);
        }
    }
};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
