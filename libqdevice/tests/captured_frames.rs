//! Frames of the real C programs, from `tests/vectors`.

use libqdevice::wire::{Deframer, Message, MsgType};
use std::collections::BTreeSet;
use std::path::Path;

const LIMIT: usize = 32768;

struct Frame {
    /// File and line.
    place: String,
    from: char,
    bytes: Vec<u8>,
}

fn captured() -> Vec<Frame> {
    ["c-connection.hex", "c-answers.hex"]
        .into_iter()
        .flat_map(read)
        .collect()
}

fn read(file: &'static str) -> Vec<Frame> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/vectors")
        .join(file);
    let text = std::fs::read_to_string(path).expect(file);
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.starts_with('#'));
    lines
        .filter_map(|(number, line)| {
            let (from, hex) = line.split_once(' ')?;
            let place = format!("{file} line {}", number + 1);
            Some(Frame {
                bytes: bytes_of(hex),
                from: from.chars().next()?,
                place,
            })
        })
        .collect()
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).expect(hex))
        .collect()
}

fn decoded(frame: &Frame) -> Message {
    let mut unread = frame.bytes.as_slice();
    let message = Deframer::new(LIMIT).next_frame(&mut unread);
    assert!(unread.is_empty(), "{}", frame.place);
    message
        .and_then(Result::ok)
        .unwrap_or_else(|| panic!("{} does not decode", frame.place))
}

#[test]
fn every_captured_frame_decodes_and_encodes_to_the_same_bytes() {
    for frame in captured() {
        let message = decoded(&frame);
        assert_eq!(
            message.encode(LIMIT).as_ref(),
            Ok(&frame.bytes),
            "{}",
            frame.place
        );
    }
}

#[test]
fn all_types_of_messages_have_been_captured() {
    let types: BTreeSet<_> = captured()
        .iter()
        .map(|frame| decoded(frame).msg_type())
        .collect();
    assert_eq!(types, MsgType::ALL.iter().copied().collect());
}

#[test]
fn a_captured_connection_reads_the_same_as_one_stream_per_direction() {
    for from in ['>', '<'] {
        let frames: Vec<_> = captured()
            .into_iter()
            .filter(|frame| frame.from == from)
            .collect();
        let stream: Vec<u8> = frames
            .iter()
            .flat_map(|frame| frame.bytes.clone())
            .collect();
        let mut unread = stream.as_slice();
        let mut deframer = Deframer::new(LIMIT);
        let read: Vec<_> = std::iter::from_fn(|| deframer.next_frame(&mut unread)).collect();
        assert_eq!(
            read,
            frames
                .iter()
                .map(|frame| Ok(decoded(frame)))
                .collect::<Vec<_>>()
        );
    }
}
