#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace memberlist::cli {

/// A line of a plot.
struct PlotLine {
  std::string label;
  std::vector<std::pair<double, double>> points;  ///< in the order of x
  bool steps = false;                             ///< the value of a point holds until the next one
};

/// The range between two lines.
struct PlotBand {
  struct Point {
    double x = 0;
    double low = 0;
    double high = 0;
  };
  std::string label;
  std::vector<Point> points;
};

/// A moment that is named on the x axis.
struct PlotMark {
  double x = 0;
  std::string label;
};

/// What is drawn. Bands are behind lines, in the order of both the first has the first colour.
struct SvgPlot {
  std::string title;
  std::string subtitle;
  std::string x_label;
  std::string y_label;
  std::vector<PlotLine> lines;
  std::vector<PlotBand> bands;
  std::vector<PlotMark> marks = {};
  double x_min = 0;
  std::optional<double> x_max;  ///< unset: the largest x
  std::optional<double> y_max;  ///< unset: a round number above all
};

/// The picture: axes with round ticks, that of y from zero, a legend, on white. The same plot gives
/// the same text.
[[nodiscard]] std::string to_svg(const SvgPlot& plot);

/// A round number such that at most about `count` steps of it reach `max`. Precondition: both are
/// above 0.
[[nodiscard]] double tick_step(double max, int count);

}  // namespace memberlist::cli
