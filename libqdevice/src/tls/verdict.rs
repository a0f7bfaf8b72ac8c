use openssl::asn1::Asn1Time;
use openssl::x509::{X509Ref, X509StoreContextRef, X509VerifyResult};
use std::ffi::c_int;
use std::sync::{Arc, Mutex, PoisonError};

/// What was found wrong with the other side's certificate during one handshake.
///
/// OpenSSL asks about each fault of each certificate of the chain, and goes on with all other checks
/// when one is forgiven: what is forgiven is that one fault and nothing else.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict(Arc<Mutex<Found>>);

#[derive(Debug, Default)]
struct Found {
    refused: Option<Refused>,
    expired: Option<Refused>,
}

/// A certificate and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) why: Why,
    /// Whose certificate it is, for people.
    pub(super) name: String,
    /// The begin and the end of its lifetime, for people.
    pub(super) lifetime: [String; 2],
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Its time has not begun.
    Early,
    /// Its time is over.
    Expired,
    /// It is on the list.
    Revoked,
    /// No authority of ours has signed it.
    Unknown,
    /// Something else, in OpenSSL's words.
    Other(&'static str),
}

/// Which dates are forgiven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dates {
    /// A beginning that is less than a day ahead, as NSS does: clocks differ.
    Begun,
    /// That, and an end that is past.
    BegunOrEnded,
}

impl Verdict {
    /// Judges one check; false ends the handshake. `is_revoked` looks at a certificate that is good.
    pub(super) fn on_check(
        &self,
        passed: bool,
        store: &mut X509StoreContextRef,
        dates: Dates,
        is_revoked: impl FnOnce(&X509Ref) -> bool,
    ) -> bool {
        let certificate = store.current_cert();
        let why = if passed {
            let leaf = certificate.filter(|_| store.error_depth() == 0);
            leaf.is_some_and(is_revoked).then_some(Why::Revoked)
        } else {
            Some(Why::from(store.error()))
        };
        let Some(why) = why else { return true };
        let found = Refused::new(why, certificate);
        match why {
            Why::Early if certificate.is_some_and(begins_within_a_day) => {}
            Why::Expired if dates == Dates::BegunOrEnded => self.found().expired = Some(found),
            Why::Early | Why::Expired | Why::Revoked | Why::Unknown | Why::Other(_) => {
                self.found().refused.get_or_insert(found);
                if passed {
                    store.set_error(X509VerifyResult::APPLICATION_VERIFICATION);
                }
                return false;
            }
        }
        store.set_error(X509VerifyResult::OK);
        true
    }

    /// Why the certificate was refused, if it was.
    pub(super) fn refused(&self) -> Option<Refused> {
        self.found().refused.clone()
    }

    /// The certificate whose end was forgiven, if one was.
    pub(super) fn expired(&self) -> Option<Refused> {
        self.found().expired.clone()
    }

    fn found(&self) -> std::sync::MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refused {
    fn new(why: Why, certificate: Option<&X509Ref>) -> Self {
        let text = |part: fn(&X509Ref) -> String| certificate.map(part).unwrap_or_default();
        Self {
            why,
            name: text(shown_name),
            lifetime: [
                text(|own| own.not_before().to_string()),
                text(|own| own.not_after().to_string()),
            ],
        }
    }
}

impl From<X509VerifyResult> for Why {
    /// [OpenSSL `x509_vfy.h`]
    fn from(result: X509VerifyResult) -> Self {
        const BAD_SIGNATURE: c_int = 7;
        const NOT_YET_VALID: c_int = 9;
        const HAS_EXPIRED: c_int = 10;
        const SELF_SIGNED: c_int = 18;
        const NO_LEAF_SIGNATURE: c_int = 21;
        const REVOKED: c_int = 23;
        match result.as_raw() {
            NOT_YET_VALID => Self::Early,
            HAS_EXPIRED => Self::Expired,
            REVOKED => Self::Revoked,
            BAD_SIGNATURE | SELF_SIGNED..=NO_LEAF_SIGNATURE => Self::Unknown,
            _ => Self::Other(result.error_string()),
        }
    }
}

/// Whose certificate it is, for people.
pub(super) fn shown_name(certificate: &X509Ref) -> String {
    crate::certs::shown_name(certificate.subject_name())
}

fn begins_within_a_day(certificate: &X509Ref) -> bool {
    let tomorrow = Asn1Time::days_from_now(1);
    tomorrow.is_ok_and(|tomorrow| certificate.not_before() <= &*tomorrow)
}
