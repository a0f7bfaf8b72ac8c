//! Texts of the tools without what differs from one moment to the next: ports that the system chose,
//! times, the sequence numbers of rings, and the folder a program was started from.

/// Replaces those parts by words.
#[must_use]
pub fn masked(text: &str) -> String {
    text.split_inclusive('\n').map(masked_line).collect()
}

fn masked_line(line: &str) -> String {
    let line = masked_ring(without_folder(line));
    let line = masked_port(&line);
    masked_time(&line)
}

/// `/usr/bin/TOOL: what is wrong` becomes `TOOL: what is wrong`.
fn without_folder(line: &str) -> &str {
    let folder = line
        .strip_prefix('/')
        .and_then(|rest| rest.split_once(": "));
    match folder.and_then(|(path, _)| path.rfind('/')) {
        Some(last) => &line[last + 2..],
        None => line,
    }
}

/// `Ring ID:\t1.1c` becomes `Ring ID:\t1.SEQ`.
fn masked_ring(line: &str) -> String {
    let dot = line
        .trim_start()
        .starts_with("Ring ID:")
        .then(|| line.rfind('.'));
    match dot.flatten() {
        Some(dot) => format!("{}.SEQ\n", &line[..dot]),
        None => line.to_owned(),
    }
}

/// `Client address:\t10.77.0.1:40000` becomes `Client address:\t10.77.0.1:PORT`.
fn masked_port(line: &str) -> String {
    let address = line.trim_start().starts_with("Client address:");
    match address.then(|| line.rfind(':')).flatten() {
        Some(colon) => format!("{}:PORT\n", &line[..colon]),
        None => line.to_owned(),
    }
}

/// `2026-01-31T23:59:59` becomes `TIME`.
fn masked_time(line: &str) -> String {
    let is_time = |start: usize| {
        let shape = line.as_bytes().get(start..start + SHAPE.len());
        shape.is_some_and(|text| {
            text.iter().zip(SHAPE).all(|(byte, shape)| match shape {
                b'9' => byte.is_ascii_digit(),
                _ => byte == shape,
            })
        })
    };
    match (0..line.len()).find(|&start| is_time(start)) {
        Some(start) => format!("{}TIME{}", &line[..start], &line[start + SHAPE.len()..]),
        None => line.to_owned(),
    }
}

const SHAPE: &[u8] = b"9999-99-99T99:99:99";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_by_itself_is_masked() {
        let text = "    Ring ID:\t\t1.1c\n\tClient address:\t\t10.77.0.1:40000\n\
                    Last poll call:\t2026-01-31T23:59:59 (cast vote)\n";
        let expected = "    Ring ID:\t\t1.SEQ\n\tClient address:\t\t10.77.0.1:PORT\n\
                        Last poll call:\tTIME (cast vote)\n";
        assert_eq!(masked(text), expected);
    }

    #[test]
    fn a_complaint_names_the_program_without_its_folder() {
        let complaint = "/usr/bin/corosync-qnetd-tool: invalid option -- 'x'\n";
        assert_eq!(
            masked(complaint),
            "corosync-qnetd-tool: invalid option -- 'x'\n"
        );
    }

    #[test]
    fn everything_else_stays_byte_for_byte() {
        let text = "QNetd address:\t\t\t*:5403\nTLS:\t\tUnsupported\n\nno end";
        assert_eq!(masked(text), text);
    }
}
