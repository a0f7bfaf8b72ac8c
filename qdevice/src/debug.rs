//! Whether debug lines are shown: `-d`, or what corosync.conf says now.

use libqdevice::client::{CmapSnapshot, Notice, debug_wanted};
use libqdevice::io::log::{Debug, Log, tell};

/// The switch for debug lines.
#[derive(Debug)]
pub(crate) struct DebugSwitch<'a> {
    log: &'a Log,
    /// `-d` stands above corosync.conf.
    forced: bool,
    /// What was found wrong last, so that it is not told again with every change of another key.
    remarks: Vec<Notice>,
}

impl<'a> DebugSwitch<'a> {
    pub(crate) fn new(log: &'a Log, command_line: Debug) -> Self {
        Self {
            log,
            forced: command_line != Debug::Hidden,
            remarks: Vec::new(),
        }
    }

    /// Does what corosync.conf says.
    pub(crate) fn follow(&mut self, snapshot: &CmapSnapshot) {
        let (wanted, remarks) = debug_wanted(snapshot);
        self.log.show_debug(self.forced || wanted);
        if self.remarks != remarks {
            for remark in &remarks {
                tell(remark.level(), remark);
            }
            self.remarks = remarks;
        }
    }
}
