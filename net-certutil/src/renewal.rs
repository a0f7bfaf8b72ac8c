//! `--renew`: the same name once more. What is in place stays good and in use until the new certificate
//! has taken its place, on either side.

use crate::command_line::{NodeCall, ServerCall};
use crate::entry::{date, names};
use crate::failure::Failure;
use crate::files::{self, Owner, lock, must_exist};
use crate::node;
use crate::server::{cluster_name, existing_authority};
use crate::signed::SignedFile;
use crate::surroundings::Surroundings;
use crate::survey;
use chrono::Utc;
use libqdevice::certs::{
    Access, CLUSTER_NICKNAME, CertError, CertifiedName, Database, Description, Profile,
    SERVER_NICKNAME, Side, certified_names, fingerprint, parse_certificate, shell_word,
};
use openssl::x509::X509;
use std::path::Path;

/// On the server: the certificate of a cluster, for the key it has; without a name that of the server.
pub(crate) fn on_server(
    surroundings: &mut Surroundings<'_>,
    call: &ServerCall,
) -> Result<(), Failure> {
    let dir = existing_database(surroundings, Side::Server)?;
    if call.name.is_empty() {
        return server(surroundings, &dir, call);
    }
    let name = cluster_name(&call.name)?;
    if !call.file.as_os_str().is_empty() {
        must_exist(&call.file)?;
    }
    let folder = lock(&dir)?;
    let file = SignedFile::of(&folder, &name, Owner::of(&surroundings.server_dir()));
    let before = before(&file, call, &name)?;
    surroundings.say("Renewing cluster certificate");
    let public = before.public_key();
    let public = public.map_err(|_| CertError::Unsupported("the key of the certificate"))?;
    survey::must_not_be_revoked(&dir, &public, Utc::now())?;
    let authority = existing_authority(&dir)?.lasting(call.days);
    let certificate = authority.renew(&before, Profile::Cluster, Utc::now())?;
    file.put(&certificate)?;
    let path = file.path();
    let path = path.display();
    surroundings.say(format_args!("Certificate stored in {path}"));
    let end = date(Description::of(&certificate)?.end);
    let file = shell_word(&format!("cluster-{name}.crt"));
    surroundings.say(format_args!(
        "\nIt is good until {end}, for the key the cluster has. The one before stays good and in use.\n\
         Next: copy it to every node and run there\n  \
         corosync-qdevice-net-certutil -M -c {file}\n\
         A node without the key imports the qdevice-net-node.p12 that this makes on another one (-m -c)."
    ));
    Ok(())
}

/// The certificate that is renewed.
fn before(file: &SignedFile<'_>, call: &ServerCall, name: &CertifiedName) -> Result<X509, Failure> {
    let certificate = if call.file.as_os_str().is_empty() {
        let missing = |_| {
            Failure::state(format!(
                "There is no certificate of cluster \"{name}\" in {}. Give one with -c, or make a new \
                 request on a node: corosync-qdevice-net-certutil --renew",
                file.path().display()
            ))
        };
        file.read().map_err(missing)?
    } else {
        parse_certificate(&files::read(&call.file)?)?
    };
    let is_for = certified_names(&certificate);
    if is_for.iter().any(|own| own == name.as_str().as_bytes()) {
        return Ok(certificate);
    }
    Err(Failure::state(format!(
        "The certificate is for cluster \"{}\" and not for \"{name}\"",
        names(&certificate).join("\", \"")
    )))
}

/// The server's own certificate.
fn server(
    surroundings: &mut Surroundings<'_>,
    dir: &Path,
    call: &ServerCall,
) -> Result<(), Failure> {
    if !call.file.as_os_str().is_empty() {
        return Err(Failure::call("You have to specify cluster name"));
    }
    surroundings.say("Renewing server certificate");
    let folder = lock(dir)?;
    let before = newest(dir, SERVER_NICKNAME)?;
    let authority = existing_authority(dir)?.lasting(call.days);
    let certificate = authority.renew(&before, Profile::Server, Utc::now())?;
    folder.change(|database| database.import_certificate(&certificate, SERVER_NICKNAME))?;
    surroundings.say(format_args!(
        "The server's certificate is good until {}. A running corosync-qnetd uses it for new\n\
         connections; that of the C package has to be restarted.",
        date(Description::of(&certificate)?.end)
    ));
    Ok(())
}

/// On a node: a new key and the request for it, under the name that the certificate here has.
pub(crate) fn on_node(surroundings: &mut Surroundings<'_>, call: &NodeCall) -> Result<(), Failure> {
    let dir = existing_database(surroundings, Side::Node)?;
    let before = newest(&dir, CLUSTER_NICKNAME)?;
    let name = certified_names(&before).into_iter().next();
    let name = cluster_name(std::os::unix::ffi::OsStrExt::from_bytes(
        name.unwrap_or_default().as_slice(),
    ))?;
    if !call.name.is_empty() && call.name.as_encoded_bytes() != name.as_str().as_bytes() {
        return Err(CertError::NicknameTaken {
            dir,
            nickname: CLUSTER_NICKNAME.to_owned(),
            name: name.to_string(),
        }
        .into());
    }
    node::request(surroundings, &name, call.key_kind.unwrap_or_default())?;
    let print = fingerprint(&before)?;
    let (program, word) = (&surroundings.program, shell_word(name.as_str()));
    let file = shell_word(&format!("cluster-{name}.crt"));
    let lines = format!(
        "\nThe certificate that is here stays good and in use. Next:\n\
         - Copy the request to the server and run there:\n    \
         corosync-qnetd-certutil -s -c qdevice-net-node.crq -n {word}\n\
         - Copy {file} from there to this node and run here:\n    \
         {program} -M -c {file}\n\
         - Copy qdevice-net-node.p12 to every other node and run there:\n    \
         {program} -m -c qdevice-net-node.p12\n\
         - Once {program} --check finds nothing on any node, if the old key is to be trusted no longer, \
         on the server:\n    \
         corosync-qnetd-certutil --revoke --fingerprint {print}"
    );
    surroundings.say(lines);
    Ok(())
}

/// The newest certificate of a nickname, whether or not its key is there.
fn newest(dir: &Path, nickname: &str) -> Result<X509, CertError> {
    let mut named = Database::open(dir, Access::Read)?.named(nickname)?;
    named.sort_by(|a, b| {
        let order = a.not_before().compare(b.not_before());
        order.unwrap_or(std::cmp::Ordering::Equal)
    });
    named.pop().ok_or_else(|| CertError::NoCertificate {
        dir: dir.to_owned(),
        nickname: nickname.to_owned(),
    })
}

fn existing_database(
    surroundings: &Surroundings<'_>,
    side: Side,
) -> Result<std::path::PathBuf, CertError> {
    let dir = surroundings.database(side);
    if Database::files(&dir).is_some() {
        Ok(dir)
    } else {
        Err(CertError::NoDatabase { dir })
    }
}
