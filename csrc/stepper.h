// A stack of layers that goes one step at a time: weights packed once, states kept, nothing but arithmetic in a step.
#pragma once

#include <memory>
#include <vector>

#include "dispatch.h"

namespace recuerdo {

template <class Real>
class Stepper {
  public:
    Stepper(long streams, long threads) : streams_(streams), threads_(threads), kernels_(kernels<Real>()) {}
    Stepper(const Stepper&) = delete;
    Stepper& operator=(const Stepper&) = delete;

    // Adds a layer on top. Of the task it takes the sizes, the weights and the share of zoneout, and copies what they point to.
    void add(const Task<Real>& given, bool residual);

    // x: (streams, D) of the lowest layer; y: (streams, H) of the top one.
    void step(const Real* x, Real* y);

    long features() const { return layers_.empty() ? 0 : layers_.front()->task.D; }
    long units() const { return layers_.empty() ? 0 : layers_.back()->task.H; }
    long streams() const { return streams_; }
    long units_of(long layer) const { return layers_.at(layer)->task.H; }

    // The state of a layer, (streams, H): which is 0 for h and 1 for an LSTM's c. It stays valid until the next step.
    Real* state(long layer, long which) { return layers_[layer]->state[which][turn_].data(); }

  private:
    struct Bytes {  // aligned memory, as packed matrices ask for it
        explicit Bytes(size_t size);
        ~Bytes();
        Bytes(const Bytes&) = delete;
        Bytes& operator=(const Bytes&) = delete;
        char* data;
    };
    struct Layer {
        Task<Real> task{};
        bool residual = false;
        std::vector<std::vector<Real>> kept;    // the weights
        std::vector<Real> state[2][2], output;  // states by which and turn
        std::unique_ptr<Bytes> common, scratch;
    };

    const Real* keep(Layer& layer, const Real* from, long count);
    void take_part(long part);

    long streams_, threads_;
    double weights_ = 0;  // that a step reads; of several streams as many as would take as long for one
    const Kernels<Real>& kernels_;
    std::vector<std::unique_ptr<Layer>> layers_;
    int turn_ = 0;
};

}  // namespace recuerdo
