#!/usr/bin/env bash
# The native executor for arm64, checked on another machine: everything compiles with a cross compiler and without a
# warning; under an emulator the elementary functions are accurate and give the bits of this machine, matrix products give
# the bits of AVX2, and the executor gives the same bits for any number of threads.
#
#   native/checks/arm64.sh [build folder]
#
# PYTHON names an interpreter with nanobind; CROSS the cross compiler, EMULATOR what runs its programs (Debian: packages
# g++-aarch64-linux-gnu and qemu-user). Python itself is not run: the headers of this machine's serve for compiling.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${1:-$(mktemp -d)}
mkdir -p "$work"
python=${PYTHON:-python3}
cross=${CROSS:-aarch64-linux-gnu-g++}
emulator=${EMULATOR:-qemu-aarch64}
for tool in "$cross" "$emulator"; do
  command -v "$tool" >/dev/null || { echo "skipped: there is no $tool"; exit 0; }
done
nanobind=$("$python" -c 'import os, nanobind; print(os.path.dirname(nanobind.__file__))')
include="-I$nanobind/include -I$nanobind/ext/robin_map/include $("$python" -c \
  'import sysconfig as s; print(" ".join({"-I" + s.get_path(n) for n in ("include", "platinclude")}))')"
options="-std=c++20 -O3 -fPIC -fno-math-errno -fno-trapping-math -ffp-contract=off -Wall -Wextra -Werror"
for name in executor_base module; do
  "$cross" $options $include -c "$root/native/$name.cpp" -o "$work/$name.o"
done
"$cross" $options -I"$root/native" -static "$here/threads.cpp" "$work/executor_base.o" -pthread -o "$work/threads"
"$emulator" "$work/threads"
"$cross" $options -I"$root/native" -static "$here/math.cpp" -o "$work/math-arm64"
"${CXX:-c++}" $options -I"$root/native" "$here/math.cpp" -o "$work/math-here"
"$emulator" "$work/math-arm64" | tee "$work/arm64.txt"
"$work/math-here" > "$work/here.txt"
# The truths of two C libraries differ in their last digits, the bits of ours must not.
diff <(sed 's/at most.*, //' "$work/here.txt") <(sed 's/at most.*, //' "$work/arm64.txt")
if [ "$(uname -m)" = x86_64 ] && grep -q ' fma ' /proc/cpuinfo; then
  "$cross" $options -I"$root/native" -static "$here/products.cpp" -o "$work/products-arm64"
  "${CXX:-c++}" $options -march=x86-64-v3 -I"$root/native" "$here/products.cpp" -o "$work/products-here"
  "$emulator" "$work/products-arm64" | tee "$work/arm64.txt"
  "$work/products-here" | diff - "$work/arm64.txt"
fi
echo "arm64: compiles without a warning, accurate, the same bits as here"
