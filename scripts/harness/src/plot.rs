//! The plot: saving over speed, for decoding and for encoding, as SVG.
//!
//! It paints its own background and follows the reader's colour scheme, so it can be read on light
//! and dark pages alike.

use std::fmt::{Arguments, Write};

use crate::codec::Operation;
use crate::summary::Summary;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 400.0;
const PANEL_WIDTH: f64 = 330.0;
const PANEL_HEIGHT: f64 = 250.0;
const PANEL_TOP: f64 = 70.0;
const PANEL_LEFTS: [f64; 2] = [70.0, 490.0];

const STYLE: &str = "\
  <style>
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .title { font-size: 15px; font-weight: 600; }
    .page { fill: #ffffff; stroke: #d1d9e0; }
    .grid { stroke: #d1d9e0; stroke-width: 1; }
    .axis { stroke: #59636e; stroke-width: 1; }
    .ours { fill: #0969da; }
    .peer { fill: #bc4c00; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; }
      .page { fill: #0d1117; stroke: #3d444d; }
      .grid { stroke: #3d444d; }
      .axis { stroke: #9198a1; }
      .ours { fill: #4493f8; }
      .peer { fill: #f0883e; }
    }
  </style>
";

/// One codec in one panel.
struct Point<'a> {
    name: &'a str,
    ours: bool,
    speed: f64,
    saving: f64,
}

/// A linear axis from zero or a round number to a round number.
#[derive(Clone, Copy, Debug)]
struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// An axis from a multiple of a round step at or below `low` to one above `high`.
    fn around(low: f64, high: f64) -> Self {
        let raw = ((high - low) / 5.0).max(1e-3);
        let magnitude = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * magnitude);
        let step = step.into_iter().find(|step| *step >= raw).unwrap_or(raw);
        Self {
            low: (low / step).floor() * step,
            high: (high / step).floor() * step + step,
            step,
        }
    }

    /// Where `value` lies, 0 at the low end and 1 at the high one.
    fn position(self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// A tick's value with as many decimals as the step needs.
    fn label(self, tick: f64) -> String {
        let decimals = if self.step < 1.0 { 1 } else { 0 };
        format!("{tick:.decimals$}")
    }

    fn ticks(self) -> impl Iterator<Item = f64> {
        let ticks = (0..).map(move |tick| self.low + f64::from(tick) * self.step);
        // Half a step more, because the sums are not exact.
        ticks.take_while(move |tick| *tick < self.high + self.step / 2.0)
    }
}

/// The whole drawing; `caption` says what was measured.
pub(crate) fn draw(summaries: &[Summary], caption: &str) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\">\n{STYLE}"
    );
    add(
        &mut svg,
        format_args!(
            "  <rect class=\"page\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n",
            WIDTH - 1.0,
            HEIGHT - 1.0
        ),
    );
    let panels = [
        ("Decoding", Operation::Decode),
        ("Encoding, without verification", Operation::Encode),
    ];
    for ((title, operation), left) in panels.into_iter().zip(PANEL_LEFTS) {
        draw_panel(&mut svg, title, left, &points(summaries, operation));
    }
    text(&mut svg, WIDTH / 2.0, HEIGHT - 12.0, "middle", "", caption);
    svg.push_str("</svg>\n");
    svg
}

fn points(summaries: &[Summary], operation: Operation) -> Vec<Point<'_>> {
    let points = summaries.iter().filter_map(|summary| {
        Some(Point {
            name: summary.name,
            ours: summary.ours,
            speed: summary.speed(operation)?,
            saving: summary.baseline.percent()?,
        })
    });
    points.collect()
}

fn draw_panel(svg: &mut String, title: &str, left: f64, points: &[Point<'_>]) {
    let savings = points.iter().map(|point| point.saving);
    let fastest = points.iter().map(|point| point.speed).fold(1.0, f64::max);
    let low = savings.clone().fold(f64::INFINITY, f64::min);
    let high = savings.fold(f64::NEG_INFINITY, f64::max);
    text(svg, left, PANEL_TOP - 34.0, "start", "title", title);
    if points.is_empty() {
        return;
    }
    let across = Axis::around(0.0, fastest * 1.1);
    let up = Axis::around(low - 0.6, high + 0.3);
    draw_axes(svg, left, across, up);
    for point in points {
        let x = left + PANEL_WIDTH * across.position(point.speed);
        let y = PANEL_TOP + PANEL_HEIGHT * (1.0 - up.position(point.saving));
        let class = if point.ours { "ours" } else { "peer" };
        add(
            svg,
            format_args!(
                "  <circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\"><title>{}: {:.2} %, {:.1} MB/s</title></circle>\n",
                point.name, point.saving, point.speed
            ),
        );
        draw_label(svg, point, points, (x, y), left);
    }
}

/// Names a point above it; of points with about the same saving the slower is named below, so that
/// the names do not meet. Near the panel's ends the name keeps clear of the axis and the edge.
fn draw_label(
    svg: &mut String,
    point: &Point<'_>,
    all: &[Point<'_>],
    (x, y): (f64, f64),
    left: f64,
) {
    let slower = all
        .iter()
        .any(|other| (other.saving - point.saving).abs() < 0.2 && other.speed > point.speed);
    let y = if slower { y + 22.0 } else { y - 12.0 };
    let x = x.clamp(left + 70.0, left + PANEL_WIDTH - 40.0);
    text(svg, x, y, "middle", "", point.name);
}

fn draw_axes(svg: &mut String, left: f64, across: Axis, up: Axis) {
    let (right, bottom) = (left + PANEL_WIDTH, PANEL_TOP + PANEL_HEIGHT);
    for tick in up.ticks() {
        let y = bottom - PANEL_HEIGHT * up.position(tick);
        line(svg, "grid", (left, y), (right, y));
        text(svg, left - 8.0, y + 4.0, "end", "", &up.label(tick));
    }
    for tick in across.ticks() {
        let x = left + PANEL_WIDTH * across.position(tick);
        line(svg, "axis", (x, bottom), (x, bottom + 5.0));
        text(svg, x, bottom + 20.0, "middle", "", &across.label(tick));
    }
    line(svg, "axis", (left, bottom), (right, bottom));
    line(svg, "axis", (left, PANEL_TOP), (left, bottom));
    text(svg, left - 40.0, PANEL_TOP - 14.0, "start", "", "saving, %");
    text(
        svg,
        right,
        bottom + 38.0,
        "end",
        "",
        "MB of JPEG per second of user CPU time",
    );
}

fn line(svg: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    add(
        svg,
        format_args!(
            "  <line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>\n",
            from.0, from.1, to.0, to.1
        ),
    );
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, class: &str, content: &str) {
    let content = content.replace('&', "&amp;").replace('<', "&lt;");
    add(
        svg,
        format_args!(
            "  <text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{content}</text>\n"
        ),
    );
}

fn add(svg: &mut String, element: Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = svg.write_fmt(element);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_hold_their_values_between_round_ends() {
        for (low, high) in [(0.0, 18.3), (23.4, 27.2), (0.0, 1.0), (24.0, 24.9)] {
            let axis = Axis::around(low, high);
            assert!(axis.low <= low && axis.high >= high, "{axis:?}");
            assert!((3..=9).contains(&axis.ticks().count()), "{axis:?}");
        }
    }

    #[test]
    fn a_plot_without_figures_is_still_a_drawing() {
        let svg = draw(&[], "a < b");
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("a &lt; b"));
    }
}
