use libqdevice::base::{Millis, NodeId, NodeList, RingId};
use libqdevice::io::{clock, ipc_client};
use libqdevice::wire::{Deframer, Echo, Init, Message, NodeListKind, NodeListReport, PreInit};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_corosync-qnetd");

/// No single step of a test takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A directory and an address that no other test uses.
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    pub(crate) address: SocketAddr,
}

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let [high, low] = u16::try_from(std::process::id() % 65_000)
            .unwrap()
            .to_be_bytes();
        let dir = std::env::temp_dir().join(format!("qnetd-{}-{number}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        // All of 127/8 is loopback, so the address is ours alone and the port stays free.
        let free = TcpListener::bind(SocketAddr::from(([127, high, low, number], 0))).unwrap();
        Self {
            dir,
            address: free.local_addr().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The daemon's command line for this place.
    pub(crate) fn command(&self) -> Command {
        self.command_of(PROGRAM)
    }

    /// The same for any program of this kind.
    pub(crate) fn command_of(&self, program: &str) -> Command {
        let mut command = self.command_without_address(program);
        command
            .args(["-l", &self.address.ip().to_string()])
            .args(["-p", &self.address.port().to_string()]);
        command
    }

    /// The same, but where it listens is for the caller to say.
    pub(crate) fn command_without_address(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(["-s", "off"])
            .arg("-S")
            .arg(format!("lock_file={}", self.path("lock").display()))
            .arg("-S")
            .arg(format!(
                "local_socket_file={}",
                self.path("socket").display()
            ));
        if program == PROGRAM {
            let file = format!("state_file={}", self.path("state").display());
            command.args(["-S", &file]);
        }
        command
    }

    pub(crate) fn start(&self, extra: &[&str]) -> Daemon {
        let mut command = self.command();
        command.args(extra);
        self.start_with(command)
    }

    /// Starts a daemon in the foreground and waits until it is ready.
    pub(crate) fn start_with(&self, mut command: Command) -> Daemon {
        let notify = self.path("notify");
        let _ = fs::remove_file(&notify);
        let manager = UnixDatagram::bind(&notify).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let log = fs::File::create(self.path("log")).unwrap();
        let child = command
            .arg("-f")
            .env("NOTIFY_SOCKET", &notify)
            .stderr(log)
            .spawn()
            .unwrap();
        let daemon = Daemon {
            child,
            log: self.path("log"),
            manager,
        };
        assert_eq!(daemon.told().trim_end(), "READY=1");
        daemon
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// What the tool would print.
    pub(crate) fn ask(&self, line: &str) -> String {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let socket = ipc_client::connect(&self.path("socket")).unwrap();
        ipc_client::ask(socket, line.as_bytes(), &mut out, &mut err).unwrap();
        String::from_utf8([out, err].concat()).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A daemon in the foreground; killed at the end of the test.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    log: PathBuf,
    /// The end of the daemon is told to it, too.
    manager: UnixDatagram,
}

impl Daemon {
    /// What the service manager is told next.
    fn told(&self) -> String {
        let mut message = [0; 256];
        loop {
            match self.manager.recv(&mut message) {
                Ok(len) => return String::from_utf8_lossy(&message[..len]).into_owned(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("the daemon does not become ready: {error}"),
            }
        }
    }

    /// Waits until `text` stands in the log.
    pub(crate) fn logs(&self, text: &str) {
        let started = clock::now();
        while !fs::read_to_string(&self.log).unwrap().contains(text) {
            assert!(
                clock::now().since(started) < 20_000,
                "the log never says {text:?}"
            );
            thread::yield_now();
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for its end: exit code and log.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, fs::read_to_string(&self.log).unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end.
pub(crate) fn output(mut command: Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether a C program is installed; says so if not.
pub(crate) fn is_installed(program: &str) -> bool {
    let installed = Path::new(program).is_file();
    if !installed {
        println!("skipped: {program} is not installed");
    }
    installed
}

/// A client that says what it is told to say.
pub(crate) struct Client<S = TcpStream> {
    pub(crate) stream: S,
    deframer: Deframer,
    unread: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self::over(stream)
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self {
            stream,
            deframer: Deframer::new(1 << 20),
            unread: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, message: &Message) {
        self.stream
            .write_all(&message.encode(1 << 20).unwrap())
            .unwrap();
    }

    /// The next message; `None` when the server has closed the connection.
    pub(crate) fn receive(&mut self) -> Option<Message> {
        loop {
            let mut unread = self.unread.as_slice();
            let frame = self.deframer.next_frame(&mut unread);
            let left = unread.len();
            self.unread.drain(..self.unread.len() - left);
            if let Some(frame) = frame {
                return Some(frame.unwrap());
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(len) => self.unread.extend_from_slice(&chunk[..len]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("the server says nothing: {error}"),
            }
        }
    }

    pub(crate) fn ask(&mut self, message: &Message) -> Option<Message> {
        self.send(message);
        self.receive()
    }

    /// Whether the server still answers, if only that the client is not admitted.
    pub(crate) fn is_served(&mut self) -> bool {
        self.ask(&Message::EchoRequest(Echo::new(4711))).is_some()
    }

    /// Becomes a node of a cluster: preinit, init.
    pub(crate) fn admitted(mut self, cluster: &str, node: u32, heartbeat: u32) -> Self {
        self.ask(&Message::PreInit(PreInit::new(1, cluster)))
            .unwrap();
        let init = Init {
            heartbeat: Some(Millis(heartbeat)),
            ..Init::ffsplit(2, NodeId(node), RingId::new(1, 4))
        };
        match self.ask(&Message::Init(init)) {
            Some(Message::InitReply(reply)) => assert_eq!(reply.error, Some(0)),
            other => panic!("{other:?}"),
        }
        self
    }

    /// Reports a node list and gives what comes up to its answer.
    pub(crate) fn report(&mut self, kind: NodeListKind, nodes: &[u32]) -> Vec<Message> {
        let ring = (kind == NodeListKind::Membership).then(|| RingId::new(1, 8));
        let nodes = NodeList::of_ids(nodes.iter().copied());
        let report = NodeListReport {
            ring,
            ..NodeListReport::new(3, kind, nodes)
        };
        self.send(&Message::NodeList(report));
        let mut heard = Vec::new();
        while !matches!(heard.last(), Some(Message::NodeListReply(_))) {
            heard.push(self.receive().expect("an answer to the list"));
        }
        heard
    }
}
