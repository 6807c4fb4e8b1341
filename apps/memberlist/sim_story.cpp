#include "sim_story.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <ranges>
#include <set>
#include <span>
#include <variant>

namespace memberlist::cli {

namespace {

constexpr std::size_t kMaxHops = 8;

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

// --- what is remembered --------------------------------------------------------------------------

void Story::add(Fact fact) {
  if (facts_.size() < kMaxFacts) facts_.push_back(std::move(fact));
}

void Story::take(const std::string& node, Duration at, const TraceRecord& record,
                 const NameOf& name_of) {
  if (const auto* began = std::get_if<trace::ProbeBegan>(&record.step)) {
    if (began->member == member_) probes_[{node, began->probe}] = {.began = at};
  } else if (const auto* asked = std::get_if<trace::HelperAsked>(&record.step)) {
    const auto probe = probes_.find({node, asked->probe});
    if (probe != probes_.end()) probe->second.helpers.push_back(asked->helper);
  } else if (const auto* ended = std::get_if<trace::ProbeEnded>(&record.step)) {
    take(node, at, *ended);
  } else if (const auto* claim = std::get_if<trace::Claim>(&record.step)) {
    if (claim->member == member_) take(node, at, *claim, name_of);
  }
}

void Story::take(const std::string& node, Duration at, const trace::ProbeEnded& ended) {
  const auto probe = probes_.find({node, ended.probe});
  if (probe == probes_.end()) return;
  if (ended.result == trace::ProbeEnded::Result::failed) {
    add({.kind = Fact::Kind::probe_failed,
         .at = at,
         .node = node,
         .began = probe->second.began,
         .helpers = std::move(probe->second.helpers),
         .nacks = ended.nacks});
  }
  probes_.erase(probe);
}

void Story::take(const std::string& node, Duration at, const trace::Claim& claim,
                 const NameOf& name_of) {
  std::optional<Fact::Kind> kind;
  const bool believed = claim.verdict == trace::Verdict::believed;
  if (claim.verdict == trace::Verdict::refuted && claim.kind != trace::ClaimKind::alive) {
    kind = Fact::Kind::refuted;
  } else if (claim.kind == trace::ClaimKind::suspect) {
    if (believed) kind = Fact::Kind::suspected;
    if (claim.verdict == trace::Verdict::confirmed) kind = Fact::Kind::confirmed;
  } else if (believed && claim.kind == trace::ClaimKind::alive) {
    kind = Fact::Kind::revived;
  } else if (believed && claim.accuser != member_) {  // who says it of itself has left
    kind = Fact::Kind::died;
  }
  if (!kind) return;
  add({.kind = *kind,
       .at = at,
       .node = node,
       .accuser = claim.accuser,
       .from = claim.source ? name_of(*claim.source) : "",
       .by = claim.by});
}

// --- what is told --------------------------------------------------------------------------------

class Story::Telling {
 public:
  explicit Telling(const Story& story) : story_(story) {}

  std::vector<Line> tell() {
    const Fact* death = first(Fact::Kind::died);
    const Fact* end = death != nullptr ? death : first(Fact::Kind::suspected);
    if (end == nullptr) return {};
    tell_accusations(*end);
    if (death != nullptr) tell_death(*death);
    tell_answer(*end);
    if (death != nullptr) tell_other_deaths(*death);
    std::ranges::stable_sort(lines_, {}, &Line::at);
    if (lines_.size() > kMaxLines) lines_.resize(kMaxLines);
    return std::move(lines_);
  }

 private:
  static bool accuses(const Fact& fact) {
    return fact.kind == Fact::Kind::suspected || fact.kind == Fact::Kind::confirmed;
  }

  const Fact* first(Fact::Kind kind) const {
    const auto found = std::ranges::find(story_.facts_, kind, &Fact::kind);
    return found == story_.facts_.end() ? nullptr : &*found;
  }
  // The last one up to `end` that `wanted` accepts.
  template <class Wanted>
  const Fact* last(const Fact& end, Wanted wanted) const {
    const auto until = std::span(story_.facts_).first(place_of(end) + 1) | std::views::reverse;
    const auto found = std::ranges::find_if(until, wanted);
    return found == until.end() ? nullptr : &*found;
  }
  template <class Wanted>
  const Fact* next(const Fact& begin, Wanted wanted) const {
    const auto from = std::span(story_.facts_).subspan(place_of(begin));
    const auto found = std::ranges::find_if(from, wanted);
    return found == from.end() ? nullptr : &*found;
  }
  std::size_t place_of(const Fact& fact) const {
    return static_cast<std::size_t>(&fact - story_.facts_.data());
  }

  void say(Duration at, std::string text) { lines_.push_back({at, std::move(text)}); }

  // Of the suspicion that ended so: what began it, and what shortened it.
  void tell_accusations(const Fact& end) {
    began_ = last(end, [&](const Fact& fact) {
      return fact.kind == Fact::Kind::suspected && fact.node == end.node;
    });
    if (began_ == nullptr) return;
    for (std::size_t i = place_of(*began_); i <= place_of(end); ++i) {
      const Fact& fact = story_.facts_[i];
      if (!accuses(fact) || fact.node != end.node) continue;
      if (fact.kind == Fact::Kind::confirmed) ++confirmations_;
      tell_accusation(fact);
    }
  }

  // Back from who heard it to who probed.
  void tell_accusation(const Fact& heard) {
    std::vector<std::string> way{heard.node};
    const Fact* at = &heard;
    while (at->by != Cause::Kind::probe_failed && way.size() <= kMaxHops) {
      if (at->from.empty()) break;
      way.push_back(at->from);
      const Fact* before = last(*at, [&](const Fact& fact) {
        return accuses(fact) && fact.node == at->from && fact.accuser == heard.accuser;
      });
      if (before == nullptr || before == at) break;
      at = before;
    }
    tell_probe(*at);
    if (heard.by == Cause::Kind::probe_failed) return;
    std::ranges::reverse(way);
    say(heard.at, fmt::format("{} hears that {} accuses it{}: {}", heard.node,
                              heard.accuser.empty() ? "somebody" : heard.accuser,
                              heard.by == Cause::Kind::push_pull ? ", in a push/pull" : "",
                              fmt::join(way, " > ")));
  }

  // The failed probe from which an accusation comes, once.
  void tell_probe(const Fact& accusation) {
    const Fact* probe = last(accusation, [&](const Fact& fact) {
      return fact.kind == Fact::Kind::probe_failed && fact.node == accusation.accuser;
    });
    if (probe == nullptr || !told_.insert(probe).second) return;
    std::string asked = fmt::format("{} pings it", probe->node);
    if (!probe->helpers.empty()) {
      asked += fmt::format(", then by TCP and through {}", fmt::join(probe->helpers, ", "));
    }
    say(probe->began, std::move(asked));
    std::string failed = fmt::format("{} has no answer, and accuses it", probe->node);
    if (probe->nacks > 0) {
      failed = fmt::format("{} has no answer, like {}, and accuses it", probe->node,
                           counted(probe->nacks, "helper"));
    }
    say(probe->at, std::move(failed));
  }

  void tell_death(const Fact& death) {
    if (death.by == Cause::Kind::suspicion_expired) {
      const Duration waited = began_ == nullptr ? Duration::zero() : death.at - began_->at;
      return say(death.at, fmt::format("{} declares it dead: {:.2f} s without a refutation, {}",
                                       death.node, std::chrono::duration<double>(waited).count(),
                                       counted(confirmations_, "confirmation")));
    }
    say(death.at, fmt::format("{} declares it dead: it is told so by {}", death.node,
                              death.from.empty() ? "somebody" : death.from));
  }

  // What the member itself says, and when that comes to who ended the suspicion.
  void tell_answer(const Fact& end) {
    const Fact* refuted = next(began_ == nullptr ? end : *began_,
                               [](const Fact& fact) { return fact.kind == Fact::Kind::refuted; });
    if (refuted != nullptr) {
      say(refuted->at, fmt::format("{} hears of it{}, and contradicts", refuted->node,
                                   refuted->from.empty() ? "" : " from " + refuted->from));
    }
    const Fact* revived = next(end, [&](const Fact& fact) {
      return fact.kind == Fact::Kind::revived && fact.node == end.node;
    });
    if (revived != nullptr) {
      say(revived->at, fmt::format("{} hears that it lives{}", revived->node,
                                   revived->from.empty() ? "" : ", from " + revived->from));
    }
  }

  void tell_other_deaths(const Fact& death) {
    std::set<std::string> nodes{death.node};
    std::size_t by_timer = 0;
    const Fact* latest = nullptr;
    for (const Fact& fact : std::span(story_.facts_).subspan(place_of(death))) {
      if (fact.kind != Fact::Kind::died || !nodes.insert(fact.node).second) continue;
      by_timer += fact.by == Cause::Kind::suspicion_expired ? 1 : 0;
      latest = &fact;
    }
    if (latest == nullptr) return;
    const std::size_t others = nodes.size() - 1;
    say(latest->at, fmt::format("{} is the last of {} more that declare it dead: {} because they "
                                "waited in vain, {} because they are told",
                                latest->node, others, by_timer, others - by_timer));
  }

  const Story& story_;
  std::vector<Line> lines_;
  std::set<const Fact*> told_;
  const Fact* began_ = nullptr;
  std::size_t confirmations_ = 0;
};

std::vector<Story::Line> Story::lines() const { return Telling(*this).tell(); }

}  // namespace memberlist::cli
