use libqdevice::wire::{self, Deframer, MsgType};

/// A stream cut in two anywhere is understood as the whole is, holds no more than its limit, and what is
/// understood is encoded as something that is understood in the same way.
///
/// The first byte chooses the limit, the second the place of the cut.
pub fn frame(data: &[u8]) {
    let [limit, cut, stream @ ..] = data else {
        return;
    };
    let limit = 1 << (limit % 17);
    let cut = stream.len() * usize::from(*cut) / 256;
    let read = |parts: &[&[u8]]| {
        let mut deframer = Deframer::new(limit);
        let mut frames = Vec::new();
        for part in parts {
            let mut unread = *part;
            while let Some(frame) = deframer.next_frame(&mut unread) {
                frames.push(frame);
            }
            assert!(unread.is_empty(), "bytes were left over");
            assert!(
                deframer.held() <= limit.max(64) * 2,
                "{} bytes held for messages of at most {limit}",
                deframer.held()
            );
        }
        frames
    };
    let (early, late) = stream.split_at(cut);
    let frames = read(&[stream]);
    assert_eq!(frames, read(&[early, late]));
    for message in frames.into_iter().flatten() {
        again(&message);
    }
}

/// The first two bytes are the type, the rest is the body.
pub fn decode(data: &[u8]) {
    let Some((number, body)) = data.split_first_chunk() else {
        return;
    };
    let Some(msg_type) = MsgType::from_number(u16::from_be_bytes(*number)) else {
        return;
    };
    if let Ok(message) = wire::decode(msg_type, body) {
        again(&message);
    }
}

fn again(message: &wire::Message) {
    let Ok(bytes) = message.encode(1 << 20) else {
        return;
    };
    let mut unread = &bytes[..];
    let frame = Deframer::new(1 << 20).next_frame(&mut unread);
    match frame {
        Some(Ok(read)) => assert_eq!(&read, message),
        // A message without any option is refused, and has no bytes to be written with.
        other => assert!(bytes.len() <= 6, "{other:?}: {message:?}"),
    }
}
