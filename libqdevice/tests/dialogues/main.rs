//! Both machines against each other: a server, nodes and their links, without sockets or clocks.

mod fifty_fifty;
mod last_man;
mod world;
