// Which instruction set runs a task, and the memory and threads that it runs with.
#pragma once

#include <string>
#include <vector>

#include "task.h"

namespace recuerdo {

// How many of the threads have a use in a step that reads so many weights: they meet more than once in it.
long threads_for_step(double weights, long threads);

std::vector<std::string> paths();            // those that this processor can run, the fastest first
std::string path();                          // the one in use
void use_path(const std::string& name);      // throws std::invalid_argument with the names that there are

// The same for products in bfloat16. Beside the paths of this processor there is one that emulates AMX, for tests: it is slow,
// and in use only where it is asked for.
std::vector<std::string> bf16_paths();
const char* bf16_path();                     // null if there is none in use
void use_bf16_path(const char* name);        // null for none
std::string no_bf16();                       // why this processor has none, in words; empty if it has

template <class Real>
const Kernels<Real>& kernels();              // those of the instruction set in use, in the numbers' own precision

// Throws std::invalid_argument if the task asks for bfloat16 and there is no path for it in use.
template <class Real>
void run(Task<Real>& task, bool backward, long threads);

template <class Real>
void run(SoftmaxTask<Real>& task, long threads);

template <class Real>
void activate(int kind, Real* values, long count);

}  // namespace recuerdo
