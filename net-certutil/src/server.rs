use crate::command_line::{ServerCall, ServerOperation};
use crate::failure::Failure;
use crate::files::{Owner, lock, must_exist, read, usual_mode};
use crate::new_database::{NewDatabase, Prepared};
use crate::signed::SignedFile;
use crate::surroundings::Surroundings;
use crate::{listing, renewal, revocation, survey};
use chrono::{Days, Utc};
use libqdevice::certs::{
    AUTHORITY_NICKNAME, Access, Authority, CertError, CertifiedName, Database, KeyKind, Request,
    SERVER_NICKNAME, Side, Staging, generate_key, text_and_pem,
};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Does what a call of `corosync-qnetd-certutil` asks for.
pub(crate) fn run(surroundings: &mut Surroundings<'_>, call: ServerCall) -> Result<(), Failure> {
    match call.operation {
        ServerOperation::Init => {
            let kind = call.key_kind.unwrap_or_default();
            init(surroundings, call.group_writes, kind)
        }
        ServerOperation::Sign => {
            must_exist(&call.file)?;
            let name = cluster_name(&call.name)?;
            sign(surroundings, &call.file, &name, call.days)
        }
        // Its exit status says more than success or failure; see the top of the library.
        ServerOperation::Check => Ok(()),
        ServerOperation::List => listing::list(surroundings, Side::Server, call.form),
        ServerOperation::Renew => renewal::on_server(surroundings, &call),
        ServerOperation::Revoke => revocation::revoke(surroundings, &call),
    }
}

/// The name in option `-n`.
pub(crate) fn cluster_name(name: &OsStr) -> Result<CertifiedName, Failure> {
    if name.is_empty() {
        return Err(Failure::call("You have to specify cluster name"));
    }
    CertifiedName::parse(name.as_bytes()).map_err(|fault| {
        Failure::with_exit(2)(CertError::Name {
            name: name.to_string_lossy().into_owned(),
            fault,
        })
    })
}

/// A new authority, and the server's certificate from it.
fn init(
    surroundings: &mut Surroundings<'_>,
    group_writes: bool,
    kind: KeyKind,
) -> Result<(), Failure> {
    let dir = surroundings.database(Side::Server);
    let above = surroundings.server_dir();
    let (dir_mode, mode) = if group_writes {
        (0o770, 0o660)
    } else {
        (0o750, 0o640)
    };
    let new = NewDatabase {
        dir: &dir,
        taken: format!(
            "Certificate database ({}) already exists. Delete it to initialize new db",
            dir.display()
        ),
        owner: &|| Owner::of(&above),
        dir_mode,
        mode,
    };
    new.make(surroundings, |surroundings, database, staging, owner| {
        surroundings.say("Creating new CA");
        authority(database, staging, kind)?;
        let mut prepared = vec![Prepared {
            name: AUTHORITY_FILE,
            custody: owner.with_mode(usual_mode(0o666)),
        }];
        if !dir.join(COUNTER_FILE).exists() {
            staging.write(COUNTER_FILE, b"100\n")?;
            let custody = owner.with_mode(mode);
            prepared.push(Prepared {
                name: COUNTER_FILE,
                custody,
            });
        }
        Ok(prepared)
    })?;
    let exported = dir.join(AUTHORITY_FILE);
    let exported = exported.display();
    surroundings.say(format_args!(
        "QNetd CA certificate is exported as {exported}"
    ));
    Ok(())
}

/// The authority, its certificate for the nodes, and the server's certificate.
fn authority(database: &Database, staging: &Staging<'_>, kind: KeyKind) -> Result<(), CertError> {
    let now = Utc::now();
    let authority = Authority::new(generate_key(kind)?, now)?;
    database.import_key(authority.key())?;
    database.import_certificate(authority.certificate(), AUTHORITY_NICKNAME)?;
    database.trust_authority(authority.certificate(), Side::Server)?;
    staging.write(AUTHORITY_FILE, &text_and_pem(authority.certificate())?)?;
    let key = generate_key(kind)?;
    let certificate = authority.certify_server(&key, now)?;
    database.import_key(&key)?;
    database.import_certificate(&certificate, SERVER_NICKNAME)
}

/// The certificate for a cluster's request.
fn sign(
    surroundings: &mut Surroundings<'_>,
    file: &Path,
    name: &CertifiedName,
    days: Option<Days>,
) -> Result<(), Failure> {
    let dir = surroundings.database(Side::Server);
    if Database::files(&dir).is_none() {
        let program = &surroundings.program;
        return Err(Failure::state(format!(
            "Certificate database doesn't exists. Use {program} -i to create it"
        )));
    }
    surroundings.say("Signing cluster certificate");
    let request = Request::parse(&read(file)?)?;
    if request.name() != name {
        surroundings.complain(format_args!(
            "Warning: the request is for cluster \"{}\", not for \"{name}\": only {0} can use the certificate",
            request.name()
        ));
    }
    let folder = lock(&dir)?;
    survey::must_not_be_revoked(&dir, &*request.key()?, Utc::now())?;
    let file = SignedFile::of(&folder, name, Owner::of(&surroundings.server_dir()));
    let mut authority = existing_authority(&dir)?.lasting(days);
    if let Ok(before) = file.read() {
        authority = authority.following(&before)?;
    }
    let certificate = authority.certify_cluster(&request, Utc::now())?;
    file.put(&certificate)?;
    let stored = file.path();
    surroundings.say(format_args!("Certificate stored in {}", stored.display()));
    Ok(())
}

/// The authority in the database. Of several, one whose key is there.
pub(crate) fn existing_authority(dir: &Path) -> Result<Authority, CertError> {
    let database = Database::open(dir, Access::Read)?;
    for certificate in database.named(AUTHORITY_NICKNAME)? {
        if let Some(key) = database.private_key_of(&certificate)? {
            return Authority::of(certificate, key);
        }
    }
    Err(CertError::NoKey {
        dir: dir.to_owned(),
        nickname: AUTHORITY_NICKNAME.to_owned(),
    })
}

/// The authority's certificate, for the nodes.
pub(crate) const AUTHORITY_FILE: &str = "qnetd-cacert.crt";

/// Where the scripts count serial numbers. Ours are random; the file is there for theirs.
const COUNTER_FILE: &str = "serial.txt";
