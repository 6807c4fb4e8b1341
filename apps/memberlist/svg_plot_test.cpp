#include "svg_plot.hpp"

#include <gtest/gtest.h>

#include <string>

namespace memberlist::cli {
namespace {

SvgPlot plot_of(std::vector<std::pair<double, double>> points) {
  SvgPlot plot;
  plot.title = "a < b & c";
  plot.lines = {{.label = "\"line\"", .points = std::move(points), .steps = false}};
  return plot;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(SvgPlot, TicksAreRoundNumbers) {
  EXPECT_DOUBLE_EQ(tick_step(10, 5), 2);
  EXPECT_DOUBLE_EQ(tick_step(100, 5), 20);
  EXPECT_DOUBLE_EQ(tick_step(60, 8), 10);
  EXPECT_DOUBLE_EQ(tick_step(0.3, 5), 0.1);
  EXPECT_DOUBLE_EQ(tick_step(7, 5), 2);
  EXPECT_DOUBLE_EQ(tick_step(1, 5), 0.2);
}

TEST(SvgPlot, TextIsEscaped) {
  const std::string svg = to_svg(plot_of({{0, 0}, {1, 1}}));
  EXPECT_TRUE(has(svg, "a &lt; b &amp; c"));
  EXPECT_TRUE(has(svg, "&quot;line&quot;"));
  EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
}

TEST(SvgPlot, AxesBeginAtZeroAndHoldAllPoints) {
  const std::string svg = to_svg(plot_of({{0, 3}, {10, 7}}));
  EXPECT_TRUE(has(svg, "points=\"72.0,"));
  EXPECT_TRUE(has(svg, "736.0,")) << "the last point is at the right end";
  EXPECT_TRUE(has(svg, ">8</text>")) << "a tick above the largest";
}

TEST(SvgPlot, StepsHoldTheirValue) {
  SvgPlot plot = plot_of({{0, 0}, {10, 10}});
  plot.y_max = 10;
  EXPECT_TRUE(has(to_svg(plot), "\"72.0,364.0 736.0,84.0 \""));
  plot.lines.front().steps = true;
  EXPECT_TRUE(has(to_svg(plot), "\"72.0,364.0 736.0,364.0 736.0,84.0 \""));
}

TEST(SvgPlot, AnAxisMayBeginLater) {
  SvgPlot plot = plot_of({{10, 1}, {20, 1}});
  plot.x_min = 10;
  EXPECT_TRUE(has(to_svg(plot), "points=\"72.0,"));
  EXPECT_FALSE(has(to_svg(plot), "x=\"72.0\" y=\"384.0\" text-anchor=\"middle\">0</text>"));
  EXPECT_TRUE(has(to_svg(plot), "x=\"72.0\" y=\"384.0\" text-anchor=\"middle\">10</text>"));
}

TEST(SvgPlot, MarksNameMomentsThatAreInThePicture) {
  SvgPlot plot = plot_of({{0, 1}, {20, 1}});
  plot.marks = {{10, "dead"}, {30, "later"}};
  EXPECT_TRUE(has(to_svg(plot), "x1=\"404.0\" y1=\"364.0\" x2=\"404.0\""));
  EXPECT_TRUE(has(to_svg(plot), ">dead</text>"));
  EXPECT_FALSE(has(to_svg(plot), "later"));
}

TEST(SvgPlot, NothingToDrawIsAPictureToo) {
  EXPECT_TRUE(has(to_svg(SvgPlot{}), "</svg>"));
  EXPECT_FALSE(has(to_svg(plot_of({})), "nan"));
  EXPECT_FALSE(has(to_svg(plot_of({{0, 0}})), "nan"));
}

TEST(SvgPlot, ABandIsBehindItsLine) {
  SvgPlot plot = plot_of({{0, 1}, {1, 1}});
  plot.bands = {{.label = "range", .points = {{0, 0, 2}, {1, 0, 2}}}};
  const std::string svg = to_svg(plot);
  EXPECT_LT(svg.find("<polygon"), svg.find("<polyline"));
}

TEST(SvgPlot, ManyPointsAreThinnedOut) {
  std::vector<std::pair<double, double>> points;
  for (int i = 0; i < 100'000; ++i) points.emplace_back(i, i % 7);
  EXPECT_LT(to_svg(plot_of(std::move(points))).size(), 100'000U);
}

}  // namespace
}  // namespace memberlist::cli
