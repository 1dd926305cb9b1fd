// What the processor, and the system on it, can do beyond the instruction sets that the compiler knows how to ask for.
#pragma once

namespace recuerdo {

bool has_avx512bf16();
bool has_amx_bf16();  // tiles in bfloat16; asks the system for them, once in a process

}  // namespace recuerdo
