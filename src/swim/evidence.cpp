#include "swim/evidence.hpp"

namespace memberlist::swim {

Cause Evidence::to_cause(std::uint64_t input) const {
  Cause cause;
  cause.input = input;
  cause.began = began.value_or(input);
  cause.kind = kind;
  cause.accuser = accuser;
  if (source != nullptr) cause.source = *source;
  if (suspicion != nullptr) {
    cause.confirmations = suspicion->confirmations();
    cause.accusers.assign(suspicion->accusers().begin(), suspicion->accusers().end());
  }
  cause.indirect_probes = indirect_probes;
  cause.nacks = nacks;
  return cause;
}

}  // namespace memberlist::swim
