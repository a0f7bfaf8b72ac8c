//! A server on the port of qnetd that is none.

use anyhow::{Result, bail};
use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::str::FromStr;
use std::thread;

/// What such a server does with whoever connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pretence {
    /// It answers with something that begins like a message and is none.
    Garbage,
    /// It listens, and never says anything.
    Mute,
    /// It closes the connection.
    Closed,
}

/// Serves until it is killed.
pub fn pretend(pretence: Pretence) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT))?;
    for stream in listener.incoming() {
        let stream = stream?;
        // One thread for each, as nobody who connects may wait for the others.
        thread::spawn(move || meet(stream, pretence));
    }
    Ok(())
}

const PORT: u16 = 5403;

/// The answer to PREINIT, with an option that is longer than the message. A message of unknown type would
/// end the C qdevice.
const GARBAGE: [u8; 10] = [0, 1, 0, 0, 0, 4, 0, 0, 0xff, 0xff];

fn meet(mut stream: TcpStream, pretence: Pretence) {
    match pretence {
        Pretence::Closed => return,
        Pretence::Mute => {}
        // It may be gone already.
        Pretence::Garbage => drop(stream.write_all(&GARBAGE)),
    }
    while stream.read(&mut [0; 512]).is_ok_and(|read| read > 0) {}
}

impl fmt::Display for Pretence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Garbage => "garbage",
            Self::Mute => "mute",
            Self::Closed => "closed",
        })
    }
}

impl FromStr for Pretence {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        for one in [Self::Garbage, Self::Mute, Self::Closed] {
            if one.to_string() == text {
                return Ok(one);
            }
        }
        bail!("no such pretence: {text}")
    }
}
