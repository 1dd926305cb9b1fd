// Which instruction set runs a task, and the memory and threads that it runs with.
#pragma once

#include <string>
#include <vector>

#include "task.h"

namespace recuerdo {

std::vector<std::string> paths();            // those that this processor can run, the fastest first
std::string path();                          // the one in use
void use_path(const std::string& name);      // throws std::invalid_argument with the names that there are

template <class Real>
const Kernels<Real>& kernels();              // those of the instruction set in use

template <class Real>
void run(Task<Real>& task, bool backward, long threads);

template <class Real>
void activate(int kind, Real* values, long count);

}  // namespace recuerdo
