#!/usr/bin/env bash
# The native executor's tests under sanitizers: addresses and undefined behavior, then data races.
#
#   native/checks/sanitize.sh [address|thread|all] [build folder]
#
# PYTHON names the interpreter, which needs nanobind and what the tests need; CXX the compiler. The package of this tree
# is tested from a copy in the build folder, so that an installed or in-place build is left alone. Where the compiler has
# no sanitizer runtime the check says so and is skipped.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
which=${1:-all}
work=${2:-$(mktemp -d)}
python=${PYTHON:-python3}
compiler=${CXX:-c++}
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
tests=()
for t in "$root"/tests/test_native*.py; do tests+=("tests/$(basename "$t")"); done

# runtime NAME: path of the shared runtime, nothing where there is none
runtime() {
  local path
  path=$("$compiler" -print-file-name="lib$1.so" 2>/dev/null) || return 0
  case $path in /*) [ -e "$path" ] && readlink -f "$path" ;; esac
  return 0
}

# build NAME FLAGS: the package with a module compiled so, in $work/NAME
build() {
  local tree=$work/$1
  mkdir -p "$tree"
  rm -rf "$tree/src" "$tree/tests" "$tree"/report*
  cp -R "$root/src" "$root/tests" "$root/pyproject.toml" "$tree/"
  find "$tree/src" -name '_native*' -delete
  cmake -S "$root/native" -B "$tree/build" -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_COMPILER="$compiler" \
    -DCMAKE_CXX_FLAGS="-g1 $2 -fno-omit-frame-pointer" \
    -DPython_EXECUTABLE="$(command -v "$python")" \
    -Dnanobind_DIR="$("$python" -m nanobind --cmake_dir)" >"$tree/build.log" 2>&1 &&
    cmake --build "$tree/build" -j"$(nproc)" >>"$tree/build.log" 2>&1 || { tail -n 40 "$tree/build.log"; exit 1; }
  cp "$tree"/build/_native*.so "$tree/src/chainrule/"
}

address() {
  local asan
  asan=$(runtime asan)
  if [ -z "$asan" ]; then echo "skipped: $compiler has no address sanitizer runtime"; return 0; fi
  build address "-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all"
  # Leaks are CPython's own. The C++ library must be there when the runtime starts, or it cannot see exceptions pass.
  (cd "$work/address" &&
    PYTHONPATH=src LD_PRELOAD="$asan $(runtime stdc++)" PYTHONMALLOC=malloc \
      ASAN_OPTIONS=detect_leaks=0:log_path=$PWD/report UBSAN_OPTIONS=print_stacktrace=1:log_path=$PWD/report \
      "$python" -m pytest -q -x -p no:cacheprovider -k "not slow" "${tests[@]}") || {
    cat "$work"/address/report* 2>/dev/null
    exit 1
  }
}

# One program without Python: its runtime, its allocator and BLAS are not built for this sanitizer and would be heard.
thread() {
  local tsan
  tsan=$(runtime tsan)
  if [ -z "$tsan" ]; then echo "skipped: $compiler has no thread sanitizer runtime"; return 0; fi
  mkdir -p "$work/thread"
  "$compiler" -std=c++20 -O1 -g -fsanitize=thread -ffp-contract=off -I"$root/native" \
    "$here/threads.cpp" "$root/native/executor_base.cpp" -pthread -o "$work/thread/threads"
  TSAN_OPTIONS=halt_on_error=1 "$work/thread/threads"
}

case $which in
  address) address ;;
  thread) thread ;;
  all) address; thread ;;
  *) echo "usage: $0 [address|thread|all] [build folder]" >&2; exit 2 ;;
esac
