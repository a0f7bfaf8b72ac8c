use super::verdict::shown_name;
use crate::certs::{Description, Role, Side, certified_names, renewal_command};
use crate::report::{Certificate, Moment};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::x509::{X509, X509Ref};

/// A certificate that a daemon depends on, and the end it has.
#[derive(Debug, Clone)]
pub struct Lifetime {
    certificate: X509,
    role: Role,
    /// The host that depends on it.
    side: Side,
}

/// The end of a certificate, which is past or comes within thirty days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Whose certificate it is.
    pub subject: String,
    /// When it ends: seconds since 1970, UTC.
    pub not_after: i64,
    /// What is to be done, in words.
    pub text: String,
}

impl Lifetime {
    /// Of a certificate that is for `role`, on a host of this side.
    #[must_use]
    pub fn of(certificate: &X509Ref, role: Role, side: Side) -> Self {
        let certificate = certificate.to_owned();
        Self {
            certificate,
            role,
            side,
        }
    }

    /// What an administrator should know about the end, which is past or comes within thirty days.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        // A date that cannot be computed with does not end a handshake either, but is none to warn of.
        let now = Asn1Time::days_from_now(0).ok()?;
        self.remark_at(&now).ok()?
    }

    /// The same for reports; `None` if the end lies before 1970 or cannot be computed with.
    #[must_use]
    pub fn report(&self) -> Option<Certificate> {
        let epoch = Asn1Time::from_unix(0).ok()?;
        let since = epoch.diff(self.certificate.not_after()).ok()?;
        let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
        Some(Certificate {
            subject: shown_name(&self.certificate),
            not_after_ms: Moment(u64::try_from(seconds).ok()? * 1000),
        })
    }

    /// The end with what an administrator should know about it, if there is something to know.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        let text = self.remark()?;
        let Certificate {
            subject,
            not_after_ms,
        } = self.report()?;
        Some(Ending {
            subject,
            not_after: i64::try_from(not_after_ms.0 / 1000).ok()?,
            text,
        })
    }

    fn remark_at(&self, now: &Asn1TimeRef) -> Result<Option<String>, ErrorStack> {
        let end = self.certificate.not_after();
        let left = now.diff(end)?;
        let name = shown_name(&self.certificate);
        let what = if left.days < 0 || left.secs < 0 {
            format!("The certificate {name} has ended on {end}. Renew it")
        } else if i64::from(left.days) < Description::NOTICE {
            let days = left.days;
            format!("The certificate {name} ends in {days} days, on {end}. Renew it before")
        } else {
            return Ok(None);
        };
        Ok(Some(format!("{what}: {}", self.remedy())))
    }

    fn remedy(&self) -> String {
        let names = certified_names(&self.certificate);
        let name = names.last().map(|name| String::from_utf8_lossy(name));
        renewal_command(self.role, self.side, name.as_deref().unwrap_or("NAME"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::{Authority, KeyKind, generate_key};

    #[test]
    fn the_end_of_a_certificate_is_told_thirty_days_before_and_afterwards() {
        let key = generate_key(KeyKind::P256).unwrap();
        let authority = Authority::new(key, chrono::DateTime::UNIX_EPOCH).unwrap();
        let lifetime = Lifetime::of(authority.certificate(), Role::Authority, Side::Node);
        let remark = |text: &str| {
            let now = Asn1Time::from_str_x509(text).unwrap();
            lifetime.remark_at(&now).unwrap()
        };
        assert_eq!(remark("20691201000000Z"), None);
        assert_eq!(
            remark("20691202000001Z").as_deref(),
            Some(
                "The certificate CN=QNet CA ends in 29 days, on Jan  1 00:00:00 2070 GMT. Renew it \
                 before: corosync-qnetd-certutil --check (on the server)"
            )
        );
        assert_eq!(
            remark("20700101000001Z").as_deref(),
            Some(
                "The certificate CN=QNet CA has ended on Jan  1 00:00:00 2070 GMT. Renew it: \
                 corosync-qnetd-certutil --check (on the server)"
            )
        );
    }
}
