#pragma once

#include <string_view>

#include "memberlist/metrics.hpp"

namespace memberlist::swim {

/// The name of a metric of this kind. One that has no such row in kMetrics does not compile.
template <MetricKind Kind>
struct MetricName {
  // Not explicit: the callers write the name alone.
  consteval MetricName(std::string_view name) : text(name) {
    if (!is_known(name)) throw "this metric has no row of this kind in kMetrics";
  }

  static consteval bool is_known(std::string_view name) {
    for (const MetricInfo& info : kMetrics) {
      if (info.name == name) return info.kind == Kind;
    }
    return false;
  }

  std::string_view text;
};

using SampleName = MetricName<MetricKind::sample>;
using GaugeName = MetricName<MetricKind::gauge>;
using CounterName = MetricName<MetricKind::counter>;

}  // namespace memberlist::swim
