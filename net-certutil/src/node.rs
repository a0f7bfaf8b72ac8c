use crate::command_line::{NodeCall, NodeOperation};
use crate::failure::Failure;
use crate::files::{Owner, lock, must_exist, read, usual_mode};
use crate::new_database::NewDatabase;
use crate::server::cluster_name;
use crate::surroundings::Surroundings;
use crate::{listing, quick_start, renewal};
use libqdevice::certs::{
    AUTHORITY_NICKNAME, Access, Bundle, CLUSTER_NICKNAME, CertError, CertifiedName, Database,
    Folder, KeyKind, Request, Side, generate_key, issued_by, parse_certificate,
};
use openssl::x509::{X509, X509Ref};
use std::path::{Path, PathBuf};

/// Does what a call of `corosync-qdevice-net-certutil` asks for.
pub(crate) fn run(surroundings: &mut Surroundings<'_>, call: NodeCall) -> Result<(), Failure> {
    match call.operation {
        NodeOperation::Init => {
            must_exist(&call.file)?;
            init(surroundings, &call.file)
        }
        NodeOperation::Request => {
            let name = cluster_name(&call.name)?;
            request(surroundings, &name, call.key_kind.unwrap_or_default())
        }
        NodeOperation::ImportSigned => {
            must_exist(&call.file)?;
            import_signed(surroundings, &call.file)
        }
        NodeOperation::ImportBundle => {
            must_exist(&call.file)?;
            import_bundle(surroundings, &call.file)
        }
        NodeOperation::QuickStart => quick_start::run(surroundings, call),
        // Its exit status says more than success or failure; see the top of the library.
        NodeOperation::Check => Ok(()),
        NodeOperation::List => listing::list(surroundings, Side::Node, call.form),
        NodeOperation::Renew => renewal::on_node(surroundings, &call),
    }
}

/// A new database that trusts the server's authority.
fn init(surroundings: &mut Surroundings<'_>, file: &Path) -> Result<(), Failure> {
    let dir = surroundings.database(Side::Node);
    let new = NewDatabase {
        dir: &dir,
        taken: "Certificate database already exists. Delete it to continue".to_owned(),
        owner: &Owner::root,
        dir_mode: 0o770,
        mode: 0o660,
    };
    new.make(surroundings, |surroundings, database, _, _| {
        surroundings.say("Importing CA");
        let import = || {
            let authority = parse_certificate(&read(file)?)?;
            database.import_certificate(&authority, AUTHORITY_NICKNAME)?;
            database.trust_authority(&authority, Side::Node)
        };
        // The script ends with NSS's own exit status here.
        import().map_err(Failure::with_exit(255))?;
        Ok(Vec::new())
    })
}

/// A new key for the cluster and the request for its certificate.
pub(crate) fn request(
    surroundings: &mut Surroundings<'_>,
    name: &CertifiedName,
    kind: KeyKind,
) -> Result<(), Failure> {
    let dir = existing_database(surroundings)?;
    surroundings.say("Creating new certificate request");
    let folder = lock(&dir)?;
    let key = generate_key(kind)?;
    let request = Request::new(name, &key)?.to_der()?;
    // The key first: a request whose key is lost is worth nothing.
    folder.change(|database| database.import_key(&key))?;
    publish(&folder, REQUEST_FILE, &request, usual_mode(0o660))?;
    let stored = dir.join(REQUEST_FILE);
    let stored = stored.display();
    surroundings.say(format_args!("Certificate request stored in {stored}"));
    Ok(())
}

/// The signed certificate joins its key, and both are exported for the other nodes.
fn import_signed(surroundings: &mut Surroundings<'_>, file: &Path) -> Result<(), Failure> {
    let dir = existing_database(surroundings)?;
    surroundings.say("Importing signed cluster certificate");
    let folder = lock(&dir)?;
    let certificate = parse_certificate(&read(file)?)?;
    let database = Database::open(&dir, Access::Read)?;
    let Some(key) = database.private_key_of(&certificate)? else {
        return Err(Failure::state(
            "The private key of this certificate is not here. Import it on the node where its \
             request was created",
        ));
    };
    let chain = authorities(surroundings, &database, &certificate)?;
    drop(database);
    let bundle = Bundle {
        certificate,
        key,
        nickname: None,
        chain,
    };
    let exported = bundle.to_der(CLUSTER_NICKNAME)?;
    folder.change(|database| database.import_certificate(&bundle.certificate, CLUSTER_NICKNAME))?;
    publish(&folder, BUNDLE_FILE, &exported, 0o600)?;
    surroundings.say("pk12util: PKCS12 EXPORT SUCCESSFUL");
    let stored = dir.join(BUNDLE_FILE);
    surroundings.say(format_args!("Certificate stored in {}", stored.display()));
    Ok(())
}

/// The cluster's certificate and key, as another node has exported them.
fn import_bundle(surroundings: &mut Surroundings<'_>, file: &Path) -> Result<(), Failure> {
    let dir = existing_database(surroundings)?;
    surroundings.say("Importing cluster certificate and key");
    let folder = lock(&dir)?;
    // The script ends with NSS's own exit status when this fails.
    let bundle = read(file)
        .and_then(|bytes| Bundle::parse(&bytes))
        .map_err(Failure::with_exit(18))?;
    authorities(
        surroundings,
        &Database::open(&dir, Access::Read)?,
        &bundle.certificate,
    )?;
    let nickname = bundle.nickname.as_deref().unwrap_or(CLUSTER_NICKNAME);
    folder.change(|database| {
        database.import_key(&bundle.key)?;
        database.import_certificate(&bundle.certificate, nickname)
    })?;
    surroundings.say("pk12util: PKCS12 IMPORT SUCCESSFUL");
    Ok(())
}

/// The node's directory, which must have a database.
fn existing_database(surroundings: &Surroundings<'_>) -> Result<PathBuf, Failure> {
    let dir = surroundings.database(Side::Node);
    if Database::files(&dir).is_some() {
        return Ok(dir);
    }
    let program = &surroundings.program;
    Err(Failure::state(format!(
        "Certificate database doesn't exists. Use {program} -i to create it"
    )))
}

/// The authorities in the database that have signed a certificate. Without one the server will hardly
/// believe it, or we the server; that is worth a word, but externally made ones are not refused.
fn authorities(
    surroundings: &mut Surroundings<'_>,
    database: &Database,
    certificate: &X509Ref,
) -> Result<Vec<X509>, CertError> {
    let all = database.certificates()?.into_iter();
    let signers: Vec<X509> = all
        .map(|stored| stored.certificate)
        .filter(|authority| issued_by(certificate, authority))
        .collect();
    if signers.is_empty() {
        let dir = database.dir().display();
        surroundings.complain(format_args!(
            "Warning: no certificate authority in {dir} has signed this certificate"
        ));
    }
    Ok(signers)
}

fn publish(folder: &Folder, name: &str, bytes: &[u8], mode: u32) -> Result<(), CertError> {
    let staging = folder.stage()?;
    staging.write(name, bytes)?;
    staging.publish(name, Owner::caller().with_mode(mode))
}

/// The request, for the server.
const REQUEST_FILE: &str = "qdevice-net-node.crq";

/// Certificate and key, for the other nodes.
const BUNDLE_FILE: &str = "qdevice-net-node.p12";
