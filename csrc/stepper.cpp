#include "stepper.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "pool.h"

namespace recuerdo {

constexpr double FETCHED = 7;  // a weight takes so many times as long to come as to be multiplied by one stream's number

template <class Real>
Stepper<Real>::Bytes::Bytes(size_t size) : data(static_cast<char*>(std::aligned_alloc(64, (size + 64) / 64 * 64))) {
    if (!data) throw std::bad_alloc();
}

template <class Real>
Stepper<Real>::Bytes::~Bytes() {
    std::free(data);
}

template <class Real>
const Real* Stepper<Real>::keep(Layer& layer, const Real* from, long count) {
    if (!from) return nullptr;
    layer.kept.emplace_back(from, from + count);
    return layer.kept.back().data();
}

template <class Real>
void Stepper<Real>::add(const Task<Real>& given, bool residual) {
    auto layer = std::make_unique<Layer>();
    Task<Real>& t = layer->task;
    t.cell = given.cell;
    t.activation = given.activation;
    t.zone_share = given.zone_share;
    t.T = 1;
    t.N = streams_;
    t.D = given.D;
    t.H = given.H;
    t.x_by_t = streams_ * t.D;
    t.x_by_n = t.D;
    long GH = t.blocks() * t.H;
    t.W = keep(*layer, given.W, GH * t.D);
    t.U = keep(*layer, given.U, t.cell == INDRNN ? GH : GH * t.H);
    t.bias_ih = keep(*layer, given.bias_ih, GH);
    t.bias_hh = keep(*layer, given.bias_hh, GH);
    t.norm_ih = keep(*layer, given.norm_ih, GH);
    t.norm_hh = keep(*layer, given.norm_hh, GH);
    t.norm_c = keep(*layer, given.norm_c, t.H);
    t.norm_c_bias = keep(*layer, given.norm_c_bias, t.H);
    for (int which = 0; which < (t.cell == LSTM ? 2 : 1); ++which)
        for (auto& turn : layer->state[which]) turn.assign(streams_ * t.H, 0);
    layer->output.assign(streams_ * t.H, 0);
    layer->residual = residual;

    t.by_units = true;
    t.parts = threads_;
    kernels_.plan(t, false);
    layer->common = std::make_unique<Bytes>(t.common_bytes);
    layer->scratch = std::make_unique<Bytes>(t.parts * t.scratch_bytes);
    t.common = layer->common->data;
    t.scratch = layer->scratch->data;
    for (long part = 0; part < t.parts; ++part) kernels_.pack(t, false, part);
    weights_ += double(GH) * (t.D + (t.cell == INDRNN ? 0 : t.H)) * (streams_ + FETCHED) / (1 + FETCHED);
    layers_.push_back(std::move(layer));
}

template <class Real>
void Stepper<Real>::step(const Real* x, Real* y) {
    for (auto& layer : layers_) {
        Task<Real>& t = layer->task;
        t.x = x;
        t.h0 = layer->state[0][turn_].data();
        t.h_last = layer->state[0][1 - turn_].data();
        if (t.cell == LSTM) {
            t.c0 = layer->state[1][turn_].data();
            t.c_last = layer->state[1][1 - turn_].data();
        }
        t.out = layer == layers_.back() ? y : layer->output.data();
        t.odd = turn_;
        x = t.out;
    }
    Team team(threads_for_step(weights_, threads_));
    auto attempt = [&] {
        for (auto& layer : layers_) {
            layer->task.team = &team;
            layer->task.parts = team.size();
        }
        return team.run([](void* self, long part) { static_cast<Stepper*>(self)->take_part(part); }, this);
    };
    if (!attempt()) attempt();
    turn_ = 1 - turn_;
}

template <class Real>
void Stepper<Real>::take_part(long part) {
    for (auto& layer : layers_) {
        const Task<Real>& t = layer->task;
        kernels_.forward(t, part);
        if (!layer->residual) continue;
        for (long j = t.H * (t.N * part / t.parts); j < t.H * (t.N * (part + 1) / t.parts); ++j) t.out[j] += t.x[j];
        t.team->meet();
    }
}

template class Stepper<float>;
template class Stepper<double>;

}  // namespace recuerdo
