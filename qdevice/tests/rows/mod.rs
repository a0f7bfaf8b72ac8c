//! The rows of `tests/cmap/keys.txt`, and how a daemon's output is read.

/// The values of one key.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) of: Whose,
    pub(crate) with: Vec<(String, Value)>,
    pub(crate) settings: String,
    pub(crate) rows: Vec<Row>,
}

/// Which programs are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Both, and they must not differ.
    Both,
    /// Ours: the C program differs, or worse.
    Ours,
}

/// Where a key is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Cmap,
    File,
}

/// A value and what comes of it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) value: Value,
    pub(crate) ends: Ends,
    /// Lines of the status.
    pub(crate) shows: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Value {
    Absent,
    Text(String),
    /// The type and the number.
    Number(String, String),
}

/// How a start goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// It starts and writes these lines, level and text.
    Starts(Vec<String>),
    /// The same, with debug messages.
    StartsWithDebug,
    /// It ends with 1 and this line.
    Fails(Vec<String>),
}

impl Ends {
    /// Whether a start went as it is written here.
    pub(crate) fn describes(&self, seen: &Self) -> bool {
        match (self, seen) {
            (Self::Fails(written), Self::Fails(seen)) => {
                written.len() == seen.len() && written.iter().zip(seen).all(|(w, s)| is_like(w, s))
            }
            (written, seen) => written == seen,
        }
    }
}

fn is_like(written: &str, seen: &str) -> bool {
    written
        .strip_suffix(" ...")
        .map_or(written == seen, |start| seen.starts_with(start))
}

pub(crate) fn read(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "#" | "" if !line.starts_with("  ") => {}
            "key" | "file" => blocks.push(block(word, rest)),
            "with" => {
                let (key, value) = rest.split_once(' ').expect("a key and a value");
                let value = read_value(value);
                last(&mut blocks).with.push((key.to_owned(), value));
            }
            "setting" => rest.clone_into(&mut last(&mut blocks).settings),
            _ => {
                let (value, outcome) = line.trim().rsplit_once(" -> ").expect("an outcome");
                let mut parts = outcome.split(" | ");
                let row = Row {
                    value: read_value(value.trim()),
                    ends: read_ends(parts.next().expect("split gives one")),
                    shows: parts.map(str::to_owned).collect(),
                };
                last(&mut blocks).rows.push(row);
            }
        }
    }
    blocks
}

fn block(word: &str, rest: &str) -> Block {
    let (key, mark) = rest.split_once(' ').unwrap_or((rest, ""));
    Block {
        key: key.to_owned(),
        place: if word == "key" {
            Place::Cmap
        } else {
            Place::File
        },
        of: match mark.split(' ').next() {
            Some("ours") => Whose::Ours,
            _ => Whose::Both,
        },
        with: Vec::new(),
        settings: String::new(),
        rows: Vec::new(),
    }
}

fn last(blocks: &mut [Block]) -> &mut Block {
    blocks.last_mut().expect("a key comes first")
}

fn read_value(text: &str) -> Value {
    if text == "absent" {
        return Value::Absent;
    }
    let quoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    if let Some(text) = quoted {
        return Value::Text(text.to_owned());
    }
    let (kind, number) = text.split_once(' ').expect("a type and a number");
    Value::Number(kind.to_owned(), number.to_owned())
}

fn read_ends(text: &str) -> Ends {
    match text {
        "starts" => return Ends::Starts(Vec::new()),
        "starts with debug" => return Ends::StartsWithDebug,
        _ => {}
    }
    let lines: Vec<(&str, &str)> = text
        .split(" & ")
        .map(|line| line.split_once(": ").expect("a level and a text"))
        .collect();
    let written =
        |(level, text): &(&str, &str)| format!("{} {text}", level.trim_end_matches(" and starts"));
    let written = lines.iter().map(written).collect();
    match lines[0].0 {
        "error" | "crit" => Ends::Fails(written),
        _ => Ends::Starts(written),
    }
}

/// What a daemon's output and its exit code, if it has ended by itself, come to.
pub(crate) fn judge(output: &str, ended: Option<std::process::ExitStatus>) -> Ends {
    // Three words of the time, then the level.
    let lines = output.lines().filter_map(|line| {
        let mut words = line.splitn(4, ' ');
        let line = words.nth(3)?;
        let (level, text) = line.split_once(' ')?;
        // The C program writes a line in pieces, and its worker may write between them.
        LEVELS.contains(&level).then(|| (level, text.trim_start()))
    });
    let (debug, lines): (Vec<_>, Vec<_>) = lines.partition(|(level, _)| *level == "debug");
    let lines: Vec<String> = lines
        .into_iter()
        .filter(|(_, text)| !EXPECTED.iter().any(|start| text.starts_with(start)))
        .map(|(level, text)| format!("{level} {text}"))
        .collect();
    match ended {
        None if !debug.is_empty() && lines.is_empty() => Ends::StartsWithDebug,
        None => Ends::Starts(lines),
        Some(status) if status.code() == Some(1) => Ends::Fails(lines),
        Some(status) => Ends::Fails(vec![format!("{status}: {output}")]),
    }
}

const LEVELS: [&str; 8] = [
    "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug",
];

/// Lines that have nothing to do with the configuration: nobody serves where qnetd is looked for.
const EXPECTED: [&str; 8] = [
    "Can't connect to qnetd host",
    "Can't initialize non blocking client connection",
    "Connect timeout",
    "Ending as asked",
    "Vote changed",
    "worker: process",
    // What is wrong stands in the line before.
    "Algorithm init failed",
    "algo-test:",
];

/// Whether a line of the status may differ between two looks.
pub(crate) fn changes_by_itself(line: &str) -> bool {
    [
        "Last poll call:",
        "Poll timer running:",
        "Ring ID:",
        "State:",
        "Heuristics result:",
        "Quorate:",
    ]
    .iter()
    .any(|start| line.starts_with(start))
}
