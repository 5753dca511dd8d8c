//! The identity of a client's connection, as a handler sees it.

use std::net::SocketAddr;

/// A connection of a client: its number and the addresses of both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    id: u64,
    peer: SocketAddr,
    local: SocketAddr,
}

impl Connection {
    /// Makes a connection from its parts. The server makes one for each client; tests of a handler make their own.
    pub fn new(id: u64, peer: SocketAddr, local: SocketAddr) -> Self {
        Self { id, peer: canonical(peer), local: canonical(local) }
    }

    /// The number of the connection. A server numbers its connections from 0 and uses no number twice.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The address of the client. If an IPv4 client connects to an IPv6 listener, this is the IPv4 address.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The address of the server to which the client connected, in the same address family as
    /// [`peer`](Self::peer).
    pub fn local(&self) -> SocketAddr {
        self.local
    }
}

/// Turns an IPv4-mapped IPv6 address into the IPv4 address: an IPv6 listener reports an IPv4 client as
/// `::ffff:127.0.0.1`.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_shown_as_an_ipv4_address() {
        let check = |given: &str, expected: &str| {
            assert_eq!(canonical(given.parse().unwrap()).to_string(), expected);
        };
        check("[::ffff:127.0.0.1]:80", "127.0.0.1:80");
        check("[::1]:80", "[::1]:80");
        check("127.0.0.1:80", "127.0.0.1:80");
    }
}
