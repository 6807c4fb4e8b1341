# shellcheck shell=bash
# The one list of packages, named as in Debian 12 and Ubuntu 24.04, and their installation.
# Sourced after common.sh.

# The library, the program, the tests, the examples (Asio), the benchmarks.
BUILD_PACKAGES=(
  ca-certificates ccache cmake g++ git make ninja-build pkg-config
  libasio-dev libc-ares-dev libfmt-dev libssl-dev
  libboost-dev libcli11-dev libcpp-httplib-dev libspdlog-dev libtomlplusplus-dev nlohmann-json3-dev
  prometheus-cpp-dev
  libbenchmark-dev libgmock-dev libgtest-dev valgrind
)
# Formatter, static analysis, clang and the sanitizers of the preset asan.
LINT_PACKAGES=(clang-19 clang-format-19 clang-tidy-19 clang-tools-19 libclang-rt-19-dev shellcheck)
# What makes the reference out of the headers' comments.
DOCS_PACKAGES=(doxygen)
# Real members to test against, and what cuts and watches networks; jq and curl talk to them.
# Prometheus brings promtool, which checks the agent's metrics; strace makes system calls fail.
PEER_PACKAGES=(curl iproute2 jq nftables procps prometheus prometheus-alertmanager serf strace)

is_installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

may_be_root() { ((EUID == 0)) || have sudo; }

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

APT_LISTS_FRESH=0
apt_update_once() {
  ((APT_LISTS_FRESH)) && return 0
  APT_LISTS_FRESH=1
  # One broken source of many must not keep the packages of the others away.
  run as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
    warn 'apt-get update failed: continuing with the existing package lists'
}

# Some packages (serf, prometheus and its alertmanager) start a service when installed. Debian's own
# way of forbidding that is a policy-rc.d; one that is there already is its owner's, and stays.
POLICY_FILE=/usr/sbin/policy-rc.d
POLICY_IS_OURS=0
forbid_services() {
  [[ -e $POLICY_FILE ]] && return 0
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY_FILE" >/dev/null
  as_root chmod 755 "$POLICY_FILE"
  POLICY_IS_OURS=1
}
allow_services() {
  ((POLICY_IS_OURS)) || return 0
  as_root rm -f "$POLICY_FILE"
  POLICY_IS_OURS=0
}

# Neither now nor after the next boot: these packages are wanted for their programs alone.
keep_services_off() {
  local unit
  [[ -d /run/systemd/system ]] || return 0
  for unit in "$@"; do
    if systemctl list-unit-files "$unit.service" >/dev/null 2>&1; then
      as_root systemctl disable --now "$unit.service" >/dev/null 2>&1 || true
    fi
  done
}

# apt_install PACKAGE...: without a question and without starting a service.
apt_install() {
  local status=0
  forbid_services
  trap allow_services EXIT
  note "\$ apt-get install -y --no-install-recommends $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Use-Pty=0 "$@" >"$APT_LOG" 2>&1 </dev/null || status=$?
  allow_services
  trap - EXIT
  return $status
}

# ensure_packages required|optional PACKAGE...: installs what is missing. A required package that
# cannot be had ends the script; an optional one is named and passed over.
ensure_packages() {
  local kind=$1 package missing=()
  shift
  have apt-get || {
    warn "no apt-get here: install these packages yourself: $*"
    return 0
  }
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  may_be_root || {
    [[ $kind == optional ]] ||
      die "installing packages needs root: run as root, or install sudo; missing: ${missing[*]}"
    warn "continuing without ${missing[*]}: installing them needs root, or sudo"
    return 0
  }

  step "installing: ${missing[*]}"
  APT_LOG=$(mktemp)
  apt_update_once
  if apt_install "${missing[@]}"; then
    keep_services_off_of "${missing[@]}"
    rm -f "$APT_LOG"
    return 0
  fi
  if [[ $kind == required ]]; then
    tail -n 20 "$APT_LOG" >&2
    die "could not install: ${missing[*]} (whole log: $APT_LOG)"
  fi
  # A package that is not available must not prevent the others.
  for package in "${missing[@]}"; do
    if apt_install "$package"; then
      keep_services_off_of "$package"
    else
      warn "continuing without $package: $(grep -m1 '^E:' "$APT_LOG" || tail -n 1 "$APT_LOG")"
    fi
  done
  rm -f "$APT_LOG"
}

# Only what this run installed: a service that somebody uses is left alone.
keep_services_off_of() {
  local package
  for package in "$@"; do
    case $package in
      serf | prometheus | prometheus-alertmanager | nftables) keep_services_off "$package" ;;
    esac
  done
}

install_build_packages() { ensure_packages required "${BUILD_PACKAGES[@]}"; }
install_lint_packages() { ensure_packages required "${LINT_PACKAGES[@]}"; }
install_docs_packages() { ensure_packages required "${DOCS_PACKAGES[@]}"; }
install_peer_packages() { ensure_packages optional "${PEER_PACKAGES[@]}"; }
