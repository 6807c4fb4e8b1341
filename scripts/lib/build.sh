# shellcheck shell=bash
# Configuring and building one preset. Sourced after common.sh.

CORES=$(nproc 2>/dev/null || echo 2)
readonly CORES

# The compiler needs up to 2 GB for a group of files: fewer at a time where memory is short.
build_jobs() {
  local memory_kb by_memory
  memory_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo 2>/dev/null || echo 0)
  by_memory=$((memory_kb / 2000000))
  ((by_memory >= 1)) || by_memory=1
  echo $((by_memory < CORES ? by_memory : CORES))
}

# Further options for CMake as a preset is configured.
CONFIGURE_OPTIONS=()

# build_preset PRESET [TARGET...]
build_preset() {
  local preset=$1 launcher=()
  shift
  if have ccache; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  (
    cd "$ROOT" || exit
    run cmake --preset "$preset" "${launcher[@]}" "${CONFIGURE_OPTIONS[@]}" --log-level=WARNING
    run cmake --build --preset "$preset" -j "$(build_jobs)" ${1:+--target "$@"}
  )
}
