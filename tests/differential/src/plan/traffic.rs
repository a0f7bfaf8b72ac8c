//! The messages of a well-behaved client, option by option in the stock client's order.

use crate::trace::Frame;

/// An option with a number of four bytes.
pub(super) fn number(option: u16, value: u32) -> (u16, Vec<u8>) {
    (option, value.to_be_bytes().into())
}

/// A ring id.
pub(super) fn ring((node, seq): (u32, u64)) -> (u16, Vec<u8>) {
    let mut bytes: Vec<u8> = node.to_be_bytes().into();
    bytes.extend(seq.to_be_bytes());
    (13, bytes)
}

pub(super) fn preinit(seq: u32, name: &str) -> Frame {
    Frame::new(0, [number(0, seq), (1, name.into())])
}

/// How a client asks to be admitted.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    pub(super) node: u32,
    pub(super) algorithm: u16,
    pub(super) heartbeat: u32,
    pub(super) tie: Vec<u8>,
    pub(super) ring: (u32, u64),
    /// Whether it asks for the lists of messages and options.
    pub(super) curious: bool,
}

pub(super) fn init(seq: u32, admission: &Admission) -> Frame {
    let mut options = vec![number(0, seq)];
    if admission.curious {
        // What stands in the lists does not matter, nor whether anything does.
        options.extend([(4, vec![0, 0]), (5, Vec::new())]);
    }
    options.extend([
        number(9, admission.node),
        (11, admission.algorithm.to_be_bytes().into()),
        number(12, admission.heartbeat),
        (21, admission.tie.clone()),
        ring(admission.ring),
    ]);
    Frame::new(3, options)
}

/// An entry of a node list: id, data centre (0 for none), state (0 for none).
pub(super) fn entry(id: u32, data_center: u32, state: u8) -> (u16, Vec<u8>) {
    let mut bytes = vec![0, 9, 0, 4];
    bytes.extend(id.to_be_bytes());
    if data_center != 0 {
        bytes.extend([0, 15, 0, 4]);
        bytes.extend(data_center.to_be_bytes());
    }
    if state != 0 {
        bytes.extend([0, 16, 0, 1, state]);
    }
    (17, bytes)
}

pub(super) fn config(
    seq: u32,
    kind: u8,
    version: Option<u64>,
    nodes: Vec<(u16, Vec<u8>)>,
) -> Frame {
    let mut options = vec![number(0, seq), (18, vec![kind])];
    options.extend(version.map(|version| (14, version.to_be_bytes().to_vec())));
    options.extend(nodes);
    Frame::new(10, options)
}

pub(super) fn membership(seq: u32, at: (u32, u64), nodes: &[u32], heuristics: u8) -> Frame {
    let mut options = vec![number(0, seq), (18, vec![2]), ring(at)];
    options.extend(nodes.iter().map(|&id| entry(id, 0, 0)));
    if heuristics != 0 {
        options.push((22, vec![heuristics]));
    }
    Frame::new(10, options)
}

pub(super) fn quorum(seq: u32, quorate: u8, nodes: &[(u32, u8)]) -> Frame {
    let mut options = vec![number(0, seq), (18, vec![3]), (20, vec![quorate])];
    options.extend(nodes.iter().map(|&(id, state)| entry(id, 0, state)));
    Frame::new(10, options)
}

pub(super) fn heuristics(seq: u32, result: u8) -> Frame {
    Frame::new(16, [number(0, seq), (22, vec![result])])
}

pub(super) fn ask(seq: u32) -> Frame {
    Frame::new(12, [number(0, seq)])
}

pub(super) fn echo(seq: u32) -> Frame {
    Frame::new(8, [number(0, seq)])
}

pub(super) fn confirmation(seq: u32) -> Frame {
    Frame::new(15, [number(0, seq)])
}

pub(super) fn options(seq: u32, heartbeat: Option<u32>, kap: Option<u8>) -> Frame {
    let mut list = vec![number(0, seq)];
    list.extend(heartbeat.map(|heartbeat| number(12, heartbeat)));
    list.extend(kap.map(|kap| (23, vec![kap])));
    Frame::new(6, list)
}
