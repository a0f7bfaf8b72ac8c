use super::{ConnectFault, DISPATCH_ALL, LoadFault, borrowed_fd, dispatched, library, text_of};
use crate::corosync::CsError;
use libqdevice::base::{NodeId, NodeInfo, NodeList, NodeState, Quorate, RingId};
use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_uint};
use std::fmt;
use std::os::fd::BorrowedFd;

/// A connection to votequorum.
pub struct Votequorum {
    functions: VotequorumFunctions,
    handle: u64,
}

impl Votequorum {
    /// Opens the library and connects to the local corosync.
    pub fn connect() -> Result<Self, ConnectFault> {
        let functions = VotequorumFunctions::load()?;
        let callbacks = RawCallbacks {
            quorum: on_quorum,
            expected_votes: on_expected_votes,
            nodes: on_nodes,
        };
        let mut handle = 0;
        // SAFETY: votequorum_initialize writes the handle and copies the table of callbacks.
        CsError::check(unsafe { (functions.initialize)(&raw mut handle, &raw const callbacks) })?;
        Ok(Self { functions, handle })
    }

    /// The descriptor that gets readable when [`Self::dispatch`] has something to do.
    pub fn fd(&self) -> Result<BorrowedFd<'_>, CsError> {
        // SAFETY: votequorum_fd_get writes one int, a descriptor it keeps open until finalize.
        unsafe { borrowed_fd(|fd| (self.functions.fd_get)(self.handle, fd)) }
    }

    /// Takes all notifications that wait, in order, without waiting for more.
    pub fn dispatch(&mut self) -> Result<Vec<Notification>, CsError> {
        NOTIFICATIONS.take();
        // SAFETY: the handle is live. votequorum_dispatch calls the callbacks on this thread and
        // returns after the last one; they do not call back into the library.
        let code = unsafe { (self.functions.dispatch)(self.handle, DISPATCH_ALL) };
        dispatched(code, NOTIFICATIONS.take())
    }

    /// What votequorum knows of a node; 0 stands for the local one.
    pub fn info(&mut self, node: NodeId) -> Result<Info, CsError> {
        // SAFETY: every field is a number or an array of numbers, for which zero is a valid value.
        let mut raw: RawInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the handle is live; votequorum_getinfo fills the structure it is given.
        CsError::check(unsafe { (self.functions.getinfo)(self.handle, node.0, &raw mut raw) })?;
        Ok(Info::from(raw))
    }

    /// Asks for notifications of changes; the present state is reported at once.
    pub fn track(&mut self) -> Result<(), CsError> {
        // SAFETY: the handle is live; the context 0 is only handed back to the callbacks.
        CsError::check(unsafe { (self.functions.trackstart)(self.handle, 0, TRACK_CHANGES) })
    }

    /// Ends what [`Self::track`] began.
    pub fn untrack(&mut self) -> Result<(), CsError> {
        // SAFETY: the handle is live.
        CsError::check(unsafe { (self.functions.trackstop)(self.handle) })
    }

    /// Makes this node one with a quorum device.
    pub fn register(&mut self, name: &CStr) -> Result<(), CsError> {
        // SAFETY: the handle is live; the name is a string that is copied.
        CsError::check(unsafe { (self.functions.register)(self.handle, name.as_ptr()) })
    }

    /// Ends what [`Self::register`] began.
    pub fn unregister(&mut self, name: &CStr) -> Result<(), CsError> {
        // SAFETY: the handle is live; the name is a string that is copied.
        CsError::check(unsafe { (self.functions.unregister)(self.handle, name.as_ptr()) })
    }

    /// Casts the device's vote (1) or its absence (0) for a ring, and shows that the device is alive.
    pub fn poll(&mut self, name: &CStr, cast: u32, ring: RingId) -> Result<(), CsError> {
        let ring = RawRing {
            node: ring.node.0,
            seq: ring.seq,
        };
        // SAFETY: the handle is live; the name is a string that is copied; the ring goes by value.
        CsError::check(unsafe { (self.functions.poll)(self.handle, name.as_ptr(), cast, ring) })
    }

    /// Allows (1) or forbids (0) that a partition with the device's vote wins over others.
    pub fn master_wins(&mut self, name: &CStr, allow: u32) -> Result<(), CsError> {
        // SAFETY: the handle is live; the name is a string that is copied.
        CsError::check(unsafe { (self.functions.master_wins)(self.handle, name.as_ptr(), allow) })
    }

    /// Closes the connection and says how that went.
    pub fn finalize(self) -> Result<(), CsError> {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: the handle is live, and is not used again because `drop` does not run.
        CsError::check(unsafe { (this.functions.finalize)(this.handle) })
    }
}

impl Drop for Votequorum {
    fn drop(&mut self) {
        // SAFETY: the handle is live and this is its last use.
        unsafe { (self.functions.finalize)(self.handle) };
    }
}

impl fmt::Debug for Votequorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Votequorum({:#x})", self.handle)
    }
}

/// Something votequorum reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// A new membership is being formed.
    Nodes {
        /// Its ring.
        ring: RingId,
        /// Its nodes.
        nodes: NodeList,
    },
    /// The membership is formed, or its quorum has changed.
    Quorum {
        /// Whether this partition may go on.
        quorate: Quorate,
        /// All known nodes, the device (id 0) included; an unknown state is left out.
        nodes: NodeList,
    },
    /// The number of expected votes has changed.
    ExpectedVotes(u32),
}

/// What votequorum knows of one node. [C: `struct votequorum_info`]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The node; the local one when 0 was asked for.
    pub node: NodeId,
    /// Its state; `None` when it is not one of the three known.
    pub state: Option<NodeState>,
    /// Votes of the node.
    pub node_votes: u32,
    /// Votes the node expects.
    pub expected_votes: u32,
    /// Highest number of votes any member expects.
    pub highest_expected: u32,
    /// Votes of the partition, the device included.
    pub total_votes: u32,
    /// Votes needed to go on.
    pub quorum: u32,
    /// Flags of votequorum.h: 2 quorate, 4 wait for all, 64 device registered, 128 alive, 256 casts
    /// its vote, 512 master wins.
    pub flags: u32,
    /// Votes of the device.
    pub qdevice_votes: u32,
    /// Name of the device, empty when none is registered.
    pub qdevice_name: String,
}

impl From<RawInfo> for Info {
    fn from(raw: RawInfo) -> Self {
        Self {
            node: NodeId(raw.node_id),
            state: state_of(raw.node_state),
            node_votes: raw.node_votes,
            expected_votes: raw.node_expected_votes,
            highest_expected: raw.highest_expected,
            total_votes: raw.total_votes,
            quorum: raw.quorum,
            flags: raw.flags,
            qdevice_votes: raw.qdevice_votes,
            qdevice_name: text_of(&raw.qdevice_name),
        }
    }
}

library! {
    /// What is used of votequorum.h.
    struct VotequorumFunctions from "libvotequorum.so.8" in "libvotequorum8 (Debian) or corosynclib" {
        initialize = b"votequorum_initialize\0" (*mut u64, *const RawCallbacks);
        finalize = b"votequorum_finalize\0" (u64);
        fd_get = b"votequorum_fd_get\0" (u64, *mut c_int);
        dispatch = b"votequorum_dispatch\0" (u64, c_int);
        getinfo = b"votequorum_getinfo\0" (u64, c_uint, *mut RawInfo);
        trackstart = b"votequorum_trackstart\0" (u64, u64, c_uint);
        trackstop = b"votequorum_trackstop\0" (u64);
        register = b"votequorum_qdevice_register\0" (u64, *const c_char);
        unregister = b"votequorum_qdevice_unregister\0" (u64, *const c_char);
        poll = b"votequorum_qdevice_poll\0" (u64, *const c_char, c_uint, RawRing);
        master_wins = b"votequorum_qdevice_master_wins\0" (u64, *const c_char, c_uint);
    }
}

/// `votequorum_info`.
#[repr(C)]
struct RawInfo {
    node_id: c_uint,
    node_state: c_uint,
    node_votes: c_uint,
    node_expected_votes: c_uint,
    highest_expected: c_uint,
    total_votes: c_uint,
    quorum: c_uint,
    flags: c_uint,
    qdevice_votes: c_uint,
    qdevice_name: [c_char; 255],
}

/// `votequorum_node_t`.
#[repr(C)]
struct RawNode {
    id: u32,
    state: u32,
}

/// `votequorum_ring_id_t`.
#[repr(C)]
#[derive(Clone, Copy)]
struct RawRing {
    node: u32,
    seq: u64,
}

/// `votequorum_callbacks_t`.
#[repr(C)]
struct RawCallbacks {
    quorum: unsafe extern "C" fn(u64, u64, u32, u32, *const RawNode),
    expected_votes: unsafe extern "C" fn(u64, u64, u32),
    nodes: unsafe extern "C" fn(u64, u64, RawRing, u32, *const u32),
}

thread_local! {
    /// What the callbacks of the dispatch call that runs on this thread have copied so far.
    static NOTIFICATIONS: RefCell<Vec<Notification>> = const { RefCell::new(Vec::new()) };
}

fn notified(notification: Notification) {
    NOTIFICATIONS.with_borrow_mut(|queue| queue.push(notification));
}

unsafe extern "C" fn on_quorum(_: u64, _: u64, quorate: u32, count: u32, nodes: *const RawNode) {
    // SAFETY: votequorum passes `count` entries that live until this function returns.
    let nodes = unsafe { entries(nodes, count) };
    let entry = |node: &RawNode| NodeInfo {
        state: state_of(node.state),
        ..NodeId(node.id).into()
    };
    notified(Notification::Quorum {
        quorate: if quorate == 0 {
            Quorate::No
        } else {
            Quorate::Yes
        },
        nodes: NodeList(nodes.iter().map(entry).collect()),
    });
}

unsafe extern "C" fn on_expected_votes(_: u64, _: u64, votes: u32) {
    notified(Notification::ExpectedVotes(votes));
}

unsafe extern "C" fn on_nodes(_: u64, _: u64, ring: RawRing, count: u32, nodes: *const u32) {
    // SAFETY: votequorum passes `count` entries that live until this function returns.
    let nodes = unsafe { entries(nodes, count) };
    notified(Notification::Nodes {
        ring: RingId::new(ring.node, ring.seq),
        nodes: NodeList::of_ids(nodes.iter().copied()),
    });
}

/// A list of C as a slice; a null pointer is an empty list.
///
/// # Safety
///
/// Unless it is null, `first` points to `count` entries that live for `'a`.
unsafe fn entries<'a, T>(first: *const T, count: u32) -> &'a [T] {
    if first.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: the caller promises the entries; a count of 32 bits of them fits a pointer.
    unsafe { std::slice::from_raw_parts(first, count as usize) }
}

const fn state_of(number: u32) -> Option<NodeState> {
    match number {
        1 => Some(NodeState::Member),
        2 => Some(NodeState::Dead),
        3 => Some(NodeState::Leaving),
        _ => None,
    }
}

/// `CS_TRACK_CHANGES`.
const TRACK_CHANGES: c_uint = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::{offset_of, size_of};

    #[test]
    fn the_structures_have_the_layout_of_the_headers() {
        assert_eq!(size_of::<RawInfo>(), 292);
        assert_eq!(offset_of!(RawInfo, flags), 28);
        assert_eq!(offset_of!(RawInfo, qdevice_name), 36);
        assert_eq!((size_of::<RawNode>(), offset_of!(RawNode, state)), (8, 4));
        assert_eq!((size_of::<RawRing>(), offset_of!(RawRing, seq)), (16, 8));
        assert_eq!(offset_of!(RawCallbacks, expected_votes), size_of::<usize>());
    }

    #[test]
    fn callbacks_copy_what_they_are_shown_in_order() {
        let ids = [2, 1];
        let states = [RawNode { id: 1, state: 1 }, RawNode { id: 0, state: 0 }];
        // SAFETY: the pointers are to arrays of as many entries as is said.
        unsafe {
            on_nodes(0, 0, RawRing { node: 1, seq: 8 }, 2, ids.as_ptr());
            on_expected_votes(0, 0, 3);
            on_quorum(0, 0, 1, 2, states.as_ptr());
            on_quorum(0, 0, 0, 0, std::ptr::null());
        }
        let member = NodeInfo {
            state: Some(NodeState::Member),
            ..NodeId(1).into()
        };
        assert_eq!(
            NOTIFICATIONS.take(),
            [
                Notification::Nodes {
                    ring: RingId::new(1, 8),
                    nodes: NodeList::of_ids([2, 1])
                },
                Notification::ExpectedVotes(3),
                Notification::Quorum {
                    quorate: Quorate::Yes,
                    nodes: NodeList(vec![member, NodeId(0).into()]),
                },
                Notification::Quorum {
                    quorate: Quorate::No,
                    nodes: NodeList::default()
                },
            ]
        );
    }
}
