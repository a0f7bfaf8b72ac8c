//! `OpenMetrics` text, read as strictly as the standard has it.

use std::collections::{BTreeMap, BTreeSet};

/// Values by name and labels as they are written, such as `corosync_qnetd_up` or `x{a="b"}`.
pub type Samples = BTreeMap<String, f64>;

/// Reads a page of gauges and counters.
///
/// # Errors
///
/// The line that breaks a rule, and which.
pub fn read(text: &str) -> Result<Samples, String> {
    let body = text
        .strip_suffix("# EOF\n")
        .ok_or("does not end with # EOF")?;
    let (mut samples, mut families) = (Samples::new(), BTreeSet::new());
    let mut family = Family::default();
    for line in body.lines() {
        let broken = |rule: &str| Err(format!("{rule}: {line}"));
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (keyword, name) = (words.next(), words.next().unwrap_or_default());
            let rest = words.next().unwrap_or_default();
            match keyword {
                Some("TYPE") if !families.insert(name.to_owned()) => {
                    return broken("a family comes twice");
                }
                Some("TYPE") if matches!(rest, "gauge" | "counter") && is_name(name) => {
                    family = Family::new(name, rest);
                }
                Some("UNIT") if family.may_describe(name) && is_unit_of(rest, name) => {}
                Some("HELP")
                    if family.may_describe(name) && is_escaped(rest, &['\\', 'n', '"']) => {}
                _ => return broken("no such comment here"),
            }
            continue;
        }
        let Some((labelled, value)) = line.rsplit_once(' ') else {
            return broken("a sample without a value");
        };
        let name = labelled.split('{').next().unwrap_or_default();
        if name != family.sample {
            return broken("a sample outside its family");
        }
        family.has_samples = true;
        if !are_labels(&labelled[name.len()..]) {
            return broken("labels that are none");
        }
        let Ok(value) = value.parse::<f64>() else {
            return broken("a value that is none");
        };
        if family.is_counter && (value < 0.0 || !value.is_finite()) {
            return broken("a counter of less than nothing");
        }
        if samples.insert(labelled.to_owned(), value).is_some() {
            return broken("a sample comes twice");
        }
    }
    Ok(samples)
}

#[derive(Debug, Default)]
struct Family {
    name: String,
    sample: String,
    is_counter: bool,
    has_samples: bool,
}

impl Family {
    fn new(name: &str, kind: &str) -> Self {
        let is_counter = kind == "counter";
        let suffix = if is_counter { "_total" } else { "" };
        Self {
            name: name.to_owned(),
            sample: format!("{name}{suffix}"),
            is_counter,
            has_samples: false,
        }
    }

    fn may_describe(&self, name: &str) -> bool {
        self.name == name && !self.has_samples
    }
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    let first = letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic());
    first
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !name.ends_with("_total")
}

fn is_unit_of(unit: &str, name: &str) -> bool {
    !unit.is_empty() && name.ends_with(&format!("_{unit}"))
}

fn is_escaped(text: &str, escapes: &[char]) -> bool {
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let good = match letter {
            '\\' => letters.next().is_some_and(|next| escapes.contains(&next)),
            '\n' => false,
            _ => true,
        };
        if !good {
            return false;
        }
    }
    true
}

/// Nothing, or `{name="value",…}` with every name once.
fn are_labels(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let Some(mut rest) = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
    else {
        return false;
    };
    let mut names = BTreeSet::new();
    loop {
        let Some((name, behind)) = rest.split_once("=\"") else {
            return false;
        };
        let Some(end) = closing_quote(behind) else {
            return false;
        };
        if !is_name(name) || !names.insert(name) || !is_escaped(&behind[..end], &['\\', 'n', '"']) {
            return false;
        }
        rest = &behind[end + 1..];
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => return rest.is_empty(),
        }
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, letter)| {
        let found = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        found.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_page_is_read() {
        let page = "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# HELP a_seconds x\n\
                    a_seconds{b=\"c\\\"},{\",d=\"\"} 1.5\n# TYPE e counter\ne_total 3\n# EOF\n";
        let samples = read(page).unwrap();
        assert_eq!(samples.len(), 2);
        assert!((samples["e_total"] - 3.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        for page in [
            "# TYPE a gauge\na 1\n",
            "# TYPE a gauge\na 1\n# TYPE a gauge\n# EOF\n",
            "# TYPE a gauge\na 1\n# HELP a late\n# EOF\n",
            "# TYPE a gauge\nb 1\n# EOF\n",
            "# TYPE a counter\na 1\n# EOF\n",
            "# TYPE a_total counter\na_total 1\n# EOF\n",
            "# TYPE a gauge\na{b=\"1\",b=\"2\"} 1\n# EOF\n",
            "# TYPE a gauge\na{b=\"1\"} 1\na{b=\"1\"} 2\n# EOF\n",
            "# TYPE a gauge\na{b=1} 1\n# EOF\n",
            "# TYPE a gauge\na one\n# EOF\n",
            "# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",
            "# TYPE a counter\na_total -1\n# EOF\n",
            "# a\n# EOF\n",
        ] {
            assert!(read(page).is_err(), "{page}");
        }
    }
}
