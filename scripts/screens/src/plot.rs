//! The plot: what is left of the files by each method, as bars, on a logarithmic scale.
//!
//! It paints its own background and follows the reader's colour scheme.

use std::fmt::Write;

use crate::report::{Figures, Keeps};

const WIDTH: f64 = 860.0;
const ROW: f64 = 30.0;
const TOP: f64 = 60.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 700.0;

/// The least part that the scale shows, in percent.
const LEAST: f64 = 0.5;

const STYLE: &str = "\
  <style>
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .title { font-size: 15px; font-weight: 600; }
    .page { fill: #ffffff; stroke: #d1d9e0; }
    .grid { stroke: #d1d9e0; stroke-width: 1; }
    .ours { fill: #0969da; }
    .peer { fill: #bc4c00; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; }
      .page { fill: #0d1117; stroke: #3d444d; }
      .grid { stroke: #3d444d; }
      .ours { fill: #4493f8; }
      .peer { fill: #f0883e; }
    }
  </style>
";

/// Where a part in percent lies.
fn across(percent: f64) -> f64 {
    let position = (percent.clamp(LEAST, 100.0) / LEAST).ln() / (100.0 / LEAST).ln();
    LEFT + (RIGHT - LEFT) * position
}

/// The whole drawing; `caption` says what was measured.
pub(crate) fn draw(all: &[Figures], caption: &str) -> String {
    let measured: Vec<(&Figures, f64)> = all
        .iter()
        .filter_map(|figures| Some((figures, 100.0 - figures.saving?)))
        .collect();
    let bottom = TOP + ROW * measured.len() as f64;
    let height = bottom + 60.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n{STYLE}  <rect class=\"page\" \
         x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n",
        WIDTH - 1.0,
        height - 1.0
    );
    let title = "What is left of the PNG files, percent, logarithmic: shorter is better";
    text(&mut svg, 20.0, 30.0, "start", "title", title);
    for tick in [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0] {
        let x = across(tick);
        // Writing to a string cannot fail.
        let _ = writeln!(
            svg,
            "  <line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>"
        );
        text(&mut svg, x, bottom + 18.0, "middle", "", &tick.to_string());
    }
    for (number, (figures, left)) in measured.iter().enumerate() {
        let y = TOP + ROW * number as f64 + 5.0;
        let class = match figures.keeps {
            Keeps::Files => "ours",
            Keeps::Pixels | Keeps::OtherFiles => "peer",
        };
        let _ = writeln!(
            svg,
            "  <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"20\"/>",
            across(*left) - LEFT
        );
        text(&mut svg, LEFT - 8.0, y + 15.0, "end", "", &figures.name);
        let label = format!("{left:.2} % ({})", figures.keeps.name());
        text(&mut svg, across(*left) + 8.0, y + 15.0, "start", "", &label);
    }
    text(&mut svg, WIDTH / 2.0, height - 14.0, "middle", "", caption);
    svg.push_str("</svg>\n");
    svg
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, class: &str, content: &str) {
    let content = content.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "  <text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{content}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_goes_from_its_least_part_to_all() {
        assert!((across(0.0) - LEFT).abs() < 1e-9);
        assert!((across(100.0) - RIGHT).abs() < 1e-9);
        assert!(across(1.0) < across(2.0));
    }

    #[test]
    fn a_plot_without_figures_is_still_a_drawing() {
        let svg = draw(&[], "a < b");
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("a &lt; b"));
    }
}
