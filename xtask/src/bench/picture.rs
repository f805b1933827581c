//! Curves as a picture (SVG): one panel a curve, each with the straight line through its first two points, on which the
//! others are where growth is linear.

use std::fmt::Write;

/// How something grows.
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) unit: String,
    /// In ascending order.
    pub(super) points: Vec<(f64, f64)>,
}

const PANEL: f64 = 312.0;
const HEIGHT: f64 = 260.0;
/// Where the axes are within a panel.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 280.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 206.0;

/// Legible on white and on black, as repositories are shown on either.
const STYLE: &str = "text{font:12px sans-serif;fill:#57606a}.name{font-weight:bold}.axis{stroke:#8c959f;fill:none}\
.grid{stroke:#8c959f;stroke-opacity:.25}.curve{stroke:#0969da;stroke-width:2;fill:none}.point{fill:#0969da}\
.straight{stroke:#bf8700;stroke-dasharray:4 4;fill:none}\
@media(prefers-color-scheme:dark){text{fill:#b1bac4}.curve{stroke:#58a6ff}.point{fill:#58a6ff}}";

/// The picture.
pub(super) fn draw(curves: &[Curve]) -> String {
    let width = PANEL * curves.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" width=\"{width}\" height=\"{HEIGHT}\" role=\"img\">\n\
         <title>How the controller grows with the number of SealedSecrets</title>\n<style>{STYLE}</style>\n"
    );
    for (place, curve) in curves.iter().enumerate() {
        let x = PANEL * place as f64;
        let panel = panel(curve);
        svg += &format!("<g transform=\"translate({x} 0)\">\n{panel}</g>\n");
    }
    svg + "</svg>\n"
}

fn panel(curve: &Curve) -> String {
    let most = |of: fn(&(f64, f64)) -> f64| curve.points.iter().map(of).fold(0.0, f64::max);
    let (far, high) = (most(|point| point.0), round_up(most(|point| point.1)));
    let x = |value: f64| LEFT + (RIGHT - LEFT) * value / far;
    let y = |value: f64| BOTTOM - (BOTTOM - TOP) * value / high;
    let mut svg = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing to a text does not fail.
        let _ = writeln!(svg, "{text}");
    };
    let Curve { name, unit, .. } = curve;
    line(format_args!(
        "<text class=\"name\" x=\"{LEFT}\" y=\"18\">{name}</text>"
    ));
    line(format_args!("<text x=\"{LEFT}\" y=\"36\">{unit}</text>"));
    for part in 0..=4 {
        let value = high * f64::from(part) / 4.0;
        let at = y(value);
        line(format_args!(
            "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{RIGHT}\"/>"
        ));
        line(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            at + 4.0,
            number(value)
        ));
    }
    line(format_args!(
        "<path class=\"axis\" d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\"/>"
    ));
    for (objects, _) in &curve.points {
        let at = x(*objects);
        line(format_args!(
            "<path class=\"axis\" d=\"M{at:.1} {BOTTOM}v4\"/>"
        ));
    }
    for (objects, _) in &curve.points {
        line(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x(*objects),
            BOTTOM + 20.0,
            number(*objects)
        ));
    }
    line(format_args!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">SealedSecrets</text>",
        f64::midpoint(LEFT, RIGHT),
        BOTTOM + 40.0
    ));
    if let [first, second, ..] = curve.points[..] {
        let slope = (second.1 - first.1) / (second.0 - first.0);
        // As far as it stays in the panel.
        let end = match slope > 0.0 {
            true => (first.0 + (high - first.1) / slope).min(far),
            false => far,
        };
        let height = |objects: f64| y((first.1 + slope * (objects - first.0)).max(0.0));
        line(format_args!(
            "<path class=\"straight\" d=\"M{:.1} {:.1}L{:.1} {:.1}\"/>",
            x(first.0),
            height(first.0),
            x(end),
            height(end)
        ));
    }
    let path: Vec<String> = curve
        .points
        .iter()
        .map(|(objects, value)| format!("{:.1} {:.1}", x(*objects), y(*value)))
        .collect();
    line(format_args!(
        "<path class=\"curve\" d=\"M{}\"/>",
        path.join("L")
    ));
    for (objects, value) in &curve.points {
        let (x, y) = (x(*objects), y(*value));
        line(format_args!(
            "<circle class=\"point\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>"
        ));
        line(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x,
            y - 8.0,
            number(*value)
        ));
    }
    svg
}

/// The end of an axis: 1, 2 or 5 with zeros, and four parts of it.
fn round_up(value: f64) -> f64 {
    let magnitude = 10_f64.powf(value.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 4.0, 6.0, 8.0, 10.0]
        .map(|step| step * magnitude)
        .into_iter()
        .find(|end| *end >= value * 1.05)
        .unwrap_or(20.0 * magnitude)
}

fn number(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        value if value < 1.0 => format!("{value:.2}"),
        value if value < 10.0 => format!("{value:.1}"),
        value => {
            let digits = format!("{value:.0}");
            let (thousands, rest) = digits.split_at(digits.len().saturating_sub(3));
            match thousands {
                "" => rest.to_owned(),
                thousands => format!("{thousands},{rest}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_above_the_highest_point_at_a_round_number() {
        for (value, end) in [
            (0.7, 0.8),
            (3.0, 4.0),
            (9.9, 20.0),
            (5.0, 6.0),
            (130.0, 200.0),
        ] {
            let found = round_up(value);
            assert!((found - end).abs() < 1e-9, "{value}: {found}");
        }
    }

    #[test]
    fn numbers_are_written_as_people_write_them() {
        let written = [0.0, 0.25, 2.5, 40.0, 16_000.0].map(number);
        assert_eq!(written, ["0", "0.25", "2.5", "40", "16,000"]);
    }

    #[test]
    fn a_picture_has_a_panel_for_each_curve_and_a_point_for_each_figure() {
        let curve = || Curve {
            name: "restart".to_owned(),
            unit: "s".to_owned(),
            points: vec![(1000.0, 0.5), (4000.0, 1.9), (16_000.0, 8.0)],
        };
        let svg = draw(&[curve(), curve()]);
        assert_eq!(svg.matches("<g ").count(), 2);
        assert_eq!(svg.matches("<circle").count(), 6);
        assert!(svg.contains(">16,000<"), "{svg}");
    }
}
