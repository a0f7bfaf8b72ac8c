use libqdevice::io::framed::Framed;
use libqdevice::io::give_way;
use libqdevice::tls::{Acceptor, Shown, TlsFault, Transport};
use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Where TLS handshakes are done: on threads of their own, which give way to those that serve.
///
/// Computing with a key takes a thousand times as long as serving a message. When the clients of a
/// whole fleet come back at once, nobody who is admitted already waits for them.
///
/// One that is under way takes twice the memory of one that is done, and what a storm took is not given
/// back. So one is finished before the next begins, unless it is the client that keeps it waiting.
#[derive(Debug, Clone)]
pub(crate) struct Handshakes {
    threads: Handle,
    /// For all that are under way.
    places: Arc<Semaphore>,
    /// For those that have just begun.
    turns: Arc<Semaphore>,
}

/// A handshake that is to be done.
#[derive(Debug)]
pub(crate) struct Handshake {
    pub(crate) acceptor: Acceptor,
    pub(crate) handshakes: Handshakes,
}

impl Handshakes {
    /// Starts the threads. They end with the runtime.
    pub(crate) fn start() -> io::Result<(Runtime, Self)> {
        let threads = threads();
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("handshakes")
            .enable_all()
            .on_thread_start(give_way)
            .build()?;
        let handshakes = Self {
            threads: runtime.handle().clone(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            turns: Arc::new(Semaphore::new(threads * TURNS)),
        };
        Ok((runtime, handshakes))
    }
}

impl Handshake {
    /// Does it, as soon as there is a place. What was not sent yet is sent before, in plain text. May be
    /// dropped at any time, which ends the connection.
    pub(crate) async fn run(
        self,
        mut framed: Framed<Transport>,
    ) -> Result<(Transport, Option<Shown>), TlsFault> {
        let Self {
            acceptor,
            handshakes,
        } = self;
        // Nobody closes the semaphores; whoever is refused has no place anyway.
        let place = Arc::clone(&handshakes.places).acquire_owned().await;
        let turn = Arc::clone(&handshakes.turns).acquire_owned().await;
        let work = async move {
            let _place = place;
            let work = async {
                framed.send_all().await.map_err(TlsFault::internal)?;
                let (transport, start) = framed.into_parts();
                acceptor.accept(transport, start).await
            };
            let work = async {
                tokio::pin!(work);
                if let Ok(done) = timeout(TURN, &mut work).await {
                    return done;
                }
                drop(turn);
                work.await
            };
            let done = timeout(PATIENCE, work).await;
            done.unwrap_or_else(|_| Err(TlsFault::too_slow(PATIENCE)))
        };
        let mut task = Ending(handshakes.threads.spawn(work));
        (&mut task.0)
            .await
            .unwrap_or_else(|error| Err(TlsFault::internal(error)))
    }
}

/// A task that ends with whoever waits for it.
struct Ending<T>(JoinHandle<T>);

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One for each processor, as far as that helps the server of a fleet: they take what votes leave over.
fn threads() -> usize {
    let processors = std::thread::available_parallelism();
    processors.map_or(1, NonZero::get).min(THREADS_MAX)
}

/// With so many, a fleet of 10,000 clients is back in less than a second.
const THREADS_MAX: usize = 16;

/// Handshakes under way; others wait for their turn. One takes some fifty kilobytes.
const AT_ONCE: usize = 1024;

/// Handshakes that have just begun, for each thread: more than it can compute while clients answer.
const TURNS: usize = 64;

/// How soon the next may begin although this one is not done. Most clients answer sooner.
const TURN: Duration = Duration::from_millis(250);

/// How long a handshake may take once it is its turn. Clients give up after eight seconds by default.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use libqdevice::certs::{Authority, Credential, DenyList, KeyKind, generate_key};
    use libqdevice::tls::ClientCertificate;
    use tokio::net::{TcpListener, TcpStream};

    fn acceptor() -> Acceptor {
        let key = || generate_key(KeyKind::P256).unwrap();
        let authority = Authority::new(key(), chrono::Utc::now()).unwrap();
        let key = key();
        let certificate = authority.certify_server(&key, chrono::Utc::now()).unwrap();
        let anchors = [authority.certificate().to_owned()];
        let list = DenyList::default();
        let own = Credential { certificate, key };
        Acceptor::new(&own, &anchors, list, ClientCertificate::NotAsked).unwrap()
    }

    fn handshake(acceptor: &Acceptor, places: &Arc<Semaphore>) -> Handshake {
        Handshake {
            acceptor: acceptor.clone(),
            handshakes: Handshakes {
                threads: Handle::current(),
                places: Arc::clone(places),
                turns: Arc::new(Semaphore::new(1)),
            },
        }
    }

    async fn connection() -> (TcpStream, Framed<Transport>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        let far = Transport::Plain(far.unwrap().0);
        (near.unwrap(), Framed::new(far, 100))
    }

    #[test]
    fn handshakes_have_a_thread_for_each_processor_within_bounds() {
        let (runtime, _handshakes) = Handshakes::start().unwrap();
        let processors = std::thread::available_parallelism().unwrap().get();
        let threads = runtime.metrics().num_workers();
        assert_eq!(threads, processors.min(16));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_go_on_is_given_up_and_makes_room_for_the_next() {
        let (acceptor, places) = (acceptor(), Arc::new(Semaphore::new(1)));
        let (_near, far) = connection().await;
        let (_other_near, other_far) = connection().await;
        let began = tokio::time::Instant::now();
        let (one, other) = tokio::join!(
            handshake(&acceptor, &places).run(far),
            handshake(&acceptor, &places).run(other_far)
        );
        let text = "it took longer than 10 seconds";
        assert_eq!(one.unwrap_err().to_string(), text);
        assert_eq!(other.unwrap_err().to_string(), text);
        // One after the other, as there is one place.
        assert!(began.elapsed() >= 2 * PATIENCE);
        assert_eq!(places.available_permits(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_go_on_holds_others_up_for_a_moment_only() {
        let (acceptor, places) = (acceptor(), Arc::new(Semaphore::new(2)));
        let (_near, far) = connection().await;
        let (_other_near, other_far) = connection().await;
        let one = handshake(&acceptor, &places);
        let other = Handshake {
            handshakes: one.handshakes.clone(),
            ..handshake(&acceptor, &places)
        };
        let began = tokio::time::Instant::now();
        let (one, other) = tokio::join!(one.run(far), other.run(other_far));
        assert!(one.is_err() && other.is_err());
        let waited = began.elapsed();
        assert!(
            waited >= PATIENCE + TURN && waited < PATIENCE + 2 * TURN,
            "{waited:?}"
        );
    }

    #[tokio::test]
    async fn a_handshake_that_nobody_waits_for_any_more_ends() {
        let (acceptor, places) = (acceptor(), Arc::new(Semaphore::new(1)));
        let (_near, far) = connection().await;
        {
            let work = handshake(&acceptor, &places).run(far);
            tokio::pin!(work);
            tokio::select! {
                biased;
                _ = &mut work => panic!("it cannot be over"),
                () = tokio::task::yield_now() => {}
            }
        }
        let _place = places.acquire().await.unwrap();
    }
}
