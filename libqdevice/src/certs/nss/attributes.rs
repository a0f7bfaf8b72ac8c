//! Attributes the `cryptoki` crate has no names for.

use cryptoki::object::{Attribute, AttributeType};
use std::ffi::c_ulong;

/// An attribute by its number.
pub(super) fn raw(number: c_ulong, value: Vec<u8>) -> Attribute {
    Attribute::VendorDefined((AttributeType::VendorDefined(number), value))
}

/// An attribute whose value is a number.
pub(super) fn number(attribute: c_ulong, value: c_ulong) -> Attribute {
    raw(attribute, value.to_ne_bytes().to_vec())
}

/// The number in an attribute's value.
pub(super) fn as_number(value: &[u8]) -> Option<c_ulong> {
    value.try_into().ok().map(c_ulong::from_ne_bytes)
}

/// `CKA_CLASS`, for classes the crate does not know.
pub(super) const CLASS: c_ulong = 0;
/// `CKA_NSS_DB`: where NSS keeps the public value of a private key.
pub(super) const NSS_DB: c_ulong = 0xD5A0_DB00;
