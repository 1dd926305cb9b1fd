#include "processor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace recuerdo {

#if defined(__x86_64__)

namespace {

struct Leaf {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    Leaf(unsigned leaf, unsigned subleaf) { __get_cpuid_count(leaf, subleaf, &eax, &ebx, &ecx, &edx); }
};

constexpr bool bit(unsigned word, int n) { return word >> n & 1; }

// the registers that the system saves when it switches threads; without that an instruction on them is a fault
bool saves(unsigned wanted) {
    if (!bit(Leaf(1, 0).ecx, 27)) return false;  // OSXSAVE
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & wanted) == wanted;
}

constexpr unsigned VECTORS = 0xe6;   // XCR0: SSE, AVX, and the three parts of AVX-512
constexpr unsigned TILES = 0x60000;  // XCR0: the tiles' configuration and data

bool tiles_permitted() {
#if defined(__linux__)
    constexpr int REQUEST = 0x1023, TILE_DATA = 18;  // ARCH_REQ_XCOMP_PERM: Linux enlarges its signal frames only if asked
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#else
    return false;
#endif
}

}  // namespace

bool has_avx512bf16() {
    static const bool has = [] {
        Leaf features(7, 0);
        bool vectors = bit(features.ebx, 16) && bit(features.ebx, 17) && bit(features.ebx, 30) && bit(features.ebx, 31);
        return vectors && features.eax >= 1 && bit(Leaf(7, 1).eax, 5) && saves(VECTORS);  // AVX512F, DQ, BW, VL; _BF16
    }();
    return has;
}

// The code around the tiles is compiled for AVX512-BF16, which every processor with tiles has as well.
bool has_amx_bf16() {
    static const bool has = [] {
        Leaf features(7, 0);
        return bit(features.edx, 22) && bit(features.edx, 24) && saves(TILES) && has_avx512bf16() && tiles_permitted();
    }();
    return has;
}

#else

bool has_avx512bf16() { return false; }
bool has_amx_bf16() { return false; }

#endif

}  // namespace recuerdo
