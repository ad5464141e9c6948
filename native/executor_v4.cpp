#define ISA isa_v4
#include "executor.inc"
