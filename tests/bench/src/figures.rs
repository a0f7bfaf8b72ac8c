use crate::clock::{Micros, number};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What was measured: by name, number of clients and program, one value per round.
#[derive(Debug, Default)]
pub(crate) struct Figures(BTreeMap<(String, u64), BTreeMap<String, Vec<f64>>>);

impl Figures {
    pub(crate) fn add(&mut self, name: &str, clients: usize, program: &str, value: f64) {
        let figure = self.0.entry((name.to_owned(), clients as u64)).or_default();
        figure.entry(program.to_owned()).or_default().push(value);
    }

    /// The median of all rounds.
    pub(crate) fn median(&self, name: &str, clients: u64, program: &str) -> Option<f64> {
        let values = self.0.get(&(name.to_owned(), clients))?.get(program)?;
        median(values)
    }

    /// The numbers of clients for which a figure was measured, with its medians.
    pub(crate) fn curve(&self, name: &str, program: &str) -> Vec<(f64, f64)> {
        let known = self.0.keys().filter(|(known, _)| known == name);
        let point = |clients: u64| Some((number(clients), self.median(name, clients, program)?));
        known.filter_map(|(_, clients)| point(*clients)).collect()
    }

    /// A table with medians and ratios.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "| {:<46} | clients | rounds | {:>10} | {:>10} | ours / C |\n|{:-<48}|--------:|-------:|-----------:|-----------:|---------:|\n",
            "figure", "C", "ours", ""
        );
        for ((name, clients), values) in &self.0 {
            let (c, ours) = (
                self.median(name, *clients, "C"),
                self.median(name, *clients, "ours"),
            );
            let rounds = values.values().map(Vec::len).max().unwrap_or_default();
            let ratio = c.zip(ours).filter(|(c, _)| *c > 0.0);
            let ratio = ratio.map_or_else(String::new, |(c, ours)| format!("{:.3}", ours / c));
            let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), short);
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {name:<46} | {clients:>7} | {rounds:>6} | {:>10} | {:>10} | {ratio:>8} |",
                shown(c),
                shown(ours)
            );
        }
        text
    }

    /// All values, one a line.
    pub(crate) fn csv(&self) -> String {
        let mut text = String::from("figure,clients,program,value\n");
        for ((name, clients), programs) in &self.0 {
            for (program, values) in programs {
                for value in values {
                    let _ = writeln!(text, "{name},{clients},{program},{value}");
                }
            }
        }
        text
    }

    /// Reads what [`csv`](Self::csv) wrote; lines that are none are passed over.
    pub(crate) fn read(&mut self, csv: &str) {
        for line in csv.lines() {
            let fields: Vec<&str> = line.split(',').collect();
            let &[name, clients, program, value] = fields.as_slice() else {
                continue;
            };
            if let (Ok(clients), Ok(value)) = (clients.parse(), value.parse()) {
                self.add(name, clients, program, value);
            }
        }
    }
}

/// The value in the middle.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2)?;
    let lower = values.get(values.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

/// Milliseconds below which this share (in hundredths) of times lies.
pub(crate) fn percentile(times: &mut [Micros], hundredths: usize) -> f64 {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    let at = times.len() * hundredths / 100;
    times
        .get(at.min(last))
        .map_or(f64::NAN, |micros| number(*micros) / 1000.0)
}

/// Three digits, more or less.
fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        small if small >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_survive_being_written_and_read() {
        let mut figures = Figures::default();
        for value in [3.0, 1.0, 2.5] {
            figures.add("storm: time to the last first vote (s)", 100, "ours", value);
        }
        let mut again = Figures::default();
        again.read(&figures.csv());
        assert_eq!(again.csv(), figures.csv());
        let curve = again.curve("storm: time to the last first vote (s)", "ours");
        assert_eq!(curve, [(100.0, 2.5)]);
    }

    #[test]
    fn a_percentile_of_few_is_one_of_them() {
        assert!((percentile(&mut [3000, 1000, 2000], 99) - 3.0).abs() < f64::EPSILON);
        assert!((percentile(&mut [3000, 1000, 2000], 50) - 2.0).abs() < f64::EPSILON);
        assert!(percentile(&mut [], 50).is_nan());
    }
}
