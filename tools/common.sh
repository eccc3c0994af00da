# Sourced by the scripts beside it; leaves the shell in the project's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# As many compilers as there are cores and 1.5 GB pieces of memory free.
jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ {print int($2 / 1500000)}' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  echo $((cores < memory ? cores : memory))
}

# build PRESET [TARGET…]: configures where that was not done yet, then builds. One at a time a checkout.
build() {
  local preset=$1
  shift
  mkdir -p build
  exec 9>build/.lock
  flock 9
  if [ ! -f "build/$preset/build.ninja" ]; then cmake --preset "$preset"; fi
  cmake --build --preset "$preset" -j "$(jobs)" ${1:+--target "$@"}
  exec 9>&-
}
