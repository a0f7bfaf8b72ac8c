//! The arbiter: everything `corosync-qnetd` decides.

mod settings;

pub use settings::QnetdSettings;
