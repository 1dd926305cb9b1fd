// Tiles in the registers of AMX: 0 to 3 hold the sums of 2 x 2, 4 and 5 the left operands, 6 and 7 the right ones.
//
// The intrinsics paste the register's number into the instruction, and some do not tell the compiler which memory they read:
// hence the literals, and the barriers where the caller has just written what is read.
#pragma once

#include <immintrin.h>

#include "bf16.h"

namespace recuerdo {
namespace RECUERDO_ISA {

struct alignas(64) TileConfig {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

constexpr TileConfig WHOLE_TILES = {1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

struct Tiles {
    static constexpr int A = 2, B = 2;

    // A thread holds one of these around its products. Released, the registers cost nothing when the thread is switched.
    struct Use {
        Use() { _tile_loadconfig(&WHOLE_TILES); }
        ~Use() { _tile_release(); }
    };

    template <int i, int j>
    __attribute__((always_inline)) void clear() {
        if constexpr (i == 0 && j == 0) _tile_zero(0);
        if constexpr (i == 0 && j == 1) _tile_zero(1);
        if constexpr (i == 1 && j == 0) _tile_zero(2);
        if constexpr (i == 1 && j == 1) _tile_zero(3);
    }
    template <int i, int j>
    __attribute__((always_inline)) void load(const float* from) {
        __asm__ volatile("" ::: "memory");
        if constexpr (i == 0 && j == 0) _tile_loadd(0, from, 64);
        if constexpr (i == 0 && j == 1) _tile_loadd(1, from, 64);
        if constexpr (i == 1 && j == 0) _tile_loadd(2, from, 64);
        if constexpr (i == 1 && j == 1) _tile_loadd(3, from, 64);
    }
    template <int i>
    __attribute__((always_inline)) void load_a(const Bf16* from) {
        __asm__ volatile("" ::: "memory");
        if constexpr (i == 0) _tile_loadd(4, from, 64);
        if constexpr (i == 1) _tile_loadd(5, from, 64);
    }
    template <int j>
    __attribute__((always_inline)) void load_b(const Bf16* from) {
        __asm__ volatile("" ::: "memory");
        if constexpr (j == 0) _tile_loadd(6, from, 64);
        if constexpr (j == 1) _tile_loadd(7, from, 64);
    }
    template <int i, int j>
    __attribute__((always_inline)) void dot() {
        if constexpr (i == 0 && j == 0) _tile_dpbf16ps(0, 4, 6);
        if constexpr (i == 0 && j == 1) _tile_dpbf16ps(1, 4, 7);
        if constexpr (i == 1 && j == 0) _tile_dpbf16ps(2, 5, 6);
        if constexpr (i == 1 && j == 1) _tile_dpbf16ps(3, 5, 7);
    }
    template <int i, int j>
    __attribute__((always_inline)) void store(float* to) {
        if constexpr (i == 0 && j == 0) _tile_stored(0, to, 64);
        if constexpr (i == 0 && j == 1) _tile_stored(1, to, 64);
        if constexpr (i == 1 && j == 0) _tile_stored(2, to, 64);
        if constexpr (i == 1 && j == 1) _tile_stored(3, to, 64);
    }
};

}  // namespace RECUERDO_ISA
}  // namespace recuerdo
