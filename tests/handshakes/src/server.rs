//! A server with TLS on loopback, and its keys.

use anyhow::{Context as _, Result, bail, ensure};
use chrono::Utc;
use libqdevice::certs::{
    AUTHORITY_NICKNAME, Authority, CertifiedName, Credential, Database, KeyKind, Request,
    SERVER_NICKNAME, Side, generate_key,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The cluster of all clients.
pub(crate) const CLUSTER: &str = "fleet";

/// A database for servers, and the certificate of the cluster; gone when dropped.
pub(crate) struct Keys {
    dir: PathBuf,
    pub(crate) cluster: Credential,
}

impl Keys {
    /// The server's key is of this kind; the cluster's is on P-256, so that the clients cost little.
    pub(crate) fn make(kind: KeyKind) -> Result<Self> {
        let dir = std::env::temp_dir().join(format!("handshakes-{}", std::process::id()));
        fs::create_dir(&dir).with_context(|| dir.display().to_string())?;
        let authority = Authority::new(generate_key(kind)?, Utc::now())?;
        let key = generate_key(kind)?;
        let server = authority.certify_server(&key, Utc::now())?;
        let database = Database::create(&dir)?;
        database.import_certificate(authority.certificate(), AUTHORITY_NICKNAME)?;
        database.trust_authority(authority.certificate(), Side::Server)?;
        database.import_key(&key)?;
        database.import_certificate(&server, SERVER_NICKNAME)?;
        drop(database);
        fs::write(dir.join("pkcs11.txt"), Database::module_list(&dir))?;
        let key = generate_key(KeyKind::P256)?;
        let name = CertifiedName::parse(CLUSTER.as_bytes())?;
        let certificate = authority.certify_cluster(&Request::new(&name, &key)?, Utc::now())?;
        Ok(Self {
            dir,
            cluster: Credential { certificate, key },
        })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A running server; ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(program: &Path, keys: &Keys) -> Result<Self> {
        let file = |name: &str| keys.dir.join(name).display().to_string();
        let notify = file("notify");
        let _ = fs::remove_file(&notify);
        let manager = UnixDatagram::bind(&notify)?;
        manager.set_read_timeout(Some(Duration::from_secs(20)))?;
        let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let settings = format!(
            "nss_db_dir={},lock_file={},local_socket_file={},listen_backlog=4096",
            keys.dir.display(),
            file("lock"),
            file("socket")
        );
        let child = Command::new(program)
            .args(["-f", "-s", "req", "-l", "127.0.0.1", "-p"])
            .arg(free.port().to_string())
            .args(["-S", &settings])
            .env("NOTIFY_SOCKET", &notify)
            .stdin(Stdio::null())
            .stderr(fs::File::create(file("log"))?)
            .spawn()
            .with_context(|| program.display().to_string())?;
        let server = Self {
            child,
            address: free,
        };
        let mut told = [0; 64];
        if manager.recv(&mut told).is_err() {
            bail!(
                "{}: {}",
                program.display(),
                fs::read_to_string(file("log"))?
            );
        }
        Ok(server)
    }

    /// Seconds of processor time it has used.
    pub(crate) fn cpu(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in brackets may contain anything; user and system time are the 12th and 13th behind.
        let (_, rest) = stat.rsplit_once(") ").context("no process")?;
        let mut fields = rest.split(' ').skip(11);
        let mut ticks = || -> Result<f64> { Ok(fields.next().context("no field")?.parse()?) };
        Ok((ticks()? + ticks()?) / TICKS_PER_SECOND)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// [Linux: `USER_HZ` is 100 everywhere]
const TICKS_PER_SECOND: f64 = 100.0;

/// For this process and the servers it starts.
pub(crate) fn allow_descriptors(needed: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    ensure!(
        limit.maximum.is_none_or(|maximum| maximum >= needed),
        "so many clients need {needed} open files, and {:?} are allowed",
        limit.maximum
    );
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}
