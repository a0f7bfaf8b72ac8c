//! Advanced settings: what `-S name=value` of both daemons can change.
//!
//! Not here: the settings themselves, which stand in one table per daemon
//! ([`QnetdSettings`](crate::server::QnetdSettings), [`QdeviceSettings`](crate::client::QdeviceSettings)),
//! and nothing that asks the system: the name of a group stays a name.

mod list;
mod table;
mod value;

pub use list::split;
pub(crate) use table::settings;
pub use table::{Deprecated, Settings, SettingsError, Spec};
pub use value::{Coefficient, Group, Umask, Value, bool_word, number};
