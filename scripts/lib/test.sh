# shellcheck shell=bash
# Running the tests of one built preset. Sourced after common.sh and build.sh.

# The tests mostly wait for timers and peers, so more of them than cores run at once.
test_jobs() { echo $((CORES * 2 < 4 ? 4 : CORES * 2)); }

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

# A peer that is not there, or promtool or strace, makes its tests skip. That is right on a laptop;
# in CI they would pass without having shown anything.
no_peer_is_missing() {
  local listed needed notrun skipped
  listed=$(ctest --preset release -L 'interop|hostile' -N) || die "ctest cannot list the tests: $listed"
  needed=$(sed -n 's/^ *Test *#[0-9]*: //p' <<<"$listed" | sort)
  [[ -n $needed ]] || die "ctest lists no test against a real peer: $listed"
  notrun=$(sed -n 's/.*<testcase name="\([^"]*\)".* status="notrun".*/\1/p' build/release/tests.xml | sort)
  skipped=$(comm -12 <(echo "$needed") <(echo "$notrun"))
  [[ -z $skipped ]] || die "a peer is missing, these tests were skipped:
$skipped"
  note 'no test against a real peer was skipped'
}
