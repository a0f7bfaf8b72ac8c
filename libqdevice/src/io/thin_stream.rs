use rustix::net::sockopt;
use std::io;
use std::os::fd::AsFd;

/// Makes the kernel send small messages at once, and send them again soon when the network has lost them.
///
/// Normally TCP doubles the time between two attempts: after 6.5 s without a network the next attempt may
/// be another 6 s away, and a lease that had survived the stall is lost to it. With linear timeouts the
/// first six attempts have the same distance, so that the gaps up to then stay short. The kernel grants
/// them to a stream whose congestion control knows a slow start that is over; BBR does not, so the one
/// that every kernel has is asked for. Nothing is lost by it: there is never more than one small message
/// on its way.
///
/// There is no `TCP_USER_TIMEOUT`: both sides give a silent connection up by themselves, at a moment that
/// the kernel does not know.
///
/// What a listening socket accepts inherits all of it.
///
/// # Errors
///
/// The first that the kernel reports; the connection works all the same.
pub fn tune(socket: &impl AsFd) -> io::Result<()> {
    sockopt::set_tcp_nodelay(socket, true)?;
    sockopt::set_tcp_thin_linear_timeouts(socket, true)?;
    sockopt::set_tcp_congestion(socket, "reno")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn small_messages_neither_wait_nor_back_off() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        tune(&stream).unwrap();
        assert!(stream.nodelay().unwrap());
        assert!(sockopt::tcp_thin_linear_timeouts(&stream).unwrap());
        assert_eq!(sockopt::tcp_congestion(&stream).unwrap(), "reno");
    }
}
