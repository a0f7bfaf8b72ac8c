//! Sizes and numbers that the operator can set.

use crate::case::Case;
use crate::script::{Peer, Script, frame, init, raw_option};
use libqdevice::wire::{Init, InitReply, Message, MsgType};

const A: Peer = Peer('A');
const B: Peer = Peer('B');
const C: Peer = Peer('C');

const RECEIVE_64: &[&str] = &["-S", "max_client_receive_size=64"];
const SEND_200: &[&str] = &["-S", "max_client_send_size=200"];
const SEND_130: &[&str] = &["-S", "max_client_send_size=130"];
const TWO_CLIENTS: &[&str] = &["-m", "2"];

/// Connects and is admitted by a server that announces these sizes.
fn admitted(s: &mut Script, max_request_size: u32, max_reply_size: u32) {
    s.named(A);
    s.send(A, Message::Init(init(1)));
    let reply = InitReply {
        max_request_size: Some(max_request_size),
        max_reply_size: Some(max_reply_size),
        ..s.init_reply_message(Some(2), 0)
    };
    s.receive(A, Message::InitReply(reply));
}

/// Options that make a message of `len` bytes, header included.
fn filling(len: usize) -> [Vec<u8>; 1] {
    [raw_option(24, &vec![7; len - 10])]
}

pub(super) const CASES: &[Case] = &[
    Case::new(
        "receive-limit",
        "W10",
        "a set limit is announced and kept to the byte",
        |s| {
            admitted(s, 64, 32768);
            s.send_bytes(A, frame(MsgType::EchoRequest, &filling(64)));
            s.receive_bytes(A, frame(MsgType::EchoReply, &filling(64)));
            s.send_bytes(A, frame(MsgType::EchoRequest, &filling(65)));
            s.error(A, None, 5);
        },
    )
    .with_server(RECEIVE_64),
    Case::new(
        "send-limit",
        "W16",
        "a reply over the limit ends the connection",
        |s| {
            admitted(s, 32768, 200);
            s.send_bytes(A, frame(MsgType::EchoRequest, &filling(200)));
            s.receive_bytes(A, frame(MsgType::EchoReply, &filling(200)));
            s.send_bytes(A, frame(MsgType::EchoRequest, &filling(201)));
            s.ends(A);
        },
    )
    .with_server(SEND_200),
    Case::new(
        "send-limit-init",
        "W17",
        "also when it is the answer to init",
        |s| {
            s.named(A);
            let lists = Init {
                supported_messages: Some(vec![]),
                supported_options: Some(vec![]),
                ..init(1)
            };
            s.send(A, Message::Init(lists));
            s.ends(A);
            admitted(s, 32768, 130);
        },
    )
    .with_server(SEND_130),
    Case::new(
        "client-limit",
        "S1",
        "one client too many is sent away at once",
        |s| {
            s.named(A);
            s.named(B);
            s.connect(C);
            s.ends(C);
            s.close(A);
            s.named(C);
            s.quiet(B);
        },
    )
    .with_server(TWO_CLIENTS),
];
