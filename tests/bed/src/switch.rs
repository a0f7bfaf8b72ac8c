//! The network of a bed: a bridge in a namespace of its own, with one port per host. The machine's
//! own network sees none of it, so that beds beside each other can use the same names and addresses.

use crate::host::Host;
use anyhow::Result;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// The bridge.
#[derive(Debug)]
pub struct Switch {
    host: Host,
}

/// Whether a cable is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cable {
    /// It is: the host reaches the others.
    Plugged,
    /// It is not: the host is alone.
    Pulled,
}

impl Switch {
    /// Makes a bridge without ports.
    pub fn new(bed: &Path, folder: PathBuf) -> Result<Self> {
        let host = Host::new(bed, folder)?;
        let bridge = [
            "link",
            "add",
            BRIDGE,
            "type",
            "bridge",
            "forward_delay",
            "0",
        ];
        host.succeed("ip", &bridge)?;
        host.succeed("ip", &["link", "set", BRIDGE, "up"])?;
        Ok(Self { host })
    }

    /// Connects a host, which gets the address on its `eth0`. The port has the host's name.
    pub fn connect(&self, host: &Host, address: Ipv4Addr) -> Result<()> {
        let (port, pid) = (host.name(), host.pid().to_string());
        let mut pair = vec!["link", "add", port, "master", BRIDGE, "type", "veth"];
        pair.extend(["peer", "name", "eth0", "netns", &pid]);
        self.host.succeed("ip", &pair)?;
        self.set_cable(host, Cable::Plugged)?;
        let address = format!("{address}/24");
        host.succeed("ip", &["address", "add", &address, "dev", "eth0"])?;
        host.succeed("ip", &["link", "set", "eth0", "up"])?;
        Ok(())
    }

    /// Plugs a host's cable in or pulls it.
    pub fn set_cable(&self, host: &Host, cable: Cable) -> Result<()> {
        let state = match cable {
            Cable::Plugged => "up",
            Cable::Pulled => "down",
        };
        self.host
            .succeed("ip", &["link", "set", host.name(), state])?;
        Ok(())
    }
}

const BRIDGE: &str = "bridge0";
