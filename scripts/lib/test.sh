# shellcheck shell=bash
# Running the tests of one built preset. Sourced after common.sh and build.sh.

# The tests mostly wait for timers and peers, so more of them than cores run at once.
test_jobs() { echo $((CORES * 2 < 4 ? 4 : CORES * 2)); }

# ThreadSanitizer and AddressSanitizer of GCC 12 cannot live with the address-space randomisation
# of newer kernels; where a process may switch its own off, do that.
without_randomisation() {
  if setarch -R true 2>/dev/null; then
    setarch -R "$@"
  else
    "$@"
  fi
}

# test_preset PRESET [ctest option...]: leaves build/PRESET/tests.xml behind.
test_preset() {
  local preset=$1
  shift
  (
    cd "$ROOT" || exit
    run without_randomisation ctest --preset "$preset" -j "$(test_jobs)" \
      --output-junit "$ROOT/build/$preset/tests.xml" "$@"
  )
}
