use crate::figures::Figures;
use std::fmt::Write as _;

/// A plot of a figure against the number of clients, both programs, both axes logarithmic, as SVG.
pub(crate) fn plot(figures: &Figures, title: &str, name: &str) -> Option<String> {
    let curves = [("C", "#c0392b"), ("ours", "#1f6fb2")]
        .map(|(program, colour)| (program, colour, figures.curve(name, program)));
    let points = || curves.iter().flat_map(|(_, _, curve)| curve);
    let along = Axis::of(points().map(|(clients, _)| *clients))?;
    let up = Axis::of(points().map(|(_, value)| *value))?;
    let x = |clients: f64| LEFT + along.share(clients) * WIDTH;
    let y = |value: f64| TOP + (1.0 - up.share(value)) * HEIGHT;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 560 360\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"560\" height=\"360\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"14\">{title}</text>\n\
         <text x=\"{}\" y=\"350\" text-anchor=\"middle\">clients</text>\n",
        LEFT + WIDTH / 2.0
    );
    // Writing to a string cannot fail.
    for tick in along.ticks() {
        let at = x(tick);
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {TOP}v{HEIGHT}\" stroke=\"#ddd\"/>\
             <text x=\"{at:.1}\" y=\"332\" text-anchor=\"middle\">{tick}</text>"
        );
    }
    for tick in up.ticks() {
        let at = y(tick);
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {at:.1}h{WIDTH}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>",
            LEFT - 6.0,
            at + 4.0
        );
    }
    for (program, colour, curve) in &curves {
        let line: Vec<String> = curve
            .iter()
            .map(|&(clients, value)| format!("{:.1},{:.1}", x(clients), y(value)))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            line.join(" ")
        );
        for &(clients, value) in curve {
            let _ = writeln!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>",
                x(clients),
                y(value)
            );
        }
        if let Some(&(clients, value)) = curve.last() {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{program}</text>",
                x(clients) + 7.0,
                y(value) + 4.0
            );
        }
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// A logarithmic axis over whole powers of ten.
struct Axis {
    bottom: i32,
    top: i32,
}

impl Axis {
    /// None without a value above zero.
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (mut least, mut greatest) = (f64::INFINITY, 0f64);
        for value in values.filter(|value| *value > 0.0) {
            (least, greatest) = (least.min(value), greatest.max(value));
        }
        if greatest <= 0.0 {
            return None;
        }
        let powers = [least.log10().floor(), greatest.log10().ceil()];
        // A float is never far from zero here.
        let whole = |power: f64| format!("{power:.0}").parse::<i32>().ok();
        let [bottom, top] = powers.map(whole);
        let bottom = bottom?;
        let top = top?.max(bottom + 1);
        Some(Self { bottom, top })
    }

    /// Where a value stands between the ends.
    fn share(&self, value: f64) -> f64 {
        let (bottom, top) = (f64::from(self.bottom), f64::from(self.top));
        let lowest = 10f64.powi(self.bottom);
        (value.max(lowest).log10() - bottom) / (top - bottom)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.bottom..=self.top).map(|power| 10f64.powi(power))
    }
}

const LEFT: f64 = 70.0;
const TOP: f64 = 36.0;
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 280.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_becomes_a_curve_for_each_program() {
        let mut figures = Figures::default();
        for (clients, value) in [(100, 1.0), (1000, 30.0)] {
            figures.add("cost", clients, "C", value);
            figures.add("cost", clients, "ours", value / 10.0);
        }
        let svg = plot(&figures, "Cost", "cost").unwrap();
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(plot(&figures, "Nothing", "nothing").is_none());
    }
}
