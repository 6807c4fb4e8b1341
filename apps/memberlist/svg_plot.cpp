#include "svg_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace memberlist::cli {

namespace {

constexpr double kWidth = 760;
constexpr double kHeight = 420;
constexpr double kLeft = 72;
constexpr double kRight = 24;
constexpr double kTop = 84;
constexpr double kBottom = 56;
constexpr int kTicksX = 8;
constexpr int kTicksY = 5;
// More of them would not be seen.
constexpr std::size_t kMaxPoints = 2000;

// They can be told apart by those who do not see all colours, too (Okabe and Ito).
constexpr std::array<std::string_view, 4> kColours{"#0072b2", "#d55e00", "#009e73", "#cc79a7"};

std::string escape_xml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        // Control characters are not allowed in XML.
        escaped += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return escaped;
}

// With as many digits behind the point as the step has.
std::string tick_text(double value, double step) {
  const double digits = std::max(0.0, std::ceil(-std::log10(step) - 1e-9));
  return fmt::format("{:.{}f}", value, static_cast<int>(digits));
}

double largest_x(const SvgPlot& plot) {
  double most = 0;
  for (const PlotLine& line : plot.lines) {
    for (const auto& [x, y] : line.points) most = std::max(most, x);
  }
  for (const PlotBand& band : plot.bands) {
    for (const PlotBand::Point& point : band.points) most = std::max(most, point.x);
  }
  return most;
}

double largest_y(const SvgPlot& plot) {
  double most = 0;
  for (const PlotLine& line : plot.lines) {
    for (const auto& [x, y] : line.points) most = std::max(most, y);
  }
  for (const PlotBand& band : plot.bands) {
    for (const PlotBand::Point& point : band.points) most = std::max(most, point.high);
  }
  return most;
}

class Drawing {
 public:
  explicit Drawing(const SvgPlot& plot) : plot_(plot) {
    x_max_ = plot.x_max.value_or(largest_x(plot));
    x_min_ = plot.x_min;
    if (!(x_max_ > x_min_)) x_max_ = x_min_ + 1;
    const double y = largest_y(plot);
    y_step_ = tick_step(plot.y_max.value_or(y > 0 ? y : 1), kTicksY);
    y_max_ = plot.y_max.value_or(std::max(y_step_, std::ceil(y / y_step_ - 1e-9) * y_step_));
  }

  std::string draw() {
    add(R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" )"
        R"(font-family="sans-serif" font-size="13" fill="#222222">)",
        kWidth, kHeight);
    add(R"(<rect width="{}" height="{}" fill="#ffffff"/>)", kWidth, kHeight);
    add(R"(<text x="{}" y="26" font-size="16" font-weight="bold">{}</text>)", kLeft,
        escape_xml(plot_.title));
    add(R"(<text x="{}" y="46" fill="#555555">{}</text>)", kLeft, escape_xml(plot_.subtitle));
    draw_axes();
    for (std::size_t i = 0; i < plot_.bands.size(); ++i) draw_band(plot_.bands[i], colour(i));
    for (std::size_t i = 0; i < plot_.lines.size(); ++i) draw_line(plot_.lines[i], colour(i));
    for (const PlotMark& mark : plot_.marks) draw_mark(mark);
    draw_legend();
    add("</svg>");
    return std::move(text_);
  }

 private:
  template <class... Values>
  void add(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
    text_ += '\n';
  }

  static std::string_view colour(std::size_t index) { return kColours[index % kColours.size()]; }

  [[nodiscard]] double x_of(double x) const {
    return kLeft +
           std::clamp((x - x_min_) / (x_max_ - x_min_), 0.0, 1.0) * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] double y_of(double y) const {
    return kHeight - kBottom - std::clamp(y / y_max_, 0.0, 1.0) * (kHeight - kTop - kBottom);
  }
  [[nodiscard]] std::string point(double x, double y) const {
    return fmt::format("{:.1f},{:.1f} ", x_of(x), y_of(y));
  }

  void draw_axes() {
    const double bottom = y_of(0);
    const double step = tick_step(x_max_ - x_min_, kTicksX);
    for (int i = static_cast<int>(std::ceil(x_min_ / step - 1e-9)); i * step <= x_max_ * (1 + 1e-9);
         ++i) {
      const double x = x_of(i * step);
      add(R"(<line x1="{0:.1f}" y1="{1:.1f}" x2="{0:.1f}" y2="{2:.1f}" stroke="#222222"/>)", x,
          bottom, bottom + 5);
      add(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", x, bottom + 20,
          tick_text(i * step, step));
    }
    for (int i = 0; i * y_step_ <= y_max_ * (1 + 1e-9); ++i) {
      const double y = y_of(i * y_step_);
      add(R"(<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="{}"/>)", kLeft, y,
          kWidth - kRight, y, i == 0 ? "#222222" : "#dddddd");
      add(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 8, y + 4,
          tick_text(i * y_step_, y_step_));
    }
    add(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)",
        (kLeft + kWidth - kRight) / 2, kHeight - 14, escape_xml(plot_.x_label));
    add(R"svg(<text transform="translate(18 {:.1f}) rotate(-90)" text-anchor="middle">{}</text>)svg",
        (kTop + kHeight - kBottom) / 2, escape_xml(plot_.y_label));
  }

  void draw_band(const PlotBand& band, std::string_view fill) {
    const std::size_t stride = band.points.size() / kMaxPoints + 1;
    std::string there;
    std::string back;
    for (std::size_t i = 0; i < band.points.size(); i += stride) {
      const PlotBand::Point& at = band.points[i];
      there += point(at.x, at.high);
      back.insert(0, point(at.x, at.low));
    }
    add(R"(<polygon points="{}{}" fill="{}" fill-opacity="0.2"/>)", there, back, fill);
  }

  void draw_line(const PlotLine& line, std::string_view stroke) {
    const std::size_t stride = line.points.size() / kMaxPoints + 1;
    std::string points;
    double before = 0;
    for (std::size_t i = 0; i < line.points.size(); i += stride) {
      const auto& [x, y] = line.points[i];
      if (line.steps && i > 0) points += point(x, before);
      points += point(x, y);
      before = y;
    }
    add(R"(<polyline points="{}" fill="none" stroke="{}" stroke-width="2" )"
        R"(stroke-linejoin="round"/>)",
        points, stroke);
  }

  // If it is in the picture.
  void draw_mark(const PlotMark& mark) {
    if (mark.x < x_min_ || mark.x > x_max_) return;
    const double x = x_of(mark.x);
    add(R"(<line x1="{0:.1f}" y1="{1:.1f}" x2="{0:.1f}" y2="{2:.1f}" stroke="#555555" )"
        R"(stroke-dasharray="4 4"/>)",
        x, y_of(0), y_of(y_max_));
    add(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end" fill="#555555">{}</text>)", x - 4,
        y_of(y_max_) + 14, escape_xml(mark.label));
  }

  // In one row above the picture.
  void draw_legend() {
    double x = kLeft;
    const double y = kTop - 20;
    const auto entry = [&](std::string_view label, std::string_view colour, double thickness,
                           double opacity) {
      if (label.empty()) return;
      add(R"(<rect x="{:.1f}" y="{:.1f}" width="22" height="{}" fill="{}" fill-opacity="{}"/>)", x,
          y - thickness / 2 - 4, thickness, colour, opacity);
      add(R"(<text x="{:.1f}" y="{:.1f}">{}</text>)", x + 28, y, escape_xml(label));
      constexpr double kLetter = 7.2;
      x += 28 + kLetter * static_cast<double>(label.size()) + 18;
    };
    for (std::size_t i = 0; i < plot_.lines.size(); ++i) {
      entry(plot_.lines[i].label, colour(i), 3, 1);
    }
    for (std::size_t i = 0; i < plot_.bands.size(); ++i) {
      entry(plot_.bands[i].label, colour(i), 12, 0.2);
    }
  }

  const SvgPlot& plot_;
  double x_min_ = 0;
  double x_max_ = 1;
  double y_max_ = 1;
  double y_step_ = 1;
  std::string text_;
};

}  // namespace

double tick_step(double max, int count) {
  const double rough = max / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power * (1 + 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::string to_svg(const SvgPlot& plot) { return Drawing(plot).draw(); }

}  // namespace memberlist::cli
