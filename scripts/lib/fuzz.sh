# shellcheck shell=bash
# Running the fuzzers of the preset asan. Sourced after common.sh; everything here runs in $ROOT.

FUZZERS=build/asan/fuzzers
# What one input may take, by the clock on the wall, which goes on while others have the processor. The
# memory is mostly the sanitizer's.
FUZZ_MEMORY=(-rss_limit_mb=2048 -malloc_limit_mb=512)
FUZZ_LIMITS=(-timeout=60 "${FUZZ_MEMORY[@]}")
# For CI, where a machine that is busy must not be a finding. An endless loop is one still.
PATIENT_LIMITS=(-timeout=600 "${FUZZ_MEMORY[@]}")
# What `check_fuzzer` tries of each target: 5 to 15 s on one core, the engine's twice that. A
# target that is not named here, as a new one, gets the last. Behind two of them a real member and its
# server run threads by the clock: what they cover, and so what comes next, is not the same each time.
# CI runs only their corpus.
declare -A CHECK_RUNS=(
  [fuzz_admin_api]=0 [fuzz_config_file]=8000 [fuzz_decrypt]=100000 [fuzz_engine]=5000
  [fuzz_http]=0 [fuzz_lzw]=3000 [fuzz_messages]=60000 [fuzz_msgpack]=250000 [fuzz_packet]=175000
  [fuzz_packet_sealed]=75000 [fuzz_seal]=75000 [fuzz_stream]=85000 [fuzz_text]=10000
  [fuzz_views]=40000
)
CHECK_RUNS_OF_OTHERS=10000

# A target is whatever program lies there, so a new one needs no list.
all_fuzzers() { find "$FUZZERS" -maxdepth 1 -type f -executable -name 'fuzz_*' -printf '%f\n' | sort; }
is_fuzzer() { [[ $1 == fuzz_* && -x $FUZZERS/$1 ]]; }

fuzz_dictionary() {
  local own=fuzz/$1.dict
  if [[ -f $own ]]; then echo "$own"; else echo fuzz/memberlist.dict; fi
}

# each_fuzzer JOBS "FUNCTION [ARGUMENT...]" TARGET...: runs the function for each target, JOBS at a
# time; all of them, also behind a finding. Fails if one does.
each_fuzzer() {
  local jobs=$1 active=0 target status=0
  local -a call
  read -ra call <<<"$2"
  shift 2
  printf '   %-22s %12s %8s %9s %9s\n' target executions 'a second' edges features
  for target in "$@"; do
    if ((active >= jobs)); then
      wait -n || status=1
      active=$((active - 1))
    fi
    "${call[@]}" "$target" &
    active=$((active + 1))
  done
  for (( ; active > 0; --active)); do wait -n || status=1; done
  return $status
}

# The lines of a log that say what is wrong, without the noise of the fuzzer.
finding_text() {
  grep -m1 -A12 -E 'ERROR: |broken: |runtime error: |Assertion|terminate called' "$1" | cut -c1-160 ||
    tail -n 15 "$1"
}

# report_fuzzer TARGET LOG: one line of figures.
report_fuzzer() {
  local runs rate edges features
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$2")
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$2")
  edges=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$2" | tail -n 1)
  features=$(sed -n 's/.* ft: \([0-9]*\).*/\1/p' "$2" | tail -n 1)
  printf '   %-22s %12s %8s %9s %9s\n' "$1" "${runs:-?}" "${rate:-?}" "${edges:-?}" "${features:-?}"
}

# report_finding TARGET LOG INPUT
report_finding() {
  local target=$1 log=$2 input=$3
  printf '%sfinding in %s%s\n' "$RED" "$target" "$RESET"
  finding_text "$log" | sed 's/^/     /'
  cat <<TEXT
   input:      $input
   log:        $log
   again:      $FUZZERS/$target $input
TEXT
  if [[ -f $input && $input != fuzz/corpus/* ]]; then
    printf '   regression: %s\n' "cp $input fuzz/corpus/$target/regression-WHAT-IT-WAS"
  fi
}

# run_fuzzer SECONDS SEED TARGET: searches from the corpus and from what earlier runs found.
run_fuzzer() {
  local seconds=$1 seed=$2 target=$3 status=0
  local work=build/fuzz/corpus/$target findings=build/fuzz/findings/$target
  local log=build/fuzz/logs/$target.log seeds=fuzz/corpus/$target
  mkdir -p "$work" "$findings" build/fuzz/logs
  if [[ ! -d $seeds ]]; then seeds=$work; fi
  # The first folder is where new inputs go.
  "$FUZZERS/$target" "${FUZZ_LIMITS[@]}" -max_total_time="$seconds" -seed="$seed" \
    -print_final_stats=1 \
    -dict="$(fuzz_dictionary "$target")" -artifact_prefix="$findings/" \
    "$work" "$seeds" >"$log" 2>&1 </dev/null || status=$?
  end_fuzzer "$target" "$log" $status
}

# check_fuzzer TARGET: so many inputs from one seed, and from nothing but the repository's corpus, in
# the order of its names. For the same sources and the same compiler these are the same inputs,
# whatever else the machine does: nothing here is counted in seconds.
check_fuzzer() {
  local target=$1 status=0 log=build/fuzz/logs/$1.log
  local findings=build/fuzz/findings/$target seeds=build/fuzz/logs/$target.seeds
  mkdir -p "$findings" build/fuzz/logs
  corpus_of "$target" | paste -sd , | tr -d '\n' >"$seeds"
  without_randomisation "$FUZZERS/$target" "${PATIENT_LIMITS[@]}" -seed=1 \
    -runs="${CHECK_RUNS[$target]:-$CHECK_RUNS_OF_OTHERS}" -print_final_stats=1 \
    -dict="$(fuzz_dictionary "$target")" -artifact_prefix="$findings/" \
    -seed_inputs="@$seeds" >"$log" 2>&1 </dev/null || status=$?
  end_fuzzer "$target" "$log" $status
}

# corpus_of [TARGET]: its files (without a name: those of all targets), in an order that does not
# depend on the file system.
corpus_of() {
  if [[ -d fuzz/corpus/${1:-} ]]; then find "fuzz/corpus/${1:-}" -type f | LC_ALL=C sort; fi
}

# end_fuzzer TARGET LOG STATUS: says how it went.
end_fuzzer() {
  local target=$1 log=$2 status=$3 input
  report_fuzzer "$target" "$log"
  ((status == 0)) && return 0
  input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  report_finding "$target" "$log" "${input:-none: see the log}"
  return 1
}

# regress_fuzzer TARGET: each file of every target's corpus, by name, so that a failure names it.
regress_fuzzer() {
  local target=$1 status=0 log=build/fuzz/logs/$1.regress.log input count
  mkdir -p build/fuzz/logs
  corpus_of >"build/fuzz/logs/$target.inputs"
  count=$(wc -l <"build/fuzz/logs/$target.inputs")
  xargs -d '\n' -r "$FUZZERS/$target" "${PATIENT_LIMITS[@]}" -artifact_prefix=build/fuzz/logs/ \
    <"build/fuzz/logs/$target.inputs" >"$log" 2>&1 || status=$?
  printf '   %-22s %12s\n' "$target" "$count"
  ((status == 0)) && return 0
  input=$(sed -n 's/^Running: //p' "$log" | tail -n 1)
  report_finding "$target" "$log" "${input:-none: see the log}"
  return 1
}

# write_corpus TARGET...: what adds coverage of the golden seeds, of the corpus, and of what was found.
write_corpus() {
  local target made=build/fuzz/seeds fresh=build/fuzz/corpus.new source sources max_len
  rm -rf "$made" "$fresh"
  run build/asan/bin/make_corpus tests/golden "$made"
  for target in "$@"; do
    sources=()
    for source in "$made/$target" "fuzz/corpus/$target" "build/fuzz/corpus/$target"; do
      if [[ -d $source ]]; then sources+=("$source"); fi
    done
    ((${#sources[@]})) || continue
    mkdir -p "$fresh/$target" "fuzz/corpus/$target"
    # By edges alone, and small ones: it is for starting from. LZW needs more to fill its table of codes.
    max_len=2048
    if [[ $target == fuzz_lzw ]]; then max_len=8192; fi
    "$FUZZERS/$target" "${FUZZ_LIMITS[@]}" -merge=1 -use_counters=0 -max_len=$max_len "$fresh/$target" "${sources[@]}" \
      >"build/fuzz/logs/$target.merge.log" 2>&1 </dev/null ||
      die "$target: see build/fuzz/logs/$target.merge.log"
    find "fuzz/corpus/$target" -type f ! -name 'regression-*' -delete
    cp "$fresh/$target"/* "fuzz/corpus/$target/"
    note "$target: $(find "fuzz/corpus/$target" -type f | wc -l) files, $(du -sb "fuzz/corpus/$target" | cut -f1) bytes"
  done
}
