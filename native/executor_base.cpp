#define ISA isa_base
#include "executor.inc"
