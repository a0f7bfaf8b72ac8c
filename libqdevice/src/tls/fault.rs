use super::verdict::{Refused, Verdict, Why};
use crate::certs::Side;
use openssl::ssl::{Error, ErrorCode};
use std::ffi::c_int;
use std::io;
use std::time::Duration;

/// Why a TLS handshake failed: what is wrong, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TlsFault(String);

impl TlsFault {
    /// The other side's certificate is for others than it should be.
    pub(super) fn wrong_name(names: &[Vec<u8>], wanted: &str) -> Self {
        let names: Vec<String> = names
            .iter()
            .map(|name| format!("\"{}\"", String::from_utf8_lossy(name).escape_debug()))
            .collect();
        let names = if names.is_empty() {
            "nobody".to_owned()
        } else {
            names.join(", ")
        };
        Self(format!(
            "{SERVER_FAILED} It is for {names} and not for \"{wanted}\": the address may be that of \
             another server; another name is set with -S net_nss_qnetd_cn"
        ))
    }

    /// The handshake has ended with an error; `side` is ours.
    pub(super) fn of(error: &Error, verdict: &Verdict, side: Side) -> Self {
        if let Some(refused) = verdict.refused() {
            return Self(match side {
                Side::Server => of_client(&refused),
                Side::Node => of_server(&refused),
            });
        }
        Self(described(error, side))
    }

    /// It has not come to an end in time.
    #[must_use]
    pub fn too_slow(patience: Duration) -> Self {
        let seconds = patience.as_secs();
        Self(format!("it took longer than {seconds} seconds"))
    }

    /// Something else has failed.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// An error of a stream that has passed the handshake, with the words for what the other side may have
/// said: with TLS 1.3 a server looks at the certificate after the client believes to be done.
pub(super) fn explained(error: io::Error, side: Side) -> io::Error {
    let ssl = error.get_ref().and_then(|inner| inner.downcast_ref());
    match ssl {
        Some(ssl) => io::Error::other(described(ssl, side)),
        None => error,
    }
}

fn described(error: &Error, side: Side) -> String {
    let (own, other) = match side {
        Side::Server => ("server", "client"),
        Side::Node => ("node", "server"),
    };
    let Some(stack) = error.ssl_error() else {
        return match error.io_error() {
            Some(io) => format!("the connection to the {other} is lost ({io})"),
            None => format!("the {other} ended the connection"),
        };
    };
    if error.code() == ErrorCode::ZERO_RETURN {
        return format!("the {other} ended the connection");
    }
    let Some(last) = stack.errors().last() else {
        return error.to_string();
    };
    let reason = last.reason().unwrap_or("unknown error");
    let text = match last.reason_code() {
        NO_CERTIFICATE_SHOWN => {
            "the client has no certificate: import one on the node with \
             corosync-qdevice-net-certutil -m -c qdevice-net-node.p12"
        }
        UNEXPECTED_EOF => return format!("the {other} ended the connection"),
        WRONG_VERSION_NUMBER | HTTP_REQUEST => {
            return format!("the {other} does not speak TLS ({reason})");
        }
        UNSUPPORTED_PROTOCOL | NO_SHARED_CIPHER | NO_PROTOCOLS_AVAILABLE => {
            return format!(
                "{own} and {other} have no version of TLS or no cipher in common ({reason}): see the \
                 crypto policy of both hosts"
            );
        }
        alert @ ALERT_FIRST..=ALERT_LAST => return told(alert - ALERT_FIRST, own, other, reason),
        _ => reason,
    };
    text.to_owned()
}

/// What the other side's alert means. [RFC 8446, 6.2]
fn told(alert: c_int, own: &str, other: &str, reason: &str) -> String {
    let mending = match own {
        "node" => {
            "import one that is good with corosync-qdevice-net-certutil -m -c qdevice-net-node.p12"
        }
        _ => "see the log of the node",
    };
    let refuses = |why: &str| {
        format!("the {other} does not accept this {own}'s certificate: {why}; {mending}")
    };
    match alert {
        42 => refuses("it is bad, or there is none"),
        43 => refuses("it is of a kind that is not supported"),
        44 => refuses("it is revoked"),
        45 => refuses("it has expired"),
        46 => refuses("the reason is not told"),
        48 => refuses("it is signed by an authority that is unknown there"),
        116 => refuses("there is none"),
        40 => format!(
            "the {other} ended the handshake: no cipher in common, or a revoked certificate (alert \
             40); its log says why"
        ),
        70 | 71 => format!(
            "the {other} refuses the version of TLS or the ciphers offered (alert {alert}): see the \
             crypto policy of both hosts"
        ),
        _ => format!("the {other} ended the handshake (alert {alert}: {reason})"),
    }
}

fn of_client(refused: &Refused) -> String {
    let Refused {
        why,
        name,
        lifetime: [begin, end],
    } = refused;
    match why {
        Why::Unknown => format!(
            "the client's certificate ({name}) is not signed by an authority of this server: enrol \
             the cluster here (corosync-qdevice-net-certutil -Q)"
        ),
        Why::Expired => format!(
            "the client's certificate ({name}) has expired on {end}: renew it \
             (corosync-qnetd-certutil --renew -n CLUSTER)"
        ),
        Why::Early => format!(
            "the client's certificate ({name}) begins on {begin} only: compare the clocks of both hosts"
        ),
        Why::Revoked => format!("the client's certificate ({name}) is revoked"),
        Why::Other(why) => format!("the client's certificate ({name}) is refused: {why}"),
    }
}

fn of_server(refused: &Refused) -> String {
    let Refused {
        why,
        name,
        lifetime: [begin, end],
    } = refused;
    let why = match why {
        Why::Unknown => format!(
            "It ({name}) is not signed by an authority of this node's database: make a new one from \
             the server's qnetd-cacert.crt (corosync-qdevice-net-certutil -i -c qnetd-cacert.crt)"
        ),
        Why::Expired => format!("It ({name}) has expired on {end}"),
        Why::Early => {
            format!("It ({name}) begins on {begin} only: compare the clocks of both hosts")
        }
        Why::Revoked => format!("It ({name}) is revoked"),
        Why::Other(why) => format!("It ({name}) is refused: {why}"),
    };
    format!("{SERVER_FAILED} {why}")
}

/// The C program's words.
const SERVER_FAILED: &str = "Server certificate verification failure.";

// [OpenSSL sslerr.h]
const NO_CERTIFICATE_SHOWN: c_int = 199;
const HTTP_REQUEST: c_int = 156;
const NO_SHARED_CIPHER: c_int = 193;
const NO_PROTOCOLS_AVAILABLE: c_int = 191;
const UNSUPPORTED_PROTOCOL: c_int = 258;
const WRONG_VERSION_NUMBER: c_int = 267;
const UNEXPECTED_EOF: c_int = 294;
const ALERT_FIRST: c_int = 1000;
const ALERT_LAST: c_int = 1255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_certificate_cannot_break_the_line() {
        let fault = TlsFault::wrong_name(&[b"a\nb".to_vec()], "Qnetd Server");
        assert!(
            fault
                .to_string()
                .contains("It is for \"a\\nb\" and not for \"Qnetd Server\""),
            "{fault}"
        );
    }

    #[test]
    fn what_the_other_side_has_said_is_told_with_what_to_do() {
        let text = told(48, "node", "server", "tlsv1 alert unknown ca");
        assert_eq!(
            text,
            "the server does not accept this node's certificate: it is signed by an authority that \
             is unknown there; import one that is good with corosync-qdevice-net-certutil -m -c \
             qdevice-net-node.p12"
        );
        assert!(told(80, "node", "server", "internal error").contains("alert 80: internal error"));
    }
}
