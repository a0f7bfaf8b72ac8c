use super::error::CertError;
use super::key::kind_of;
use super::profile::KeyKind;
use chrono::{DateTime, Utc};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::pkey::Id;
use openssl::x509::{X509NameRef, X509Ref};

/// What people want to know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Its serial number in lower-case hexadecimal.
    pub serial: String,
    /// From when it is good.
    pub begin: DateTime<Utc>,
    /// Until when.
    pub end: DateTime<Utc>,
    /// Kind of the key: `RSA`, `P-256`, or another kind in OpenSSL's words.
    pub key_type: String,
    /// Bits of the key.
    pub key_bits: u32,
}

/// Where a moment lies in the lifetime of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before its begin.
    Early,
    /// Within, and the end is far.
    Good,
    /// Within, and the end comes in so many days, which are fewer than [`Description::NOTICE`].
    Ending(i64),
    /// After its end.
    Ended,
}

impl Description {
    /// Days before the end from which on it is told.
    pub const NOTICE: i64 = 30;

    /// Of this certificate.
    pub fn of(certificate: &X509Ref) -> Result<Self, CertError> {
        let read = || {
            let key = certificate.public_key()?;
            let key_type = match kind_of(&key) {
                Some(KeyKind::Rsa(_)) => "RSA".to_owned(),
                Some(KeyKind::P256) => "P-256".to_owned(),
                None if key.id() == Id::EC => "EC, not P-256".to_owned(),
                None => format!("type {}", key.id().as_raw()),
            };
            let serial = certificate.serial_number().to_bn()?.to_hex_str()?;
            Ok(Self {
                subject: shown_name(certificate.subject_name()),
                issuer: shown_name(certificate.issuer_name()),
                serial: serial.to_lowercase(),
                begin: moment(certificate.not_before())?,
                end: moment(certificate.not_after())?,
                key_type,
                key_bits: key.bits(),
            })
        };
        read().map_err(CertError::openssl("reading a certificate"))
    }

    /// Where `now` lies in its lifetime.
    #[must_use]
    pub fn phase(&self, now: DateTime<Utc>) -> Phase {
        let left = self.end - now;
        if now < self.begin {
            Phase::Early
        } else if now > self.end {
            Phase::Ended
        } else if left.num_days() < Self::NOTICE {
            Phase::Ending(left.num_days())
        } else {
            Phase::Good
        }
    }
}

/// A name in a certificate, for people: one line whatever stands in it.
#[must_use]
pub fn shown_name(name: &X509NameRef) -> String {
    let mut parts = Vec::new();
    for entry in name.entries() {
        let kind = entry.object().nid().short_name().unwrap_or("?");
        let text = String::from_utf8_lossy(entry.data().as_slice()).into_owned();
        parts.push(format!("{kind}={}", text.escape_debug()));
    }
    parts.join(",")
}

fn moment(time: &Asn1TimeRef) -> Result<DateTime<Utc>, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    let seconds = i64::from(since.days) * 24 * 60 * 60 + i64::from(since.secs);
    Ok(DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::{Authority, generate_key};

    #[test]
    fn a_certificate_is_described_with_its_key_and_its_dates() {
        let key = generate_key(KeyKind::P256).unwrap();
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        let authority = Authority::new(key, now).unwrap();
        let told = Description::of(authority.certificate()).unwrap();
        assert_eq!(
            (&*told.subject, &*told.issuer),
            ("CN=QNet CA", "CN=QNet CA")
        );
        assert_eq!((&*told.key_type, told.key_bits), ("P-256", 256));
        assert_eq!(told.begin.to_rfc3339(), "2026-11-22T12:00:00+00:00");
        assert_eq!(told.end.to_rfc3339(), "2126-11-23T12:00:00+00:00");
        assert_eq!(told.serial.len(), 32);
    }

    #[test]
    fn an_end_is_told_thirty_days_before() {
        let key = generate_key(KeyKind::P256).unwrap();
        let authority = Authority::new(key, DateTime::UNIX_EPOCH).unwrap();
        let told = Description::of(authority.certificate()).unwrap();
        let phase = |text: &str| told.phase(text.parse().unwrap());
        assert_eq!(phase("1969-12-30T00:00:00Z"), Phase::Early);
        assert_eq!(phase("2069-12-01T00:00:00Z"), Phase::Good);
        assert_eq!(phase("2069-12-02T00:00:01Z"), Phase::Ending(29));
        assert_eq!(phase("2070-01-01T00:00:01Z"), Phase::Ended);
    }
}
