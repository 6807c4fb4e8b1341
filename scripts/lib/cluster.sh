# shellcheck shell=bash
# Real members on loopback, for the demo: started, watched, and ended whatever happens.
# Sourced after common.sh; needs jq, curl and ss.

PROGRAM=$ROOT/build/release/bin/memberlist
DIR=$(mktemp -d "${TMPDIR:-/tmp}/memberlist-demo.XXXXXX")
declare -A PID=()     # of each process that we started, by name
declare -A ADDRESS=() # where it can be joined
declare -A HTTP=()    # where it answers: our agents' admin address, Alertmanager's API, Serf's RPC

# --- ending ---------------------------------------------------------------------------------------

end_everything() {
  local status=$? name
  trap - EXIT INT TERM
  for name in "${!PID[@]}"; do kill -TERM "${PID[$name]}" 2>/dev/null || true; done
  for name in "${!PID[@]}"; do
    within 3 process_ended "$name" || kill_hard "$name"
  done
  if ((status == 0)); then
    rm -rf "$DIR"
  else
    printf '%s\n' "events and logs of every member: $DIR" >&2
  fi
  exit "$status"
}
trap end_everything EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

process_ended() {
  # A zombie has ended, too: it only waits for our `wait`.
  [[ ! -e /proc/${PID[$1]}/stat ]] || [[ $(sed 's/.*) //' "/proc/${PID[$1]}/stat" 2>/dev/null) == Z* ]]
}

# reap NAME: waits for a process that is about to end; its exit code.
reap() {
  local status=0
  wait "${PID[$1]}" || status=$?
  unset "PID[$1]"
  return $status
}

# kill_hard NAME: the process hears nothing of it. Without bash's own line about a killed job.
kill_hard() {
  {
    kill -KILL "${PID[$1]}" || true
    reap "$1" || true
  } 2>/dev/null
}

# --- waiting --------------------------------------------------------------------------------------

now_ms() { date +%s%3N; }

# within SECONDS COMMAND...: tries until it succeeds; fails once the time is over.
within() {
  local deadline=$(($(now_ms) + $1 * 1000))
  shift
  until "$@"; do
    (($(now_ms) < deadline)) || return 1
    sleep 0.1
  done
}

# await SECONDS WHAT COMMAND...: the same, with a line that says what is awaited; ends the script if
# it does not come.
await() {
  local limit_s=$1 what=$2 began_ms deadline
  shift 2
  began_ms=$(now_ms)
  deadline=$((began_ms + limit_s * 1000))
  until "$@"; do
    if (($(now_ms) >= deadline)); then
      show_logs
      die "not seen within $limit_s s: $what"
    fi
    if [[ -t 1 ]]; then
      printf '\r\e[K   %s… %d s' "$what" $((($(now_ms) - began_ms) / 1000))
    fi
    sleep 0.1
  done
  if [[ -t 1 ]]; then printf '\r\e[K'; fi
  printf '   %sok%s %s %s(%s s)%s\n' "$GREEN" "$RESET" "$what" \
    "$DIM" "$(seconds $(($(now_ms) - began_ms)))" "$RESET"
}

seconds() { printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100)); }

show_logs() {
  local log
  for log in "$DIR"/*.log; do
    [[ -s $log ]] || continue
    printf '%s--- %s%s\n' "$DIM" "${log##*/}" "$RESET" >&2
    tail -n 5 "$log" >&2
  done
}

# --- our agents -----------------------------------------------------------------------------------

# start_agent NAME [OPTION...]: returns once it is ready.
start_agent() {
  local name=$1
  shift
  "$PROGRAM" agent --name "$name" --bind 127.0.0.1:0 --http 127.0.0.1:0 --events json \
    --log-level warning "$@" >"$DIR/$name.events" 2>"$DIR/$name.log" </dev/null &
  PID[$name]=$!
  within 10 ready_or_gone "$name" || true
  ADDRESS[$name]=$(events "$name" 'select(.event == "ready") | .address')
  HTTP[$name]=$(events "$name" 'select(.event == "ready") | .http')
  if [[ -z ${ADDRESS[$name]} ]]; then
    show_logs
    die "the agent $name did not become ready"
  fi
}

ready_or_gone() { [[ -s $DIR/$1.events ]] || process_ended "$1"; }

# events NAME FILTER: a jq filter over what the agent has reported. The last line may be half written.
events() { jq -r "$2" "$DIR/$1.events" 2>/dev/null || true; }

# saw NAME FILTER: whether a reported event passes the jq condition.
saw() { [[ -n $(events "$1" "select($2)") ]]; }

# time_ms NAME FILTER: when the first event that passes was reported.
time_ms() {
  date -d "$(events "$1" "select($2) | .time" | head -n 1)" +%s%3N
}

# member NAME COMMAND...: one of the program's commands, to that agent.
member() {
  local name=$1 command=$2
  shift 2
  "$PROGRAM" "$command" --http "${HTTP[$name]}" "$@"
}

# sees NAME STATUS COUNT: whether the agent lists that many members of the status.
sees() {
  [[ $(member "$1" members --format json 2>/dev/null |
    jq --arg status "$2" '[.[] | select(.status == $status)] | length' 2>/dev/null) == "$3" ]]
}

# all_see STATUS COUNT NAME...
all_see() {
  local status=$1 count=$2 name
  shift 2
  for name in "$@"; do sees "$name" "$status" "$count" || return 1; done
}

# all_saw FILTER NAME...
all_saw() {
  local filter=$1 name
  shift
  for name in "$@"; do saw "$name" "$filter" || return 1; done
}

# --- other systems' agents ------------------------------------------------------------------------

# A port that nobody has, below those that the kernel hands out.
free_port() {
  local port
  while :; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    if [[ -z $(ss -Hantu "sport = :$port") ]]; then
      echo "$port"
      return
    fi
  done
}

# start_alertmanager NAME PEER-ADDRESS
start_alertmanager() {
  local name=$1 peer=$2 cluster web try
  printf 'route: {receiver: nobody}\nreceivers: [{name: nobody}]\n' >"$DIR/$name.yml"
  for try in 1 2 3; do # somebody may take the port between our look and its bind
    cluster=127.0.0.1:$(free_port) web=127.0.0.1:$(free_port)
    prometheus-alertmanager --config.file="$DIR/$name.yml" --storage.path="$DIR/$name.data" \
      --web.listen-address="$web" --cluster.listen-address="$cluster" --cluster.peer="$peer" \
      --log.level=warn >"$DIR/$name.log" 2>&1 </dev/null &
    PID[$name]=$!
    ADDRESS[$name]=$cluster HTTP[$name]=$web
    within 10 alertmanager_answers_or_gone "$name" || true
    if alertmanager_answers "$name"; then return; fi
    note "Alertmanager did not start (attempt $try)"
    kill_hard "$name"
  done
  show_logs
  die 'Alertmanager is installed, but does not run'
}

alertmanager_peers() {
  curl -fsS --noproxy '*' --max-time 2 "http://${HTTP[$1]}/api/v2/status" 2>/dev/null |
    jq '.cluster.peers | length' 2>/dev/null
}
alertmanager_answers() { [[ -n $(alertmanager_peers "$1") ]]; }
alertmanager_answers_or_gone() { alertmanager_answers "$1" || process_ended "$1"; }
alertmanager_sees() { [[ $(alertmanager_peers "$1") == "$2" ]]; }

# start_serf NAME
start_serf() {
  local name=$1 bind rpc try
  for try in 1 2 3; do
    bind=127.0.0.1:$(free_port) rpc=127.0.0.1:$(free_port)
    serf agent -node="$name" -bind="$bind" -rpc-addr="$rpc" -log-level=warn \
      >"$DIR/$name.log" 2>&1 </dev/null &
    PID[$name]=$!
    ADDRESS[$name]=$bind HTTP[$name]=$rpc
    within 10 serf_answers_or_gone "$name" || true
    if serf_answers "$name"; then return; fi
    note "Serf did not start (attempt $try)"
    kill_hard "$name"
  done
  show_logs
  die 'Serf is installed, but does not run'
}

serf_members() { serf members -rpc-addr="${HTTP[$1]}" -format=json 2>/dev/null; }
serf_answers() { serf_members "$1" >/dev/null; }
serf_answers_or_gone() { serf_answers "$1" || process_ended "$1"; }
# serf_sees NAME MEMBER
serf_sees() {
  serf_members "$1" |
    jq -e --arg name "$2" '.members[] | select(.name == $name and .status == "alive")' >/dev/null 2>&1
}
