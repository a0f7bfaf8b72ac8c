use super::certificate::issued_by;
use super::description::Description;
use super::error::CertError;
use super::key::{Key, kind_of};
use super::names::{AUTHORITY_NAME, SERVER_NAME};
use super::profile::{Profile, Usage, is_strong};
use super::request::{Request, certified_name};
use chrono::{DateTime, Days, TimeDelta, Utc};
use openssl::asn1::{Asn1Integer, Asn1Time, Asn1Type};
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, PKeyRef, Public};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef, X509Ref};

/// Who signs the certificates of a server and of its clusters.
///
/// The moment of signing is an argument: nothing here reads a clock.
#[derive(Debug)]
pub struct Authority {
    certificate: X509,
    key: Key,
    /// How long new certificates last, where it is not the usual time.
    days: Option<Days>,
    /// What new certificates have to begin after.
    before: Option<DateTime<Utc>>,
}

impl Authority {
    /// A new authority: a certificate signed by its own key.
    pub fn new(key: Key, now: DateTime<Utc>) -> Result<Self, CertError> {
        let build = || {
            let name = subject(AUTHORITY_NAME)?;
            issue(
                Profile::Authority,
                &name,
                &*public_half(&key)?,
                lifetime(now, None, None),
                None,
                &key,
            )
        };
        let certificate = build().map_err(CertError::openssl("making the authority"))?;
        Ok(Self {
            certificate,
            key,
            days: None,
            before: None,
        })
    }

    /// An authority that exists already.
    pub fn of(certificate: X509, key: Key) -> Result<Self, CertError> {
        let public = certificate.public_key();
        if public.is_ok_and(|public| public.public_eq(&key)) {
            Ok(Self {
                certificate,
                key,
                days: None,
                before: None,
            })
        } else {
            Err(CertError::Unsupported(
                "an authority whose key is not that of its certificate",
            ))
        }
    }

    /// The same authority, whose new certificates last so many days in place of [`Profile::LIFETIME`].
    #[must_use]
    pub fn lasting(mut self, days: Option<Days>) -> Self {
        self.days = days;
        self
    }

    /// The same authority, whose new certificates begin later than this one, which they replace.
    ///
    /// Of several certificates under one nickname our daemons and the C programs take the one that
    /// begins last. One made by the C scripts begins at the moment it was made, ours a day before.
    pub fn following(mut self, certificate: &X509Ref) -> Result<Self, CertError> {
        self.before = Some(Description::of(certificate)?.begin);
        Ok(self)
    }

    /// Its certificate.
    #[must_use]
    pub fn certificate(&self) -> &X509Ref {
        &self.certificate
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The certificate of the server.
    pub fn certify_server(&self, key: &Key, now: DateTime<Utc>) -> Result<X509, CertError> {
        let build = || {
            let name = subject(SERVER_NAME)?;
            self.certify(Profile::Server, &name, &*public_half(key)?, now)
        };
        build().map_err(CertError::openssl("making the server's certificate"))
    }

    /// The certificate a cluster has asked for.
    pub fn certify_cluster(
        &self,
        request: &Request,
        now: DateTime<Utc>,
    ) -> Result<X509, CertError> {
        let request = request.inner();
        let build = || {
            let public = request.public_key()?;
            self.certify(Profile::Cluster, request.subject_name(), &public, now)
        };
        build().map_err(CertError::openssl("signing the request"))
    }

    /// A certificate of ours once more, for the same name and key, under another number and from now on.
    pub fn renew(
        &self,
        certificate: &X509Ref,
        profile: Profile,
        now: DateTime<Utc>,
    ) -> Result<X509, CertError> {
        if !issued_by(certificate, &self.certificate) {
            return Err(CertError::Request("this authority has not signed it"));
        }
        if profile == Profile::Cluster {
            certified_name(certificate.subject_name())?;
        }
        let public = certificate.public_key();
        let public = public.map_err(CertError::openssl("reading the certificate's key"))?;
        if !kind_of(&public).is_some_and(is_strong) {
            return Err(CertError::Request(
                "its key is too weak to be certified again: make a new request",
            ));
        }
        let before = Description::of(certificate)?.begin;
        let lifetime = lifetime(now, self.days, Some(before));
        let name = certificate.subject_name();
        let issuer = Some(&*self.certificate);
        issue(profile, name, &public, lifetime, issuer, &self.key)
            .map_err(CertError::openssl("renewing the certificate"))
    }

    fn certify(
        &self,
        profile: Profile,
        name: &X509NameRef,
        public: &PKeyRef<Public>,
        now: DateTime<Utc>,
    ) -> Result<X509, ErrorStack> {
        let lifetime = lifetime(now, self.days, self.before);
        let issuer = Some(&*self.certificate);
        issue(profile, name, public, lifetime, issuer, &self.key)
    }
}

/// `CN=name` and nothing else. The string type is the narrowest that fits, as NSS writes it.
pub(super) fn subject(name: &str) -> Result<X509Name, ErrorStack> {
    let printable = |b: u8| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&b);
    let kind = if name.bytes().all(printable) {
        Asn1Type::PRINTABLESTRING
    } else {
        Asn1Type::UTF8STRING
    };
    // A type given by hand also lifts OpenSSL's limit of 64 characters, which NSS does not have.
    let mut builder = X509Name::builder()?;
    builder.append_entry_by_nid_with_type(Nid::COMMONNAME, name, kind)?;
    Ok(builder.build())
}

/// A certificate for `public`, signed by `key`; without an issuer, by itself.
fn issue(
    profile: Profile,
    name: &X509NameRef,
    public: &PKeyRef<Public>,
    lifetime: Lifetime,
    issuer: Option<&X509Ref>,
    key: &Key,
) -> Result<X509, ErrorStack> {
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial()?)?;
    builder.set_subject_name(name)?;
    // The issuer's name byte for byte: NSS compares encodings.
    builder.set_issuer_name(issuer.map_or(name, X509Ref::subject_name))?;
    builder.set_pubkey(public)?;
    set_lifetime(&mut builder, lifetime, issuer)?;
    extend(&mut builder, profile, public, issuer)?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}

/// The first and the last moment.
type Lifetime = (DateTime<Utc>, DateTime<Utc>);

/// From a little before now for the usual time, or for so many days; later than `before`, unless that
/// lies ahead.
fn lifetime(now: DateTime<Utc>, days: Option<Days>, before: Option<DateTime<Utc>>) -> Lifetime {
    let begin = now.checked_sub_days(Profile::HEAD_START).unwrap_or(now);
    let next = before.and_then(|before| before.checked_add_signed(TimeDelta::seconds(1)));
    let next = next.filter(|next| *next <= now);
    let begin = next.map_or(begin, |next| next.max(begin));
    let end = match days {
        Some(days) => now.checked_add_days(days),
        None => now.checked_add_months(Profile::LIFETIME),
    };
    (begin, end.unwrap_or(now))
}

/// No day outside the issuer's own.
fn set_lifetime(
    builder: &mut X509Builder,
    (begin, end): Lifetime,
    issuer: Option<&X509Ref>,
) -> Result<(), ErrorStack> {
    let (start, end) = (asn1(begin)?, asn1(end)?);
    let Some(issuer) = issuer else {
        builder.set_not_before(&start)?;
        return builder.set_not_after(&end);
    };
    let (earliest, latest) = (issuer.not_before(), issuer.not_after());
    builder.set_not_before(if earliest.compare(&start)?.is_gt() {
        earliest
    } else {
        &start
    })?;
    builder.set_not_after(if latest.compare(&end)?.is_lt() {
        latest
    } else {
        &end
    })
}

fn extend(
    builder: &mut X509Builder,
    profile: Profile,
    public: &PKeyRef<Public>,
    issuer: Option<&X509Ref>,
) -> Result<(), ErrorStack> {
    let mut basic = BasicConstraints::new();
    basic.critical();
    if profile == Profile::Authority {
        basic.ca().pathlen(0);
    }
    builder.append_extension(basic.build()?)?;
    if let Some(kind) = kind_of(public) {
        builder.append_extension(key_usage(profile.usages(kind)).build()?)?;
    }
    match profile {
        Profile::Authority => {}
        Profile::Server => {
            builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
        }
        Profile::Cluster => {
            builder.append_extension(ExtendedKeyUsage::new().client_auth().build()?)?;
        }
    }
    let subject_id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(issuer, None))?;
    builder.append_extension(subject_id)?;
    // Authorities made by the C scripts have no key id that could be named.
    if issuer.is_some_and(|issuer| issuer.subject_key_id().is_some()) {
        let context = builder.x509v3_context(issuer, None);
        let issuer_id = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(issuer_id)?;
    }
    Ok(())
}

fn key_usage(usages: &[Usage]) -> KeyUsage {
    let mut extension = KeyUsage::new();
    extension.critical();
    for usage in usages {
        match usage {
            Usage::DigitalSignature => extension.digital_signature(),
            Usage::KeyEncipherment => extension.key_encipherment(),
            Usage::CertSign => extension.key_cert_sign(),
            Usage::CrlSign => extension.crl_sign(),
        };
    }
    extension
}

/// A random serial number of 127 bits: no counter to lose, to lock or to use twice.
fn serial() -> Result<Asn1Integer, ErrorStack> {
    let mut bytes = [0; 16];
    openssl::rand::rand_bytes(&mut bytes)?;
    // Positive, and never so short that it could be one of the C scripts' counted numbers.
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Asn1Integer::from_bn(&*BigNum::from_slice(&bytes)?)
}

fn asn1(moment: DateTime<Utc>) -> Result<Asn1Time, ErrorStack> {
    Asn1Time::from_str_x509(&moment.format("%Y%m%d%H%M%SZ").to_string())
}

fn public_half(key: &Key) -> Result<PKey<Public>, ErrorStack> {
    PKey::public_key_from_der(&key.public_key_to_der()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::{CertifiedName, KeyKind, generate_key};
    use openssl::stack::Stack;
    use openssl::x509::X509PurposeId;
    use openssl::x509::X509StoreContext;
    use openssl::x509::store::X509StoreBuilder;
    use openssl::x509::verify::X509VerifyParam;

    fn moment(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn now() -> DateTime<Utc> {
        moment("2026-11-23T12:00:00Z")
    }

    fn authority(kind: KeyKind) -> Authority {
        Authority::new(generate_key(kind).unwrap(), now()).unwrap()
    }

    fn request(name: &str, kind: KeyKind) -> Request {
        let name = CertifiedName::parse(name.as_bytes()).unwrap();
        Request::new(&name, &generate_key(kind).unwrap()).unwrap()
    }

    fn verifies(authority: &Authority, leaf: &X509, purpose: X509PurposeId) -> bool {
        let mut store = X509StoreBuilder::new().unwrap();
        store.add_cert(authority.certificate().to_owned()).unwrap();
        let mut param = X509VerifyParam::new().unwrap();
        param.set_purpose(purpose).unwrap();
        param.set_time(now().timestamp());
        store.set_param(&param).unwrap();
        let mut context = X509StoreContext::new().unwrap();
        let chain = Stack::new().unwrap();
        context
            .init(&store.build(), leaf, &chain, |context| {
                context.verify_cert()
            })
            .unwrap()
    }

    #[test]
    fn each_certificate_proves_its_own_side_and_not_the_other() {
        for kind in [KeyKind::P256, KeyKind::Rsa(2048)] {
            let authority = authority(kind);
            let key = generate_key(kind).unwrap();
            let server = authority.certify_server(&key, now()).unwrap();
            let cluster = authority
                .certify_cluster(&request("c", kind), now())
                .unwrap();
            assert!(verifies(&authority, &server, X509PurposeId::SSL_SERVER));
            assert!(!verifies(&authority, &server, X509PurposeId::SSL_CLIENT));
            assert!(verifies(&authority, &cluster, X509PurposeId::SSL_CLIENT));
            assert!(!verifies(&authority, &cluster, X509PurposeId::SSL_SERVER));
        }
    }

    #[test]
    fn a_certificate_of_another_authority_does_not_verify() {
        let (ours, other) = (authority(KeyKind::P256), authority(KeyKind::P256));
        let request = request("c", KeyKind::P256);
        let cluster = other.certify_cluster(&request, now()).unwrap();
        assert!(!verifies(&ours, &cluster, X509PurposeId::SSL_CLIENT));
    }

    #[test]
    fn a_certificate_lasts_a_hundred_years_from_the_day_before() {
        let authority = authority(KeyKind::P256);
        let certificate = authority.certificate();
        assert_eq!(
            certificate.not_before().to_string(),
            "Nov 22 12:00:00 2026 GMT"
        );
        assert_eq!(
            certificate.not_after().to_string(),
            "Nov 23 12:00:00 2126 GMT"
        );
    }

    #[test]
    fn a_certificate_does_not_outlive_its_authority() {
        let authority = authority(KeyKind::P256);
        let later = moment("2056-01-01T00:00:00Z");
        let request = request("c", KeyKind::P256);
        let cluster = authority.certify_cluster(&request, later).unwrap();
        assert_eq!(cluster.not_before().to_string(), "Dec 31 00:00:00 2055 GMT");
        assert_eq!(cluster.not_after().to_string(), "Nov 23 12:00:00 2126 GMT");
    }

    #[test]
    fn a_renewed_certificate_keeps_name_and_key_and_has_a_number_of_its_own() {
        let (ours, other) = (authority(KeyKind::P256), authority(KeyKind::P256));
        let first = ours.certify_cluster(&request("c", KeyKind::P256), now());
        let first = first.unwrap();
        let later = moment("2027-11-23T12:00:00Z");
        let ours = ours.lasting(Some(Days::new(90)));
        let renewed = ours.renew(&first, Profile::Cluster, later).unwrap();
        assert!(
            renewed
                .public_key()
                .unwrap()
                .public_eq(&first.public_key().unwrap())
        );
        assert_eq!(
            renewed.subject_name().to_der().unwrap(),
            first.subject_name().to_der().unwrap()
        );
        assert_ne!(
            renewed.serial_number().to_bn().unwrap(),
            first.serial_number().to_bn().unwrap()
        );
        assert_eq!(renewed.not_after().to_string(), "Feb 21 12:00:00 2028 GMT");
        assert!(other.renew(&first, Profile::Cluster, later).is_err());
    }

    #[test]
    fn what_replaces_a_certificate_begins_after_it_and_never_ahead_of_time() {
        let request = request("c", KeyKind::P256);
        let begin = |before: &str| {
            let authority = authority(KeyKind::P256);
            let first = authority.certify_cluster(&request, moment(before)).unwrap();
            let authority = authority.following(&first).unwrap();
            let second = authority.certify_cluster(&request, now()).unwrap();
            second.not_before().to_string()
        };
        assert_eq!(begin("2026-11-23T12:00:00Z"), "Nov 22 12:00:01 2026 GMT");
        assert_eq!(begin("2026-11-24T11:00:00Z"), "Nov 23 11:00:01 2026 GMT");
        assert_eq!(begin("2026-11-30T00:00:00Z"), "Nov 22 12:00:00 2026 GMT");
    }

    #[test]
    fn serial_numbers_are_random_and_of_full_length() {
        let one = serial().unwrap().to_bn().unwrap();
        let other = serial().unwrap().to_bn().unwrap();
        assert_eq!((one.num_bits(), other.num_bits()), (127, 127));
        assert_ne!(one, other);
    }

    #[test]
    fn a_long_name_and_a_foreign_one_stand_in_the_subject_unchanged() {
        for text in ["n".repeat(200), "über, O=x".to_owned()] {
            let made = subject(&text).unwrap();
            let entry = made.entries().next().unwrap();
            assert_eq!(entry.data().to_string().unwrap(), text);
            assert_eq!(made.entries().count(), 1);
        }
    }

    #[test]
    fn an_authority_with_another_s_key_is_refused() {
        let authority = authority(KeyKind::P256);
        let other = generate_key(KeyKind::P256).unwrap();
        assert!(Authority::of(authority.certificate().to_owned(), other).is_err());
    }
}
