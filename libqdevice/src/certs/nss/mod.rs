//! The NSS database, through NSS's own PKCS#11 module.
//!
//! Not here: anything about clusters. What the object classes and attributes mean stands in NSS's
//! `pkcs11n.h`; they were compared with what `certutil` of NSS 3.87 writes.

mod attributes;
mod database;
mod module;
mod objects;
mod transport;
mod trust;

pub(super) use database::is_interrupted;
pub use database::{Access, Database};
pub use objects::Stored;
pub use trust::Trust;
