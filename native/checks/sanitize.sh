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

# build NAME FLAGS: the package with a module compiled so, in $work/NAME. Without CMake: little optimization, or compiling
# would take longer than the tests.
build() {
  local tree=$work/$1 nanobind include options="-std=c++20 -O1 -g1 -fPIC -fvisibility=hidden -fno-omit-frame-pointer"
  options="$options -fno-math-errno -fno-trapping-math -ffp-contract=off"
  mkdir -p "$tree"
  rm -rf "$tree/src" "$tree/tests" "$tree"/report* "$tree"/*.o
  cp -R "$root/src" "$root/tests" "$root/pyproject.toml" "$tree/"
  find "$tree/src" -name '_native*' -delete
  nanobind=$("$python" -c 'import os, nanobind; print(os.path.dirname(nanobind.__file__))')
  include="-I$nanobind/include -I$nanobind/ext/robin_map/include $("$python" -c \
    'import sysconfig as s; print(" ".join({"-I" + s.get_path(n) for n in ("include", "platinclude")}))')"
  local sources="base module" pids=() name
  if [ "$(uname -m)" = x86_64 ]; then sources="$sources v3 v4"; fi
  "$compiler" $options -fno-strict-aliasing $include -c "$nanobind/src/nb_combined.cpp" -o "$tree/nanobind.o" & pids+=($!)
  for name in $sources; do
    local file=executor_$name.cpp special=
    case $name in
      module) file=module.cpp ;;
      v3) special=-march=x86-64-v3 ;;
      v4) special=-march=x86-64-v4 ;;
    esac
    "$compiler" $options $2 $special $include -c "$root/native/$file" -o "$tree/$name.o" & pids+=($!)
  done
  for name in "${pids[@]}"; do wait "$name"; done
  "$compiler" -shared $2 "$tree"/*.o -pthread \
    -o "$tree/src/chainrule/_native$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')"
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
