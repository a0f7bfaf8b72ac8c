//! The node's side: everything `corosync-qdevice` decides.

mod settings;

pub use settings::{MasterWins, QdeviceSettings};
