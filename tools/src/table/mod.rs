//! Answers as tables. Pure: the width comes from outside, the text goes there.

mod device;
mod server;

pub(super) use device::{heuristics, history as device_history, node, quorum};
pub(super) use server::{arbiter, clusters, history};

use comfy_table::{ContentArrangement, Table, presets};
use libqdevice::report::Moment;

/// Columns without lines between them, as `ls` and `systemctl` show them.
fn table(width: u16, header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .add_rows(rows);
    if !header.is_empty() {
        table.set_header(header);
    }
    // The space in front of the first column is for borders.
    let lines = table.lines();
    let lines = lines.map(|line| {
        line.strip_prefix(' ')
            .unwrap_or(&line)
            .trim_end()
            .to_owned()
    });
    lines.map(|line| line + "\n").collect()
}

/// Two columns: what, and its value.
fn pairs(width: u16, rows: &[(&str, String)]) -> String {
    let row = |(what, value): &(&str, String)| vec![(*what).to_owned(), value.clone()];
    table(width, &[], rows.iter().map(row).collect())
}

/// How long ago something was: `0.4s`, `12s`, `5m`, `3h`, `9d`.
fn ago(then: Moment, now: Moment) -> String {
    let millis = now.0.saturating_sub(then.0);
    let seconds = millis / 1000;
    match seconds {
        0..10 => format!("{seconds}.{}s", millis % 1000 / 100),
        10..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// From this width on there is room for everything.
const WIDE: u16 = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let shown = |millis: u64| ago(Moment(1_000), Moment(1_000 + millis));
        let ages = [
            0,
            450,
            9_999,
            10_000,
            119_999,
            120_000,
            7_200_000,
            172_800_000,
        ];
        assert_eq!(
            ages.map(shown),
            ["0.0s", "0.4s", "9.9s", "10s", "119s", "2m", "2h", "2d"]
        );
        assert_eq!(ago(Moment(5), Moment(3)), "0.0s");
    }
}
