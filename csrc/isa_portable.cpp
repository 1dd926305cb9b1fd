#define RECUERDO_ISA portable
#define RECUERDO_BYTES 16  // the width that every processor with vectors at all has
#define RECUERDO_ROWS 3
#define RECUERDO_PANEL 2
#include "kernels.h"

namespace recuerdo {
extern const Path portable_path = {"portable", &portable::table<float>, &portable::table<double>};
}
