#include "experiments.hpp"

#include <array>

namespace memberlist::bench {

std::span<const Experiment> experiments() {
  static constexpr std::array kAll{
      Experiment{"first-detection", "SWIM: periods until a failed member is probed",
                 first_detection},
      Experiment{"dissemination", "SWIM, Serf: rounds until an update is known", dissemination},
      Experiment{"load", "SWIM: messages of a quiet cluster", load},
      Experiment{"loss", "SWIM: false accusations where packets are lost", loss},
      Experiment{"interval", "Lifeguard: members that are blocked again and again", interval},
      Experiment{"alpha", "Lifeguard: time to detection with shorter suspicions", alpha},
      Experiment{"starvation", "Lifeguard: members short of processor time", starvation},
      Experiment{"rules", "this library's own rules, each switched off", rules},
      Experiment{"bootstrap", "Rapid: many join through one", bootstrap},
      Experiment{"crash-of-ten", "Rapid: ten of a thousand crash", crash_of_ten},
      Experiment{"bad-links", "Rapid: ten of a thousand have bad links", bad_links},
  };
  return kAll;
}

}  // namespace memberlist::bench
