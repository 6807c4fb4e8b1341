# shellcheck shell=bash
# What all scripts share: where they are, how they speak. Sourced, never run.

# shellcheck disable=SC2034  # whoever sources this uses what is set here
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly ROOT

if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' YELLOW=$'\e[33m' RESET=$'\e[0m'
else
  BOLD='' DIM='' RED='' GREEN='' YELLOW='' RESET=''
fi
readonly BOLD DIM RED GREEN YELLOW RESET

step() { printf '%s== %s%s\n' "$BOLD" "$*" "$RESET"; }
note() { printf '   %s%s%s\n' "$DIM" "$*" "$RESET"; }
warn() { printf '%swarning: %s%s\n' "$YELLOW" "$*" "$RESET" >&2; }
die() {
  printf '%serror: %s%s\n' "$RED" "$*" "$RESET" >&2
  exit 1
}

# run COMMAND...: says what it does, then does it.
run() {
  printf '   %s$ %s%s\n' "$DIM" "$*" "$RESET"
  "$@"
}

# Prints the comment at the head of the calling script: its --help.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$0"; }

have() { command -v "$1" >/dev/null 2>&1; }

# ThreadSanitizer and AddressSanitizer of GCC 12 cannot live with the address-space randomisation
# of newer kernels, and a fuzzer that is to do the same again must not see other addresses; where a
# process may switch its own off, do that.
without_randomisation() {
  if setarch -R true 2>/dev/null; then
    setarch -R "$@"
  else
    "$@"
  fi
}

# Go from go.dev is often installed but on nobody's PATH.
if ! have go && [[ -x /usr/local/go/bin/go ]]; then PATH=$PATH:/usr/local/go/bin; fi
# Where Debian keeps nft and ip for root, which `su` without a dash does not have.
PATH=$PATH:/usr/sbin:/sbin
export PATH
