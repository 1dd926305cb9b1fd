// Pieces of the memory that a call works in.
#pragma once

#include <stddef.h>

#include "simd.h"

namespace recuerdo {
namespace RECUERDO_ISA {

// Hands out aligned pieces of a buffer; from a null one it only counts.
struct Arena {
    char* base;
    size_t used = 0;
    template <class Item>
    Item* take(size_t count) {
        char* piece = base ? base + used : nullptr;
        used += (count * sizeof(Item) + 63) / 64 * 64;
        return (Item*)piece;
    }
};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
