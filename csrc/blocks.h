// Large pieces of memory that come back: the system hands out new pages slowly, and each call needs the same ones again.
#pragma once

#include <stddef.h>

namespace recuerdo {

// A piece of at least so many bytes, aligned to 64; what is in it is left over from before. Throws std::bad_alloc.
void* take_block(size_t bytes);

// Returns what take_block gave: it is kept for the next call that fits.
void give_block(void* block);

void keep_over_forks();  // to be called once before the first fork

size_t idle_bytes();   // that are kept for a next call
void release_idle();   // gives them back to the system

}  // namespace recuerdo
