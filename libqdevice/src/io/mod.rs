//! What daemons and tools share that touches the system. Feature `io`.
//!
//! Not here: anything that decides. These modules read clocks, move bytes, lock and log.

pub mod clock;
pub mod log;
#[cfg(test)]
mod test_dir;
